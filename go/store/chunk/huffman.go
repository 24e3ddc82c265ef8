package chunk

import (
	"math/bits"
	"slices"
)

// Huffman codes of the symbols of a block. Codes are canonical, so that their
// lengths say all, at most maxCodeBits long, and written lowest bit first, so
// that the next bits of a stream index the decoder's table.
const (
	maxCodeBits = 11
	maxSymbols  = 256
)

// codeLengths gives each symbol the length of its code, by how often it occurs;
// all counts are above zero. A single symbol takes no bits.
func codeLengths(counts []uint32) []uint8 {
	lengths := make([]uint8, len(counts))
	if len(counts) < 2 {
		return lengths
	}
	parents := huffmanTree(counts)
	// A parent stands behind its children.
	depths := make([]uint8, len(parents))
	for i := len(parents) - 2; i >= 0; i-- {
		depths[i] = depths[parents[i]] + 1
	}
	copy(lengths, depths)
	limitLengths(lengths, counts)
	return lengths
}

// huffmanTree gives the parent of each node: symbols first, then inner nodes in
// the order they were joined, the root last.
func huffmanTree(counts []uint32) []int {
	n := len(counts)
	leaves := make([]int, n)
	for i := range leaves {
		leaves[i] = i
	}
	slices.SortStableFunc(leaves, func(a, b int) int { return int(int64(counts[a]) - int64(counts[b])) })
	weights := make([]uint64, n, 2*n-1)
	for i, c := range counts {
		weights[i] = uint64(c)
	}
	parents := make([]int, 2*n-1)
	leaf, inner := 0, n
	// Both queues ascend: the lightest node is in front of one of them.
	lightest := func() int {
		if leaf < n && (inner >= len(weights) || weights[leaves[leaf]] <= weights[inner]) {
			leaf++
			return leaves[leaf-1]
		}
		inner++
		return inner - 1
	}
	for len(weights) < 2*n-1 {
		a, b := lightest(), lightest()
		parents[a], parents[b] = len(weights), len(weights)
		weights = append(weights, weights[a]+weights[b])
	}
	return parents
}

// limitLengths cuts codes that are too long and lengthens short ones of rare
// symbols until all have room again.
func limitLengths(lengths []uint8, counts []uint32) {
	const whole = 1 << maxCodeBits
	used := 0
	for i, l := range lengths {
		lengths[i] = min(l, maxCodeBits)
		used += whole >> lengths[i]
	}
	if used <= whole {
		return
	}
	rarest := make([]int, len(counts))
	for i := range rarest {
		rarest[i] = i
	}
	slices.SortStableFunc(rarest, func(a, b int) int { return int(int64(counts[a]) - int64(counts[b])) })
	for used > whole {
		for _, i := range rarest {
			if lengths[i] < maxCodeBits {
				lengths[i]++
				used -= whole >> lengths[i]
				if used <= whole {
					break
				}
			}
		}
	}
}

// code is one symbol's code, its first bit lowest.
type code struct {
	bits uint16
	n    uint8
}

// fitTree tells whether there can be codes of these lengths.
func fitTree(lengths []uint8) bool {
	used := 0
	for _, n := range lengths {
		if n > 0 {
			used += 1 << (maxCodeBits - n)
		}
	}
	return used <= 1<<maxCodeBits
}

// codesOf numbers the codes of each length in the order of the symbols. The
// lengths must fit into a tree.
func codesOf(lengths []uint8) []code {
	codes := make([]code, len(lengths))
	next := 0
	for n := uint8(1); n <= maxCodeBits; n++ {
		for i, l := range lengths {
			if l != n {
				continue
			}
			codes[i] = code{bits: bits.Reverse16(uint16(next)) >> (16 - n), n: n}
			next++
		}
		next <<= 1
	}
	return codes
}

