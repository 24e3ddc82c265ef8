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
	// By high bits less the lowest: how often they occur.
	window [highsWindow]uint32
	codeOf [highsWindow]code

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

// survey gives the bits that any value has, and the lowest and highest of all taken
// as integers. It looks at two values at a time, which do not wait for each other.
func survey(values []float64) (any, low, high uint64) {
	first := math.Float64bits(values[0])
	low, high = first, first
	otherLow, otherHigh, other := first, first, uint64(0)
	for ; len(values) > 1; values = values[2:] {
		a, b := math.Float64bits(values[0]), math.Float64bits(values[1])
		any |= a
		other |= b
		low, high = min(low, a), max(high, a)
		otherLow, otherHigh = min(otherLow, b), max(otherHigh, b)
	}
	if len(values) == 1 {
		last := math.Float64bits(values[0])
		other |= last
		otherLow, otherHigh = min(otherLow, last), max(otherHigh, last)
	}
	return any | other, min(low, otherLow), max(high, otherHigh)
}

// planWhole gives every value a symbol, if there are few different ones.
func (e *encoder) planWhole(values []float64, dropped uint) (directory, bool) {
	const fewInSample = 48
	stride := max(len(values)/sampleSize, 1)
	e.few.clear()
	for i := 0; i < len(values); i += stride {
		if _, ok := e.few.number(math.Float64bits(values[i])); !ok || len(e.few.list) > fewInSample {
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
	window := e.window[:span]
	clear(window)
	base := e.base
	e.countHighs(values, cut)
	d := directory{kind: cutPages, dropped: dropped, low: kept}
	var counts []uint32
	for at, c := range window {
		if c == 0 {
			continue
		}
		counts = append(counts, c)
		d.highs = append(d.highs, (base+uint64(at))<<cut)
	}
	clear(window)
	if len(counts) > maxSymbols {
		return directory{}, false
	}
	e.whole = false
	d.lengths = codeLengths(counts)
	codes := codesOf(d.lengths)
	for symbol, high := range d.highs {
		e.codeOf[high>>cut-base] = codes[symbol]
	}
	return d, true
}

// countHighs counts the high bits of values.
func (e *encoder) countHighs(values []float64, cut uint) {
	base := e.base
	for ; len(values) > 1; values = values[2:] {
		a, b := math.Float64bits(values[0]), math.Float64bits(values[1])
		e.window[(a>>(cut&63)-base)&(highsWindow-1)]++
		e.window[(b>>(cut&63)-base)&(highsWindow-1)]++
	}
	if len(values) == 1 {
		e.window[(math.Float64bits(values[0])>>(cut&63)-base)&(highsWindow-1)]++
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
	to := codeWriter{to: dst[start : start+room]}
	if e.whole {
		e.writeWhole(&to, values)
	} else {
		e.writeHighs(&to, values, d.dropped+d.low)
	}
	return dst[:start+to.finish()]
}

func (e *encoder) writeWhole(to *codeWriter, page []float64) {
	codeOf := func(v float64) code {
		no, _ := e.few.number(math.Float64bits(v))
		return e.codes[no]
	}
	for _, v := range page {
		to.add(codeOf(v))
	}
}

func (e *encoder) writeHighs(to *codeWriter, page []float64, cut uint) {
	base, w, codeOf := e.base, *to, &e.codeOf
	for ; len(page) >= 4; page = page[4:] {
		a := codeOf[(math.Float64bits(page[0])>>(cut&63)-base)&(highsWindow-1)]
		b := codeOf[(math.Float64bits(page[1])>>(cut&63)-base)&(highsWindow-1)]
		c := codeOf[(math.Float64bits(page[2])>>(cut&63)-base)&(highsWindow-1)]
		d := codeOf[(math.Float64bits(page[3])>>(cut&63)-base)&(highsWindow-1)]
		w.held |= fourCodes(a, b, c, d) << (w.bits & 63)
		w.bits += uint(a.n+b.n) + uint(c.n+d.n)
		w.store()
	}
	for _, v := range page {
		w.add(codeOf[(math.Float64bits(v)>>(cut&63)-base)&(highsWindow-1)])
	}
	*to = w
}

// codeWriter packs codes: four at a time, which fit behind the bits of a byte that is
// not full, so that the chain of what depends on what came before is short and has no
// branch.
type codeWriter struct {
	to   []byte
	at   int
	held uint64
	bits uint // of held; fewer than eight
}

func fourCodes(a, b, c, d code) uint64 {
	two, more := uint64(a.bits)|uint64(b.bits)<<(a.n&63), uint64(c.bits)|uint64(d.bits)<<(c.n&63)
	return two | more<<((a.n+b.n)&63)
}

func (w *codeWriter) add(c code) {
	w.held |= uint64(c.bits) << (w.bits & 63)
	w.bits += uint(c.n)
	w.store()
}

// store writes what is held and keeps the bits of the byte that is not full.
func (w *codeWriter) store() {
	binary.LittleEndian.PutUint64(w.to[w.at:], w.held)
	w.at += int(w.bits >> 3)
	w.held >>= w.bits &^ 7 & 63
	w.bits &= 7
}

// finish gives the number of bytes, to a whole one.
func (w *codeWriter) finish() int {
	binary.LittleEndian.PutUint64(w.to[w.at:], w.held)
	return w.at + int(w.bits+7)/8
}
