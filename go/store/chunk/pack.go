package chunk

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"
)

// What is done to every value of a column. Where the processor can, most of a page is
// done several values at a time.

// survey gives the bits that any value has, and the lowest and highest of all taken
// as integers.
func survey(values []float64) (any, low, high uint64) {
	low, high = math.Float64bits(values[0]), math.Float64bits(values[0])
	if k := len(values) &^ 7; vectors && k > 0 {
		var lanes surveyLanes
		surveyEights(unsafe.SliceData(values), k, &lanes)
		any, low, high = lanes.joined()
		values = values[k:]
	}
	for _, v := range values {
		b := math.Float64bits(v)
		any, low, high = any|b, min(low, b), max(high, b)
	}
	return any, low, high
}

// surveyLanes are surveys of every fourth or eighth value.
type surveyLanes struct {
	any       [4]uint64
	low, high [8]uint64
}

func (s *surveyLanes) joined() (any, low, high uint64) {
	return s.any[0] | s.any[1] | s.any[2] | s.any[3], slices.Min(s.low[:]), slices.Max(s.high[:])
}

// appendLow packs the low bits of a page.
func appendLow(dst []byte, page []float64, dropped, low uint) []byte {
	if low == 0 {
		return dst
	}
	size := (len(page)*int(low) + 7) / 8
	start := len(dst)
	dst = slices.Grow(dst, size+8)[:start+size+8] // room for the last store
	to := dst[start:]
	if k := len(page) &^ 7; vectors && k > 0 && 2*low <= maxLow {
		steps := packStepsOf(low)
		packEights(unsafe.SliceData(to), unsafe.SliceData(page), k, dropped, low, &steps)
		to, page = to[k/8*int(low):], page[k:]
	}
	w := bitWriter{to: to}
	mask := uint64(1)<<low - 1
	for _, v := range page {
		w.add(math.Float64bits(v)>>(dropped&63)&mask, low)
	}
	w.finish()
	return dst[:start+size]
}

// packSteps says how the low bits of eight values are put down, which are a whole number
// of bytes: in pairs, each behind the bits of the byte that the pair before did not fill.
type packSteps struct {
	bit   [3]uint64 // of its first byte, where the second pair begins, the third, the fourth
	done  [3]uint64 // bits in the whole bytes of the pair before
	bytes [4]uint64 // from where a pair is put to where the next is
}

func packStepsOf(low uint) (s packSteps) {
	at := func(pair uint) uint64 { return uint64(2 * low * pair) }
	for k := range s.bit {
		s.bit[k] = at(uint(k)+1) & 7
	}
	for k := range s.bytes {
		s.bytes[k] = at(uint(k)+1)>>3 - at(uint(k))>>3
	}
	for k := range s.done {
		s.done[k] = 8 * s.bytes[k]
	}
	return s
}

// writeHighs writes the codes of the values of a page by their high bits.
func (e *encoder) writeHighs(to *bitWriter, page []float64, cut uint) {
	if k := len(page) &^ 3; vectors && k > 0 {
		size, held, n := packCodes(unsafe.SliceData(to.to), unsafe.SliceData(page), k, cut, e.base, &e.codeOf[0])
		*to = bitWriter{to: to.to, at: size, held: held, bits: n}
		page = page[k:]
	}
	for _, v := range page {
		c := e.codeOf[(math.Float64bits(v)>>(cut&63)-e.base)&highsMask]
		to.add(uint64(c.bits), uint(c.n))
	}
}

// bitWriter packs bits, the first of a byte lowest. It needs room for eight bytes behind
// the last.
type bitWriter struct {
	to   []byte
	at   int
	held uint64
	bits uint // of held; fewer than eight
}

// add takes the n lowest bits, 57 at most, of what has no others.
func (w *bitWriter) add(more uint64, n uint) {
	w.held |= more << (w.bits & 63)
	w.bits += n
	binary.LittleEndian.PutUint64(w.to[w.at:], w.held)
	w.at += int(w.bits >> 3)
	w.held >>= w.bits &^ 7 & 63
	w.bits &= 7
}

// finish gives the number of bytes, to a whole one.
func (w *bitWriter) finish() int {
	binary.LittleEndian.PutUint64(w.to[w.at:], w.held)
	return w.at + int(w.bits+7)/8
}
