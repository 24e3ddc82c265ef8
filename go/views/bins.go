package views

import "math/bits"

// bins cut n things into count bins, which hold equally many but for one.
type bins struct {
	n     uint64
	count int
}

func binsOf(n uint64, most int) bins { return bins{n, int(min(n, uint64(most)))} }

// binsFrom cuts the steps first to last.
func binsFrom(first, last uint64, most int) bins {
	return binsOf(max(last-first, last-first+1), most)
}

// of is the bin of the i-th thing.
func (b bins) of(i uint64) int {
	high, low := bits.Mul64(i, uint64(b.count))
	bin, _ := bits.Div64(high, low, b.n)
	return min(int(bin), b.count-1) // beyond the last thing when there are 2⁶⁴
}

// start is the first thing of a bin; that of the bin behind the last is n.
func (b bins) start(bin int) uint64 {
	if bin == b.count {
		return b.n
	}
	high, low := bits.Mul64(uint64(bin), b.n)
	i, rest := bits.Div64(high, low, uint64(b.count))
	if rest > 0 {
		i++
	}
	return i
}
