package ingest

import (
	"math"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// seeds tell a logger where a run's series and environments stand, so that it
// goes on behind. A forked run stands where its parent stood at the fork in all
// that it has not logged itself, and so does the parent, if it is a fork.
type seeds struct {
	series []*seriesInfo
	envs   []*envState
	known  map[string]bool // which of both there are
}

func (s *Service) seedsOf(run *catalog.Run, points *store.Run) (seeds, error) {
	found := seeds{known: map[string]bool{}}
	found.add(points, math.MaxUint64)
	limit := uint64(math.MaxUint64)
	for parent, exists := run.Parent(); exists; parent, exists = run.Parent() {
		limit = min(limit, run.Fork.Step)
		points, err := parent.Points()
		if err != nil {
			return seeds{}, err
		}
		found.add(points, limit)
		run = parent
	}
	return found, nil
}

// add takes what a run logged up to a step, the rl_step for environments. RL
// series are seeded by their environments.
func (s *seeds) add(points *store.Run, limit uint64) {
	for _, info := range points.SeriesInfos() {
		if !info.Standard || info.FirstStep > limit || !s.isNew("series "+info.Key.Name+" "+info.Key.Scale+" "+info.Key.FlatLabels()) {
			continue
		}
		s.series = append(s.series, &seriesInfo{
			MetricName: info.Key.Name, Scale: info.Key.Scale, FlatLabels: info.Key.FlatLabels(),
			Ordering: types.OrderingMode(info.Ordering), LastStep: min(info.LastStep, limit),
			ValueKind: common.SeriesValueKind_SERIES_VALUE_KIND_FLOAT,
		})
	}
	for _, env := range points.Environments() {
		if !s.isNew("environment " + env.ID) {
			continue
		}
		s.envs = append(s.envs, &envState{
			EnvName: env.ID, LastRlStep: min(env.LastRLStep, limit), LastEpisode: max(env.LastEpisode, env.LastMinorEpisode),
		})
	}
}

func (s *seeds) isNew(key string) bool {
	known := s.known[key]
	s.known[key] = true
	return !known
}
