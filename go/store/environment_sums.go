package store

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// environmentSums sums up the points that a series has in one environment, so far:
// those that restarts discarded are left out. More points are added behind; the
// numbers are the same, bit for bit, however the points are cut for that.
type environmentSums struct {
	taken  uint64 // how many points of the cell were looked at, as they were logged
	points uint64 // how many of them are summed up
	// whole is of all stretches of sumPoints points, open of the points behind them.
	// Its first and last are at the lowest and at the highest rl_step.
	whole   Summary
	open    openSums
	firstAt uint64 // rl_step
	lastAt  uint64
	// lastTime is that of the value there, Unix milliseconds.
	lastTime int64
	// attempts are the current ones of the episodes that were restarted.
	attempts map[uint64]uint64
}

// sumPoints is how many points are summed up around the first of them, before they are
// put together with those before.
const sumPoints = 256

// openSums are of finite points, their sums taken of the distances from the first: no
// mean has to be known, and little is lost where they are far from 0 and close together.
type openSums struct {
	points        uint64 // those included that are not finite
	count         uint64
	origin        float64
	off, squares  float64
	sum, min, max float64
}

// take adds points that were logged behind those taken. It stops where an episode
// starts over of which points are in the sums: they have to be taken anew.
func (e *environmentSums) take(ints *[rlCols]chunk.Runs, values []float64) (discarded bool) {
	if len(e.attempts) == 0 && !slices.ContainsFunc(ints[colAttempt], isNotZero) {
		e.takeRuns(ints, values)
		return false
	}
	from, times := 0, ints[colRLTime].Cursor()
	eachStretch(ints, len(values), func(at stretchPlace, n int) {
		current := e.attempts[at.episode]
		if discarded = discarded || at.attempt > current; discarded {
			return
		}
		if at.attempt == current {
			e.takeBetween(at.rlStep, at.rlStep, values[from:from+n], times)
		}
		times.Skip(n)
		from += n
		e.taken += uint64(n)
	})
	return discarded
}

func isNotZero(r chunk.Run) bool { return r.First|r.Delta != 0 }

// takeRuns adds points of episodes that never started over.
func (e *environmentSums) takeRuns(ints *[rlCols]chunk.Runs, values []float64) {
	e.taken += uint64(len(values))
	times := ints[colRLTime].Cursor()
	for _, run := range ints[colRLStep] {
		if run.Last() >= run.First {
			e.takeBetween(run.First, run.Last(), values[:run.N], times)
			times.Skip(int(run.N))
		} else { // they descend
			for i := range uint64(run.N) {
				at := run.First + i*run.Delta
				e.takeBetween(at, at, values[i:i+1], times)
				times.Skip(1)
			}
		}
		values = values[run.N:]
	}
}

// takeBetween adds points whose rl_steps do not descend from the first to the last, and
// whose times begin where the cursor is.
func (e *environmentSums) takeBetween(first, last uint64, values []float64, times chunk.Cursor) {
	if e.points == 0 || first < e.firstAt {
		e.firstAt, e.whole.First = first, values[0]
	}
	if e.points == 0 || last >= e.lastAt {
		times.Skip(len(values) - 1)
		e.lastAt, e.lastTime, e.whole.Last = last, int64(times.Peek().First), values[len(values)-1]
	}
	e.points += uint64(len(values))
	for len(values) > 0 {
		n := min(len(values), int(sumPoints-e.open.points))
		e.open.take(values[:n])
		values = values[n:]
		if e.open.points == sumPoints {
			more := e.open.summary()
			e.whole.Join(&more)
			e.open = openSums{}
		}
	}
}

// takeAnew takes all points of a cell, those that were logged, from the first on.
func (e *environmentSums) takeAnew(all *columns) {
	*e = environmentSums{attempts: make(map[uint64]uint64)}
	eachStretch(&all.ints, len(all.values), func(at stretchPlace, _ int) {
		if at.attempt > e.attempts[at.episode] {
			e.attempts[at.episode] = at.attempt
		}
	})
	e.take(&all.ints, all.values)
}

func (e *environmentSums) summary() Summary {
	all, open := e.whole, e.open.summary()
	all.Join(&open)
	return all
}

func (s *openSums) take(values []float64) {
	s.points += uint64(len(values))
	if s.count == 0 {
		k := slices.IndexFunc(values, finite)
		if k < 0 {
			return
		}
		values = values[k:]
		s.origin, s.min, s.max = values[0], math.Inf(1), math.Inf(-1)
	}
	origin, off, squares, sum := s.origin, s.off, s.squares, s.sum
	low, high, others := s.min, s.max, 0
	for _, v := range values {
		if v-v != 0 {
			others++
			continue
		}
		d := v - origin
		off += d
		squares += d * d
		sum += v
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	s.off, s.squares, s.sum, s.min, s.max = off, squares, sum, low, high
	s.count += uint64(len(values) - others)
}

func (s *openSums) summary() Summary {
	if s.count == 0 {
		return Summary{}
	}
	n := float64(s.count)
	return Summary{
		Finite: s.count, Sum: s.sum, Min: s.min, Max: s.max,
		Mean: s.origin + s.off/n, M2: max(s.squares-s.off*s.off/n, 0),
	}
}
