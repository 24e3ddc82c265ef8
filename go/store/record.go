package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// RecordWriter writes small keyed records.
type RecordWriter interface {
	Put(key, value []byte) error
	Delete(key []byte) error
}

type recordWriter struct{ batch *pebble.Batch }

func (w recordWriter) Put(key, value []byte) error { return w.batch.Set(recordKey(key), value, nil) }
func (w recordWriter) Delete(key []byte) error     { return w.batch.Delete(recordKey(key), nil) }

// Record reads one record.
func (db *DB) Record(key []byte) ([]byte, bool, error) { return db.get(recordKey(key)) }

// Records calls visit for each record whose key begins with prefix, in order of
// keys. Key and value are only valid during the call.
func (db *DB) Records(prefix []byte, visit func(key, value []byte) error) error {
	return db.scan(recordKey(prefix), func(key, value []byte) error { return visit(key[1:], value) })
}

// WriteRecords applies what write puts and deletes, all or nothing, and returns
// when it is durable.
func (db *DB) WriteRecords(write func(RecordWriter) error) error {
	batch := db.pebble.NewBatch()
	if err := write(recordWriter{batch}); err != nil {
		return errors.Join(err, batch.Close())
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store: writing records: %w", errors.Join(err, batch.Close()))
	}
	return batch.Close()
}
