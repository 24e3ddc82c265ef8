package query

import (
	"math"
	"sync"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// totals say by how much an heir's own total steps are counted on, and keep it of the
// environments that were asked about.
type totals struct {
	mu     sync.Mutex
	shifts map[uint32]shifts // by number of the environment
}

// shifts are those of an environment.
type shifts struct {
	labels   map[string]uint64 // by labels of series with env steps
	furthest uint64            // of the labels whose env steps are furthest
}

// shift is what total steps of a series' own points are counted on by. Points of EPISODE scale
// go by the env steps of their labels, or, where these have none, of those that are furthest.
func (h *heir) shift(no, env uint32) (uint64, error) {
	if h.envs.before[env-1] == 0 {
		return 0, nil
	}
	h.totals.mu.Lock()
	known, found := h.totals.shifts[env]
	h.totals.mu.Unlock()
	if !found {
		var err error
		if known, err = h.shiftsOf(env); err != nil {
			return 0, err
		}
		h.totals.mu.Lock()
		h.totals.shifts[env] = known
		h.totals.mu.Unlock()
	}
	key := h.infos[no-1].Key
	if shift, found := known.labels[key.FlatLabels()]; found || key.Scale != point.ScaleEpisode {
		return shift, nil
	}
	return known.furthest, nil
}

// shiftsOf finds where the parent's environment stood at the fork.
func (h *heir) shiftsOf(env uint32) (shifts, error) {
	before, err := countsOf(h.parent, h.parent.EnvSeries(h.envs.before[env-1]), h.envs.before[env-1], h.fork)
	if err != nil {
		return shifts{}, err
	}
	own, err := countsOf(h.own, h.ownEnvSeries(env), env, math.MaxUint64)
	if err != nil {
		return shifts{}, err
	}
	all := shifts{labels: make(map[string]uint64)}
	for labels := range own {
		all.labels[labels] = 0
	}
	end := uint64(0)
	for labels, stood := range before {
		all.labels[labels] = own[labels].behind(stood)
		if stood.end >= end {
			end, all.furthest = stood.end, all.labels[labels]
		}
	}
	return all, nil
}

// count is how the env steps of series with the same labels lie in an environment.
type count struct {
	end      uint64            // one more than the highest total step
	episodes map[uint64]uint64 // env steps of each
	first    firstCounted
}

// firstCounted is the point with the lowest total step.
type firstCounted struct {
	total, episode, envStep uint64
}

// countsOf reads the series of an environment that have env steps, up to an rl_step, by labels.
func countsOf(points RLPoints, series []store.SeriesInfo, env uint32, rlStep uint64) (map[string]*count, error) {
	counts := make(map[string]*count)
	for _, info := range series {
		if info.Key.Scale == point.ScaleEpisode {
			continue
		}
		c, err := points.RLPoints(info.No, env, store.RLRange{RLStep: &store.Range{To: rlStep}})
		if err != nil {
			return nil, err
		}
		if len(c.RLSteps) == 0 {
			continue
		}
		labels := info.Key.FlatLabels()
		if counts[labels] == nil {
			counts[labels] = &count{episodes: make(map[uint64]uint64), first: firstCounted{total: math.MaxUint64}}
		}
		counts[labels].take(c)
	}
	return counts, nil
}

func (n *count) take(c store.RLColumns) {
	for i, total := range c.TotalSteps {
		n.end = max(n.end, total+1)
		if total < n.first.total {
			n.first = firstCounted{total, episodeAt(c, i), c.EnvSteps[i]}
		}
	}
	for episode, envSteps := range envStepsOf(c) {
		n.episodes[episode] = max(n.episodes[episode], envSteps)
	}
}

// behind is the shift that puts a count behind another. Where it begins within an episode
// whose env steps are numbered on, those before have been counted already.
func (n *count) behind(before *count) uint64 {
	if n == nil {
		return before.end
	}
	counted, goesOn := before.episodes[n.first.episode]
	if !goesOn || n.first.envStep < counted {
		return before.end
	}
	return before.end - counted + n.first.envStep - n.first.total
}
