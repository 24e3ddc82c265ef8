package query

import (
	"context"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// anchor is where environments are looked at: an rl_step, or an episode.
//
// At an episode, an environment that has not got there resolves at its own
// latest. At an rl_step, an environment that never reached it is left out.
type anchor struct {
	rlStep  *uint64
	episode uint64
}

func parseAnchor(s *pb.RLScaleSelector, run runPoints) anchor {
	switch scale := s.GetScale().(type) {
	case *pb.RLScaleSelector_RlStep:
		return anchor{rlStep: &scale.RlStep}
	case *pb.RLScaleSelector_Episode:
		return anchor{episode: scale.Episode}
	}
	return anchor{episode: latest(run.points.Environments()).episode}
}

// latestEpisode is the highest episode of an environment, of points of either
// scale.
func latestEpisode(env store.EnvInfo) uint64 { return max(env.LastEpisode, env.LastMinorEpisode) }

type position struct{ rlStep, episode uint64 }

func latest(envs []store.EnvInfo) position {
	var p position
	for _, env := range envs {
		p.rlStep, p.episode = max(p.rlStep, env.LastRLStep), max(p.episode, latestEpisode(env))
	}
	return p
}

// reached tells whether an environment is to be seen at the anchor.
func (a anchor) reached(env store.EnvInfo) bool {
	return a.rlStep == nil || env.Points > 0 && env.LastRLStep >= *a.rlStep
}

// selection is what the anchor selects of an environment's points.
func (a anchor) selection(env store.EnvInfo) store.RLRange {
	a.episode = min(a.episode, latestEpisode(env))
	return a.only()
}

// only selects the points of the anchor's own rl_step or episode.
func (a anchor) only() store.RLRange {
	if a.rlStep != nil {
		return store.RLRange{RLStep: &store.Range{From: *a.rlStep, To: *a.rlStep}}
	}
	return store.RLRange{Episode: &store.Range{From: a.episode, To: a.episode}}
}

// environmentsWithPoints leaves out those that only have attributes.
func environmentsWithPoints(points RLPoints) []store.EnvInfo {
	return slices.DeleteFunc(points.Environments(), func(e store.EnvInfo) bool { return e.Points == 0 })
}

// GetRLInfo tells how many environments a run has, 0 when it is not an RL run,
// and how far they got.
func (s *Service) GetRLInfo(
	_ context.Context, request *connect.Request[pb.GetRLInfoRequest],
) (*connect.Response[pb.GetRLInfoResponse], error) {
	r := request.Msg
	run, err := s.findRun(r.GetWorkspace(), r.GetProject(), r.GetRun())
	if err != nil {
		return nil, s.failed(err)
	}
	envs := environmentsWithPoints(run.points)
	last := latest(envs)
	return connect.NewResponse(&pb.GetRLInfoResponse{
		NumberOfEnvironments: int64(len(envs)), LatestEpisode: last.episode, LatestRlStep: last.rlStep,
	}), nil
}

// environment is one environment of a listing.
type environment struct {
	store.EnvInfo

	current uint64 // episode at the anchor
}

// ListRLEnvironments lists the environments of a run at an anchor, by id unless
// asked otherwise. Their pseudo attributes environment_id, latest_episode and
// latest_rl_step can be filtered and ordered by.
func (s *Service) ListRLEnvironments(
	_ context.Context, request *connect.Request[pb.ListRLEnvironmentsRequest],
) (*connect.Response[pb.ListRLEnvironmentsResponse], error) {
	r := request.Msg
	run, err := s.findRun(r.GetWorkspace(), r.GetProject(), r.GetRun())
	if err != nil {
		return nil, s.failed(err)
	}
	things, err := run.listEnvironments(parseAnchor(r.GetScaleSelector(), run))
	if err != nil {
		return nil, s.failed(err)
	}
	if things, err = filterAndSort(things, r.Filter, r.OrderBy); err != nil {
		return nil, s.failed(err)
	}
	page, err := offsetPage(things, r.Limit, r.Offset, maxEnvironments)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListRLEnvironmentsResponse{TotalCount: int64(len(things))}
	for _, t := range page {
		summaries, err := summaryColumns(r.GetSeriesSummaries(), t.sum)
		if err != nil {
			return nil, s.failed(err)
		}
		answer.Environments = append(answer.Environments, &pb.ListRLEnvironmentsResponse_Environment{
			EnvironmentId: t.item.ID, LatestEpisode: latestEpisode(t.item.EnvInfo), LatestRlStep: t.item.LastRLStep,
			CurrentEpisode: t.item.current, SeriesSummaries: summaries,
			Attributes: pickAttributes(t.attributes, r.GetAttributePaths()),
		})
	}
	return connect.NewResponse(answer), nil
}

func (r runPoints) listEnvironments(at anchor) ([]listed[environment], error) {
	var things []listed[environment]
	for _, env := range environmentsWithPoints(r.points) {
		if !at.reached(env) {
			continue
		}
		current, err := r.currentEpisode(env, at)
		if err != nil {
			return nil, err
		}
		things = append(things, listed[environment]{
			item: environment{env, current},
			subject: subject{
				attributes: r.environmentAttributes(env, &current),
				sum:        func(q grammar.Series) (summary, error) { return summariseEnvironment(r.Name, r.points, env, at, q) },
			},
		})
	}
	sortByID(things)
	return things, nil
}

func sortByID(things []listed[environment]) {
	slices.SortFunc(things, func(a, b listed[environment]) int { return strings.Compare(a.item.ID, b.item.ID) })
}

// currentEpisode is the episode that an environment is in at the anchor.
func (r runPoints) currentEpisode(env store.EnvInfo, at anchor) (uint64, error) {
	if at.rlStep == nil {
		return min(at.episode, latestEpisode(env)), nil
	}
	current, known := uint64(0), false
	for _, info := range r.points.EnvSeries(env.No) {
		points, err := r.points.RLPoints(info.No, env.No, at.selection(env))
		if err != nil {
			return 0, err
		}
		for i, episode := range points.Episodes {
			if points.HasEpisode == nil || points.HasEpisode[i] {
				current, known = max(current, episode), true
			}
		}
	}
	if known {
		return current, nil
	}
	// No point of an episode lies at this very rl_step.
	progress, err := r.points.Progress(env.No)
	return progress.At(*at.rlStep), err
}

// workedOut gives the attributes of an environment that its points say.
func workedOut(env store.EnvInfo) []catalog.Attribute {
	return []catalog.Attribute{
		{Path: "environment_id", Value: catalog.Text(env.ID)},
		{Path: "latest_episode", Value: catalog.Whole(int64(latestEpisode(env)))},
		{Path: "latest_rl_step", Value: catalog.Whole(int64(env.LastRLStep))},
	}
}

// environmentAttributes are those that hold at an episode, or, with nil, without one.
func (r runPoints) environmentAttributes(env store.EnvInfo, episode *uint64) []catalog.Attribute {
	attributes := append(r.EnvAttributes(env.ID, episode), workedOut(env)...)
	slices.SortFunc(attributes, func(a, b catalog.Attribute) int { return strings.Compare(a.Path, b.Path) })
	return attributes
}

// summariseEnvironment sums up what a query selects of an environment of a run at an
// anchor.
func summariseEnvironment(run string, of RLPoints, env store.EnvInfo, at anchor, q grammar.Series) (summary, error) {
	var sum summary
	if err := supported(q); err != nil {
		return sum, err
	}
	g, reduces := groupingOf(q)
	groups, reader := newGroupSummaries(g), rlReader{run: run, at: at, episodesAsSteps: true}
	for _, info := range (selector{[]grammar.Series{q}}).pick(of.EnvSeries(env.No), true) {
		points, err := of.RLPoints(info.No, env.No, at.selection(env))
		if err != nil {
			return sum, err
		}
		if reduces {
			groups.of(info.Key).addColumn(reader.column(env, info, points))
			continue
		}
		sum.add(points.Values)
	}
	if reduces {
		return groups.together(), nil
	}
	return sum, nil
}
