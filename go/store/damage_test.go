package store

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// failingDisk is a disk in memory on which some things fail while it is told so.
type failingDisk struct {
	vfs.FS

	failing atomic.Bool
}

func newFailingDisk(what func(op errorfs.Op) bool) *failingDisk {
	f := &failingDisk{}
	f.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if f.failing.Load() && what(op) {
			return errorfs.ErrInjected
		}
		return nil
	}))
	return f
}

func newFailingReads() *failingDisk {
	return newFailingDisk(func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsRead })
}

// newFailingSegments has no room for segments.
func newFailingSegments() *failingDisk {
	return newFailingDisk(func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".seg")
	})
}

// onDisk makes a run of two requests whose records can only be had by reading.
func onDisk(t *testing.T, db *DB) *Run {
	t.Helper()
	r := runOf(t, db)
	for i := range uint64(2) {
		commit(t, r, func(tx *Tx) { request(tx, i) })
	}
	if err := errors.Join(r.settle(true), db.pebble.Flush()); err != nil {
		t.Fatal(err)
	}
	return r
}

func openOn(t *testing.T, fs vfs.FS) *DB {
	t.Helper()
	db, err := Open("data", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// A disk that fails for a moment must not lock a run up until the next start.
func TestRunThatCouldNotBeReadIsReadAgain(t *testing.T) {
	disk := newFailingReads()
	db := openOn(t, disk)
	defer closed(t, db)
	onDisk(t, db)
	db.forget(RunID{1})
	disk.failing.Store(true)
	if r, err := db.Run(RunID{1}); !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("got %v, %v", r, err)
	}
	disk.failing.Store(false)
	checkRequests(t, runOf(t, db), 2)
}

// The same where an undone Tx makes the run be read again: what is in hand says
// that it is broken, and the next one asked for is whole.
func TestRunLostByAnAbortIsReadAgain(t *testing.T) {
	disk := newFailingReads()
	db := openOn(t, disk)
	defer closed(t, db)
	lost := onDisk(t, db)
	tx := lost.Begin()
	request(tx, 2)
	disk.failing.Store(true)
	tx.Abort()
	if _, err := lost.Points(1, 0, math.MaxUint64); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("reading: %v", err)
	}
	disk.failing.Store(false)
	tx = lost.Begin()
	request(tx, 2)
	if _, err := tx.Commit(); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("writing: %v", err)
	}
	r := runOf(t, db)
	checkRequests(t, r, 2)
	commit(t, r, func(tx *Tx) { request(tx, 2) })
	checkRequests(t, r, 3)
	if r.db.headBytes.Load() != int64(r.headBytes) {
		t.Errorf("%d bytes of heads are counted, %d are there", r.db.headBytes.Load(), r.headBytes)
	}
}

// Of four runs the state of one and the journal of another are damaged: the
// others are settled and counted, and the error names the two.
func TestDamagedRunsAreNamedAndPassedOver(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	for n := range 3 {
		r := numbered(t, db, n)
		log(t, r, 5)
		if n == 0 {
			if err := r.settle(true); err != nil {
				t.Fatal(err)
			}
		}
	}
	must(t, db.pebble.Set(stateKey(RunID{ofThisStore, 0}), []byte("damaged"), pebble.Sync))
	ofRun1 := db.journal.of(RunID{ofThisStore, 1})[0]
	crashed := disk.CrashClone(vfs.CrashCloneCfg{})
	closed(t, db)
	// What is not whole at the end of the last file was never acknowledged; so
	// there is another file behind it.
	db = openOn(t, crashed)
	log(t, numbered(t, db, 3), 1)
	disk, crashed = crashed, crashed.CrashClone(vfs.CrashCloneCfg{})
	closed(t, db)
	change(t, crashed, db.journal.path(ofRun1.file), ofRun1.at)
	db = openOn(t, crashed)
	defer closed(t, db)
	names := func(err error) {
		t.Helper()
		if err == nil {
			t.Fatal("no error")
		}
		for n, named := range []bool{true, true, false} {
			if strings.Contains(err.Error(), RunID{ofThisStore, byte(n)}.String()) != named {
				t.Errorf("run %d: %v", n, err)
			}
		}
	}
	stats, err := db.Stats()
	names(err)
	if stats.Runs != 4 || stats.Damaged != 2 || stats.Points != 6 {
		t.Errorf("%+v", stats)
	}
	names(db.Settle(context.Background()))
	if s := numbered(t, db, 2).Stats(); s.Segments != 1 || s.HeadBytes != 0 {
		t.Errorf("the whole run is not settled: %+v", s)
	}
}
