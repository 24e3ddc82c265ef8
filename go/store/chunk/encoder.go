package chunk

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"sync"
)

// encoder chooses how to cut the values of a column and writes their symbols. It
// keeps its tables from one column to the next.
type encoder struct {
	// By high bits less the lowest: how often they occur among values at even and at
	// odd places. Of one number a value would wait until the one before has written it.
	window, odd [highsWindow]uint32
	codeOf      [highsWindow]code
	highs       []uint64
	counts      []uint32 // of highs

	// Of a column of few values the whole of each is its high bits.
	whole  bool
	few    fewValues
	codes  []code // by symbol
	base   uint64 // lowest high bits
	sample []uint32
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// fewValues numbers up to maxSymbols different values.
type fewValues struct {
	list  []uint64
	slots [4 * maxSymbols]uint16 // number plus one, by hash
}

// number gives the number of a value; ok is false when there are too many.
func (f *fewValues) number(b uint64) (no int, ok bool) {
	at := b * 0x9e3779b97f4a7c15 >> 54
	for {
		no := f.slots[at]
		if no == 0 {
			break
		}
		if f.list[no-1] == b {
			return int(no) - 1, true
		}
		at = (at + 1) % uint64(len(f.slots))
	}
	if len(f.list) == maxSymbols {
		return 0, false
	}
	f.list = append(f.list, b)
	f.slots[at] = uint16(len(f.list))
	return len(f.list) - 1, true
}

func (f *fewValues) clear() {
	f.list = f.list[:0]
	clear(f.slots[:])
}

// plan chooses how to write values, and makes ready to.
func (e *encoder) plan(values []float64) directory {
	any, low, high := survey(values)
	if low == high {
		return directory{kind: oneValue}
	}
	dropped := uint(min(bits.TrailingZeros64(any), 63))
	if d, fits := e.planWhole(values, dropped); fits {
		return d
	}
	for _, cut := range e.cuts(values, dropped, low, high) {
		if d, fits := e.planCut(values, dropped, cut, low, high); fits {
			return d
		}
	}
	return directory{kind: rawPages}
}

// fewInSample is how many different values a sample has at most when each of a column
// gets a symbol.
const fewInSample = 48

// planWhole gives every value a symbol, if there are few different ones.
func (e *encoder) planWhole(values []float64, dropped uint) (directory, bool) {
	// A symbol for a value that occurs once takes more than the value.
	stride := max(len(values)/sampleSize, 1)
	most := min(fewInSample, len(values)/stride/2)
	e.few.clear()
	for i := 0; i < len(values); i += stride {
		if _, ok := e.few.number(math.Float64bits(values[i])); !ok || len(e.few.list) > most {
			return directory{}, false
		}
	}
	var counts [maxSymbols]uint32
	for _, v := range values {
		no, ok := e.few.number(math.Float64bits(v))
		if !ok {
			return directory{}, false
		}
		counts[no]++
	}
	e.whole = true
	order := make([]int, len(e.few.list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(e.few.list[a], e.few.list[b]) })
	d := directory{kind: cutPages, dropped: dropped, highs: permuted(e.few.list, order)}
	d.lengths = codeLengths(permuted(counts[:], order))
	codes := codesOf(d.lengths)
	e.codes = slices.Grow(e.codes[:0], len(codes))[:len(codes)]
	for symbol, no := range order {
		e.codes[no] = codes[symbol]
	}
	return d, true
}

func permuted[T any](list []T, order []int) []T {
	out := make([]T, len(order))
	for i, at := range order {
		out[i] = list[at]
	}
	return out
}

// cuts lists how many low bits to try to keep as they are, what a sample says is
// best first.
func (e *encoder) cuts(values []float64, dropped uint, low, high uint64) []uint {
	type candidate struct {
		cut  uint
		bits float64 // of a value
	}
	var candidates []candidate
	for cut := 52; cut >= int(dropped) && (high>>cut)-(low>>cut) < highsWindow; cut -= 2 {
		kept := uint(cut) - dropped
		if kept > maxLow {
			continue
		}
		c := candidate{kept, float64(kept) + e.sampleEntropy(values, uint(cut), low>>cut)}
		candidates = append(candidates, c)
		if n := len(candidates); n > 1 && c.bits > candidates[n-2].bits+0.05 {
			break // further bits are noise, whose symbols only cost
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.bits, b.bits) })
	cuts := make([]uint, len(candidates))
	for i, c := range candidates {
		cuts[i] = c.cut
	}
	return cuts
}

