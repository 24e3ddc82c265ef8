package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// ErrDeleted is what everything about a run answers that was deleted.
var ErrDeleted = errors.New("store: the run was deleted")

// DeleteRun removes a run, also one that cannot be read, with the records that
// fill removes, in one atomic write, and gives its space back. It waits for the
// Tx, roll or merge under way; whoever holds the Run gets ErrDeleted from then on. Its id must
// never be used again.
//
// What is left of it in files of the journal that other runs need goes with them.
// Until then a tombstone tells the next start to pass it over.
func (db *DB) DeleteRun(id RunID, fill func(RecordWriter) error) error {
	r, err := db.Run(id)
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrDeleted) {
		return err
	}
	db.mu.Lock()
	db.gone[id] = true
	delete(db.runs, id)
	db.mu.Unlock()
	if r != nil {
		r.end(ErrDeleted)
	}
	if err := db.writeDeletion(id, fill); err != nil {
		db.mu.Lock()
		delete(db.gone, id) // the next DB.Run reads it again
		db.mu.Unlock()
		return fmt.Errorf("store: deleting run %s: %w", id, err)
	}
	db.cut.RLock()
	defer db.cut.RUnlock()
	if err := errors.Join(db.journal.forget(id, ^uint64(0), db.secure), db.removeFiles(id)); err != nil {
		// The next start tries again.
		db.log.Error("files of a deleted run stay", "run", id.String(), "error", err)
	}
	return nil
}

// end makes a Run useless, for this reason. It waits for what is under way.
func (r *Run) end(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait()
	r.broken = reason
	r.reset()
	r.generation++
}

func (db *DB) writeDeletion(id RunID, fill func(RecordWriter) error) error {
	prefix := append([]byte{prefixRun}, id[:]...)
	batch := db.pebble.NewBatch()
	err := errors.Join(
		batch.Set(tombstoneKey(id), nil, nil),
		batch.DeleteRange(prefix, after(prefix), nil),
		fill(recordWriter{batch}),
	)
	if err == nil {
		err = batch.Commit(pebble.Sync)
	}
	return errors.Join(err, batch.Close())
}

// removeFiles removes the segments of a deleted run.
func (db *DB) removeFiles(id RunID) error {
	dir := db.runDir(id)
	names, err := db.fs.List(dir)
	if err != nil {
		return nil //nolint:nilerr // most runs have no files, and no directory
	}
	var failed []error
	for _, name := range names {
		path := db.fs.PathJoin(dir, name)
		failed = append(failed, db.files.forget(path), db.fs.Remove(path))
	}
	return errors.Join(append(failed, db.fs.Remove(dir))...)
}

// bury goes through the tombstones when a directory is opened: it removes what a
// crash has left of deleted runs, and the tombstones that nothing needs any more.
func (db *DB) bury() error {
	var buried []RunID
	err := db.scan([]byte{prefixTombstone}, func(key, _ []byte) error {
		var id RunID
		copy(id[:], key[1:])
		db.gone[id] = true
		buried = append(buried, id)
		return nil
	})
	if err != nil || db.readOnly {
		for _, id := range buried {
			db.journal.drop(id, ^uint64(0))
		}
		return err
	}
	for _, id := range buried {
		if err := db.removeFiles(id); err != nil {
			return err
		}
		if len(db.journal.of(id)) > 0 {
			if err := db.journal.forget(id, ^uint64(0), db.secure); err != nil {
				return err
			}
		} else if err := db.pebble.Delete(tombstoneKey(id), pebble.NoSync); err != nil {
			return err
		}
	}
	return nil
}
