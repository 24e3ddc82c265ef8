package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func noRecords(RecordWriter) error { return nil }

func listed(t *testing.T, db *DB, id RunID) bool {
	t.Helper()
	ids, err := db.runIDs()
	must(t, err)
	for _, one := range ids {
		if one == id {
			return true
		}
	}
	return false
}

func TestDeletedRunsAreGoneAndOthersStay(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	db.maxInline = 0
	gone, stays := numbered(t, db, 1), numbered(t, db, 2)
	for range 3 {
		log(t, gone, 5)
		log(t, stays, 5)
		must(t, gone.settle(false))
	}
	log(t, gone, 5)
	must(t, db.WriteRecords(func(w RecordWriter) error {
		return errors.Join(w.Put([]byte("a1"), nil), w.Put([]byte("a2"), nil), w.Put([]byte("b"), nil))
	}))
	open := gone.Begin()
	deleted := make(chan error)
	go func() { // it waits for the open Tx
		deleted <- db.DeleteRun(gone.id, func(w RecordWriter) error { return w.DeletePrefix([]byte("a")) })
	}()
	request(open, 100)
	if _, err := open.Commit(); err != nil && !errors.Is(err, ErrDeleted) {
		t.Fatal(err)
	}
	must(t, <-deleted)
	if _, err := gone.Points(1, 0, 9); !errors.Is(err, ErrDeleted) {
		t.Errorf("a reader got %v", err)
	}
	tx := gone.Begin()
	request(tx, 101)
	if _, err := tx.Commit(); !errors.Is(err, ErrDeleted) {
		t.Errorf("a writer got %v", err)
	}
	if _, err := db.Run(gone.id); !errors.Is(err, ErrDeleted) {
		t.Errorf("who asks for it got %v", err)
	}
	if names, err := disk.List(db.runDir(gone.id)); err == nil {
		t.Errorf("files are left: %v", names)
	}
	for range 3 { // tombstones go when no journal tells of the run any more
		holds(t, numbered(t, db, 2), 15)
		if listed(t, db, gone.id) {
			t.Error("it is listed")
		}
		again := crashed(disk)
		closed(t, db)
		disk = again
		db = openOn(t, disk)
	}
	for key, want := range map[string]bool{"a1": false, "a2": false, "b": true} {
		if _, found, err := db.Record([]byte(key)); err != nil || found != want {
			t.Errorf("record %s: %t, %v", key, found, err)
		}
	}
	must(t, db.Settle(t.Context()))
	closed(t, db)
	for range 2 {
		db = openOn(t, disk)
		closed(t, db)
	}
	db = openOn(t, disk)
	defer closed(t, db)
	if _, found, err := db.get(tombstoneKey(gone.id)); found || err != nil {
		t.Errorf("the tombstone is still there, %v", err)
	}
}

// The power may go at any write of a deletion: the run is whole, or not there.
func TestCrashWhileARunIsDeleted(t *testing.T) {
	for _, inline := range []int{maxInline, 0} {
		mem := &crashFS{MemFS: vfs.NewCrashableMem()}
		var watching atomic.Bool
		taken := make(chan *vfs.MemFS, 1<<10)
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && watching.Load() {
				taken <- mem.CrashClone(vfs.CrashCloneCfg{})
			}
			return nil
		}))
		db := openOn(t, fs)
		db.maxInline = inline
		gone, stays := numbered(t, db, 1), numbered(t, db, 2)
		for range 2 {
			log(t, gone, 5)
			log(t, stays, 5)
			must(t, gone.settle(false))
		}
		log(t, gone, 5)
		watching.Store(true)
		must(t, db.DeleteRun(gone.id, noRecords))
		taken <- mem.CrashClone(vfs.CrashCloneCfg{})
		watching.Store(false)
		closed(t, db)
		close(taken)
		outcomes := make(map[bool]int)
		for disk := range taken {
			db := openOn(t, disk)
			there := listed(t, db, gone.id)
			outcomes[there]++
			if there {
				holds(t, numbered(t, db, 1), 15)
			}
			holds(t, numbered(t, db, 2), 10)
			_, err := db.Check(t.Context(), func(fault error) { t.Error(fault) })
			must(t, err)
			closed(t, db)
		}
		if outcomes[true] == 0 || outcomes[false] == 0 {
			t.Errorf("outcomes: %v", fmt.Sprint(outcomes))
		}
	}
}
