package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say how to open a DB. The zero value is the ordinary way.
type Options struct {
	Logger *slog.Logger // nil: slog.Default
	FS     vfs.FS       // nil: the disk
	// Existing fails with a *NoDataError where there is no data directory,
	// instead of making one.
	Existing bool
	// ReadOnly leaves all files but the empty LOCKs as they are, also what a crash
	// left to recover. It implies Existing; only what reads may be called then.
	ReadOnly bool
}

// NoDataError reports a directory that no DB ever was in.
type NoDataError struct{ Dir string }

func (e *NoDataError) Error() string {
	return fmt.Sprintf("store: %s is no data directory: it has no database in it", e.Dir)
}

// DB is one data directory. Its methods may be called from any goroutine.
type DB struct {
	dir          string
	fs           vfs.FS
	log          *slog.Logger
	pebble       *pebble.DB
	journal      *journal
	lock         *directoryLock
	space        *space
	cache        *cache
	sums         *cache // of environments, see rl_summary.go
	files        *files
	merges       chan struct{} // holds as many as go on at once
	readOnly     bool
	faults       []error        // of the database, found when it was opened
	background   sync.WaitGroup // rolls and merges
	headBytes    atomic.Int64   // of all runs
	spareBytes   atomic.Int64   // of all runs
	maxHead      int            // of one run
	maxHeads     int64          // what headBytes should not exceed
	maxJournal   int64          // nor what the journal takes
	maxInline    int            // bytes of a segment that is a record
	maxSheetRows int            // rows of a sheet
	pools        poolLimits
	rowsOfPart   int           // rows that a goroutine of its own sums up
	backups      atomic.Int64  // begun
	revisions    atomic.Uint64 // the last one given
	// cut is held for writing while a backup links files: by then nothing commits and
	// no file is removed. Who holds it for reading takes no lock that others hold then.
	cut       sync.RWMutex
	attached  sync.RWMutex  // held for reading while a backup links; taken before cut
	relieving sync.Mutex    // held while the largest head is rolled; taken before any run's lock
	crowded   chan struct{} // tells the tender that headBytes comes near maxHeads
	stop      chan struct{} // closed by Close
	tended    chan struct{} // closed when the tender has ended

	// mu guards runs and closed. It is held for moments: no run's lock is taken
	// under it, but it may be taken under a run's lock.
	mu     sync.Mutex
	runs   map[RunID]*openRun
	gone   map[RunID]bool // deleted
	closed bool
}

// openRun is a run that is being read, or was.
type openRun struct {
	read chan struct{} // closed when the fields below hold
	run  *Run          // nil when it could not be read
	err  error
}

// ErrClosed is what a DB answers after Close.
var ErrClosed = errors.New("store: closed")

// Open opens a data directory, which it makes when there is none, unless the
// options forbid it. The directory is ours alone until Close: another Open fails with a *LockedError. One that a
// newer version wrote gives a *FormatError.
func Open(dir string, o Options) (*DB, error) {
	db := &DB{
		dir: dir, fs: o.FS, log: o.Logger, readOnly: o.ReadOnly, runs: make(map[RunID]*openRun), gone: make(map[RunID]bool), maxHead: maxHeadBytes, maxHeads: maxAllHeadBytes, maxJournal: maxJournalBytes, maxInline: maxInline, maxSheetRows: maxSheetRows, pools: usualPools, rowsOfPart: rowsOfPart,
		crowded: make(chan struct{}, 1), stop: make(chan struct{}), tended: make(chan struct{}),
	}
	if db.fs == nil {
		db.fs = vfs.Default
	}
	if db.log == nil {
		db.log = slog.Default()
	}
	db.revisions.Store(firstRevision())
	db.cache, db.sums = newCache(maxCachedBytes), newCache(maxSumsBytes)
	db.files = newFiles(db.fs, maxOpenFiles)
	db.space = &space{fs: db.fs, dir: dir}
	db.merges = make(chan struct{}, 1)
	if err := db.findDirectory(o.Existing || o.ReadOnly); err != nil {
		return nil, err
	}
	var err error
	if db.lock, err = lockDirectory(db.fs, dir, !o.ReadOnly); err != nil {
		return nil, err
	}
	if err = db.openPebble(); err != nil {
		return nil, errors.Join(err, db.lock.release())
	}
	if db.readOnly {
		db.maxHeads, db.maxJournal = math.MaxInt64, math.MaxInt64 // there is nowhere to roll to
		close(db.tended)
	} else {
		go db.tend()
	}
	return db, nil
}

