package store

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	pebbleCacheBytes = 64 << 20
	memTableBytes    = 8 << 20
)

// pebbleOptions: what we store is compressed already, so Pebble is told to leave
// it alone; records are large and few, so filters and small tables buy nothing.
func pebbleOptions(fs vfs.FS, log *slog.Logger, readOnly bool) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		ReadOnly:                    readOnly,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLogger{log},
		MemTableSize:                memTableBytes,
		CacheSize:                   pebbleCacheBytes,
		MemTableStopWritesThreshold: 4,
		EventListener:               &pebble.EventListener{DataCorruption: damagedTable(log)},
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	return o
}

// damagedTable names what Pebble finds damaged. Whoever reads there gets an error;
// left to itself Pebble would end the process, and with it all that is whole.
func damagedTable(log *slog.Logger) func(pebble.DataCorruptionInfo) {
	return func(info pebble.DataCorruptionInfo) {
		log.Error("pebble: a table is damaged", "file", info.Path, "error", info.Details.Error()) // the error itself is printed with its stacks
	}
}

// pebbleLogger hands Pebble's log to ours.
type pebbleLogger struct{ log *slog.Logger }

func (l pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is called where Pebble cannot go on, such as after a failed write of
// its log, and must not return. It panics, so that whoever embeds the store
// sees the reason and the stack instead of a silent exit.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	message := "pebble: " + fmt.Sprintf(format, args...)
	l.log.Error(message)
	panic(message)
}

// get reads one record.
func (db *DB) get(key []byte) (value []byte, found bool, err error) {
	v, closer, err := db.pebble.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("store: reading %q: %w", key, err)
	}
	value = append([]byte{}, v...)
	if err := closer.Close(); err != nil {
		return nil, false, fmt.Errorf("store: reading %q: %w", key, err)
	}
	return value, true, nil
}

// scan calls each for all records whose key begins with prefix, in order. What
// it is given is valid during the call only.
func (db *DB) scan(prefix []byte, each func(key, value []byte) error) error {
	iter, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("store: scanning %q: %w", prefix, err)
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err == nil {
			err = each(iter.Key(), value)
		}
		if err != nil {
			return errors.Join(err, iter.Close())
		}
	}
	return errors.Join(iter.Error(), iter.Close())
}
