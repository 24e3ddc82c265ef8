package store

import (
	"math"
	"math/bits"

	"github.com/metrana/metrana/go/store/chunk"
)

// poolWriter makes the pool of a series from the points of its cells, one after the other.
type poolWriter struct {
	pool

	limits [len(poolAlong)]int
	visits [len(poolAlong)]slotVisit

	// Of the points that are taken, the last.
	env           uint32
	next          uint64 // ordinal of the one behind it
	value         float64
	steps, times  slotWalk // behind it
	rlStep, place uint64   // place along times
}

// What lies between a column and the places of its axis. Points without an episode come to
// lie at the very end.
const (
	episodePlace = math.MaxUint64
	noEpisode    = math.MaxUint64
	timeZero     = 1 << 63 // where time 0 lies: those before lie before it
)

// take adds points of a cell, whose total steps it writes into memory that is given.
func (w *poolWriter) take(p part, values []float64, room chunk.Runs) chunk.Runs {
	ints := &p.points.ints
	totals := appendSums(room[:0], ints[colOrigin], ints[colEnvStep], len(values))
	w.steps, w.times = slotWalk{runs: ints[colRLStep]}, slotWalk{runs: ints[colRLTime], offset: timeZero}
	w.visits[poolSteps].slotWalk, w.visits[poolTimes].slotWalk = w.steps, w.times
	w.visits[poolEpisodes].slotWalk = slotWalk{runs: ints[colEpisode], offset: episodePlace}
	w.visits[poolTotals].slotWalk = slotWalk{runs: totals}
	w.env, w.next = p.id.env, p.ordinal
	for len(values) > 0 {
		n := w.together(len(values))
		var piece rlSum
		if piece.setFinite(values[:n]) {
			w.put(&piece, values[:n])
		} else {
			w.closeAll()
			w.takeApart(values[:n])
		}
		values = values[n:]
	}
	w.closeAll()
	w.visits, w.steps, w.times = [len(poolAlong)]slotVisit{}, slotWalk{}, slotWalk{} // the columns may go
	return totals
}

// together counts how many of the next points lie in one slot along each axis.
func (w *poolWriter) together(limit int) int {
	for k := range w.visits {
		v := &w.visits[k]
		if v.left == 0 {
			v.left = v.same(w.pool[k].shift)
		}
		limit = min(limit, v.left)
	}
	return limit
}

// takeApart adds points one by one.
func (w *poolWriter) takeApart(values []float64) {
	for i := range values {
		w.together(1)
		var one rlSum
		one.addOne(values[i])
		w.put(&one, values[i:i+1])
		w.closeAll()
	}
}

// put adds the sum of the next points, which lie together.
func (w *poolWriter) put(piece *rlSum, values []float64) {
	n := len(values)
	w.next += uint64(n)
	w.value, w.rlStep, w.place = values[n-1], w.steps.take(n).To, w.times.take(n).To
	for k := range w.visits {
		v := &w.visits[k]
		if v.taken == 0 {
			v.slot = nil
			if place := v.first(); k != poolEpisodes || place != noEpisode {
				v.slot = w.pool[k].slot(place, w.limits[k])
			}
		}
		if v.slot != nil {
			v.slot.add(piece)
		}
		v.taken += n
		if v.left -= n; v.left == 0 {
			w.close(k)
		}
	}
}

func (w *poolWriter) closeAll() {
	for k := range w.visits {
		w.close(k)
	}
}

// close ends a visit to a slot. Either all points of it are finite, or there is one.
func (w *poolWriter) close(k int) {
	v := &w.visits[k]
	n := v.taken
	if n == 0 {
		return
	}
	reach := v.take(n)
	v.taken = 0
	if v.slot == nil {
		return
	}
	w.pool[k].include(reach, uint64(n))
	if at := (lastPlace{reach.To, w.env, w.rlStep, w.next - 1}); finite(w.value) && v.slot.lastAt.before(&at) {
		v.slot.setLast(w.value, at, int64(w.place-timeZero))
	}
}

// slotVisit goes over the slots that points lie in along an axis.
type slotVisit struct {
	slotWalk

	left  int    // points that follow in the same slot
	taken int    // points that were added to it
	slot  *rlSum // nil where points have no place
}

// slotWalk goes over the places of points along an axis.
type slotWalk struct {
	runs   chunk.Runs
	used   uint32 // numbers of the first run
	offset uint64 // between the column and the places
}

// first is the place of the next point.
func (w *slotWalk) first() uint64 {
	return w.runs[0].First + uint64(w.used)*w.runs[0].Delta + w.offset
}

// same counts how many of the next points lie in one slot and do not descend.
func (w *slotWalk) same(shift uint) int {
	n, used, before := 0, w.used, uint64(0)
	slot := w.first() >> shift
	for i := range w.runs {
		run := &w.runs[i]
		left := run.N - used
		place := run.First + uint64(used)*run.Delta + w.offset
		if n > 0 && (place < before || place>>shift != slot || place == noEpisode && before != noEpisode) {
			return n
		}
		last, ascends := lastOf(place, run.Delta, left)
		switch {
		case !ascends || last == noEpisode && place != noEpisode:
			return n + 1
		case last>>shift != slot:
			return n + int(countBelow(place, run.Delta, (slot+1)<<shift))
		}
		n, used, before = n+int(left), 0, last
	}
	return n
}

// lastOf is the last of numbers that count up evenly, and whether none of them wraps around.
func lastOf(first, delta uint64, n uint32) (last uint64, ascends bool) {
	high, off := bits.Mul64(delta, uint64(n-1))
	last = first + off
	return last, high == 0 && last >= first
}

// take passes over the next n points, which do not descend, and tells how far they reach.
func (w *slotWalk) take(n int) Range {
	reach := Range{From: w.first()}
	for {
		run := &w.runs[0]
		left := int(run.N - w.used)
		if n < left {
			w.used += uint32(n)
			reach.To = run.First + uint64(w.used-1)*run.Delta + w.offset
			return reach
		}
		if n == left {
			reach.To = run.Last() + w.offset
			w.runs, w.used = w.runs[1:], 0
			return reach
		}
		w.runs, w.used = w.runs[1:], 0
		n -= left
	}
}
