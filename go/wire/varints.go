package wire

import (
	"encoding/binary"
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
)

// Neighbours in a column of steps or times mostly have varints of one length, so
// both sizes and bytes are worked out a stretch of equal lengths at a time.

// lengthOf is how many bytes a number takes, and the lowest and the highest number
// that take as many.
func lengthOf(v uint64) (n uint, low, high uint64) {
	n = (9*uint(bits.Len64(v)) + 64) / 64
	if n > 1 {
		low = 1 << (7*n - 7)
	}
	return n, low, 1<<(7*n) - 1 // of the longest all bits, since the shift leaves none
}

func sizeVarints(values []uint64) int {
	size := 0
	for len(values) > 0 {
		n, low, high := lengthOf(values[0])
		i := max(within(values, low, high), 1)
		for i < len(values) && values[i]-low <= high-low {
			i++
		}
		size += i * int(n)
		values = values[i:]
	}
	return size
}

// within counts values that are not below low nor above high, eight by eight, until others
// come; 0 where that takes no less time than to look at each.
func within(values []uint64, low, high uint64) int {
	if n := len(values) &^ 7; vectors && n > 0 {
		return countWithin(&values[0], n, low, high-low)
	}
	return 0
}

// appendVarints encodes a packed column. Where room allows, a number of up to eight
// bytes is written at once, and the next one overwrites what is behind it.
func appendVarints(dst []byte, values []uint64) []byte {
	for len(values) > 0 {
		n, low, high := lengthOf(values[0])
		room := dst[len(dst):cap(dst)]
		if n > 8 || len(room) < 8 {
			dst, values = protowire.AppendVarint(dst, values[0]), values[1:]
			continue
		}
		if k := writeFours(room, values, n); k > 0 {
			dst, values = dst[:len(dst)+k*int(n)], values[k:]
			continue
		}
		i, end := 0, min(len(values), (len(room)-8)/int(n)+1)
		more := moreOf(n)
		for i < end && values[i]-low <= high-low {
			last, x := values[i], spread(values[i])|more
			binary.LittleEndian.PutUint64(room[i*int(n):], x)
			i++
			if i == end || values[i] < last {
				continue
			}
			// As long as it goes up so, what is added is added to the bytes: a
			// carry runs over the bits between, which are set.
			delta := values[i] - last
			distance := spread(delta)
			for i < end && values[i]-last == delta && values[i]-low <= high-low {
				last, x = values[i], (x+distance)|more
				binary.LittleEndian.PutUint64(room[i*int(n):], x)
				i++
			}
		}
		dst, values = dst[:len(dst)+i*int(n)], values[i:]
	}
	return dst
}

// writeFours writes values of n bytes, as far as that can be done four at a time, and
// counts them.
func writeFours(room []byte, values []uint64, n uint) int {
	fit := min(len(values), (len(room)-pairBytes)/int(n))
	if fit < 4 || !vectors {
		return 0
	}
	return writeEqual(&room[0], &values[0], fit&^3, &writePlans[n])
}

// moreOf has the bits that say that another byte follows, of a number of n bytes.
func moreOf(n uint) uint64 { return 0x8080808080808080 & (1<<(8*n-8) - 1) }

// writePlan says how numbers of one length are put side by side: in pairs.
type writePlan struct {
	bytes     [2][pairBytes]uint8 // of each of two pairs, those that are written; the others have the highest bit
	more      uint64
	pair      uint64 // bytes of a pair
	low, span uint64 // lowest of the numbers, and how far the highest is above; the sign turned over, to compare as without
}

const pairBytes = 16

// writePlans are those of numbers of up to eight bytes.
var writePlans = func() (plans [9]writePlan) {
	for n := 1; n < len(plans); n++ {
		p := &plans[n]
		_, low, high := lengthOf(1<<(7*n-7) | 1)
		p.more, p.pair, p.low, p.span = moreOf(uint(n)), uint64(2*n), low^1<<63, (high-low)^1<<63
		for k := range p.bytes {
			for i := range p.bytes[k] {
				p.bytes[k][i] = uint8(i/n*8 + i%n)
				if i >= 2*n {
					p.bytes[k][i] = 0x80
				}
			}
		}
	}
	return plans
}()

// spread puts the lowest eight sevens of bits into a byte each.
func spread(v uint64) uint64 {
	x := v&0xfffffff | v&0xfffffff0000000<<4
	x = x&0x3fff00003fff | x&0xfffc0000fffc000<<2
	return x&0x7f007f007f007f | x&0x3f803f803f803f80<<1
}
