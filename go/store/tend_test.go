package store

import (
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/point"
)

const (
	fewHeads    = 1 << 20 // limit of all heads in these tests
	manyPoints  = 32 << 10
	oneHead     = 8*manyPoints + 1024 // more than manyPoints take
	manyRuns    = 12                  // together three times the limit
	ofThisStore = 1
)

func numbered(t *testing.T, db *DB, n int) *Run {
	t.Helper()
	r, err := db.Run(RunID{ofThisStore, byte(n)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// log adds n points to a run.
func log(t *testing.T, r *Run, n int) {
	t.Helper()
	commit(t, r, func(tx *Tx) {
		first := uint64(r.points)
		tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Values: make([]float64, n)})
	})
}

func isBounded(t *testing.T, db *DB) {
	t.Helper()
	if bytes := db.headBytes.Load(); bytes > fewHeads+oneHead {
		t.Fatalf("heads take %d bytes", bytes)
	}
}

func holds(t *testing.T, r *Run, points int) {
	t.Helper()
	if got, err := r.Points(1, 0, math.MaxUint64); err != nil || len(got.Values) != points {
		t.Fatalf("run %s holds %d points, want %d (%v)", r.id, len(got.Values), points, err)
	}
}

// Runs that ended without a word must not fill the memory, nor make a run that
// goes on pay for it.
func TestLargeHeadsMakeRoomForOthers(t *testing.T) {
	db := openOn(t, vfs.NewMem())
	defer closed(t, db)
	db.maxHeads = fewHeads
	small := numbered(t, db, 0)
	for n := range manyRuns {
		log(t, numbered(t, db, n+1), manyPoints)
		log(t, small, 1)
		isBounded(t, db)
	}
	if stats := small.Stats(); stats.Segments > 0 {
		t.Errorf("the small run was rolled: %+v", stats)
	}
	holds(t, small, manyRuns)
	for n := range manyRuns {
		holds(t, numbered(t, db, n+1), manyPoints)
	}
}

// After a crash every run has a journal, and a listing reads them all.
func TestJournalsAreReadWithinTheLimit(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	for n := range manyRuns {
		log(t, numbered(t, db, n), manyPoints)
	}
	crashed := disk.CrashClone(vfs.CrashCloneCfg{})
	closed(t, db)
	db = openOn(t, crashed)
	defer closed(t, db)
	db.maxHeads = fewHeads
	for n := range manyRuns {
		holds(t, numbered(t, db, n), manyPoints)
		isBounded(t, db)
	}
}

// When the disk takes no segments, points are not refused.
func TestHeadsThatCannotBeRolledGrow(t *testing.T) {
	disk := newFailingSegments()
	db := openOn(t, disk)
	defer closed(t, db)
	db.maxInline = 0
	db.maxHeads = fewHeads
	disk.failing.Store(true)
	for n := range manyRuns {
		log(t, numbered(t, db, n), manyPoints)
	}
	disk.failing.Store(false)
	log(t, numbered(t, db, 0), 1)
	isBounded(t, db)
	holds(t, numbered(t, db, 0), manyPoints+1)
}

func TestIdleRunsAreRolled(t *testing.T) {
	db := openOn(t, vfs.NewMem())
	defer closed(t, db)
	rounds := func(n int) {
		for range n {
			db.rollIdle()
		}
	}
	is := func(what string, r *Run, rolled bool) {
		t.Helper()
		if held := r.held.Load(); (held == 0) != rolled {
			t.Errorf("%s: %d bytes in memory", what, held)
		}
	}
	large, small, last, again := numbered(t, db, 1), numbered(t, db, 2), numbered(t, db, 3), numbered(t, db, 4)
	log(t, large, largeHead/shortBytes)
	log(t, small, 1)
	rounds(largeHeadIdle - 1)
	is("a large head, soon", large, false)
	rounds(1)
	is("a large head", large, true)
	is("a small head, soon", small, false)
	for _, r := range []*Run{last, again} {
		commit(t, r, func(tx *Tx) {
			tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Values: []float64{1}})
			tx.Last()
		})
	}
	log(t, again, 1)
	rounds(1)
	is("after the last Tx", last, true)
	is("after a Tx behind the last", again, false)
	rounds(anyHeadIdle - largeHeadIdle - 1)
	is("a small head", small, true)
	holds(t, large, largeHead/shortBytes)
	holds(t, small, 1)
}
