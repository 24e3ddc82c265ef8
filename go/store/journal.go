package store

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/store/chunk"
)

// The journal makes what a Tx added durable. It is a row of files that all runs
// share, so that one sync serves all who wait: a record goes to the end of the last
// one, once, past the database, whose log and tables would copy it five times and
// write it three. A file goes when the segments hold all it tells of.
//
// The few Tx that change records of the catalog too lie in the database, to be
// one atomic write with those; a run's records have consecutive numbers over both
// places. Whoever changes the place waits until what went to the other one is
// durable: so no record is ever found without those before it. FORMAT.md draws the
// files.
//
// A full file that nobody needs any more is written over rather than removed: its
// pages are in memory and its blocks on the disk, and finding both anew costs several
// times what copying the record does. The checksums take in the number of the file,
// so that what it had before is never taken for its own.
type journal struct {
	fs      vfs.FS
	dir     string
	log     *slog.Logger
	handles *files // for reading
	limit   int64  // from this size on a file is ended

	mu      sync.Mutex
	ended   *sync.Cond // on mu: a sync has ended
	files   []*journalFile
	current vfs.File // the last of files; nil: the next record begins a new one
	spoiled bool     // a write to current failed: nothing may come behind what it left
	places  map[RunID][]place
	bytes   int64 // of all files but the spare ones
	spares  []uint64
	linked  int    // backups that read files by other names
	rested  uint64 // written, when it was last asked whether it rests
	written uint64 // bytes ever appended
	durable uint64 // of them
	syncing bool
	failed  error   // of a sync: nobody knows what the disk has since then
	faults  []error // found when it was opened
}

const (
	journalDir      = "journal"
	journalSuffix   = ".log"
	spareSuffix     = ".spare"
	journalMark     = "mtrnjnl2"
	journalFileSize = 32 << 20
	// maxJournalBytes is what the journal may take before runs that keep its oldest
	// file are rolled, however little they have.
	maxJournalBytes = 512 << 20
	// maxSpareFiles is about as many files as a busy run needs at a time.
	maxSpareFiles = 4

	fileHeadSize  = len(journalMark) + 8 + 4 // mark, how much of the file before holds, crc
	frameHeadSize = 4 + 16 + 8 + 4           // size of the record, run, number, crc
)

type journalFile struct {
	number  uint64
	size    int64
	runs    map[RunID]uint64 // highest number of a record in it
	damaged bool
}

// place is where a record lies.
type place struct {
	number uint64 // of the record in its run
	file   uint64
	at     int64
	size   int
}

func (j *journal) path(number uint64) string {
	return j.fs.PathJoin(j.dir, strconv.FormatUint(number, 10)+journalSuffix)
}

// openJournal finds the records that a crash has left, if any.
func openJournal(db *DB) (*journal, error) {
	j := &journal{fs: db.fs, dir: db.fs.PathJoin(db.dir, journalDir), log: db.log, handles: db.files, limit: journalFileSize, places: make(map[RunID][]place)}
	j.ended = sync.NewCond(&j.mu)
	numbers, spares, err := j.list()
	if err != nil {
		return nil, fmt.Errorf("store: listing %s: %w", j.dir, err)
	}
	if !db.readOnly {
		j.spares = spares
		if err := j.dropSpares(); err != nil {
			return nil, fmt.Errorf("store: removing what a crash left: %w", err)
		}
	}
	limit := unknown
	for i, number := range slices.Backward(numbers) {
		before, err := j.find(number, limit)
		if err != nil {
			return nil, fmt.Errorf("store: reading %s: %w", j.path(number), err)
		}
		limit = unknown
		if i > 0 && numbers[i-1] == number-1 {
			limit = before
		}
	}
	slices.Reverse(j.files)
	for _, places := range j.places {
		slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.number, b.number) })
	}
	return j, nil
}

// unknown is how much of a file holds where no file behind it says so.
const unknown = int64(-1)

