package query

import (
	"context"
	"slices"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// The x of RL points. At an episode it is the env step within the episode; of a
// series of EPISODE scale, the episode. At an rl_step it is the index within the
// rollout: 0, 1, 2, … in the order in which the points of that rl_step were
// logged.

// ListRLEnvironmentFloatSeries gives the points of all series of an environment
// at an anchor, a page at a time. Unlike buckets, points of EPISODE scale have
// their episode as step at an rl_step, too, because nothing else tells it.
func (s *Service) ListRLEnvironmentFloatSeries(
	_ context.Context, request *connect.Request[pb.ListRLEnvironmentFloatSeriesRequest],
) (*connect.Response[pb.ListRLEnvironmentFloatSeriesResponse], error) {
	r := request.Msg
	run, err := s.findRun(r.GetWorkspace(), r.GetProject(), r.GetRun())
	if err != nil {
		return nil, s.failed(err)
	}
	points, err := run.rlPoints(r.GetIncludeInherited(), false)
	if err != nil {
		return nil, s.failed(err)
	}
	envs, err := pickEnvironments(run.Name, points, []string{r.GetEnvironment()})
	if err != nil {
		return nil, err
	}
	reader, err := newRLReader(run, points, r.GetScaleSelector(), nil, r.GetStepSelection())
	if err != nil {
		return nil, err
	}
	reader.episodesAsSteps = true
	columns, err := reader.read(envs)
	if err != nil {
		return nil, s.failed(err)
	}
	page, token, err := pointPage(listOf(columns), r.MaxPointsPerPage, maxPointsPage, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListRLEnvironmentFloatSeriesResponse{ResumeToken: token}
	for _, part := range page {
		answer.Series = append(answer.Series, columns[part.column].encode(part, true))
	}
	return connect.NewResponse(answer), nil
}

// rlReader reads the series of environments at an anchor.
type rlReader struct {
	run             string
	points          RLPoints
	at              anchor
	selected        selector
	cut             stepCut
	episodesAsSteps bool
}

func newRLReader(
	run runPoints, points RLPoints, scale *pb.RLScaleSelector, queries []string, steps *pb.StepSelection,
) (rlReader, error) {
	selected, err := parseSelector(queries)
	if err != nil {
		return rlReader{}, err
	}
	cut, err := parseSteps(steps)
	return rlReader{run: run.Name, points: points, at: parseAnchor(scale, run), selected: selected, cut: cut}, err
}

// read reads environments one after the other; those that never reached the anchor are left
// out.
func (r rlReader) read(envs []store.EnvInfo) ([]column, error) {
	var columns []column
	for _, env := range envs {
		if !r.at.reached(env) {
			continue
		}
		all, err := r.readEnvironment(env)
		if err != nil {
			return nil, err
		}
		for _, c := range r.selected.reduce(all, true) {
			if c = r.cut.apply(c); len(c.xs) > 0 {
				columns = append(columns, c)
			}
		}
	}
	return columns, nil
}

func (r rlReader) readEnvironment(env store.EnvInfo) ([]column, error) {
	at := r.at
	if at.rlStep == nil {
		latest, err := latestEpisodeIn(r.points, env)
		if err != nil {
			return nil, err
		}
		at.episode = min(at.episode, latest)
	}
	var all []column
	for _, info := range r.selected.pick(r.points.EnvSeries(env.No), true) {
		points, err := r.points.RLPoints(info.No, env.No, at.only())
		if err != nil {
			return nil, err
		}
		all = append(all, r.column(env, info, points))
	}
	return all, nil
}

// column places points on the axis of the anchor, in ascending order.
func (r rlReader) column(env store.EnvInfo, info store.SeriesInfo, points store.RLColumns) column {
	c := column{
		run: r.run, key: info.Key, env: env.ID, xs: points.EnvSteps, values: points.Values, times: points.Times,
		rlSteps: points.RLSteps, episodes: points.Episodes, envSteps: points.EnvSteps,
	}
	if r.at.rlStep == nil {
		return c.ascending()
	}
	if !r.episodesAsSteps || info.Key.Scale != point.ScaleEpisode {
		c.xs = make([]uint64, len(c.values))
		for i := range c.xs {
			c.xs[i] = uint64(i)
		}
	}
	return c
}

func (c column) ascending() column {
	if slices.IsSorted(c.xs) {
		return c
	}
	order := make([]int, len(c.xs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if c.xs[a] < c.xs[b] {
			return -1
		}
		if c.xs[a] > c.xs[b] {
			return 1
		}
		return 0
	})
	return column{
		run: c.run, key: c.key, env: c.env, xs: inOrder(c.xs, order), values: inOrder(c.values, order), times: inOrder(c.times, order),
		rlSteps: inOrder(c.rlSteps, order), episodes: inOrder(c.episodes, order), envSteps: inOrder(c.envSteps, order),
	}
}

// inOrder gives a list another order; one that is not there is not there in any.
func inOrder[T any](list []T, order []int) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(order))
	for k, i := range order {
		out[k] = list[i]
	}
	return out
}

