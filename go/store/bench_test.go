package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/metrana/metrana/go/point"
)

// BenchmarkBursts ingests what 1,024 environments log in 16 metrics with 100
// steps a call, in requests of 1,300 stretches, rolls and compaction included.
func BenchmarkBursts(b *testing.B) {
	const environments, metrics, steps, perRequest = 1024, 16, 100, 1300
	random := rand.New(rand.NewPCG(1, 1))
	values := make([]float64, environments*steps)
	sum := 0.0
	for i := range values {
		sum += random.NormFloat64()
		values[i] = sum
	}
	db := open(b, b.TempDir())
	defer closed(b, db)
	r := runOf(b, db)
	var waiting []Pending
	points, rlStep := 0, uint64(0)
	for b.Loop() {
		tx := r.Begin()
		inRequest := 0
		for metric := range metrics {
			no := tx.Series(point.Series{Name: fmt.Sprintf("m%d", metric), Scale: point.ScaleEnvironmentStep}, point.Ordered)
			for env := range environments {
				batch := flat(rl(rlStep, rlStep/4, rlStep%4*steps, values[env*steps:(env+1)*steps]...))
				batch.Times.Millis = int64(rlStep * 1000)
				tx.AppendRL(no, tx.Environment(envNames[env]), batch, true)
				if inRequest++; inRequest == perRequest {
					inRequest = 0
					waiting = commitLater(b, tx, waiting)
					tx = r.Begin()
				}
			}
		}
		waiting = commitLater(b, tx, waiting)
		points += environments * metrics * steps
		rlStep++
	}
	for _, pending := range waiting {
		if err := pending.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(points), "ns/point")
	if err := db.Settle(context.Background()); err != nil {
		b.Fatal(err)
	}
	stats, err := db.Stats()
	if err != nil || stats.Points != uint64(points) {
		b.Fatalf("%d points stored, want %d (%v)", stats.Points, points, err)
	}
	b.ReportMetric(float64(stats.Bytes)/float64(points), "bytes/point")
}

var envNames = func() (names [1024]string) {
	for i := range names {
		names[i] = fmt.Sprintf("env-%04d", i)
	}
	return names
}()

// commitLater keeps at most 30 changes waiting for the disk, as a stream does.
func commitLater(b *testing.B, tx *Tx, waiting []Pending) []Pending {
	pending, err := tx.Commit()
	if err != nil {
		b.Fatal(err)
	}
	waiting = append(waiting, pending)
	if len(waiting) < 30 {
		return waiting
	}
	if err := waiting[0].Wait(); err != nil {
		b.Fatal(err)
	}
	return waiting[1:]
}