func (j *journal) list() (numbers, spares []uint64, err error) {
	names, err := j.fs.List(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, name := range names {
		for suffix, list := range map[string]*[]uint64{journalSuffix: &numbers, spareSuffix: &spares} {
			digits, has := strings.CutSuffix(name, suffix)
			if number, err := strconv.ParseUint(digits, 10, 64); has && err == nil {
				*list = append(*list, number)
			}
		}
	}
	slices.Sort(numbers)
	return numbers, spares, err
}

// find notes the records of a file up to the limit, or, where that is unknown, up
// to the first that is not whole: the power went while it was written, and nobody
// was told that it is safe. It returns the limit of the file before.
func (j *journal) find(number uint64, limit int64) (before int64, err error) {
	file, err := j.fs.Open(j.path(number))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	f := &journalFile{number: number, size: int64(fileHeadSize), runs: make(map[RunID]uint64)}
	j.files = append(j.files, f)
	from := bufio.NewReaderSize(file, 1<<20)
	before, whole, err := readFileHead(from, number)
	for err == nil && whole && (limit == unknown || f.size < limit) {
		whole, err = j.findRecord(f, from, limit == unknown)
	}
	if err != nil {
		return 0, err
	}
	j.bytes += f.size
	if limit != unknown && f.size < limit {
		f.damaged = true
		j.faults = append(j.faults, fmt.Errorf("store: %w: %s cannot be read from byte %d to %d", chunk.ErrCorrupt, j.path(number), f.size, limit))
		j.log.Error("a part of the journal is lost", "file", j.path(number), "from", f.size, "to", limit)
	}
	return before, nil
}

func readFileHead(from io.Reader, number uint64) (before int64, whole bool, err error) {
	head := make([]byte, fileHeadSize)
	if whole, err = readWhole(from, head); !whole || err != nil {
		return unknown, false, err
	}
	body, err := openedIn(number, head)
	if err != nil || string(body[:len(journalMark)]) != journalMark {
		return unknown, false, nil //nolint:nilerr // not written to its end
	}
	return int64(binary.LittleEndian.Uint64(body[len(journalMark):])), true, nil
}

// readWhole tells whether there was as much to read.
func readWhole(from io.Reader, b []byte) (bool, error) {
	_, err := io.ReadFull(from, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return err == nil, err
}

// findRecord notes one record, whose body it looks at only to verify it.
func (j *journal) findRecord(f *journalFile, from *bufio.Reader, verify bool) (whole bool, err error) {
	head := make([]byte, frameHeadSize)
	if whole, err = readWhole(from, head); !whole || err != nil {
		return false, err
	}
	body, wrong := openedIn(f.number, head)
	if wrong != nil {
		return false, nil
	}
	var id RunID
	copy(id[:], body[4:])
	p := place{
		number: binary.LittleEndian.Uint64(body[20:]), file: f.number,
		at: f.size + int64(frameHeadSize), size: int(binary.LittleEndian.Uint32(body)),
	}
	if whole, err = passRecord(from, p.size, verify); whole && err == nil {
		j.note(f, id, p)
		f.size = p.at + int64(p.size)
	}
	return whole, err
}

func passRecord(from io.Reader, size int, verify bool) (whole bool, err error) {
	sum := crc32.New(castagnoli)
	to := io.Discard
	if verify {
		to = sum
	}
	n, err := io.CopyN(to, from, int64(size)-crc32.Size)
	if errors.Is(err, io.EOF) || n != int64(size)-crc32.Size {
		return false, nil
	}
	stored := make([]byte, crc32.Size)
	if whole, err := readWhole(from, stored); !whole || err != nil {
		return false, err
	}
	return !verify || sum.Sum32() == binary.LittleEndian.Uint32(stored), nil
}

func (j *journal) note(f *journalFile, id RunID, p place) {
	j.places[id] = append(j.places[id], p)
	f.runs[id] = max(f.runs[id], p.number)
}

// framed makes room for a record's head, behind which its entries go.
func framed(scratch []byte) []byte { return append(scratch[:0], make([]byte, frameHeadSize)...) }

// seal completes a record in its frame.
func seal(frame []byte) []byte {
	return binary.LittleEndian.AppendUint32(frame, crc32.Checksum(frame[frameHeadSize:], castagnoli))
}

// address completes the head of a frame for a file; the room is just as large.
func address(frame []byte, file uint64, id RunID, number uint64) {
	head := binary.LittleEndian.AppendUint32(frame[:0], uint32(len(frame)-frameHeadSize))
	head = append(head, id[:]...)
	sealedIn(file, binary.LittleEndian.AppendUint64(head, number))
}

// sealedIn appends a checksum that holds in one file only; openedIn verifies it.
func sealedIn(file uint64, head []byte) []byte {
	return binary.LittleEndian.AppendUint32(head, sumIn(file, head))
}

func openedIn(file uint64, head []byte) ([]byte, error) {
	body := head[:len(head)-crc32.Size]
	if sumIn(file, body) != binary.LittleEndian.Uint32(head[len(body):]) {
		return nil, fmt.Errorf("%w: wrong checksum", chunk.ErrCorrupt)
	}
	return body, nil
}

func sumIn(file uint64, head []byte) uint32 {
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], file)
	return crc32.Update(crc32.Checksum(number[:], castagnoli), castagnoli, head)
}

