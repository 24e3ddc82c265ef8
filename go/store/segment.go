package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/metrana/metrana/go/store/chunk"
)

// A segment holds blocks, which never change, then sheets and pools, which sum up
// their RL points, and behind them an index of all.
// Blocks go there past the database's log and memtables, because the journal has
// their points until the segment is whole and durable: each byte is written once
// instead of three or four times. A small segment is a record of the database; a
// larger one is a file below the data directory, in a directory of its run.
// FORMAT.md draws both.
const (
	segmentsDir    = "segments"
	maxInline      = 128 << 10
	segmentVersion = 2
	poollessIndex  = 1     // version before there were pools
	footerSize     = 4 + 8 // of the index: its size, and the mark at the very end
	footerMark     = "mtrnseg1"
)

// segmentInfo is what the manifest keeps of a segment.
type segmentInfo struct {
	number uint64
	level  uint64 // how often its points were merged
	inline bool   // a record, not a file
	size   uint64
	points uint64
	chunks uint64
}

func (db *DB) runDir(id RunID) string {
	return db.fs.PathJoin(db.dir, segmentsDir, hex.EncodeToString(id[:]))
}

const segmentSuffix = ".seg"

func (db *DB) segmentPath(id RunID, number uint64) string {
	return db.fs.PathJoin(db.runDir(id), strconv.FormatUint(number, 10)+segmentSuffix)
}

// segmentWriter writes one segment: in memory until it is too large for that.
type segmentWriter struct {
	run   *Run
	info  segmentInfo
	small []byte // nil once there is a file
	file  vfs.File
	to    *bufio.Writer
	index segmentIndex

	codec  blockEncoder
	sheets sheetEncoder
	rows   []sheetRow             // of the sheet that is being gathered
	pools  map[uint32]*poolWriter // of series whose points are summed up as they are added
	totals chunk.Runs             // memory for total steps
}

func (r *Run) newSegment(number, level uint64) *segmentWriter {
	return &segmentWriter{run: r, info: segmentInfo{number: number, level: level}}
}

// add adds a block. It gives way to questions first: those are short beside a roll.
func (w *segmentWriter) add(parts []part) error {
	runtime.Gosched()
	info, head, pages := w.codec.encode(parts)
	w.info.chunks += uint64(len(parts))
	w.takePools(parts, w.codec.values)
	return w.addBlock(info, head, pages)
}

// takePools adds points to the pools of their series, where these are made.
func (w *segmentWriter) takePools(parts []part, values []float64) {
	for _, p := range parts {
		n := p.points.len()
		if p.id.rl() {
			if to := w.pools[p.id.series]; to != nil {
				w.totals = to.take(p, values[:n], w.totals)
			}
		}
		values = values[n:]
	}
}

// addBlock adds a block that is encoded.
func (w *segmentWriter) addBlock(info blockInfo, head, pages []byte) error {
	info.at = w.info.size
	w.index.blocks = append(w.index.blocks, info)
	w.info.points += uint64(info.points)
	return errors.Join(w.write(head), w.write(pages))
}

func (w *segmentWriter) write(b []byte) error {
	w.info.size += uint64(len(b))
	if w.file != nil {
		_, err := w.to.Write(b)
		return err
	}
	w.small = append(w.small, b...)
	if len(w.small) <= w.run.db.maxInline {
		return nil
	}
	return w.spill()
}

