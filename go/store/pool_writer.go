package store

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// poolWriter makes the pool of a series from the points of its cells, one after the other.
type poolWriter struct {
	pool

	limits [len(poolAlong)]int
	walks  [len(poolAlong)]slotWalk
	env    uint32
	next   uint64     // ordinal of the next point
	total  chunk.Runs // memory for total steps
}

// The axes whose points are treated apart.
var (
	axisOfTotals   = slices.Index(poolAlong[:], AlongTotalSteps) // its slots change within a stretch
	axisOfEpisodes = slices.Index(poolAlong[:], AlongEpisodes)   // some points have no place
)

// What lies between a column and the places of its axis. Points without an episode come to
// lie at the very end.
const (
	episodePlace = math.MaxUint64
	noEpisode    = math.MaxUint64
	timeZero     = 1 << 63 // where time 0 lies: those before lie before it
)

// take adds points of a cell.
func (w *poolWriter) take(p part, values []float64) {
	ints := &p.points.ints
	w.total = appendSums(w.total[:0], ints[colOrigin], ints[colEnvStep], len(values))
	w.walks = [...]slotWalk{
		{runs: ints[colRLStep]}, {runs: ints[colEpisode], offset: episodePlace}, {runs: w.total}, {runs: ints[colRLTime], offset: timeZero},
	}
	w.env, w.next = p.id.env, p.ordinal
	for len(values) > 0 {
		n := len(values)
		for k := range w.walks {
			if k != axisOfTotals {
				n = min(n, w.walks[k].same(n, w.pool[k].shift))
			}
		}
		w.takeGroup(values[:n])
		values = values[n:]
	}
}

// takeGroup adds points that lie in one slot each along all axes but that of total steps.
func (w *poolWriter) takeGroup(values []float64) {
	var group rlSum
	for from := 0; from < len(values); {
		n := w.walks[axisOfTotals].same(len(values)-from, w.pool[axisOfTotals].shift)
		var piece rlSum
		if !piece.setFinite(values[from : from+n]) {
			w.putGroup(&group, values[:from])
			w.takeApart(values[from : from+n])
			values, from, group = values[from+n:], 0, rlSum{}
			continue
		}
		from += n
		piece.setLast(values[from-1], w.lastOf(from), w.timeOf(from))
		w.put(axisOfTotals, &piece, n)
		group.join(&piece)
	}
	w.putGroup(&group, values)
}

// putGroup puts a sum of finite points into the slots of all axes but one, where it is already.
func (w *poolWriter) putGroup(group *rlSum, values []float64) {
	n := len(values)
	if n == 0 {
		return
	}
	group.setLast(values[n-1], w.lastOf(n), w.timeOf(n))
	w.next += uint64(n)
	for k := range w.pool {
		if k != axisOfTotals {
			w.put(k, group, n)
		}
	}
}

// takeApart adds points one by one.
func (w *poolWriter) takeApart(values []float64) {
	for _, v := range values {
		var one rlSum
		one.addOne(v)
		one.setLast(v, w.lastOf(1), w.timeOf(1))
		w.next++
		for k := range w.pool {
			w.put(k, &one, 1)
		}
	}
}

// lastOf tells of the last of the next n points what does not depend on the axis.
func (w *poolWriter) lastOf(n int) lastPlace {
	return lastPlace{rlStep: w.walks[0].ahead(n), env: w.env, ordinal: w.next + uint64(n-1)}
}

func (w *poolWriter) timeOf(n int) int64 { return int64(w.walks[len(w.walks)-1].ahead(n) - timeZero) }

// put adds a sum of the next n points along an axis, which lie in one slot of it.
func (w *poolWriter) put(k int, sum *rlSum, n int) {
	axis, reach := &w.pool[k], w.walks[k].take(n)
	if k == axisOfEpisodes && reach.To == noEpisode {
		return
	}
	sum.lastAt.along = reach.To
	axis.slot(reach.To, w.limits[k]).join(sum)
	axis.include(reach, uint64(n))
}

// slotWalk goes over the places of points along an axis.
type slotWalk struct {
	runs   chunk.Runs
	used   uint32 // numbers of the first run
	offset uint64 // between the column and the places
}

// same counts how many of the next points, up to a limit, lie in one slot and do not descend.
func (w *slotWalk) same(limit int, shift uint) int {
	n, used, before := 0, w.used, uint64(0)
	slot := (w.runs[0].First + uint64(used)*w.runs[0].Delta + w.offset) >> shift
	for i := 0; i < len(w.runs) && n < limit; i++ {
		run := &w.runs[i]
		left := run.N - used
		place := run.First + uint64(used)*run.Delta + w.offset
		if n > 0 && (place < before || place>>shift != slot || place == noEpisode && before != noEpisode) {
			break
		}
		last := place + uint64(left-1)*run.Delta
		if last < place {
			n++
			break
		}
		if last>>shift != slot {
			n += int(countBelow(place, run.Delta, (slot+1)<<shift))
			break
		}
		n, used, before = n+int(left), 0, last
	}
	return min(n, limit)
}

// take passes over the next n points, which ascend, and tells how far they reach.
func (w *slotWalk) take(n int) Range {
	run := &w.runs[0]
	if uint64(w.used)+uint64(n) < uint64(run.N) { // mostly
		first := run.First + uint64(w.used)*run.Delta + w.offset
		w.used += uint32(n)
		return Range{first, first + uint64(n-1)*run.Delta}
	}
	reach := Range{w.ahead(1), w.ahead(n)}
	w.skip(n)
	return reach
}

// ahead is the place of the n-th next point.
func (w *slotWalk) ahead(n int) uint64 {
	used := w.used
	for i := range w.runs {
		run := &w.runs[i]
		if left := int(run.N - used); n > left {
			n, used = n-left, 0
			continue
		}
		return run.First + (uint64(used)+uint64(n-1))*run.Delta + w.offset
	}
	panic("store: a walk beyond the last point")
}

func (w *slotWalk) skip(n int) {
	for n > 0 {
		left := int(w.runs[0].N - w.used)
		if n < left {
			w.used += uint32(n)
			return
		}
		w.runs, w.used = w.runs[1:], 0
		n -= left
	}
}
