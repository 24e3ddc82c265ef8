package reader

import (
	"encoding/binary"
	"math/bits"
)

const (
	follows = 0x8080808080808080 // in each byte the bit that says that another follows
	sevens  = 0x7f7f7f7f7f7f7f7f
)

// countVarints counts the numbers of a packed column.
func countVarints(column pieces) (n int) {
	for _, piece := range column {
		for ; len(piece) >= 8; piece = piece[8:] {
			n += bits.OnesCount64(^binary.LittleEndian.Uint64(piece) & follows)
		}
		for _, b := range piece {
			if b < 0x80 {
				n++
			}
		}
	}
	return n
}

// writeVarints writes the numbers of a packed column into memory that has room for
// exactly as many, and tells whether they were.
//
// Neighbours mostly have one length. As long as the next number has it, where the
// one after begins waits for nothing to be looked at.
func writeVarints(memory []byte, column pieces) bool {
	var split uint64 // what is there of a number that goes over the end of a piece
	var shift uint
	for _, piece := range column {
		for len(piece) > 0 {
			if shift == 0 {
				memory, piece = writeWhole(memory, piece)
			}
			// One number byte by byte: it is long, or at an end.
			for len(piece) > 0 {
				b := piece[0]
				piece = piece[1:]
				if shift > 63 || shift == 63 && b > 1 {
					return false
				}
				split |= uint64(b&0x7f) << shift
				shift += 7
				if b < 0x80 {
					if len(memory) < 8 {
						return false
					}
					binary.NativeEndian.PutUint64(memory, split)
					memory, split, shift = memory[8:], 0, 0
					break
				}
			}
		}
	}
	return shift == 0 && len(memory) == 0
}

// writeWhole writes numbers as long as eight bytes can be read at once, and gives
// what is left of both.
func writeWhole(memory, piece []byte) (_, _ []byte) {
	for len(piece) >= 8 && len(memory) >= 8 {
		ends := ^binary.LittleEndian.Uint64(piece) & follows
		if ends == 0 {
			break
		}
		mask := ends ^ (ends - 1) // of the first number's bytes
		last := ends & -ends
		n := bits.TrailingZeros64(ends)/8 + 1
		k := writeEqual(memory, piece, n)
		at, to := k*n, 8*k
		for at+8 <= len(piece) && to+8 <= len(memory) {
			x := binary.LittleEndian.Uint64(piece[at : at+8])
			if ^x&follows&mask != last {
				break
			}
			binary.NativeEndian.PutUint64(memory[to:to+8], squeezed(x&mask&sevens))
			at += n
			to += 8
		}
		piece, memory = piece[at:], memory[to:]
	}
	return memory, piece
}

// writeEqual writes numbers of n bytes, as far as that can be done four at a time, and
// counts them.
func writeEqual(memory, piece []byte, n int) int {
	room := min(len(memory)/8, (len(piece)-pairBytes)/n+2) // the last pair is loaded whole
	if room < 4 || !vectors {
		return 0
	}
	return readEqual(&memory[0], &piece[0], room&^3, &readPlans[n])
}

// readPlan says where numbers of one length lie: in pairs.
type readPlan struct {
	bytes [2][2][8]uint8 // of each number of two pairs; the highest bit is set of what is none
	more  uint64         // the bits that say that another byte follows
	pair  uint64         // bytes of a pair
}

const pairBytes = 16

// readPlans are those of numbers of up to eight bytes.
var readPlans = func() (plans [9]readPlan) {
	for n := 1; n < len(plans); n++ {
		p := &plans[n]
		p.more, p.pair = follows&(1<<(8*n-8)-1), uint64(2*n)
		for i := range 2 * 2 * 8 {
			at := &p.bytes[i/16][i/8%2][i%8]
			if *at = uint8(i/8%2*n + i%8); i%8 >= n {
				*at = 0x80
			}
		}
	}
	return plans
}()

// squeezed puts the seven bits of each byte beside each other.
func squeezed(x uint64) uint64 {
	x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1
	x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2
	return x&0x000000000fffffff | x&0x0fffffff00000000>>4
}