// ListRLEnvironmentFloatSeriesBuckets gives series of environments at an anchor
// in buckets on one axis. Without series_queries it gives all series.
func (s *Service) ListRLEnvironmentFloatSeriesBuckets(
	_ context.Context, request *connect.Request[pb.ListRLEnvironmentFloatSeriesBucketsRequest],
) (*connect.Response[pb.ListRLEnvironmentFloatSeriesBucketsResponse], error) {
	r := request.Msg
	run, err := s.findRun(r.GetWorkspace(), r.GetProject(), r.GetRun())
	if err != nil {
		return nil, s.failed(err)
	}
	ids := r.GetEnvironments()
	if r.GetEnvironment() != "" {
		ids = append([]string{r.GetEnvironment()}, ids...)
	}
	points, err := run.rlPoints(r.GetIncludeInherited(), false)
	if err != nil {
		return nil, s.failed(err)
	}
	envs, err := pickEnvironments(run.Name, points, ids)
	if err != nil {
		return nil, err
	}
	reader, err := newRLReader(run, points, r.GetScaleSelector(), r.GetSeriesQueries(), r.GetStepSelection())
	if err != nil {
		return nil, err
	}
	columns, err := reader.read(envs)
	if err != nil {
		return nil, s.failed(err)
	}
	a, filled, page, next, err := s.bucketPage(curvesOf(columns), r.BucketsCount, r.MaxBucketsAcrossSeries, r.MaxBucketsPerPage, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListRLEnvironmentFloatSeriesBucketsResponse{
		ResumeToken: next, FirstStep: a.first, LastStep: a.last, BucketStepWidth: a.width,
	}
	encodeRLBuckets(answer, r.GetUseSpecializedRlSeriesBuckets(), reader.at, a, filled, page)
	return connect.NewResponse(answer), nil
}

func encodeRLBuckets(
	answer *pb.ListRLEnvironmentFloatSeriesBucketsResponse, specialized bool, at anchor, a axis, filled []bucketed, page []stretch,
) {
	switch {
	case !specialized:
		for _, part := range page {
			answer.Series = append(answer.Series, rowBuckets(a, &filled[part.column], part))
		}
	case at.rlStep == nil:
		answer.RlSpecializedSeries = &pb.ListRLEnvironmentFloatSeriesBucketsResponse_RlSeriesOnEpisodeSelector{
			RlSeriesOnEpisodeSelector: onEpisode(a, filled, page),
		}
	default:
		answer.RlSpecializedSeries = &pb.ListRLEnvironmentFloatSeriesBucketsResponse_RlSeriesOnRlStepSelector{
			RlSeriesOnRlStepSelector: onRLStep(a, filled, page),
		}
	}
}

func onEpisode(a axis, filled []bucketed, page []stretch) *pb.RlSeriesBucketsOnEpisodeSelector {
	out := &pb.RlSeriesBucketsOnEpisodeSelector{
		FirstStep: a.first, LastStep: a.last, StepsPerBucket: a.width, BucketsCount: int64(a.count),
	}
	for _, part := range page {
		b := &filled[part.column]
		out.Series = append(out.Series, &pb.RlSeriesBucketsOnEpisodeSelector_SingleSeries{
			Environment: b.env, Definition: b.definition(),
			BucketIndexes: b.indexes[part.from:part.to], YValues: b.means[part.from:part.to], Counts: b.counts[part.from:part.to],
			MinValues: b.mins[part.from:part.to], MaxValues: b.maxs[part.from:part.to],
			LastTimestampMillis: b.lastTimes[part.from:part.to], LastRlSteps: b.lastRLSteps[part.from:part.to],
			BucketsWithNans: b.within(b.nans, part), BucketsWithInfs: b.within(b.infinities, part),
			BucketsWithNegInfs: b.within(b.negatives, part),
		})
	}
	return out
}

func onRLStep(a axis, filled []bucketed, page []stretch) *pb.RlSeriesBucketsOnRlStepSelector {
	out := &pb.RlSeriesBucketsOnRlStepSelector{
		FirstRolloutIdx: a.first, LastRolloutIdx: a.last, RolloutIndexesPerBucket: a.width, BucketsCount: int64(a.count),
	}
	for _, part := range page {
		b := &filled[part.column]
		out.Series = append(out.Series, &pb.RlSeriesBucketsOnRlStepSelector_SingleSeries{
			Environment: b.env, Definition: b.definition(),
			BucketIndexes: b.indexes[part.from:part.to], YValues: b.means[part.from:part.to], Counts: b.counts[part.from:part.to],
			MinValues: b.mins[part.from:part.to], MaxValues: b.maxs[part.from:part.to],
			LastTimestampMillis: b.lastTimes[part.from:part.to],
			Episodes:            b.lastEpisodes[part.from:part.to], LastEnvSteps: b.lastEnvSteps[part.from:part.to],
			BucketsWithNans: b.within(b.nans, part), BucketsWithInfs: b.within(b.infinities, part),
			BucketsWithNegInfs: b.within(b.negatives, part),
		})
	}
	return out
}
