package query

import (
	"maps"
	"math"
	"slices"

	"github.com/metrana/metrana/go/store"
)

// EpisodeSums sums up the points of a series in each episode of each environment, by
// number. An episode that goes on over the fork is one.
func (h *heir) EpisodeSums(no uint32, q store.EpisodeQuery) ([]store.EnvEpisodes, error) {
	if most := uint32(len(h.places)); q.LastEnv == 0 || q.LastEnv > most {
		q.LastEnv = most
	}
	if q.FirstEnv = max(q.FirstEnv, 1); q.FirstEnv > q.LastEnv {
		return nil, nil
	}
	all, err := h.inheritedSums(no, q)
	if err != nil {
		return nil, err
	}
	if q.LastEnv = min(q.LastEnv, h.envs.own); no <= h.series.own && q.FirstEnv <= q.LastEnv {
		own, err := h.own.EpisodeSums(no, q)
		if err != nil {
			return nil, err
		}
		for _, of := range own {
			if of, err = h.sumsBehind(no, q, of); err != nil {
				return nil, err
			}
			all[of.Env] = joinEpisodes(all[of.Env], of.Episodes)
		}
	}
	var sums []store.EnvEpisodes
	for _, env := range slices.Sorted(maps.Keys(all)) {
		if len(all[env]) > 0 {
			sums = append(sums, store.EnvEpisodes{Env: env, Episodes: all[env]})
		}
	}
	return sums, nil
}

// inheritedSums are the parent's up to the fork, by number of the environment.
func (h *heir) inheritedSums(no uint32, q store.EpisodeQuery) (map[uint32][]store.EpisodeSum, error) {
	all := make(map[uint32][]store.EpisodeSum)
	within, some := h.upTo(q.RLSteps)
	series := h.series.before[no-1]
	if series == 0 || !some {
		return all, nil
	}
	q.RLSteps = within
	for _, stretch := range stretches(h.envs.before[q.FirstEnv-1 : q.LastEnv]) {
		q.FirstEnv, q.LastEnv = stretch[0], stretch[1]
		sums, err := h.parent.EpisodeSums(series, q)
		if err != nil {
			return nil, err
		}
		for _, of := range sums {
			all[h.envs.after[of.Env-1]] = of.Episodes
		}
	}
	return all, nil
}

// stretches are the numbers above 0 as few stretches without gaps.
func stretches(numbers []uint32) [][2]uint32 {
	var list [][2]uint32
	for _, n := range slices.Sorted(slices.Values(numbers)) {
		if k := len(list) - 1; k >= 0 && list[k][1]+1 == n {
			list[k][1] = n
		} else if n > 0 {
			list = append(list, [2]uint32{n, n})
		}
	}
	return list
}

// sumsBehind gives an environment's own episodes without the points that the series has
// no more for those that it inherits.
func (h *heir) sumsBehind(no uint32, q store.EpisodeQuery, of store.EnvEpisodes) (store.EnvEpisodes, error) {
	first := of.Episodes[0].FirstRLStep
	for _, e := range of.Episodes {
		first = min(first, e.FirstRLStep)
	}
	next, err := h.next(no, of.Env, first)
	if err != nil || first >= next {
		return of, err
	}
	behind := store.Range{From: next, To: math.MaxUint64}
	if q.RLSteps != nil {
		behind = store.Range{From: max(next, q.RLSteps.From), To: q.RLSteps.To}
	}
	q.FirstEnv, q.LastEnv, q.RLSteps = of.Env, of.Env, &behind
	sums, err := h.own.EpisodeSums(no, q)
	if err != nil || len(sums) == 0 {
		return store.EnvEpisodes{Env: of.Env}, err
	}
	return sums[0], nil
}

// joinEpisodes puts an heir's own sums behind inherited ones; both ascend.
func joinEpisodes(before, own []store.EpisodeSum) []store.EpisodeSum {
	all := make([]store.EpisodeSum, 0, max(len(before), len(own)))
	for _, e := range own {
		for len(before) > 0 && before[0].Episode < e.Episode {
			all, before = append(all, before[0]), before[1:]
		}
		if len(before) > 0 && before[0].Episode == e.Episode {
			e = joinEpisode(before[0], e)
			before = before[1:]
		}
		all = append(all, e)
	}
	return append(all, before...)
}

// joinEpisode is an episode that goes on over the fork. Its own last value stays: it lies
// behind the inherited ones.
func joinEpisode(before, own store.EpisodeSum) store.EpisodeSum {
	if own.FirstEnvStep < before.EnvSteps { // its env steps begin anew
		own.EnvSteps += before.EnvSteps
	}
	own.Attempt += before.Attempt
	own.FirstRLStep, own.FirstEnvStep = before.FirstRLStep, before.FirstEnvStep
	own.FirstTime, own.LastTime = min(own.FirstTime, before.FirstTime), max(own.LastTime, before.LastTime)
	own.Points += before.Points
	own.Finite += before.Finite
	own.Sum += before.Sum
	own.Min, own.Max = min(own.Min, before.Min), max(own.Max, before.Max)
	return own
}
