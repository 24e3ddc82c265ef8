package store

import (
	"math"
)

// RLOther is an RL point whose value is not finite.
type RLOther struct {
	Env        uint32
	RLStep     uint64
	HasEpisode bool
	Episode    uint64
	EnvStep    uint64
	Value      float64
}

// FirstRLOther finds the first RL point of a series that is NaN or infinite: the one
// at the lowest rl_step, there in the environment with the lowest number, there the one
// logged first. What restarts discarded is passed over. A series that has none is told by
// its sums; its points are not read.
func (r *Run) FirstRLOther(no uint32) (first RLOther, found bool, err error) {
	sums, err := r.RLSums(no, AlongRLSteps, Range{To: math.MaxUint64})
	if err != nil {
		return first, false, err
	}
	finite := make(map[uint32]uint64)
	for _, of := range sums {
		for _, sum := range of.Sums {
			finite[of.Env] += sum.Count
		}
	}
	limit := uint64(math.MaxUint64)
	for i, count := range r.rlCounts(no) {
		env := uint32(i + 1)
		if count <= finite[env] {
			continue // came by between the two questions, at most
		}
		other, has, err := r.firstRLOther(no, env, limit)
		if err != nil {
			return first, false, err
		}
		if !has {
			continue
		}
		if first, found = other, true; other.RLStep == 0 {
			break
		}
		limit = other.RLStep - 1
	}
	return first, found, nil
}

func (r *Run) firstRLOther(no, env uint32, limit uint64) (RLOther, bool, error) {
	points, err := r.RLPoints(no, env, RLRange{RLStep: &Range{To: limit}})
	if err != nil {
		return RLOther{}, false, err
	}
	for i, v := range points.Values {
		if !finite(v) {
			return RLOther{
				Env: env, RLStep: points.RLSteps[i], HasEpisode: points.HasEpisode == nil || points.HasEpisode[i],
				Episode: points.Episodes[i], EnvStep: points.EnvSteps[i], Value: v,
			}, true, nil
		}
	}
	return RLOther{}, false, nil
}

// rlCounts counts the RL points of a series by number of the environment less one,
// those that restarts discarded included.
func (r *Run) rlCounts(no uint32) []uint64 {
	r.readLock()
	defer r.mu.RUnlock()
	if no == 0 || int(no) > len(r.series) {
		return nil
	}
	counts := make([]uint64, len(r.series[no-1].envs))
	for i, c := range r.series[no-1].envs {
		if c != nil {
			counts[i] = c.rl.count
		}
	}
	return counts
}

// NewestTime is the latest time that the points logged last carry, in Unix
// milliseconds; false without points. Of standard points it looks at those of the
// highest step, of RL points at those in memory, or else in the last segment.
func (r *Run) NewestTime() (newest int64, found bool, err error) {
	newest = math.MinInt64
	include := func(time int64) { newest, found = max(newest, time), true }
	for {
		rl, ofRL, v := r.timesInMemory(include)
		if v == nil {
			return newest, found, nil
		}
		if ofRL && !rl && len(v.segments) > 0 {
			err = r.timesOf(v.segments[len(v.segments)-1], include)
		}
		r.reading.Add(-1)
		if err == nil || !r.outdated(*v, err) {
			return newest, found, err
		}
	}
}

// timesInMemory gives the times that need no segment; rl tells whether any is of RL
// points, ofRL whether the run has such. The view, which is in use, is nil of a run that
// is broken.
func (r *Run) timesInMemory(include func(time int64)) (rl, ofRL bool, v *view) {
	r.readLock()
	defer r.mu.RUnlock()
	if r.broken != nil {
		return false, false, nil
	}
	for _, s := range r.series {
		if s.std != nil && s.std.std.count > 0 {
			include(s.std.std.lastTime)
		}
		for _, c := range s.envs {
			if c == nil {
				continue
			}
			ofRL = true
			for _, points := range []*held{&c.frozen, &c.head} {
				for _, run := range points.ints[colRLTime] {
					include(int64(run.First))
					include(int64(run.Last()))
					rl = true
				}
			}
		}
	}
	r.reading.Add(1)
	return rl, ofRL, &view{segments: r.segments, generation: r.generation}
}

// timesOf gives the times of the RL points of a segment.
func (r *Run) timesOf(info segmentInfo, include func(time int64)) error {
	return r.withIndex(info, func(reader *segmentReader, index *segmentIndex) error {
		for _, b := range index.blocks {
			if !b.first.rl() {
				continue
			}
			head, err := reader.head(b)
			if err != nil {
				return err
			}
			for _, run := range head.ints[colRLTime] {
				include(int64(run.First))
				include(int64(run.Last()))
			}
		}
		return nil
	})
}
