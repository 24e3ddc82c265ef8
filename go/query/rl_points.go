package query

import (
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// RLPoints are the RL points of a run: those in its store or, of a forked run, these
// behind all that it inherits. Series and environments have numbers, which hold for
// these RLPoints alone.
type RLPoints interface {
	SeriesInfos() []store.SeriesInfo
	SeriesSelected(selections []store.Selection) []store.SeriesInfo
	EnvSeries(env uint32) []store.SeriesInfo
	Environments() []store.EnvInfo
	RLPoints(no, env uint32, sel store.RLRange) (store.RLColumns, error)
	EpisodeSums(no uint32, q store.EpisodeQuery) ([]store.EnvEpisodes, error)
	Progress(env uint32) (store.Progress, error)
}

// RLPointsOf gives the RL points of a run, its own or with those that it inherits.
func RLPointsOf(run *catalog.Run, inherited bool) (RLPoints, error) {
	points, err := run.Points()
	if err != nil {
		return nil, err
	}
	return runPoints{run, points}.rlPoints(inherited, false)
}

// rlPoints are its own or with those that it inherits. Total steps are counted on over
// forks when they are wanted, which takes reading more.
func (r runPoints) rlPoints(inherited, totals bool) (RLPoints, error) {
	if !inherited {
		return r.points, nil
	}
	parent, exists, err := r.parent()
	if err != nil {
		return nil, err
	}
	if !exists {
		return r.points, nil
	}
	before, err := parent.rlPoints(true, totals)
	if err != nil {
		return nil, err
	}
	return newHeir(r, before, totals), nil
}

// pickEnvironments finds environments of a run by id, in the order named.
func pickEnvironments(run string, points RLPoints, ids []string) ([]store.EnvInfo, error) {
	if len(ids) > maxEnvironments {
		return nil, invalid("%d environments were named; at most %d may be", len(ids), maxEnvironments)
	}
	byID := make(map[string]store.EnvInfo)
	for _, env := range points.Environments() {
		byID[env.ID] = env
	}
	var envs []store.EnvInfo
	for _, id := range ids {
		env, found := byID[id]
		if !found {
			return nil, notFound("no environment %q in run %q", id, run)
		}
		envs = append(envs, env)
	}
	return envs, nil
}

// pickEnvironments finds environments that the run has points of its own or attributes in.
func (r runPoints) pickEnvironments(ids []string) ([]store.EnvInfo, error) {
	return pickEnvironments(r.Name, r.points, ids)
}
