package chunk

import (
	"encoding/binary"
	"math"
)

// readRaw reads values of eight bytes.
func readRaw(dst []float64, src []byte) {
	src = src[:8*len(dst)]
	for i := range dst {
		dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:]))
	}
}

// join puts the high bits of symbols and low bits together, of which dst[0] has the
// from-th. Where the processor can, most is done eight values at a time.
func (v *Values) join(dst []float64, symbols, low []byte, from int) {
	if !vectors {
		v.joinEach(dst, symbols, low, from)
		return
	}
	// Eight values begin with a whole byte, as those before them end.
	k := min(-from&7, len(dst))
	v.joinEach(dst[:k], symbols, low, from)
	dst, symbols, from = dst[k:], symbols[k:], from+k
	begin := from / 8 * int(v.low)
	k = v.plan.eights(len(dst), len(low)-begin)
	v.joinEights(dst[:k], symbols, low[begin:])
	dst, symbols, from, begin = dst[k:], symbols[k:], from+k, begin+k/8*int(v.low)
	if k = len(dst) &^ 7; k > 0 {
		var end lowEnd
		copy(end[:], low[begin:])
		v.joinEights(dst[:k], symbols, end[:])
	}
	v.joinEach(dst[k:], symbols[k:], low, from+k)
}

func (v *Values) joinEights(dst []float64, symbols, low []byte) {
	if len(dst) > 0 {
		joinEights(&dst[0], &symbols[0], &low[0], len(dst), &v.highs[0], &v.plan)
	}
}

func (v *Values) joinEach(dst []float64, symbols, low []byte, from int) {
	mask := uint64(1)<<v.low - 1
	bit, width, dropped := uint(from)*v.low, v.low, v.dropped
	symbols = symbols[:len(dst)]
	for i := range dst {
		eight := eightBytes(low, int(bit>>3))
		dst[i] = math.Float64frombits(v.highs[symbols[i]] | eight>>(bit&7)&mask<<(dropped&63))
		bit += width
	}
}

// eightBytes gives those from a place on, or as many as there are.
func eightBytes(src []byte, at int) uint64 {
	if at+8 <= len(src) {
		return binary.LittleEndian.Uint64(src[at:])
	}
	var last [8]byte
	copy(last[:], src[at:])
	return binary.LittleEndian.Uint64(last[:])
}

// joinPlan says how the low bits of eight values, a whole number of bytes, are taken
// apart: in pairs, each of which lies in pairBytes from its first byte on.
type joinPlan struct {
	bytes         [2][4][8]uint8 // those of each value, in its pair; two pairs in a row
	shifts        [2][4]uint64   // of each value in its bytes
	pairs         [4]uint64      // first byte of each
	mask, dropped uint64
	width         uint64 // bytes of eight values
}

const pairBytes = 16

// lowEnd has room for the last low bits of a page, which are too few for a load, and for
// that load.
type lowEnd [2*maxLow + pairBytes]byte

func joinPlanOf(dropped, low uint) (p joinPlan) {
	p.mask, p.dropped, p.width = 1<<low-1, uint64(dropped), uint64(low)
	for k := range p.pairs {
		p.pairs[k] = uint64(2*k) * uint64(low) / 8
	}
	for i := range uint64(8) {
		bit := i*uint64(low) - 8*p.pairs[i/2]
		for j := range p.bytes[i/4][i%4] {
			p.bytes[i/4][i%4][j] = uint8(bit/8) + uint8(j)
		}
		p.shifts[i/4][i%4] = bit % 8
	}
	return p
}

// eights is how many of n values can be taken apart so from this many bytes.
func (p *joinPlan) eights(n, bytes int) int {
	last := bytes - int(p.pairs[3]) - pairBytes // where eight may begin
	if last < 0 {                               // always, where there are none
		return 0
	}
	return min(n/8, last/int(p.width)+1) * 8
}
