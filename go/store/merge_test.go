package store

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/point"
)

func named(name string) point.Series { return point.Series{Name: name, Scale: point.ScaleMLStep} }

// Cells shorter and longer than a block keep their points through merges.
func TestMergesKeepEveryCellApart(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	want := make(map[string][]float64)
	random := rand.New(rand.NewPCG(4, 4))
	for range 12 {
		commit(t, r, func(tx *Tx) {
			for name, n := range map[string]int{"long": 7000, "middle": 900, "short": 400} {
				values := make([]float64, n)
				for i := range values {
					values[i] = random.NormFloat64()
				}
				first := uint64(len(want[name]))
				tx.Append(tx.Series(named(name), point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Values: values})
				want[name] = append(want[name], values...)
			}
		})
		must(t, r.settle(false))
	}
	must(t, r.settle(true))
	for name, values := range want {
		no, _ := r.FindSeries(named(name))
		points, err := r.Points(no, 0, math.MaxUint64)
		if err != nil || !slices.Equal(points.Values, values) {
			t.Errorf("%s: %d points, want %d (%v)", name, len(points.Values), len(values), err)
		}
		var part, timeless Columns
		err = r.PointsAt(&part, no, 300, 350, true)
		if err != nil || !slices.Equal(part.Values, values[300:350]) || part.Steps[0] != 300 || len(part.Times) != 50 {
			t.Errorf("%s: %v (%v)", name, part, err)
		}
		memory := &part.Values[:1][0]
		if err := r.PointsAt(&part, no, 310, 340, true); err != nil || !slices.Equal(part.Values, values[310:340]) || &part.Values[0] != memory {
			t.Errorf("%s: %v (%v)", name, part, err)
		}
		if err := r.PointsAt(&timeless, no, 310, 340, false); err != nil || !slices.Equal(timeless.Values, values[310:340]) || timeless.Times != nil {
			t.Errorf("%s without times: %v (%v)", name, timeless, err)
		}
	}
}

// What was merged away leaves neither records nor files behind, nor does a crash.
func TestNothingIsLeftOfMergedSegments(t *testing.T) {
	for _, inline := range []int{maxInline, 0} {
		dir := t.TempDir()
		db := open(t, dir)
		db.maxInline = inline
		r := runOf(t, db)
		for i := range uint64(5) {
			commit(t, r, func(tx *Tx) { request(tx, i) })
			must(t, r.settle(false))
		}
		must(t, r.settle(true))
		records := 0
		must(t, db.scan(runKey(r.id, kindSegment), func(_, _ []byte) error { records++; return nil }))
		files, _ := os.ReadDir(db.runDir(r.id))
		if records+len(files) != 1 {
			t.Errorf("%d records and %d files of one segment", records, len(files))
		}
		must(t, os.MkdirAll(db.runDir(r.id), 0o755))
		stray := db.segmentPath(r.id, 77)
		must(t, os.WriteFile(stray, []byte("half"), 0o600))
		closed(t, db)
		db = open(t, dir)
		checkRequests(t, runOf(t, db), 5)
		if _, err := os.Stat(stray); !os.IsNotExist(err) {
			t.Errorf("what a crash left is still there: %v", err)
		}
		closed(t, db)
	}
}

// A reader whose segments are merged away under its hands begins again.
func TestReadersOutliveMerges(t *testing.T) {
	for _, inline := range []int{maxInline, 0} {
		db := open(t, t.TempDir())
		db.maxInline = inline
		r := runOf(t, db)
		for i := range uint64(2) {
			commit(t, r, func(tx *Tx) { request(tx, i) })
			must(t, r.settle(false))
		}
		looks := 0
		var values []float64
		must(t, r.look(1, 0, func(v view) error {
			if looks++; looks == 1 {
				must(t, r.settle(true))
			}
			all, err := r.gather(cellID{series: 1}, v, func(blockInfo) bool { return true })
			values = all.values
			return err
		}))
		if looks != 2 || len(values) != 6 {
			t.Errorf("%d values after %d looks", len(values), looks)
		}
		closed(t, db)
	}
}
