package chunk

import "encoding/binary"

// symbolReader reads the codes of a stream.
type symbolReader struct {
	src  []byte // begins with the stream; what lies behind may be held, but never read
	at   int    // of the next byte
	held uint64 // bits that were taken from src and not read
	bits uint
	dst  []uint8
	got  int // symbols of dst
}

// many are the bytes that a round of entries may be written to.
const (
	roundEntries = 5 // whose bits are held whole
	many         = (roundEntries-1)*mostOfEntry + entryBytes
)

// ready tells whether eight bytes can be taken and there is room for a round.
func (r *symbolReader) ready() bool { return r.at+8 <= len(r.src) && r.got+many <= len(r.dst) }

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

// decodeSymbols reads a code for each symbol of dst from a stream of so many bytes, with
// which src begins.
func decodeSymbols(dst []uint8, src []byte, size int, table *decodeTable) bool {
	r := symbolReader{src: src, dst: dst}
	for r.ready() {
		r.fill()
		for range roundEntries {
			entry := table.entry(r.held)
			if entry == 0 {
				return false
			}
			r.take(entry)
		}
	}
	return r.finish(size, table)
}

// finish reads what there is no room for a round for, and tells whether the symbols are
// those of a stream of so many bytes.
func (r *symbolReader) finish(size int, table *decodeTable) bool {
	for r.got < len(r.dst) {
		r.fillAtEnd()
		entry := table.entry(r.held)
		switch {
		case entry == 0:
			return false
		case entry.bits() <= r.bits && r.got+entryBytes <= len(r.dst):
			r.take(entry)
		default:
			n := uint(table.lengths[entry.first()])
			if n > r.bits {
				return false
			}
			r.dst[r.got] = entry.first()
			r.got++
			r.held >>= n
			r.bits -= n
		}
	}
	return 8*r.at-int(r.bits) <= 8*size
}

// fillAtEnd is fill where there may not be eight bytes.
func (r *symbolReader) fillAtEnd() {
	if r.at+8 <= len(r.src) {
		r.fill()
		return
	}
	for r.bits < maxCodeBits && r.at < len(r.src) {
		r.held |= uint64(r.src[r.at]) << r.bits
		r.at++
		r.bits += 8
	}
}

// decodeBoth is decodeSymbols of two streams side by side: neither waits for what the
// other looks up. The second lies behind the first, which is so many bytes long.
func decodeBoth(dstA, dstB []uint8, src []byte, first, second int, table *decodeTable) bool {
	a, b := symbolReader{src: src, dst: dstA}, symbolReader{src: src[first:], dst: dstB}
	if vectors && a.ready() && b.ready() {
		if !readRounds(&a, &b, table) {
			return false
		}
	}
	for a.ready() && b.ready() {
		a.fill()
		b.fill()
		for range roundEntries {
			entryA, entryB := table.entry(a.held), table.entry(b.held)
			if entryA == 0 || entryB == 0 {
				return false
			}
			a.take(entryA)
			b.take(entryB)
		}
	}
	return a.finish(first, table) && b.finish(second, table)
}
