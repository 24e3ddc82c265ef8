package query

import (
	"math"
	"slices"
	"sort"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// before gives the numbers of a series in an environment of the parent; false where it
// cannot have points.
func (h *heir) before(no, env uint32) (series, environment uint32, found bool) {
	series, environment = h.series.before[no-1], h.envs.before[env-1]
	return series, environment, series != 0 && environment != 0
}

// upTo cuts a range of rl_steps at the fork; false when nothing is left.
func (h *heir) upTo(within *store.Range) (cut *store.Range, some bool) {
	if within == nil {
		return &store.Range{To: h.fork}, true
	}
	return &store.Range{From: within.From, To: min(within.To, h.fork)}, within.From <= h.fork
}

// RLPoints reads the points of a series in an environment, inherited ones first.
func (h *heir) RLPoints(no, env uint32, sel store.RLRange) (store.RLColumns, error) {
	own, err := h.ownPoints(no, env, sel)
	if err != nil {
		return own, err
	}
	before, err := h.inherited(no, env, sel)
	if err != nil {
		return own, err
	}
	if len(own.RLSteps) > 0 {
		if own, err = h.goOn(no, env, sel, before, own); err != nil {
			return own, err
		}
	}
	return joinRL(before, own), nil
}

// ownPoints are the heir's own behind the last inherited one, as it stored them.
func (h *heir) ownPoints(no, env uint32, sel store.RLRange) (own store.RLColumns, err error) {
	if no > h.series.own || env > h.envs.own {
		return own, nil
	}
	if own, err = h.own.RLPoints(no, env, sel); err != nil || len(own.RLSteps) == 0 {
		return own, err
	}
	next, err := h.next(no, env, own.RLSteps[0])
	from := sort.Search(len(own.RLSteps), func(i int) bool { return own.RLSteps[i] >= next })
	return rlStretch(own, from, len(own.RLSteps)), err
}

// inherited are the parent's points up to the fork.
func (h *heir) inherited(no, env uint32, sel store.RLRange) (store.RLColumns, error) {
	series, environment, found := h.before(no, env)
	within, some := h.upTo(sel.RLStep)
	if !found || !some {
		return store.RLColumns{}, nil
	}
	return h.parent.RLPoints(series, environment, store.RLRange{RLStep: within, Episode: sel.Episode})
}

// next is the rl_step from which a series has points of its own in an environment: behind
// the last inherited one. It is looked for when own points may lie before, which is
// when any do from first on.
func (h *heir) next(no, env uint32, first uint64) (uint64, error) {
	if _, _, found := h.before(no, env); !found || first > h.ends[env-1] {
		return 0, nil
	}
	before, err := h.inherited(no, env, store.RLRange{})
	if n := len(before.RLSteps); n > 0 && err == nil {
		return before.RLSteps[n-1] + 1, nil
	}
	return 0, err
}

// goOn counts the env steps of episodes on that go on over the fork, and total steps if
// that is wanted.
func (h *heir) goOn(no, env uint32, sel store.RLRange, before, own store.RLColumns) (store.RLColumns, error) {
	if h.infos[no-1].Key.Scale != point.ScaleEpisode {
		ends, err := h.episodesBefore(no, env, sel, before, own)
		if err != nil {
			return own, err
		}
		own = countOn(own, ends)
	}
	if h.totals == nil {
		return own, nil
	}
	shift, err := h.shift(no, env)
	if err == nil && shift != 0 {
		own.TotalSteps = slices.Clone(own.TotalSteps)
		for i := range own.TotalSteps {
			own.TotalSteps[i] += shift
		}
	}
	return own, err
}

// episodesBefore says by how much the env steps of episodes are counted on. Where a range
// of rl_steps leaves points out that tell, they are read.
func (h *heir) episodesBefore(no, env uint32, sel store.RLRange, before, own store.RLColumns) (map[uint64]uint64, error) {
	if sel.RLStep == nil || sel.RLStep.From == 0 {
		return goneOn(before, own), nil
	}
	sel = store.RLRange{Episode: episodesOf(own)}
	before, err := h.inherited(no, env, sel)
	if err != nil || len(before.RLSteps) == 0 {
		return nil, err
	}
	own, err = h.ownPoints(no, env, sel)
	return goneOn(before, own), err
}

// noEpisode is the episode of points without one.
const noEpisode = math.MaxUint64

func episodeAt(c store.RLColumns, i int) uint64 {
	if c.HasEpisode != nil && !c.HasEpisode[i] {
		return noEpisode
	}
	return c.Episodes[i]
}

// episodesOf spans the episodes of points; nil when some have none.
func episodesOf(c store.RLColumns) *store.Range {
	if c.HasEpisode != nil {
		return nil
	}
	return &store.Range{From: slices.Min(c.Episodes), To: slices.Max(c.Episodes)}
}

// envStepsOf gives how many env steps the episodes of points have.
func envStepsOf(c store.RLColumns) map[uint64]uint64 {
	ends := make(map[uint64]uint64)
	for i, envStep := range c.EnvSteps {
		episode := episodeAt(c, i)
		ends[episode] = max(ends[episode], envStep+1)
	}
	return ends
}

// goneOn gives the env steps before of the episodes whose own ones begin anew.
func goneOn(before, own store.RLColumns) map[uint64]uint64 {
	if len(before.RLSteps) == 0 {
		return nil
	}
	ends, seen := envStepsOf(before), make(map[uint64]bool)
	for i, envStep := range own.EnvSteps {
		episode := episodeAt(own, i)
		if !seen[episode] && envStep >= ends[episode] {
			delete(ends, episode)
		}
		seen[episode] = true
	}
	return ends
}

// countOn adds to the env steps of episodes.
func countOn(c store.RLColumns, before map[uint64]uint64) store.RLColumns {
	if len(before) == 0 {
		return c
	}
	c.EnvSteps = slices.Clone(c.EnvSteps)
	for i := range c.EnvSteps {
		c.EnvSteps[i] += before[episodeAt(c, i)]
	}
	return c
}

// joinRL puts points behind others.
func joinRL(before, own store.RLColumns) store.RLColumns {
	if len(before.RLSteps) == 0 {
		return own
	}
	if len(own.RLSteps) == 0 {
		return before
	}
	joined := store.RLColumns{
		RLSteps: slices.Concat(before.RLSteps, own.RLSteps), Episodes: slices.Concat(before.Episodes, own.Episodes),
		EnvSteps: slices.Concat(before.EnvSteps, own.EnvSteps), Minors: slices.Concat(before.Minors, own.Minors),
		TotalSteps: slices.Concat(before.TotalSteps, own.TotalSteps),
		Values:     slices.Concat(before.Values, own.Values), Times: slices.Concat(before.Times, own.Times),
	}
	if before.HasEpisode != nil || own.HasEpisode != nil {
		joined.HasEpisode = slices.Concat(haveEpisodes(before), haveEpisodes(own))
	}
	return joined
}

func haveEpisodes(c store.RLColumns) []bool {
	if c.HasEpisode != nil {
		return c.HasEpisode
	}
	return slices.Repeat([]bool{true}, len(c.RLSteps))
}

// rlStretch cuts the points from..to out.
func rlStretch(c store.RLColumns, from, to int) store.RLColumns {
	if c.HasEpisode != nil {
		c.HasEpisode = c.HasEpisode[from:to]
	}
	c.RLSteps, c.Episodes, c.EnvSteps = c.RLSteps[from:to], c.Episodes[from:to], c.EnvSteps[from:to]
	c.TotalSteps, c.Minors = c.TotalSteps[from:to], c.Minors[from:to]
	c.Values, c.Times = c.Values[from:to], c.Times[from:to]
	return c
}