// sampleEntropy estimates the bits that the code of a value's high bits takes.
func (e *encoder) sampleEntropy(values []float64, cut uint, base uint64) float64 {
	stride := max(len(values)/sampleSize, 1)
	e.sample = e.sample[:0]
	n := 0
	for i := 0; i < len(values); i += stride {
		at := uint32(math.Float64bits(values[i])>>cut - base)
		if e.window[at] == 0 {
			e.sample = append(e.sample, at)
		}
		e.window[at]++
		n++
	}
	sum := 0.0
	for _, at := range e.sample {
		c := e.window[at]
		sum += countLogs()[c]
		e.window[at] = 0
	}
	// A sample misses what is rare: half a bit of information for each symbol
	// (Miller 1955), and the dictionary costs about three bytes each.
	distinct := float64(len(e.sample))
	missed := (distinct - 1) / (2 * float64(n) * math.Ln2)
	return math.Log2(float64(n)) - sum/float64(n) + missed + 24*distinct/float64(len(values))
}

// countLogs has n × log2(n) for the counts of a sample.
var countLogs = sync.OnceValue(func() *[2 * sampleSize]float64 {
	var logs [2 * sampleSize]float64
	for n := 1; n < len(logs); n++ {
		logs[n] = float64(n) * math.Log2(float64(n))
	}
	return &logs
})

// planCut counts the high bits that a cut leaves; it does not fit when there are
// too many different ones.
func (e *encoder) planCut(values []float64, dropped, kept uint, low, high uint64) (directory, bool) {
	cut := dropped + kept
	e.base = low >> cut
	span := high>>cut - e.base + 1
	e.countHighs(values, cut, span)
	if len(e.counts) > maxSymbols {
		return directory{}, false
	}
	e.whole = false
	d := directory{kind: cutPages, dropped: dropped, low: kept, highs: e.highs, lengths: codeLengths(e.counts)}
	codes := codesOf(d.lengths)
	for symbol, high := range d.highs {
		e.codeOf[high>>cut-e.base] = codes[symbol]
	}
	return d, true
}

// countHighs lists the high bits of values and counts them. It leaves the windows
// cleared.
func (e *encoder) countHighs(values []float64, cut uint, span uint64) {
	base := e.base
	for ; len(values) > 1; values = values[2:] {
		a, b := math.Float64bits(values[0]), math.Float64bits(values[1])
		e.window[(a>>(cut&63)-base)&highsMask]++
		e.odd[(b>>(cut&63)-base)&highsMask]++
	}
	if len(values) == 1 {
		e.window[(math.Float64bits(values[0])>>(cut&63)-base)&highsMask]++
	}
	e.highs, e.counts = e.highs[:0], e.counts[:0]
	window, odd := e.window[:span], e.odd[:span]
	for at := range window {
		if c := window[at] + odd[at]; c > 0 {
			e.counts = append(e.counts, c)
			e.highs = append(e.highs, (base+uint64(at))<<cut)
			window[at], odd[at] = 0, 0
		}
	}
}

// appendSymbols writes the codes of a page: those of each half are a stream of their
// own, the first of which says how long it is.
func (e *encoder) appendSymbols(dst []byte, page []float64, d directory) []byte {
	if len(d.highs) == 1 {
		return dst
	}
	if len(page) <= halfPage {
		return e.appendCodes(dst, page, d)
	}
	at := len(dst)
	dst = e.appendCodes(append(dst, 0, 0), page[:halfPage], d)
	binary.LittleEndian.PutUint16(dst[at:], uint16(len(dst)-at-2))
	return e.appendCodes(dst, page[halfPage:], d)
}

func (e *encoder) appendCodes(dst []byte, values []float64, d directory) []byte {
	start, room := len(dst), len(values)*maxCodeBits/8+16
	dst = slices.Grow(dst, room)
	to := bitWriter{to: dst[start : start+room]}
	if e.whole {
		e.writeWhole(&to, values)
	} else {
		e.writeHighs(&to, values, d.dropped+d.low)
	}
	return dst[:start+to.finish()]
}

func (e *encoder) writeWhole(to *bitWriter, page []float64) {
	for _, v := range page {
		no, _ := e.few.number(math.Float64bits(v))
		to.add(uint64(e.codes[no].bits), uint(e.codes[no].n))
	}
}