func (db *DB) findDirectory(existing bool) error {
	if !existing {
		if err := makeDirectory(db.fs, db.dir); err != nil {
			return fmt.Errorf("store: making %s: %w", db.dir, err)
		}
		return nil
	}
	found, err := pebble.Peek(db.pebbleDir(), db.fs)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !found.Exists {
		return &NoDataError{Dir: db.dir}
	}
	if err != nil {
		return fmt.Errorf("store: looking into %s: %w", db.dir, err)
	}
	return nil
}

const pebbleDirName = "pebble"

func (db *DB) pebbleDir() string { return db.fs.PathJoin(db.dir, pebbleDirName) }

// makeDirectory makes a directory and those it lies in, and syncs the parent of
// each, so that a crash of the machine does not take them away again.
func makeDirectory(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDirectory(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	opened, err := fs.OpenDir(parent)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

func (db *DB) openPebble() error {
	var err error
	path := db.pebbleDir()
	if fault := checkEdits(path, db.fs); fault != nil {
		db.faults = append(db.faults, fault)
		db.log.Error("a part of the database may be lost", "error", fault)
	}
	if db.pebble, err = pebble.Open(path, pebbleOptions(db.fs, db.log, db.readOnly)); err != nil {
		return fmt.Errorf("store: opening %s: %w", path, err)
	}
	if err = db.checkFormat(); err == nil {
		db.journal, err = openJournal(db)
	}
	if err == nil {
		err = db.bury()
	}
	if err == nil && !db.readOnly {
		err = db.removeStaging()
	}
	if err != nil {
		return errors.Join(err, db.pebble.Close())
	}
	return nil
}

// formatVersion is that of all records together; FORMAT.md tells its history.
const (
	formatVersion = 6
	firstReleased = 5
)

// FormatError reports a data directory that a newer version has written, or one
// from before the first release.
type FormatError struct {
	Dir          string
	Found, Known uint64
}

func (e *FormatError) Error() string {
	if e.Found < firstReleased {
		return fmt.Sprintf("store: %s is in format %d, of a development version before the first release; this version knows format %d", e.Dir, e.Found, e.Known)
	}
	return fmt.Sprintf("store: %s is in format %d; this version knows formats up to %d, a newer one is needed to open it", e.Dir, e.Found, e.Known)
}

func (db *DB) checkFormat() error {
	record, found, err := db.get(keyFormat)
	if err != nil {
		return err
	}
	if !found {
		if db.readOnly {
			return nil
		}
		return db.setFormat()
	}
	version, n := binary.Uvarint(record)
	if n <= 0 {
		return fmt.Errorf("store: %s: the format record is damaged", db.dir)
	}
	if version < firstReleased || version > formatVersion {
		return &FormatError{Dir: db.dir, Found: version, Known: formatVersion}
	}
	if version < formatVersion && !db.readOnly {
		return db.setFormat() // what is written from now on an earlier version cannot read
	}
	return nil
}

func (db *DB) setFormat() error {
	return db.pebble.Set(keyFormat, binary.AppendUvarint(nil, formatVersion), pebble.Sync)
}

// SetOwner says what a second opener of the directory is told, for example
// "pid 123, http://127.0.0.1:7420".
func (db *DB) SetOwner(text string) error { return db.lock.setOwner(text) }

// Run gives the run with this id; it need not have points yet. The first call
// reads its state, later ones are cheap; it must not be made by whoever holds an
// open Tx, since it may have to make room. One that could not be read is read again
// by the next call: what failed may have been the moment, not the data.
func (db *DB) Run(id RunID) (*Run, error) {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil, ErrClosed
	}
	if db.gone[id] {
		db.mu.Unlock()
		return nil, ErrDeleted
	}
	open, known := db.runs[id]
	if !known {
		open = &openRun{read: make(chan struct{})}
		db.runs[id] = open
	}
	db.mu.Unlock()
	if known {
		<-open.read
	} else {
		db.readRun(id, open)
		db.relieve(db.maxHeads) // its journal may be long
	}
	return open.run, open.err
}

func (db *DB) readRun(id RunID, open *openRun) {
	defer close(open.read)
	r := newRun(db, id)
	if open.err = r.load(); open.err != nil {
		r.reset()
		db.forget(id)
		return
	}
	open.run = r
}

// forget makes the next call of Run read the run again.
func (db *DB) forget(id RunID) {
	db.mu.Lock()
	defer db.mu.Unlock()
	delete(db.runs, id)
}

// openRuns lists the runs in memory, those included that are being read.
func (db *DB) openRuns() []*Run {
	db.mu.Lock()
	entries := make([]*openRun, 0, len(db.runs))
	for _, open := range db.runs {
		entries = append(entries, open)
	}
	db.mu.Unlock()
	var runs []*Run
	for _, open := range entries {
		<-open.read
		if open.run != nil {
			runs = append(runs, open.run)
		}
	}
	return runs
}

// Settle does what idle time would do: it moves the points of every run from
// the journal into blocks and compacts the files. It takes as long as that takes.
// Runs that cannot be read are left as they are; the error names each.
func (db *DB) Settle(ctx context.Context) error {
	ids, err := db.runIDs()
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range ids {
		r, err := db.Run(id)
		if err == nil {
			err = r.settle(true)
		}
		failed = append(failed, err)
	}
	if err := db.journal.finish(db.secure); err != nil {
		failed = append(failed, fmt.Errorf("store: shortening the journal: %w", err))
	}
	if err := db.pebble.Flush(); err != nil {
		failed = append(failed, fmt.Errorf("store: flushing: %w", err))
	}
	if err := db.pebble.Compact(ctx, []byte{0}, []byte{0xff}, true); err != nil {
		failed = append(failed, fmt.Errorf("store: compacting: %w", err))
	}
	return errors.Join(failed...)
}

// runIDs lists the runs with records on disk.
func (db *DB) runIDs() ([]RunID, error) {
	iter, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRun}, UpperBound: []byte{prefixRun + 1}})
	if err != nil {
		return nil, fmt.Errorf("store: listing runs: %w", err)
	}
	var ids []RunID
	for ok := iter.First(); ok; {
		var id RunID
		copy(id[:], iter.Key()[1:])
		ids = append(ids, id)
		next := after(append([]byte{prefixRun}, id[:]...))
		ok = iter.SeekGE(next)
	}
	if err := errors.Join(iter.Error(), iter.Close()); err != nil {
		return nil, fmt.Errorf("store: listing runs: %w", err)
	}
	ids = append(ids, db.journal.runs()...)
	slices.SortFunc(ids, func(a, b RunID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids), nil
}