// append writes the record that lies in a frame, and returns what wait is to be
// asked for. The frame may be used again afterwards.
func (j *journal) append(id RunID, number uint64, frame []byte) (ticket uint64, err error) {
	frame = seal(frame)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(); err != nil {
		return 0, err
	}
	address(frame, j.files[len(j.files)-1].number, id, number)
	if _, err := j.current.Write(frame); err != nil {
		// What came to the disk of it lies behind the end that the next file tells of.
		j.spoiled = true
		return 0, errors.Join(fmt.Errorf("writing the journal: %w", err), j.endFile())
	}
	f := j.files[len(j.files)-1]
	j.note(f, id, place{number: number, file: f.number, at: f.size + int64(frameHeadSize), size: len(frame) - frameHeadSize})
	f.size += int64(len(frame))
	j.bytes += int64(len(frame))
	j.written += uint64(len(frame))
	return j.written, nil
}

// ready makes sure that there is a file to write to. The caller holds mu.
func (j *journal) ready() error {
	for j.failed == nil && j.current != nil && (j.spoiled || j.files[len(j.files)-1].size >= j.limit) {
		if err := j.endFile(); err != nil {
			return err
		}
	}
	if j.failed != nil || j.current != nil {
		return j.failed
	}
	return j.beginFile()
}

// endFile makes the current file durable and closes it. The caller holds mu,
// which is free in between.
func (j *journal) endFile() error {
	file := j.current
	for j.current == file && j.failed == nil && (j.syncing || j.durable < j.written) {
		j.syncOrWait()
	}
	if j.current != file || j.failed != nil {
		return j.failed
	}
	j.current, j.spoiled = nil, false
	return file.Close()
}

func (j *journal) beginFile() error {
	number, before := uint64(1), int64(0)
	if n := len(j.files); n > 0 {
		number, before = j.files[n-1].number+1, j.files[n-1].size
	}
	if err := makeDirectory(j.fs, j.dir); err != nil {
		return fmt.Errorf("making %s: %w", j.dir, err)
	}
	path := j.path(number)
	file, err := j.newFile(path)
	if err != nil {
		return err
	}
	head := binary.LittleEndian.AppendUint64([]byte(journalMark), uint64(before))
	if _, err = file.Write(sealedIn(number, head)); err == nil {
		err = syncDirectory(j.fs, j.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("beginning %s: %w", path, err), file.Close(), j.fs.Remove(path))
	}
	j.current = file
	j.files = append(j.files, &journalFile{number: number, size: int64(fileHeadSize), runs: make(map[RunID]uint64)})
	j.bytes += int64(fileHeadSize)
	return nil
}

// newFile gives a file to write from its beginning on: a spare one, if there is any.
func (j *journal) newFile(path string) (vfs.File, error) {
	k := len(j.spares) - 1
	if k < 0 {
		return j.fs.Create(path, vfs.WriteCategoryUnspecified)
	}
	spare := j.sparePath(j.spares[k])
	j.spares = j.spares[:k]
	return j.fs.ReuseForWrite(spare, path, vfs.WriteCategoryUnspecified)
}

// wait returns when what was appended up to the ticket is durable. The first who
// waits syncs for all that wait by then.
func (j *journal) wait(ticket uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.durable < ticket {
		if j.failed != nil {
			return j.failed
		}
		j.syncOrWait()
	}
	return nil
}

// syncOrWait makes the current file durable, or waits for who does. The caller
// holds mu, which is free meanwhile.
func (j *journal) syncOrWait() {
	if j.syncing {
		j.ended.Wait()
		return
	}
	file, upTo := j.current, j.written
	j.syncing = true
	j.mu.Unlock()
	err := file.SyncData()
	j.mu.Lock()
	j.syncing = false
	if err == nil {
		j.durable = upTo
	} else {
		j.failed = fmt.Errorf("store: the disk did not take the journal; nothing more is stored until the data directory is opened again: %w", err)
		j.log.Error("syncing the journal failed", "error", err)
	}
	j.ended.Broadcast()
}