// decodeFew reads codes bit by bit: those of a length are numbers in a row.
func decodeFew(dst []uint8, src []byte, lengths []uint8) bool {
	var first, begin, count [maxCodeBits + 2]int // by length
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	for n := 1; n <= maxCodeBits; n++ {
		first[n+1] = (first[n] + count[n]) << 1
		begin[n+1] = begin[n] + count[n]
	}
	symbols := make([]uint8, len(lengths)) // by length
	place := begin
	for symbol, n := range lengths {
		if n > 0 {
			symbols[place[n]] = uint8(symbol)
			place[n]++
		}
	}
	at := 0 // bit of src
	for i := range dst {
		found := false
		for code, n := 0, 1; n <= maxCodeBits && at < 8*len(src) && !found; n++ {
			code = code<<1 | int(src[at>>3]>>(at&7)&1)
			at++
			if k := code - first[n]; k >= 0 && k < count[n] {
				dst[i], found = symbols[begin[n]+k], true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// shortBits is how many bits of a stream the table is asked for at once. Few codes are
// longer; a table for all bits would be four times as large and never at hand: each
// block has one of its own.
const (
	shortBits = 9
	moreBits  = maxCodeBits - shortBits
)

// decodeTable says for every value of the next shortBits bits of a stream which symbols
// begin there: the first and, as far as their codes fit as well, the second and the third.
// Where longer codes begin it names those in long, by the bits behind. Bits that begin no
// code have the entry 0.
type decodeTable struct {
	long  []decodeEntry               // 1<<moreBits for each beginning of longer codes
	short [1 << shortBits]decodeEntry // last: a collection of garbage looks no further than the pointers
}

// decodeEntry holds in its lowest byte the bits of all its codes, where a shift takes
// them as they are, and above them how many there are; then their symbols, a byte each.
// Without codes it holds, times 256, the place in long plus one.
type decodeEntry uint32

const (
	mostOfEntry = 3 // symbols
	entryBytes  = 4 // that symbols are written as
	countShift  = 6
	bitsMask    = 1<<countShift - 1
	countMask   = mostOfEntry << countShift
)

func entryOf(symbol int, bits uint) decodeEntry {
	return decodeEntry(symbol)<<8 | 1<<countShift | decodeEntry(bits)
}

func (e decodeEntry) bits() uint    { return uint(e & bitsMask) }
func (e decodeEntry) count() int    { return int(e >> countShift & mostOfEntry) }
func (e decodeEntry) first() uint8  { return uint8(e >> 8) }
func (e decodeEntry) bytes() uint32 { return uint32(e >> 8) }

// entry gives what begins with the lowest bits of held; 0 for no code.
func (t *decodeTable) entry(held uint64) decodeEntry {
	e := t.short[held&(1<<shortBits-1)]
	if e&countMask == 0 && e != 0 {
		e = t.long[int(e>>8)-1+int(held>>shortBits&(1<<moreBits-1))]
	}
	return e
}

func newDecodeTable(lengths []uint8) *decodeTable {
	t := new(decodeTable)
	for symbol, c := range codesOf(lengths) {
		entry := entryOf(symbol, uint(c.n))
		switch {
		case c.n == 0:
		case c.n <= shortBits:
			for at := int(c.bits); at < len(t.short); at += 1 << c.n {
				t.short[at] = entry
			}
		default:
			t.addLong(c, entry)
		}
	}
	t.addMore()
	return t
}

func (t *decodeTable) addLong(c code, entry decodeEntry) {
	begin := &t.short[c.bits&(1<<shortBits-1)]
	if *begin == 0 {
		*begin = decodeEntry(len(t.long)+1) << 8
		t.long = append(t.long, make([]decodeEntry, 1<<moreBits)...)
	}
	of := t.long[*begin>>8-1:][:1<<moreBits]
	for at := int(c.bits >> shortBits); at < len(of); at += 1 << (c.n - shortBits) {
		of[at] = entry
	}
}

// addMore goes from the highest entry down: what follows a code is a lower index, whose
// entry has one symbol still.
func (t *decodeTable) addMore() {
	for at := len(t.short) - 1; at >= 0; at-- {
		all := t.short[at]
		for k := 1; all.count() == k && k < mostOfEntry; k++ {
			next := t.short[at>>all.bits()]
			if next.count() == 0 || all.bits()+next.bits() > shortBits {
				break
			}
			all += next&(bitsMask|countMask) | decodeEntry(next.first())<<(8*k+8)
		}
		t.short[at] = all
	}
}
