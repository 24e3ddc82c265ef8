//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// directory is an open data directory.
type directory struct {
	db      *store.DB
	catalog *catalog.Catalog
}

func open(dir string) (*directory, error) {
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		return nil, err
	}
	c, err := catalog.Open(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &directory{db, c}, nil
}

// run gives a run, which is made when it is new.
func (d *directory) run(project, name string) (*catalog.Run, error) {
	run, _, err := d.catalog.InitRun(catalog.RunSpec{
		Workspace: workspace, Project: project, Run: name, CreateWorkspace: true, CreateProject: true,
	})
	return run, err
}

type ingested struct {
	Points         uint64  `json:"points"`
	Seconds        float64 `json:"seconds"` // without waiting for values, settling included
	PerSecond      float64 `json:"points_per_second"`
	DurableSeconds float64 `json:"durable_seconds"` // until the last acknowledgement
	CPU            float64 `json:"cpu_ns_per_point"`
	DurableCPU     float64 `json:"durable_cpu_ns_per_point"`
	AckedBytes     float64 `json:"acked_bytes_per_point"` // tables, segments and log
	SettledBytes   float64 `json:"settled_bytes_per_point"`
	DiskBytes      float64 `json:"disk_bytes_per_point"` // all files after closing, logs kept for reuse too
	PeakMB         float64 `json:"peak_rss_mb"`
	CloseSeconds   float64 `json:"close_seconds"`
}

// ingest logs what comes from stdin, and waits until it is durable, rolled up
// and compacted. The CPU of the whole process counts, without that of reading the
// values.
func ingest(args []string) (any, error) {
	flags := flag.NewFlagSet("ingest", flag.ExitOnError)
	dir := flags.String("dir", "", "the data directory")
	name := flags.String("run", "rl", "the run")
	how := flags.String("layout", "rl", "rl or std")
	points := flags.Int("points", 100_000_000, "how many, rounded up to whole batches")
	dieAfter := flags.Int("die-after", 0, "kill this process after so many points")
	_ = flags.Parse(args) // exits by itself
	log, known := layouts[*how]
	if !known {
		return nil, fmt.Errorf("layout %q: want rl or std", *how)
	}
	d, err := open(*dir)
	if err != nil {
		return nil, err
	}
	run, err := d.run(project, *name)
	if err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	meter := feeding{directory: d, dir: *dir, batches: batchesOf(*points), dieAfter: *dieAfter, source: newReader(os.Stdin)}
	figures, err := meter.measure(run, log)
	start := time.Now()
	if err := errors.Join(err, d.db.Close()); err != nil {
		return nil, err
	}
	figures.CloseSeconds = time.Since(start).Seconds()
	occupied, err := onDisk(*dir)
	figures.DiskBytes = float64(occupied-meter.occupied) / float64(figures.Points)
	return figures, err
}

type feeding struct {
	*directory

	dir      string
	batches  int
	dieAfter int
	source   *reader
	before   store.Stats
	occupied int64
}

func (m *feeding) measure(run *catalog.Run, log layout) (f *ingested, err error) {
	points, err := run.Points()
	if err != nil {
		return nil, err
	}
	if m.before, err = m.db.Stats(); err != nil {
		return nil, err
	}
	if m.occupied, err = onDisk(m.dir); err != nil {
		return nil, err
	}
	r := newRequests(points)
	cpu, err := cpuTime()
	if err != nil {
		return nil, err
	}
	durable, err := m.feed(r, log)
	if err != nil {
		return nil, err
	}
	f = &ingested{DurableSeconds: durable.Seconds()}
	n := float64(m.batches) * batchPoints
	acked, err := cpuTime()
	if err != nil {
		return nil, err
	}
	stored, err := m.db.Stats()
	if err != nil {
		return nil, err
	}
	f.AckedBytes = float64(stored.Bytes-m.before.Bytes) / n
	start := time.Now()
	if err := m.db.Settle(context.Background()); err != nil {
		return nil, err
	}
	f.Seconds = (durable + time.Since(start)).Seconds()
	settled, err := cpuTime()
	if err != nil {
		return nil, err
	}
	cpu += m.source.cpu
	f.DurableCPU, f.CPU = float64((acked-cpu).Nanoseconds())/n, float64((settled-cpu).Nanoseconds())/n
	f.PerSecond = n / f.Seconds
	return f, m.check(f, n)
}

// feed logs all batches and gives how long that took, without waiting for values.
func (m *feeding) feed(r *requests, log layout) (taken time.Duration, err error) {
	start := time.Now()
	for batch := range m.batches {
		if err := r.log(log, batch, m.source); err != nil {
			return 0, fmt.Errorf("batch %d of %d: %w", batch, m.batches, noEOF(err))
		}
		if m.dieAfter > 0 && (batch+1)*batchPoints >= m.dieAfter {
			return 0, syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	err = r.drain()
	return time.Since(start) - m.source.waited, err
}

// noEOF makes the end of the values an error that cannot be mistaken for success.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// check makes sure that every point is there, once.
func (m *feeding) check(f *ingested, n float64) (err error) {
	after, err := m.db.Stats()
	if err != nil {
		return err
	}
	f.Points = after.Points - m.before.Points
	if f.Points != uint64(n) {
		return fmt.Errorf("%d points are stored of %.0f", f.Points, n)
	}
	f.SettledBytes = float64(after.Bytes-m.before.Bytes) / n
	f.PeakMB, err = memory(os.Getpid(), "VmHWM")
	return err
}

// openDirectory measures opening: until it is open, and until every run of it is
// ready to be read.
func openDirectory(args []string) (any, error) {
	flags := flag.NewFlagSet("open", flag.ExitOnError)
	dir := flags.String("dir", "", "the data directory")
	_ = flags.Parse(args) // exits by itself
	start := time.Now()
	d, err := open(*dir)
	if err != nil {
		return nil, err
	}
	opened := time.Since(start)
	stats, err := d.db.Stats()
	ready := time.Since(start)
	if err := errors.Join(err, d.db.Close()); err != nil {
		return nil, err
	}
	peak, err := memory(os.Getpid(), "VmHWM")
	return map[string]any{
		"open_seconds": opened.Seconds(), "ready_seconds": ready.Seconds(), "points": stats.Points, "peak_rss_mb": peak,
	}, err
}