// of lists where a run's records lie, by number.
func (j *journal) of(id RunID) []place {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.places[id])
}

// runs lists the runs that have records.
func (j *journal) runs() []RunID {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Collect(maps.Keys(j.places))
}

// size is what all files take.
func (j *journal) size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes
}

// read gives a record, sealed.
func (j *journal) read(p place) (record []byte, err error) {
	file, err := j.handles.open(j.path(p.file))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.handles.release(file)) }()
	record = make([]byte, p.size)
	_, err = file.ReadAt(record, p.at)
	return record, err
}

// oldest names the runs that keep the oldest file that is kept, when all files together are
// larger than the limit.
func (j *journal) oldest(limit int64) []RunID {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.bytes <= limit {
		return nil
	}
	for _, f := range j.files {
		if len(f.runs) > 0 {
			return slices.Collect(maps.Keys(f.runs))
		}
	}
	return nil
}

// forget drops a run's records below upTo, and removes the files that nobody
// needs any more. Before that it calls secure, which makes durable what took the
// records' place.
func (j *journal) forget(id RunID, upTo uint64, secure func() error) error {
	if !j.drop(id, upTo) {
		return nil
	}
	if err := secure(); err != nil {
		return err
	}
	return j.removeUnused()
}

// drop tells whether a file can go.
func (j *journal) drop(id RunID, upTo uint64) (unused bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	places := j.places[id]
	keep := slices.IndexFunc(places, func(p place) bool { return p.number >= upTo })
	if keep < 0 {
		delete(j.places, id)
	} else {
		j.places[id] = slices.Clone(places[keep:])
	}
	for _, f := range j.files {
		if last, known := f.runs[id]; known && last < upTo {
			delete(f.runs, id)
		}
		unused = unused || j.isUnused(f)
	}
	return unused
}

func (j *journal) isUnused(f *journalFile) bool {
	current := j.current != nil && f == j.files[len(j.files)-1]
	return len(f.runs) == 0 && !current
}

// removeUnused removes the files that no run needs, or keeps them to be written
// again. A damaged one is kept under another name, for whoever wants to look into it.
func (j *journal) removeUnused() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var failed error
	kept := j.files[:0:0]
	for _, f := range j.files {
		if !j.isUnused(f) {
			kept = append(kept, f)
			continue
		}
		path := j.path(f.number)
		failed = errors.Join(failed, j.handles.forget(path), j.dispose(f))
		j.bytes -= f.size
	}
	j.files = kept
	return failed
}

func (j *journal) dispose(f *journalFile) error {
	path := j.path(f.number)
	switch {
	case f.damaged:
		return j.fs.Rename(path, path+".damaged")
	case f.size < j.limit || j.linked > 0 || len(j.spares) >= maxSpareFiles:
		return j.fs.Remove(path)
	}
	err := j.fs.Rename(path, j.sparePath(f.number))
	if err == nil {
		j.spares = append(j.spares, f.number)
	}
	return err
}

func (j *journal) sparePath(number uint64) string {
	return j.fs.PathJoin(j.dir, strconv.FormatUint(number, 10)+spareSuffix)
}

// dropSpares removes the files that wait to be written again. The caller holds mu.
func (j *journal) dropSpares() (failed error) {
	for _, number := range j.spares {
		failed = errors.Join(failed, j.fs.Remove(j.sparePath(number)))
	}
	j.spares = nil
	return failed
}

// rest drops the spare files when nothing was appended since it was last called.
func (j *journal) rest() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rested != j.written {
		j.rested = j.written
		return nil
	}
	return j.dropSpares()
}

// beginLinks says that somebody is about to read files by names of his own: until
// endLinks none is written over, and there are no spare ones.
func (j *journal) beginLinks() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.linked++
	return j.dropSpares()
}

func (j *journal) endLinks() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.linked--
}

// finish ends the current file and removes what nobody needs, spare files too: after it, and
// before anything is appended, the journal holds only what is in no segment.
func (j *journal) finish(secure func() error) error {
	if err := j.end(); err != nil {
		return err
	}
	if err := secure(); err != nil {
		return err
	}
	if err := j.removeUnused(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dropSpares()
}

func (j *journal) end() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return nil
	}
	return j.endFile()
}
