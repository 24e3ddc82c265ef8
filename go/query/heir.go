package query

import (
	"slices"
	"sort"

	"github.com/metrana/metrana/go/store"
)

// A forked run inherits the RL points of its parent up to the rl_step of the fork,
// and what the parent inherited:
//
//   - Of a series in an environment it shows its own points behind the last inherited
//     one, by rl_step. What a restart in the parent discarded is not inherited, also when
//     that came behind the fork.
//   - An episode that has points on both sides is one. Its own env steps are counted on
//     when the first of them lies below those inherited; otherwise the writer numbered
//     them on. Restarts of both sides add up.
//   - Total steps go on where the environment stood: one above the highest inherited of
//     the series with the same labels. Of EPISODE scale, labels without env steps on
//     either side go by those that are furthest. Own points that are not shown count.

// heir is a forked run with what it inherits. Its own series and environments have
// the numbers that they have in its store; those of its parent alone come behind.
type heir struct {
	own    *store.Run
	parent RLPoints
	fork   uint64 // rl_step
	series numbering
	envs   numbering
	placed []store.EnvInfo    // environments of the parent, by number less one
	infos  []store.SeriesInfo // of series
	places []store.EnvInfo    // of environments
	ends   []uint64           // rl_steps behind which nothing of an environment is inherited, by its number less one
	totals *totals            // nil when total steps are not counted on
}

// numbering tells the numbers of an heir and of its parent apart.
type numbering struct {
	own    uint32   // how many it has itself
	before []uint32 // number in the parent, by number less one; 0 where it has none
	after  []uint32 // number in the heir, by that in the parent less one
}

// number finds what the parent has among an heir's own, and counts on for the rest.
func number(own, before []string) numbering {
	n := numbering{own: uint32(len(own)), before: make([]uint32, len(own), len(own)+len(before))}
	known := make(map[string]int, len(own))
	for i, id := range own {
		known[id] = i
	}
	for k, id := range before {
		i, found := known[id]
		if !found {
			i = len(n.before)
			n.before = append(n.before, 0)
		}
		n.before[i] = uint32(k + 1)
		n.after = append(n.after, uint32(i+1))
	}
	return n
}

func newHeir(run runPoints, parent RLPoints, counted bool) *heir {
	h := &heir{own: run.points, parent: parent, fork: run.Fork.Step}
	h.infos, h.places = run.points.SeriesInfos(), run.points.Environments()
	h.ends = make([]uint64, len(h.places))
	seriesBefore := allSeries(parent)
	h.placed = parent.Environments()
	h.series = number(eachOf(h.infos, identityOf), eachOf(seriesBefore, identityOf))
	h.envs = number(eachOf(h.places, idOf), eachOf(h.placed, idOf))
	for i, info := range seriesBefore {
		h.takeSeries(h.series.after[i], info)
	}
	for i, env := range h.placed {
		h.takeEnvironment(h.envs.after[i], env)
	}
	if counted {
		h.totals = &totals{shifts: make(map[uint32]shifts)}
	}
	return h
}

func eachOf[T, N any](list []T, name func(T) N) []N {
	names := make([]N, len(list))
	for i, of := range list {
		names[i] = name(of)
	}
	return names
}

func identityOf(info store.SeriesInfo) string { return info.Identity }

func idOf(env store.EnvInfo) string { return env.ID }

// allSeries are also those without RL points, by number.
func allSeries(points RLPoints) []store.SeriesInfo {
	if h, inherits := points.(*heir); inherits {
		return h.infos
	}
	return points.SeriesInfos()
}

// takeSeries adds what the parent has of a series.
func (h *heir) takeSeries(no uint32, before store.SeriesInfo) {
	if no > uint32(len(h.infos)) {
		h.infos = append(h.infos, store.SeriesInfo{No: no, Key: before.Key, Identity: before.Identity, Ordering: before.Ordering})
	}
	info := &h.infos[no-1]
	info.RL, info.RLCount = info.RL || before.RL, info.RLCount+before.RLCount
}