// secure makes durable what was written to the database without waiting.
func (db *DB) secure() error { return db.pebble.LogData(nil, pebble.Sync) }

// Close rolls what the journals hold, so that the next start has nothing to
// replay, and gives the directory back. No Tx may be open.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	close(db.stop)
	<-db.tended
	var failed []error
	if !db.readOnly {
		for _, r := range db.openRuns() {
			failed = append(failed, r.settle(false))
		}
	}
	db.background.Wait()
	if !db.readOnly {
		failed = append(failed, db.journal.finish(db.secure))
	}
	failed = append(failed, db.files.close(), db.pebble.Close(), db.lock.release())
	return errors.Join(failed...)
}

// Stats counts what a data directory holds.
type Stats struct {
	Runs       int
	Damaged    int // of them; those below count the others
	Series     int
	Points     uint64
	Late       uint64 // standard points refused by the step rules
	Duplicates uint64 // RL points that were stored already
	Bytes      uint64 // of tables, segments and logs, without files that wait for deletion or reuse
}

// Stats counts over all runs, which it reads for that. The error names each run
// that cannot be read; the counts are then those of the others.
func (db *DB) Stats() (Stats, error) {
	ids, err := db.runIDs()
	if err != nil {
		return Stats{}, err
	}
	usage := db.pebble.Metrics()
	total := Stats{Runs: len(ids), Bytes: usage.Table.Local.LiveSize + usage.WAL.PhysicalSize + uint64(db.journal.size())}
	var failed []error
	for _, id := range ids {
		r, err := db.Run(id)
		if err != nil {
			total.Damaged++
			failed = append(failed, err)
			continue
		}
		s := r.Stats()
		total.Series += s.Series
		total.Points += s.Points
		total.Late += s.Late
		total.Bytes += s.FileBytes
		total.Duplicates += s.Duplicates
		if db.readOnly {
			r.drop() // no roll will ever give its memory back
		}
	}
	return total, errors.Join(failed...)
}
