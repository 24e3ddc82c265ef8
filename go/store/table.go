package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Tables of blocks are written beside Pebble's own files under names that begin
// so, and handed over whole; one that a crash left behind is removed at the next
// start.
const tablePrefix = "roll-"

// table is a file of blocks on its way into Pebble. Blocks go there without
// passing through the write-ahead log and the memtables, because the journal has
// their points until the roll is over: each byte is written once instead of
// three or four times.
type table struct {
	db     *DB
	path   string
	writer *sstable.Writer
}

func (db *DB) newTable(id RunID, number uint64) (*table, error) {
	t := &table{db: db, path: db.fs.PathJoin(db.dir, fmt.Sprintf("%s%s-%d", tablePrefix, id, number))}
	file, err := db.fs.Create(t.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	options := pebbleOptions(db.fs, db.log, false).MakeWriterOptions(6, db.pebble.FormatMajorVersion().MaxTableFormat())
	t.writer = sstable.NewWriter(objstorageprovider.NewFileWritable(file), options)
	return t, nil
}

// add writes one block; keys must ascend.
func (t *table) add(key, value []byte) error { return t.writer.Set(key, value) }

// ingest makes the blocks part of the database, durably. No one reads them
// before a state record names them.
func (t *table) ingest() error {
	if err := t.writer.Close(); err != nil {
		return errors.Join(err, t.db.fs.Remove(t.path))
	}
	if err := t.db.pebble.Ingest(context.Background(), []string{t.path}); err != nil {
		return errors.Join(err, t.db.fs.Remove(t.path))
	}
	return nil
}

// abandon removes a table that could not be finished.
func (t *table) abandon() error {
	return errors.Join(t.writer.Close(), t.db.fs.Remove(t.path))
}

// removeTables clears away what a crash left.
func (db *DB) removeTables() error {
	names, err := db.fs.List(db.dir)
	if err != nil {
		return fmt.Errorf("store: listing %s: %w", db.dir, err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, tablePrefix) {
			continue
		}
		if err := db.fs.Remove(db.fs.PathJoin(db.dir, name)); err != nil {
			return fmt.Errorf("store: removing an unfinished table: %w", err)
		}
	}
	return nil
}

// putInPlace is the last step of a roll: one small atomic write that names the
// new blocks and removes the journal records whose points they hold.
func (job *roll) putInPlace(state []byte) error {
	id := job.run.id
	batch := job.run.db.pebble.NewBatch()
	err := batch.Set(stateKey(id), state, nil)
	if err == nil {
		err = batch.DeleteRange(journalKey(id, 0), journalKey(id, job.upTo), nil)
	}
	if err == nil {
		// No sync: until the disk has it, it has the journal.
		err = batch.Commit(pebble.NoSync)
	}
	return errors.Join(err, batch.Close())
}
