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
		i := 1
		for i < len(values) && values[i]-low <= high-low {
			i++
		}
		size += i * int(n)
		values = values[i:]
	}
	return size
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
		i, end := 0, min(len(values), (len(room)-8)/int(n)+1)
		more := 0x8080808080808080 & (uint64(1)<<(8*n-8) - 1) // those bytes say that another follows
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

// spread puts the lowest eight sevens of bits into a byte each.
func spread(v uint64) uint64 {
	x := v&0xfffffff | v&0xfffffff0000000<<4
	x = x&0x3fff00003fff | x&0xfffc0000fffc000<<2
	return x&0x7f007f007f007f | x&0x3f803f803f803f80<<1
}
