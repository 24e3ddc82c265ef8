package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FormatVersion is the version of the records that this package writes.
const FormatVersion = 1

// Options are the surroundings of a DB.
type Options struct {
	Logger *slog.Logger // nil: discarded
	FS     vfs.FS       // nil: the disk
}

// FormatError tells that a newer version wrote the directory.
type FormatError struct {
	Dir     string
	Version string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("data directory %s has format %s; this version reads formats up to %d", e.Dir, e.Version, FormatVersion)
}

// DB is an open data directory.
type DB struct {
	dir    string
	fs     vfs.FS
	log    *slog.Logger
	pebble *pebble.DB
	lock   *pebble.Lock
	cache  *blockCache

	background sync.WaitGroup // rolls

	mu   sync.Mutex
	runs map[RunID]*Run
}

// Open opens a data directory, which is made when missing. Only one process at
// a time can: *LockedError names the other. *FormatError refuses a directory
// that a newer version wrote.
func Open(dir string, o Options) (*DB, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	db := &DB{dir: dir, fs: o.FS, log: o.Logger, runs: make(map[RunID]*Run), cache: newBlockCache(blockCacheBytes)}
	if err := db.acquire(); err != nil {
		return nil, err
	}
	if err := db.openPebble(); err != nil {
		return nil, errors.Join(err, db.lock.Close())
	}
	return db, nil
}

func (db *DB) openPebble() error {
	cache := pebble.NewCache(64 << 20)
	defer cache.Unref()
	var err error
	db.pebble, err = pebble.Open(db.dir, &pebble.Options{
		Cache:                       cache,
		FS:                          db.fs,
		FormatMajorVersion:          pebble.FormatNewest,
		Lock:                        db.lock,
		Logger:                      pebbleLog{db.log},
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	})
	if err != nil {
		return fmt.Errorf("store: opening %s: %w", db.dir, err)
	}
	if err := db.checkFormat(); err != nil {
		return errors.Join(err, db.pebble.Close())
	}
	return nil
}

func (db *DB) checkFormat() error {
	text, found, err := db.get(keyFormat)
	if err != nil {
		return err
	}
	if !found {
		return db.pebble.Set(keyFormat, []byte(strconv.Itoa(FormatVersion)), pebble.Sync)
	}
	if version, err := strconv.Atoi(string(text)); err != nil || version > FormatVersion {
		return &FormatError{Dir: db.dir, Version: string(text)}
	}
	return nil
}

// Close waits for rolls and closes the directory. What is only in the journal
// stays there and is read at the next start.
func (db *DB) Close() error {
	db.background.Wait()
	return errors.Join(db.pebble.Close(), db.lock.Close())
}

// Run gives the points of a run. The first call for a run reads its state; a
// run without points is empty, not an error.
func (db *DB) Run(id RunID) (*Run, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if r, open := db.runs[id]; open {
		return r, nil
	}
	r := newRun(db, id)
	if err := r.load(); err != nil {
		return nil, err
	}
	db.runs[id] = r
	return r, nil
}

// runIDs lists every run with points on disk.
func (db *DB) runIDs() ([]RunID, error) {
	var ids []RunID
	iterator, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRun}, UpperBound: []byte{prefixRun + 1}})
	if err != nil {
		return nil, fmt.Errorf("store: listing runs: %w", err)
	}
	for iterator.First(); iterator.Valid(); {
		id := RunID(iterator.Key()[1:17])
		ids = append(ids, id)
		iterator.SeekGE(after(append([]byte{prefixRun}, id[:]...)))
	}
	return ids, errors.Join(iterator.Error(), iterator.Close())
}

// Settle does what idle time would do: rolls the journal of every run into
// blocks and compacts the directory. It takes as long as that takes.
func (db *DB) Settle(ctx context.Context) error {
	ids, err := db.runIDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := db.Run(id)
		if err != nil {
			return err
		}
		if err := r.settle(); err != nil {
			return err
		}
	}
	if err := db.pebble.Flush(); err != nil {
		return fmt.Errorf("store: flushing: %w", err)
	}
	if err := db.pebble.Compact(ctx, []byte{0}, []byte{0xff}, true); err != nil {
		return fmt.Errorf("store: compacting: %w", err)
	}
	return nil
}

// Stats counts what a data directory holds.
type Stats struct {
	Runs       int
	Series     int
	Points     uint64
	Late       uint64 // standard points refused by the step rules
	Duplicates uint64 // RL points that were stored already
	Bytes      uint64 // on disk
}

// Stats counts over all runs, which it reads for that.
func (db *DB) Stats() (Stats, error) {
	ids, err := db.runIDs()
	if err != nil {
		return Stats{}, err
	}
	total := Stats{Runs: len(ids), Bytes: db.pebble.Metrics().DiskSpaceUsage()}
	for _, id := range ids {
		r, err := db.Run(id)
		if err != nil {
			return Stats{}, err
		}
		s := r.Stats()
		total.Series += s.Series
		total.Points += s.Points
		total.Late += s.Late
		total.Duplicates += s.Duplicates
	}
	return total, nil
}

// get reads one value; it is a copy.
func (db *DB) get(key []byte) ([]byte, bool, error) {
	value, closer, err := db.pebble.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("store: reading: %w", err)
	}
	value = bytes.Clone(value)
	return value, true, closer.Close()
}

// scan calls visit for each record whose key begins with prefix, in order of
// keys. Key and value are only valid during the call.
func (db *DB) scan(prefix []byte, visit func(key, value []byte) error) error {
	iterator, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("store: reading: %w", err)
	}
	for iterator.First(); iterator.Valid(); iterator.Next() {
		value, err := iterator.ValueAndErr()
		if err == nil {
			err = visit(iterator.Key(), value)
		}
		if err != nil {
			return errors.Join(err, iterator.Close())
		}
	}
	return errors.Join(iterator.Error(), iterator.Close())
}