// takeEnvironment adds what the parent has of an environment. Its episodes are those
// of the heir's own points where there are some.
func (h *heir) takeEnvironment(no uint32, before store.EnvInfo) {
	before.No, before.LastRLStep = no, min(before.LastRLStep, h.fork)
	if no > uint32(len(h.places)) {
		h.places, h.ends = append(h.places, before), append(h.ends, before.LastRLStep)
		return
	}
	env := &h.places[no-1]
	h.ends[no-1] = before.LastRLStep
	if env.Points == 0 {
		*env = before
		return
	}
	env.Points += before.Points
	env.LastRLStep = max(env.LastRLStep, before.LastRLStep)
}

// SeriesInfos gives the series that have RL points.
func (h *heir) SeriesInfos() []store.SeriesInfo {
	return slices.DeleteFunc(slices.Clone(h.infos), func(info store.SeriesInfo) bool { return !info.RL })
}

// SeriesSelected gives the series that any selection selects, by identity.
func (h *heir) SeriesSelected(selections []store.Selection) []store.SeriesInfo {
	return inOrderOfIdentity(slices.DeleteFunc(h.SeriesInfos(), func(info store.SeriesInfo) bool {
		return !slices.ContainsFunc(selections, func(s store.Selection) bool { return s.Name == info.Key.Name && s.Passes(info.Key) })
	}))
}

// EnvSeries gives the series that may have points in an environment, by number.
func (h *heir) EnvSeries(env uint32) []store.SeriesInfo {
	var nos []uint32
	for _, info := range h.ownEnvSeries(env) {
		nos = append(nos, info.No)
	}
	if before := h.envs.before[env-1]; before != 0 {
		for _, info := range h.parent.EnvSeries(before) {
			if info.No <= uint32(len(h.series.after)) {
				nos = append(nos, h.series.after[info.No-1])
			}
		}
	}
	slices.Sort(nos)
	return eachOf(slices.Compact(nos), func(no uint32) store.SeriesInfo { return h.infos[no-1] })
}

// ownEnvSeries leaves out what came after the numbering.
func (h *heir) ownEnvSeries(env uint32) []store.SeriesInfo {
	if env > h.envs.own {
		return nil
	}
	return slices.DeleteFunc(h.own.EnvSeries(env), func(info store.SeriesInfo) bool { return info.No > h.series.own })
}

// Environments gives the environments by number, with no LastRLStep of the parent behind the
// fork. They may have points behind it alone.
func (h *heir) Environments() []store.EnvInfo { return slices.Clone(h.places) }

// latestEpisodeIn is the latest episode of an environment: its own, or the last inherited.
func latestEpisodeIn(points RLPoints, env store.EnvInfo) (uint64, error) {
	h, inherits := points.(*heir)
	if !inherits || h.hasOwn(env.No) {
		return latestEpisode(env), nil
	}
	return h.lastInherited(env.No)
}

// lastInherited is the episode that an environment of the parent had got to at the fork.
func (h *heir) lastInherited(env uint32) (uint64, error) {
	before := h.placed[h.envs.before[env-1]-1]
	if before.LastRLStep <= h.fork {
		return latestEpisodeIn(h.parent, before)
	}
	progress, err := h.parent.Progress(before.No)
	return progress.At(h.fork), err
}

func (h *heir) hasOwn(env uint32) bool { return len(h.ownEnvSeries(env)) > 0 }

// Progress goes on behind the fork with the heir's own.
func (h *heir) Progress(env uint32) (store.Progress, error) {
	var before, own store.Progress
	var err error
	if no := h.envs.before[env-1]; no != 0 {
		if before, err = h.parent.Progress(no); err != nil {
			return own, err
		}
		n := sort.Search(len(before.RLSteps), func(i int) bool { return before.RLSteps[i] > h.fork })
		before = store.Progress{RLSteps: before.RLSteps[:n], Episodes: before.Episodes[:n]}
	}
	if env <= h.envs.own {
		if own, err = h.own.Progress(env); err != nil {
			return own, err
		}
	}
	n := 0
	if k := len(before.RLSteps); k > 0 {
		n = sort.Search(len(own.RLSteps), func(i int) bool { return own.RLSteps[i] > before.RLSteps[k-1] })
	}
	return store.Progress{
		RLSteps: slices.Concat(before.RLSteps, own.RLSteps[n:]), Episodes: slices.Concat(before.Episodes, own.Episodes[n:]),
	}, nil
}
