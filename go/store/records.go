package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// RecordWriter writes small keyed records: the catalog's.
type RecordWriter interface {
	Put(key, value []byte) error
	Delete(key []byte) error
	// DeletePrefix deletes all records whose keys begin so.
	DeletePrefix(prefix []byte) error
}

type recordWriter struct{ batch *pebble.Batch }

func (w recordWriter) Put(key, value []byte) error {
	return w.batch.Set(recordKey(key), sealed(append([]byte{}, value...)), nil)
}

func (w recordWriter) Delete(key []byte) error {
	return w.batch.Delete(recordKey(key), nil)
}

func (w recordWriter) DeletePrefix(prefix []byte) error {
	first := recordKey(prefix)
	return w.batch.DeleteRange(first, after(first), nil)
}

// Record reads the record that Put wrote under this key.
func (db *DB) Record(key []byte) (value []byte, found bool, err error) {
	record, found, err := db.get(recordKey(key))
	if err != nil || !found {
		return nil, false, err
	}
	if value, err = opened(record); err != nil {
		return nil, false, fmt.Errorf("store: record %q: %w", key, err)
	}
	return value, true, nil
}

// Records calls each for the records whose keys begin with prefix, in the order
// of their keys, until it returns an error. A record whose bytes are damaged comes
// without them, and with what is wrong. The slices are valid during the call only.
func (db *DB) Records(prefix []byte, each func(key, value []byte, damage error) error) error {
	return db.scan(recordKey(prefix), func(key, record []byte) error {
		value, damage := opened(record)
		return each(key[1:], value, damage)
	})
}

// WriteRecords writes what fill puts, all of it or nothing, and returns when it
// is durable.
func (db *DB) WriteRecords(fill func(w RecordWriter) error) error {
	batch := db.pebble.NewBatch()
	err := fill(recordWriter{batch})
	if err == nil {
		err = batch.Commit(pebble.Sync)
	}
	if err = errors.Join(err, batch.Close()); err != nil {
		return fmt.Errorf("store: writing records: %w", err)
	}
	return nil
}
