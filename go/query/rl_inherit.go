package query

import (
	"slices"
	"sort"
	"strings"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// A forked run inherits the RL points of its parent up to the rl_step of the fork,
// and what the parent inherited. Its own points lie behind the last inherited one
// of their series and environment.

// generation is a run that points may come from.
type generation struct {
	run  runPoints
	upTo uint64 // rl_step, of what is inherited
}

// lineage lists a run and, when asked to, those that it inherits from; the oldest
// first.
func (r runPoints) lineage(inherited bool) ([]generation, error) {
	all := []generation{{r, ^uint64(0)}}
	for inherited {
		oldest := all[len(all)-1]
		parent, exists, err := oldest.run.parent()
		if err != nil {
			return nil, err
		}
		if !exists {
			break
		}
		all = append(all, generation{parent, min(oldest.run.Fork.Step, oldest.upTo)})
	}
	slices.Reverse(all)
	return all, nil
}

// inheritedEnvironment is one environment in each generation that has it.
type inheritedEnvironment []generationEnvironment

type generationEnvironment struct {
	generation

	env store.EnvInfo
}

// pickEnvironments finds environments by id, in the order named.
func pickEnvironments(lineage []generation, ids []string) ([]inheritedEnvironment, error) {
	if len(ids) > maxEnvironments {
		return nil, invalid("%d environments were named; at most %d may be", len(ids), maxEnvironments)
	}
	byID := make(map[string]inheritedEnvironment)
	for _, g := range lineage {
		for _, env := range g.run.points.Environments() {
			byID[env.ID] = append(byID[env.ID], generationEnvironment{g, env})
		}
	}
	var envs []inheritedEnvironment
	for _, id := range ids {
		env, found := byID[id]
		if !found {
			return nil, notFound("no environment %q in run %q", id, lineage[len(lineage)-1].run.Name)
		}
		envs = append(envs, env)
	}
	return envs, nil
}

// pickEnvironments finds environments of the run alone.
func (r runPoints) pickEnvironments(ids []string) ([]store.EnvInfo, error) {
	picked, err := pickEnvironments([]generation{{run: r}}, ids)
	envs := make([]store.EnvInfo, len(picked))
	for i, env := range picked {
		envs[i] = env[0].env
	}
	return envs, err
}

// anchored is the anchor at which all generations of an environment are read: at
// its latest episode when it has not got further.
func (e inheritedEnvironment) anchored(at anchor) (here anchor, reached bool, err error) {
	if at.rlStep != nil {
		return at, slices.ContainsFunc(e, func(g generationEnvironment) bool { return *at.rlStep <= g.upTo && at.reached(g.env) }), nil
	}
	latest, err := e[len(e)-1].latestEpisode()
	return anchor{episode: min(at.episode, latest)}, true, err
}

// latestEpisode is that of the points that are inherited of this generation.
func (g generationEnvironment) latestEpisode() (uint64, error) {
	if g.env.LastRLStep <= g.upTo {
		return latestEpisode(g.env), nil
	}
	progress, err := g.run.points.Progress(g.env.No)
	return progress.At(g.upTo), err
}

// inheritedPoints are those of one series in an environment.
type inheritedPoints struct {
	info   store.SeriesInfo
	env    store.EnvInfo
	points store.RLColumns
}

// read gives the points of the series that are selected, in order of identity. Each
// generation is read at the same episode, also one that never got there.
func (e inheritedEnvironment) read(selected selector, at anchor) ([]inheritedPoints, error) {
	var all []inheritedPoints
	places := make(map[string]int)
	for _, g := range e {
		for _, info := range selected.pick(g.run.points.EnvSeries(g.env.No), true) {
			points, err := g.run.points.RLPoints(info.No, g.env.No, at.only())
			if err != nil {
				return nil, err
			}
			points = rlStretch(points, 0, countUpTo(points, g.upTo))
			k, known := places[info.Identity]
			if !known {
				places[info.Identity] = len(all)
				all = append(all, inheritedPoints{info, g.env, points})
				continue
			}
			goesOn := at.rlStep == nil && info.Key.Scale != point.ScaleEpisode
			all[k].points = inheritRL(all[k].points, points, goesOn)
		}
	}
	slices.SortFunc(all, func(a, b inheritedPoints) int { return strings.Compare(a.info.Identity, b.info.Identity) })
	return all, nil
}

// countUpTo counts the points whose rl_step is not above one.
func countUpTo(c store.RLColumns, rlStep uint64) int {
	return sort.Search(len(c.RLSteps), func(i int) bool { return c.RLSteps[i] > rlStep })
}

// inheritRL puts inherited points before a run's own. Env steps of an episode that
// goes on over the fork are counted on.
func inheritRL(before, own store.RLColumns, goesOn bool) store.RLColumns {
	if len(before.RLSteps) == 0 {
		return own
	}
	own = rlStretch(own, countUpTo(own, before.RLSteps[len(before.RLSteps)-1]), len(own.RLSteps))
	if end := slices.Max(before.EnvSteps) + 1; goesOn && len(own.EnvSteps) > 0 && own.EnvSteps[0] < end {
		own.EnvSteps = slices.Clone(own.EnvSteps)
		for i := range own.EnvSteps {
			own.EnvSteps[i] += end
		}
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
