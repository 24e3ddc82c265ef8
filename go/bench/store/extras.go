//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// What the further queries ask for.
const (
	longRun        = "long"
	longSeries     = "loss"
	longPoints     = 10_000_000
	manyRun        = "many"
	manyMetrics    = 100_000
	tableProject   = "table"
	tableRuns      = 10_000
	extraPerCommit = 10_000
)

// extras adds a run with one series of ten million points, a run of 100,000
// metrics and a project of 10,000 runs.
func extras(args []string) (any, error) { return filled("extras", args, makeLong, makeMany, makeTable) }

// filled fills a directory and says how long that took.
func filled(command string, args []string, fills ...func(*directory) error) (any, error) {
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	dir := flags.String("dir", "", "the data directory")
	_ = flags.Parse(args) // exits by itself
	d, err := open(*dir)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	for _, fill := range fills {
		if err = fill(d); err != nil {
			break
		}
	}
	if err == nil {
		err = d.db.Settle(context.Background())
	}
	err = errors.Join(err, d.db.Close())
	return map[string]any{"seconds": time.Since(start).Seconds()}, err
}

func (d *directory) pointsOf(project, name string) (*store.Run, error) {
	run, err := d.run(project, name)
	if err != nil {
		return nil, err
	}
	return run.Points()
}

func makeLong(d *directory) error {
	run, err := d.pointsOf(project, longRun)
	if err != nil {
		return err
	}
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	r := newRequests(run)
	for at := 0; at < longPoints; {
		values := m.batch()
		for len(values) > 0 && at < longPoints {
			n := min(len(values), extraPerCommit, longPoints-at)
			r.tx = run.Begin()
			r.tx.Append(r.tx.Series(ordinary(longSeries), point.Ordered), 1, point.Batch{
				Steps: point.Steps{First: uint64(at)}, Times: point.Times{Millis: firstTime + int64(at)}, Values: values[:n],
			})
			if err := r.commit(); err != nil {
				return err
			}
			values, at = values[n:], at+n
		}
	}
	return r.drain()
}

func ordinary(name string) point.Series { return point.Series{Name: name, Scale: point.ScaleMLStep} }

func makeMany(d *directory) error {
	run, err := d.pointsOf(project, manyRun)
	if err != nil {
		return err
	}
	r := newRequests(run)
	for from := 0; from < manyMetrics; from += extraPerCommit {
		r.tx = run.Begin()
		for i := from; i < from+extraPerCommit; i++ {
			logOne(r.tx, fmt.Sprintf("layer/%03d/unit/%03d", i/1000, i%1000), 0, float64(i))
		}
		if err := r.commit(); err != nil {
			return err
		}
	}
	return r.drain()
}

func logOne(tx *store.Tx, metric string, step uint64, value float64) {
	tx.Append(tx.Series(ordinary(metric), point.Ordered), 1, point.Batch{
		Steps: point.Steps{First: step}, Times: point.Times{Millis: firstTime}, Values: []float64{value},
	})
}

func makeTable(d *directory) error {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range tableRuns {
		run, err := d.run(tableProject, fmt.Sprintf("run-%05d", i))
		if err != nil {
			return err
		}
		edit, err := run.Begin()
		if err != nil {
			return err
		}
		rate, size := random.Float64(), int64(1<<random.IntN(8))
		edit.Attributes([]catalog.Update{
			{Path: "config/lr", Value: &catalog.Value{Kind: catalog.KindFloat, Float: rate}},
			{Path: "config/batch_size", Value: &catalog.Value{Kind: catalog.KindInt, Int: size}},
		})
		for step := range uint64(10) {
			logOne(edit.Tx, longSeries, step, random.NormFloat64())
		}
		edit.Logged()
		if _, err := edit.Commit(time.UnixMilli(firstTime)); err != nil {
			return err // that it is durable is seen to by what is committed later
		}
	}
	return nil
}

// sparse measures the bytes of many short series: 16,384 with 3 points each.
func sparse(args []string) (any, error) {
	flags := flag.NewFlagSet("sparse", flag.ExitOnError)
	dir := flags.String("dir", "", "an empty data directory")
	_ = flags.Parse(args) // exits by itself
	d, err := open(*dir)
	if err != nil {
		return nil, err
	}
	err = makeSparse(d)
	if err == nil {
		err = d.db.Settle(context.Background())
	}
	stats, statsErr := d.db.Stats()
	if err := errors.Join(err, statsErr, d.db.Close()); err != nil {
		return nil, err
	}
	occupied, err := onDisk(*dir)
	n := float64(stats.Points)
	return map[string]any{
		"points": stats.Points, "bytes_per_point": float64(stats.Bytes) / n, "disk_bytes_per_point": float64(occupied) / n,
	}, err
}

func makeSparse(d *directory) error {
	run, err := d.pointsOf(project, "sparse")
	if err != nil {
		return err
	}
	r := newRequests(run)
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	values := m.batch()
	for step := range uint64(3) {
		r.tx = run.Begin()
		for i := range seriesCount {
			logOne(r.tx, fmt.Sprintf("metric-%05d", i), step, values[i*steps+int(step)])
			if err := r.next(1); err != nil {
				return err
			}
		}
		if err := r.commit(); err != nil {
			return err
		}
	}
	return r.drain()
}