func (w *segmentWriter) spill() error {
	db := w.run.db
	dir := db.runDir(w.run.id)
	if err := makeDirectory(db.fs, dir); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	file, err := db.fs.Create(db.segmentPath(w.run.id, w.info.number), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w.file, w.to = file, bufio.NewWriterSize(file, 1<<20)
	_, err = w.to.Write(w.small)
	w.small = nil
	return err
}

// finish writes the index and makes the segment durable, all but a small one:
// that becomes so with the manifest that names it.
func (w *segmentWriter) finish() error {
	plain := w.index.append(nil)
	index := appendNumbers([]byte{segmentVersion}, uint64(len(w.index.blocks)), uint64(len(w.index.sheets)), uint64(len(w.index.pools)), uint64(len(plain)))
	index = sealed(chunk.Compress(index, plain))
	index = binary.LittleEndian.AppendUint32(index, uint32(len(index)))
	if err := w.write(append(index, footerMark...)); err != nil {
		return err
	}
	if w.info.inline = w.file == nil; w.info.inline {
		return nil
	}
	err := errors.Join(w.to.Flush(), w.file.Sync(), w.file.Close())
	w.file = nil
	if err == nil {
		err = syncDirectory(w.run.db.fs, w.run.db.runDir(w.run.id))
	}
	return err
}

// abandon removes what a segment that cannot be finished left on disk.
func (w *segmentWriter) abandon() error {
	if w.info.inline || w.small != nil {
		return nil
	}
	var err error
	if w.file != nil {
		err = w.file.Close()
	}
	return errors.Join(err, w.run.db.removeFile(w.run.id, w.info.number))
}

func syncDirectory(fs vfs.FS, dir string) error {
	opened, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

func (db *DB) removeFile(id RunID, number uint64) error {
	path := db.segmentPath(id, number)
	return errors.Join(db.files.forget(path), db.fs.Remove(path))
}

// removeStray removes files of a run that its manifest does not name: a crash
// left them, before or after the manifest changed.
func (r *Run) removeStray() error {
	dir := r.db.runDir(r.id)
	names, err := r.db.fs.List(dir)
	if err != nil {
		return nil //nolint:nilerr // most runs have no files, and no directory
	}
	known := make(map[string]bool)
	for _, s := range r.segments {
		known[strconv.FormatUint(s.number, 10)+segmentSuffix] = true
	}
	for _, name := range names {
		if known[name] || !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		if err := r.db.fs.Remove(r.db.fs.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("removing what a crash left: %w", err)
		}
	}
	return nil
}

// segmentReader reads from one segment while a question is answered.
type segmentReader struct {
	run  *Run
	info segmentInfo
	from io.ReaderAt
	file *openFile // nil for a small segment
}

func (r *Run) openSegment(info segmentInfo) (*segmentReader, error) {
	s := &segmentReader{run: r, info: info}
	if !info.inline {
		file, err := r.db.files.open(r.files + strconv.FormatUint(info.number, 10) + segmentSuffix)
		if err != nil {
			return nil, s.corrupt(err)
		}
		s.from, s.file = file, file
		return s, nil
	}
	record, found, err := r.db.get(segmentKey(r.id, info.number))
	if err != nil {
		return nil, s.corrupt(err)
	}
	if !found {
		return nil, s.corrupt(fmt.Errorf("%w: it is missing", chunk.ErrCorrupt))
	}
	s.from = bytes.NewReader(record)
	return s, nil
}

// withIndex lets read have a segment that is open, and its index.
func (r *Run) withIndex(info segmentInfo, read func(s *segmentReader, index *segmentIndex) error) (err error) {
	s, err := r.openSegment(info)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	index, err := s.index()
	if err != nil {
		return err
	}
	return read(s, index)
}

func (s *segmentReader) close() error {
	if s.file == nil {
		return nil
	}
	return s.run.db.files.release(s.file)
}

func (s *segmentReader) corrupt(err error) error {
	return &CorruptError{Run: s.run.id, Segment: s.info.number, Err: err}
}

// pageBuffers holds memory for the pages of one read.
var pageBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (s *segmentReader) read(at uint64, size int) ([]byte, error) { return s.readInto(nil, at, size) }

// readInto is read into memory that is given, if that is enough.
func (s *segmentReader) readInto(room []byte, at uint64, size int) ([]byte, error) {
	if size < 0 || at > s.info.size || uint64(size) > s.info.size-at {
		return nil, s.corrupt(fmt.Errorf("%w: it ends before byte %d", chunk.ErrCorrupt, at+uint64(size)))
	}
	b := slices.Grow(room[:0], size)[:size]
	if _, err := s.from.ReadAt(b, int64(at)); err != nil {
		return nil, s.corrupt(err)
	}
	return b, nil
}

// index lists the blocks, sorted by cell.
func (s *segmentReader) index() (*segmentIndex, error) {
	name := cacheName{s.run.id, s.info.number, indexOfSegment}
	if cached, known := s.run.db.cache.get(name).(*segmentIndex); known {
		return cached, nil
	}
	footer, err := s.read(max(s.info.size, footerSize)-footerSize, footerSize)
	if err != nil {
		return nil, err
	}
	if string(footer[4:]) != footerMark {
		return nil, s.corrupt(fmt.Errorf("%w: no segment ends like this", chunk.ErrCorrupt))
	}
	size := uint64(binary.LittleEndian.Uint32(footer))
	if size+footerSize > s.info.size {
		return nil, s.corrupt(fmt.Errorf("%w: index of %d bytes", chunk.ErrCorrupt, size))
	}
	record, err := s.read(s.info.size-footerSize-size, int(size))
	if err != nil {
		return nil, err
	}
	index, err := decodeIndex(record, s.info.size)
	if err != nil {
		return nil, s.corrupt(err)
	}
	s.run.db.cache.put(name, index)
	return index, nil
}

// segmentIndex is the index of a segment in memory.
type segmentIndex struct {
	blocks []blockInfo
	sheets []sheetInfo // by series
	pools  []poolInfo  // by series
}

func (x *segmentIndex) bytes() int { return 128*len(x.blocks) + 24*len(x.sheets) + 24*len(x.pools) }

func (x *segmentIndex) append(dst []byte) []byte {
	for _, b := range x.blocks {
		dst = appendBlockInfo(dst, b)
	}
	for _, s := range x.sheets {
		dst = appendNumbers(dst, uint64(s.series), uint64(s.rows), uint64(s.size))
	}
	for _, p := range x.pools {
		dst = appendNumbers(dst, uint64(p.series), uint64(p.size))
	}
	return dst
}

func decodeIndex(record []byte, limit uint64) (*segmentIndex, error) {
	src, err := opened(record)
	if err != nil {
		return nil, err
	}
	d := decoder{src: src}
	version := d.byte()
	if d.err == nil && version != segmentVersion && version != poollessIndex {
		return nil, fmt.Errorf("%w: segment of version %d", chunk.ErrCorrupt, version)
	}
	count, sheets, pools := d.number(), d.number(), uint64(0)
	if version != poollessIndex {
		pools = d.number()
	}
	size := d.number()
	if d.err == nil && (count > limit || sheets > limit || pools > limit || size > 1<<31) {
		d.fail("impossible index")
	}
	if d.err != nil {
		return nil, d.err
	}
	plain, err := chunk.Decompress(d.src, int(size))
	if err != nil {
		return nil, err
	}
	d = decoder{src: plain}
	x := &segmentIndex{}
	at := uint64(0)
	for range count {
		b := decodeBlockInfo(&d, at)
		if d.err != nil {
			return nil, d.err
		}
		at += uint64(b.head) + uint64(b.pages)
		x.blocks = append(x.blocks, b)
	}
	for range sheets {
		if d.err != nil {
			break
		}
		s := sheetInfo{series: uint32(d.number()), rows: uint32(d.number()), at: at, size: uint32(d.number())}
		at += uint64(s.size)
		x.sheets = append(x.sheets, s)
	}
	for range pools {
		if d.err != nil {
			break
		}
		p := poolInfo{series: uint32(d.number()), at: at, size: uint32(d.number())}
		at += uint64(p.size)
		x.pools = append(x.pools, p)
	}
	return x, d.err
}

// of gives the blocks that may hold a cell.
func (x *segmentIndex) of(id cellID) []blockInfo { return x.between(id, id) }

// between gives the blocks that may hold cells from one to another of its kind.
func (x *segmentIndex) between(id, to cellID) []blockInfo {
	// Standard blocks come first, each kind is sorted by cell.
	before := func(b blockInfo) bool {
		if b.last.rl() != id.rl() {
			return id.rl()
		}
		return b.last.less(id)
	}
	low, high := 0, len(x.blocks)
	for low < high {
		middle := (low + high) / 2
		if before(x.blocks[middle]) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	end := low
	for end < len(x.blocks) && x.blocks[end].first.rl() == id.rl() && !to.less(x.blocks[end].first) {
		end++
	}
	return x.blocks[low:end]
}

// head reads the head of a block.
func (s *segmentReader) head(b blockInfo) (*blockHead, error) {
	return readPart(s, "block", b.at, b.head, func(record []byte) (*blockHead, error) {
		head, err := decodeHead(record)
		if err == nil && (head.values.Size() != int(b.pages) || head.values.Len() != int(b.points)) {
			err = fmt.Errorf("%w: its head tells of other pages than the index", chunk.ErrCorrupt)
		}
		return head, err
	})
}

// readPart reads a part of a segment that is kept decoded.
func readPart[T cacheable](s *segmentReader, kind string, at uint64, size uint32, decode func(record []byte) (T, error)) (found T, err error) {
	name := cacheName{s.run.id, s.info.number, int64(at)}
	if cached, known := s.run.db.cache.get(name).(T); known {
		return cached, nil
	}
	record, err := s.read(at, int(size))
	if err != nil {
		return found, err
	}
	decoded, err := decode(record)
	if err != nil {
		return found, s.corrupt(fmt.Errorf("%s at byte %d: %w", kind, at, err))
	}
	s.run.db.cache.put(name, decoded)
	return decoded, nil
}

// values appends the values from..to of a block.
func (s *segmentReader) values(dst []float64, b blockInfo, head *blockHead, from, to int) ([]float64, error) {
	start, end := head.values.Bytes(from, to)
	room := pageBuffers.Get().(*[]byte)
	defer pageBuffers.Put(room)
	pages, err := s.readInto(*room, b.at+uint64(b.head)+uint64(start), end-start)
	if err != nil {
		return nil, err
	}
	*room = pages
	if dst, err = head.values.Append(dst, pages, from, to); err != nil {
		return nil, s.corrupt(fmt.Errorf("block at byte %d: %w", b.at, err))
	}
	return dst, nil
}
