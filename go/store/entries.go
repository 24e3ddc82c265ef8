package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store/chunk"
)

// A journal record holds what one transaction added to a run, as the step rules
// left it: replaying it needs no rules. FORMAT.md draws it.

// Kinds of entries. The numbers are on disk.
const (
	entrySeries      = 1 // number, name, scale, ordering, labels
	entryEnvironment = 2 // number, id
	entrySession     = 3 // logger session, sequence number
	entryPoints      = 4 // series, environment, count, columns, raw values
	entryLate        = 5 // series, how many points came late
	entryDuplicates  = 6 // how many RL points were stored already
	entryRefused     = 7 // how many RL points lay where no axis reaches
	entryShortPoints = 8 // as entryPoints, of values each of which is exactly a float32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed appends the checksum that opened verifies.
func sealed(record []byte) []byte {
	return binary.LittleEndian.AppendUint32(record, crc32.Checksum(record, castagnoli))
}

func opened(record []byte) ([]byte, error) {
	if len(record) < 4 {
		return nil, fmt.Errorf("%w: record of %d bytes", chunk.ErrCorrupt, len(record))
	}
	body, sum := record[:len(record)-4], binary.LittleEndian.Uint32(record[len(record)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: wrong checksum", chunk.ErrCorrupt)
	}
	return body, nil
}

func appendSeriesEntry(dst []byte, s *series) []byte {
	dst = binary.AppendUvarint(append(dst, entrySeries), uint64(s.no))
	return appendSeriesKey(dst, s.key, s.ordering)
}

func appendSeriesKey(dst []byte, key point.Series, ordering point.Ordering) []byte {
	dst = chunk.AppendBytes(dst, key.Name)
	dst = chunk.AppendBytes(dst, key.Scale)
	dst = append(dst, byte(ordering))
	dst = binary.AppendUvarint(dst, uint64(len(key.Labels)))
	for _, label := range key.Labels {
		dst = chunk.AppendBytes(dst, label.Key)
		dst = chunk.AppendBytes(dst, label.Value)
	}
	return dst
}

func appendEnvironmentEntry(dst []byte, e *environment) []byte {
	dst = binary.AppendUvarint(append(dst, entryEnvironment), uint64(e.no))
	return chunk.AppendBytes(dst, e.id)
}

func appendNumbersEntry(dst []byte, kind byte, numbers ...uint64) []byte {
	dst = append(dst, kind)
	for _, v := range numbers {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// appendPointsEntry also gives the values as float32, where they lie in the entry; nil
// where they cannot be had so.
func appendPointsEntry(dst []byte, id cellID, c *columns) (longer, short []byte) {
	begin := len(dst)
	dst = appendNumbersEntry(dst, entryShortPoints, uint64(id.series), uint64(id.env), uint64(len(c.values)))
	for k := range colsOf(id.rl()) {
		dst = chunk.AppendRuns(dst, c.ints[k])
	}
	at := len(dst)
	dst, exact := appendShort(dst, c.values)
	if exact {
		return dst, dst[at:]
	}
	dst[begin] = entryPoints
	return appendRaw(dst, c.values), nil
}

// littleEndian tells whether values lie in memory as they do on disk.
var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

func appendRaw(dst []byte, values []float64) []byte {
	if len(values) == 0 {
		return dst
	}
	if littleEndian {
		return append(dst, unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), 8*len(values))...)
	}
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func decodeRaw(src []byte) []float64 {
	values := make([]float64, len(src)/longBytes)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(src[longBytes*i:]))
	}
	return values
}

// replayAll applies the run's journal records in the order of their numbers,
// wherever they lie.
func (r *Run) replayAll() error {
	places := r.db.journal.of(r.id)
	for len(places) > 0 && places[0].number < r.journalFirst {
		places = places[1:]
	}
	untilNumber := func(number uint64) error {
		for len(places) > 0 && places[0].number < number {
			record, err := r.db.journal.read(places[0])
			if err == nil {
				err = r.replayNext(places[0].number, record)
			}
			if err != nil {
				return err
			}
			places = places[1:]
		}
		return nil
	}
	prefix := runKey(r.id, kindJournal)
	err := r.db.scan(prefix, func(key, record []byte) error {
		number := binary.BigEndian.Uint64(key[len(prefix):])
		if err := untilNumber(number); err != nil {
			return err
		}
		return r.replayNext(number, record)
	})
	if err != nil {
		return err
	}
	return untilNumber(math.MaxUint64)
}

func (r *Run) replayNext(number uint64, record []byte) error {
	if number != r.journal {
		return fmt.Errorf("%w: its journal record %d is missing", chunk.ErrCorrupt, r.journal)
	}
	if err := r.replay(record); err != nil {
		return fmt.Errorf("its journal record %d: %w", number, err)
	}
	r.journal++
	return nil
}

// replay applies a journal record to the run's state in memory.
func (r *Run) replay(record []byte) error {
	src, err := opened(record)
	if err != nil {
		return err
	}
	for len(src) > 0 {
		kind := src[0]
		if src, err = r.replayEntry(kind, src[1:]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) replayEntry(kind byte, src []byte) ([]byte, error) {
	d := decoder{src: src}
	switch kind {
	case entrySeries:
		no := d.number()
		key, ordering := d.seriesKey()
		if d.err == nil && no != uint64(len(r.series)+1) {
			d.fail("series out of order")
		}
		if d.err == nil {
			r.addSeries(key, ordering)
		}
	case entryEnvironment:
		no, id := d.number(), d.text()
		if d.err == nil && no != uint64(len(r.environments)+1) {
			d.fail("environment out of order")
		}
		if d.err == nil {
			r.addEnvironment(id)
		}
	case entrySession:
		session, sequence := d.number(), d.number()
		r.sessions[session] = max(r.sessions[session], sequence)
	case entryPoints:
		r.replayPoints(&d, longBytes)
	case entryShortPoints:
		r.replayPoints(&d, shortBytes)
	case entryLate:
		no, late := d.number(), d.number()
		if s := r.seriesAt(&d, no); s != nil {
			r.cellOf(s, 0).std.late += late
		}
	case entryDuplicates:
		r.duplicates += d.number()
	case entryRefused:
		r.refused += d.number()
	default:
		d.fail(fmt.Sprintf("unknown entry %d", kind))
	}
	return d.src, d.err
}

// replayPoints takes points with values of so many bytes.
func (r *Run) replayPoints(d *decoder, size int) {
	no, env, n := d.number(), d.number(), d.number()
	s := r.seriesAt(d, no)
	if env > uint64(len(r.environments)) {
		d.fail("unknown environment")
	}
	if n == 0 || n > uint64(len(d.src)/size) {
		d.fail("impossible count of points")
	}
	if d.err != nil {
		return
	}
	var c columns
	for k := range colsOf(env != 0) {
		c.ints[k] = d.runs(int(n))
	}
	values := d.bytes(size * int(n))
	if d.err != nil {
		return
	}
	if size == shortBytes {
		c.values = decodeShort(values)
		r.take(r.cellOf(s, uint32(env)), &c, values)
		return
	}
	c.values = decodeRaw(values)
	r.take(r.cellOf(s, uint32(env)), &c, nil)
}

func (r *Run) seriesAt(d *decoder, no uint64) *series {
	if d.err == nil && (no == 0 || no > uint64(len(r.series))) {
		d.fail("unknown series")
	}
	if d.err != nil {
		return nil
	}
	return r.series[no-1]
}

// decoder takes fields from the front of src; after its first error it gives
// zeros.
type decoder struct {
	src []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", chunk.ErrCorrupt, what)
	}
}

func (d *decoder) number() (v uint64) {
	if d.err == nil {
		v, d.src, d.err = chunk.Uvarint(d.src)
	}
	return v
}

func (d *decoder) text() string {
	if d.err != nil {
		return ""
	}
	b, rest, err := chunk.Bytes(d.src)
	d.src, d.err = rest, err
	return string(b)
}

func (d *decoder) byte() byte {
	if d.err == nil && len(d.src) == 0 {
		d.fail("cut short")
	}
	if d.err != nil {
		return 0
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b
}

func (d *decoder) bytes(n int) []byte {
	if d.err == nil && len(d.src) < n {
		d.fail("cut short")
	}
	if d.err != nil {
		return nil
	}
	b := d.src[:n]
	d.src = d.src[n:]
	return b
}

func (d *decoder) bits() uint64 {
	if d.err == nil && len(d.src) < 8 {
		d.fail("cut short")
	}
	if d.err != nil {
		return 0
	}
	v := binary.LittleEndian.Uint64(d.src)
	d.src = d.src[8:]
	return v
}

func (d *decoder) runs(n int) (r chunk.Runs) {
	if d.err == nil {
		r, d.src, d.err = chunk.DecodeRuns(nil, d.src, n)
	}
	return r
}

// unpack takes what was compressed and is so large when it is not.
func (d *decoder) unpack(size uint64) decoder {
	packed := d.text()
	if d.err == nil && size > maxPlain {
		d.fail("impossible size")
	}
	if d.err != nil {
		return decoder{err: d.err}
	}
	var plain []byte
	plain, d.err = chunk.Decompress([]byte(packed), int(size))
	return decoder{src: plain, err: d.err}
}

// maxPlain is far beyond what an encoder writes.
const maxPlain = 1 << 26

// count takes a number of things that take at least one byte each.
func (d *decoder) count() int {
	n := d.number()
	if d.err == nil && n > uint64(len(d.src)) {
		d.fail("count beyond the end")
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

func (d *decoder) seriesKey() (point.Series, point.Ordering) {
	key := point.Series{Name: d.text(), Scale: d.text()}
	ordering := point.Ordering(d.byte())
	for range d.count() {
		key.Labels = append(key.Labels, point.Label{Key: d.text(), Value: d.text()})
	}
	return key, ordering
}
