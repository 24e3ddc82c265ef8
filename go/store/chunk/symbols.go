package chunk

import "encoding/binary"

// symbolReader reads the codes of a stream.
type symbolReader struct {
	src  []byte
	at   int    // of the next byte
	held uint64 // bits that were taken from src and not read
	bits uint
}

// many is how many symbols readMany may give.
const many = 10

// ready tells whether eight bytes can be taken and there is room for many symbols.
func (r *symbolReader) ready(room int) bool { return r.at+8 <= len(r.src) && room >= many }

// fill takes as many bytes as are held whole.
func (r *symbolReader) fill() {
	r.held |= binary.LittleEndian.Uint64(r.src[r.at:]) << (r.bits & 63)
	r.at += int(63-r.bits) >> 3
	r.bits |= 56
}

// decodeSymbols reads a code for each symbol of dst.
func decodeSymbols(dst []uint8, src []byte, table *decodeTable) bool {
	return readSymbols(dst, 0, symbolReader{src: src}, table)
}

// readSymbols goes on at the i-th symbol.
func readSymbols(dst []uint8, i int, r symbolReader, table *decodeTable) bool {
	for r.ready(len(dst) - i) {
		r.fill()
		held, used := r.held, uint(0)
		for range many / 2 {
			entry := table.entry(held)
			if entry == 0 {
				return false
			}
			two := dst[i : i+2 : i+2]
			two[0], two[1] = entry.first(), entry.second()
			i += entry.symbols()
			held >>= entry & 63 // its bits
			used += entry.bits()
		}
		r.held = held
		r.bits -= used
	}
	for ; i < len(dst); i++ {
		for r.bits < maxCodeBits && r.at < len(r.src) {
			r.held |= uint64(r.src[r.at]) << r.bits
			r.at++
			r.bits += 8
		}
		entry := table.entry(r.held)
		n := entry.firstBits()
		if n == 0 || n > r.bits {
			return false
		}
		dst[i] = entry.first()
		r.held >>= n
		r.bits -= n
	}
	return true
}

// decodeBoth is decodeSymbols of two streams side by side: neither waits for what the
// other looks up.
func decodeBoth(dstA, dstB []uint8, srcA, srcB []byte, table *decodeTable) bool {
	a, b := symbolReader{src: srcA}, symbolReader{src: srcB}
	i, j := 0, 0
	for a.ready(len(dstA)-i) && b.ready(len(dstB)-j) {
		a.fill()
		b.fill()
		heldA, heldB, usedA, usedB := a.held, b.held, uint(0), uint(0)
		for range many / 2 {
			entryA, entryB := table.entry(heldA), table.entry(heldB)
			if entryA == 0 || entryB == 0 {
				return false
			}
			twoA, twoB := dstA[i:i+2:i+2], dstB[j:j+2:j+2]
			twoA[0], twoA[1] = entryA.first(), entryA.second()
			twoB[0], twoB[1] = entryB.first(), entryB.second()
			i += entryA.symbols()
			j += entryB.symbols()
			heldA >>= entryA & 63
			heldB >>= entryB & 63
			usedA += entryA.bits()
			usedB += entryB.bits()
		}
		a.held, b.held = heldA, heldB
		a.bits -= usedA
		b.bits -= usedB
	}
	return readSymbols(dstA, i, a, table) && readSymbols(dstB, j, b, table)
}
