package store

import (
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// held is points of one cell in the order they were logged, as heads keep them: of
// what trains, most values are float32, and half as much memory is copied, cleared and
// fetched for them.
type held struct {
	ints  [rlCols]chunk.Runs
	short []float32 // the values, while each of them is exactly one
	long  []float64 // the values from the first on that is not; then there are no short ones
}

func (h *held) len() int { return len(h.short) + len(h.long) }

// add takes points in, whose values as float32 are the bytes of short unless that is
// nil. It says how much more memory the points take.
func (h *held) add(more *columns, short []byte) (bytes int) {
	before := h.valueBytes()
	for k := range h.ints {
		h.ints[k] = h.ints[k].AppendRuns(more.ints[k])
		bytes += runBytes * len(more.ints[k])
	}
	if short != nil && h.long == nil {
		h.short = appendFloat32s(h.short, short)
	} else {
		h.lengthen(len(more.values))
		h.long = append(h.long, more.values...)
	}
	return bytes + h.valueBytes() - before
}

func (h *held) valueBytes() int { return shortBytes*len(h.short) + longBytes*len(h.long) }

// lengthen makes the values long, with room for more.
func (h *held) lengthen(more int) {
	if h.long == nil {
		h.long = widen(make([]float64, 0, len(h.short)+more), h.short)
		h.short = nil
	}
}

// join adds the points of another behind. It says how much more memory they take
// together.
func (h *held) join(more *held) (bytes int) {
	before := h.valueBytes() + more.valueBytes()
	for k := range h.ints {
		h.ints[k] = h.ints[k].AppendRuns(more.ints[k])
	}
	if h.long == nil && more.long == nil {
		h.short = append(h.short, more.short...)
	} else {
		h.lengthen(more.len())
		h.long = more.appendValues(h.long, 0, more.len())
	}
	return h.valueBytes() - before
}

// appendValues writes the values from..to behind dst.
func (h *held) appendValues(dst []float64, from, to int) []float64 {
	if h.long != nil {
		return append(dst, h.long[from:to]...)
	}
	return widen(dst, h.short[from:to])
}

// values gives all values; they may be those of the head itself.
func (h *held) values() []float64 {
	if h.long != nil {
		return slices.Clip(h.long)
	}
	return widen(nil, h.short)
}

// columns gives the points as others keep them.
func (h *held) columns() columns { return columns{h.ints, h.values()} }

// snapshot keeps the points as they are now. Values only ever grow at their end, and
// their memory is not used again while a view is in use, so they are shared; the last
// run of a column may still grow, so runs are copied.
func (h *held) snapshot() held {
	kept := held{short: h.short, long: h.long}
	n := 0
	for _, runs := range h.ints {
		n += len(runs)
	}
	all := make(chunk.Runs, 0, n)
	for k, runs := range h.ints {
		from := len(all)
		all = append(all, runs...)
		kept.ints[k] = all[from:len(all):len(all)]
	}
	return kept
}

// cut shares the values before and behind the first n points.
func (h *held) cut(n int) (before, behind held) {
	if h.long != nil {
		before.long, behind.long = h.long[:n:n], h.long[n:]
	} else {
		before.short, behind.short = h.short[:n:n], h.short[n:]
	}
	for k, runs := range h.ints {
		cursor := runs.Cursor()
		before.ints[k] = cursor.Take(n)
		behind.ints[k] = cursor.Take(h.len() - n)
	}
	return before, behind
}

// emptied gives the memory for others.
func (h *held) emptied() held {
	empty := held{short: h.short[:0], long: h.long[:0]}
	for k, runs := range h.ints {
		empty.ints[k] = runs[:0]
	}
	return empty
}

// grow makes room for n values more, of the size that the next ones have.
func (h *held) grow(n int, short bool) {
	if short && h.long == nil {
		h.short = slices.Grow(h.short, n)
		return
	}
	h.lengthen(n)
	h.long = slices.Grow(h.long, n)
}

// room is how many values there is memory for.
func (h *held) room() int { return cap(h.short) + cap(h.long) }

// bytes is roughly what the memory takes, what is not used yet included.
func (h *held) bytes() int {
	n := shortBytes*cap(h.short) + longBytes*cap(h.long)
	for _, runs := range h.ints {
		n += runBytes * cap(runs)
	}
	return n
}

// What a value and a run of integers take in memory.
const (
	shortBytes = 4
	longBytes  = 8
	runBytes   = 24
)
