package store

import (
	"cmp"
	"errors"
	"slices"
)

// RLSum sums up the finite points of a series in one environment at one rl_step
// or episode.
type RLSum struct {
	At    uint64
	Count uint64
	Sum   float64
}

// errJoined is why sums kept of stretches are of no use: a chunk ends within one.
var errJoined = errors.New("store: a stretch lies in two chunks")

// SumsByRLStep sums up the points of a series in an environment at each rl_step
// within a range, ascending. Rl_steps of which no point is finite are left out.
// Sums of long stretches are taken from the rollups; they are the same, bit for
// bit, wherever the points lie.
func (r *Run) SumsByRLStep(no, env uint32, within Range) ([]RLSum, error) {
	if env == 0 {
		return nil, nil
	}
	var sums rlSums
	err := r.look(no, env, func(v view) error {
		sums = rlSums{}
		if !v.restarted {
			err := r.sumStretches(cellID{no, env}, v, within, &sums)
			if !errors.Is(err, errJoined) {
				return err
			}
			sums = rlSums{}
		}
		all, err := r.gather(cellID{no, env}, v, func(b blockInfo) bool { return v.restarted || b.steps.meets(within) })
		if err == nil {
			points := all.pick(RLRange{RLStep: &within}, v)
			sums.addPoints(points.RLSteps, points.Values)
		}
		return err
	})
	return sums.sorted(), err
}

// SumsByEpisode is the same by episode; points without one are left out.
func (r *Run) SumsByEpisode(no, env uint32, within Range) ([]RLSum, error) {
	points, err := r.RLPoints(no, env, RLRange{Episode: &within})
	if err != nil {
		return nil, err
	}
	var sums rlSums
	sums.addPoints(points.Episodes, points.Values)
	return sums.sorted(), nil
}

// sumStretches goes over the chunks of a cell that was never restarted and reads
// only the values of which no sum is kept.
func (r *Run) sumStretches(id cellID, v view, within Range, sums *rlSums) error {
	var last *uint64
	take := func(c storedChunk) error {
		kept, at, first := c.head.stretchSumsOf(c.at), 0, true
		var failed error
		eachStretch(c.head.position(c.at, colRLStep), func(rlStep uint64, n int) {
			if first && last != nil && *last == rlStep {
				failed = errJoined
			}
			sum, known := 0.0, n >= stretchPoints
			if known {
				sum, kept = kept[0], kept[1:]
			}
			if failed == nil && rlStep >= within.From && rlStep <= within.To {
				if known && finite(sum) {
					sums.add(RLSum{rlStep, uint64(n), sum})
				} else {
					failed = sums.read(c, rlStep, at, at+n)
				}
			}
			first, last = false, &rlStep
			at += n
		})
		return failed
	}
	if err := r.eachChunk(id, v, func(b blockInfo) bool { return b.steps.meets(within) }, take); err != nil {
		return err
	}
	for _, c := range []*columns{&v.frozen, &v.head} {
		at, joined := 0, false
		eachStretch(c.ints[colRLStep], func(rlStep uint64, n int) {
			joined = joined || at == 0 && last != nil && *last == rlStep
			if rlStep >= within.From && rlStep <= within.To {
				sums.add(sumAt(rlStep, c.values[at:at+n]))
			}
			last = &rlStep
			at += n
		})
		if joined {
			return errJoined
		}
	}
	return nil
}

// rlSums gathers sums in logged order.
type rlSums struct {
	list   []RLSum
	values []float64 // scratch
}

func (s *rlSums) add(sum RLSum) {
	if sum.Count > 0 {
		s.list = append(s.list, sum)
	}
}

// read adds the points from..to of a chunk, all of one rl_step.
func (s *rlSums) read(c storedChunk, rlStep uint64, from, to int) (err error) {
	if s.values, err = c.values(s.values[:0], from, to); err == nil {
		s.add(sumAt(rlStep, s.values))
	}
	return err
}

func sumAt(at uint64, values []float64) RLSum {
	sum := RLSum{At: at}
	for _, v := range values {
		if finite(v) {
			sum.Count++
			sum.Sum += v
		}
	}
	return sum
}

// addPoints adds points, stretch by stretch.
func (s *rlSums) addPoints(at []uint64, values []float64) {
	for from := 0; from < len(at); {
		to := from + 1
		for to < len(at) && at[to] == at[from] {
			to++
		}
		s.add(sumAt(at[from], values[from:to]))
		from = to
	}
}

// sorted joins the sums of each place.
func (s *rlSums) sorted() []RLSum {
	slices.SortStableFunc(s.list, func(a, b RLSum) int { return cmp.Compare(a.At, b.At) })
	var out []RLSum
	for _, sum := range s.list {
		if k := len(out) - 1; k >= 0 && out[k].At == sum.At {
			out[k].Count += sum.Count
			out[k].Sum += sum.Sum
			continue
		}
		out = append(out, sum)
	}
	return out
}
