package chunk

import "encoding/binary"

// symbolReader reads the codes of a stream.
type symbolReader struct {
	src  []byte // begins with the stream; behind it there are crcSize bytes or more
	at   int    // of the next byte
	held uint64 // bits that were taken from src and not read
	bits uint
	dst  []uint8 // symbols, and room for many more
	got  int
}

// many are the bytes that a round of entries may be written to.
const (
	roundEntries = 5 // whose bits are held whole
	many         = (roundEntries-1)*mostOfEntry + entryBytes
)

// missing is how many symbols are still to be read.
func (r *symbolReader) missing() int { return len(r.dst) - many - r.got }

// ready tells whether eight bytes can be taken, and symbols are missing.
func (r *symbolReader) ready() bool { return r.at+8 <= len(r.src) && r.missing() > 0 }

// fill takes as many bytes as are held whole.
func (r *symbolReader) fill() {
	r.held |= binary.LittleEndian.Uint64(r.src[r.at:]) << (r.bits & 63)
	r.at += int(63-r.bits) >> 3
	r.bits |= 56
}

// take writes the symbols of an entry.
func (r *symbolReader) take(entry decodeEntry) {
	binary.LittleEndian.PutUint32(r.dst[r.got:], entry.bytes())
	r.got += entry.count()
	r.held >>= entry.bits()
	r.bits -= entry.bits()
}

// readRounds reads until the reader is not ready, or bits begin no code. It reads some
// more symbols than are missing: others than those of the stream.
func (r *symbolReader) readRounds(table *decodeTable) {
	for r.ready() {
		r.fill()
		for range roundEntries {
			entry := table.entry(r.held)
			if entry == 0 {
				return
			}
			r.take(entry)
		}
	}
}

// finish reads what is missing and tells whether a stream of so many bytes has as many
// symbols.
func (r *symbolReader) finish(size int, table *decodeTable) bool {
	switch {
	case !r.ready():
	case vectors:
		readOneRounds(r, table)
	default:
		r.readRounds(table)
	}
	for r.missing() > 0 {
		for r.bits < maxCodeBits && r.at < len(r.src) {
			r.held |= uint64(r.src[r.at]) << r.bits
			r.at++
			r.bits += 8
		}
		entry := table.entry(r.held)
		if entry == 0 || entry.bits() > r.bits {
			return false
		}
		r.take(entry)
	}
	return 8*r.at-int(r.bits) <= 8*size-maxCodeBits*r.missing()
}

// decodeSymbols reads a code for each symbol of dst, all but the last many, from a stream
// of so many bytes, with which src begins.
func decodeSymbols(dst []uint8, src []byte, size int, table *decodeTable) bool {
	r := symbolReader{src: src, dst: dst}
	return r.finish(size, table)
}

// decodeBoth is decodeSymbols of two streams side by side: neither waits for what the
// other looks up. The second lies behind the first, which is so many bytes long.
func decodeBoth(dstA, dstB []uint8, src []byte, first, second int, table *decodeTable) bool {
	a, b := symbolReader{src: src, dst: dstA}, symbolReader{src: src[first:], dst: dstB}
	if a.ready() && b.ready() {
		if vectors {
			readBothRounds(&a, &b, table)
		} else {
			a.readRoundsBeside(&b, table)
		}
	}
	return a.finish(first, table) && b.finish(second, table)
}

// readRoundsBeside is readRounds of two readers, until one of them is not ready.
func (r *symbolReader) readRoundsBeside(other *symbolReader, table *decodeTable) {
	for r.ready() && other.ready() {
		r.fill()
		other.fill()
		for range roundEntries {
			one, two := table.entry(r.held), table.entry(other.held)
			if one == 0 || two == 0 {
				return
			}
			r.take(one)
			other.take(two)
		}
	}
}
