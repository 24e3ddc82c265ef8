package views

import (
	"context"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Limits of curves.
const (
	defaultBuckets = 1000
	maxBuckets     = 5000
)

var axes = map[pb.Axis]query.Along{
	pb.Axis_AXIS_UNSPECIFIED:   query.AlongSteps,
	pb.Axis_AXIS_STEP:          query.AlongSteps,
	pb.Axis_AXIS_RL_STEP:       query.AlongRLSteps,
	pb.Axis_AXIS_EPISODE:       query.AlongEpisodes,
	pb.Axis_AXIS_ENV_STEP:      query.AlongEnvSteps,
	pb.Axis_AXIS_RELATIVE_TIME: query.AlongRelativeTime,
	pb.Axis_AXIS_WALL_TIME:     query.AlongTime,

	pb.Axis_AXIS_CUMULATIVE_ENV_STEPS: query.AlongTotalSteps,
}

func alongOf(axis pb.Axis) (query.Along, error) {
	along, known := axes[axis]
	if !known {
		return 0, invalid("axis %d is none", axis)
	}
	return along, nil
}

// BucketSeries gives curves of series along any axis in buckets.
func (s *Service) BucketSeries(
	_ context.Context, request *connect.Request[pb.BucketSeriesRequest],
) (*connect.Response[pb.BucketSeriesResponse], error) {
	answer, err := s.bucketSeries(request.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(answer), nil
}

func (s *Service) bucketSeries(r *pb.BucketSeriesRequest) (*pb.BucketSeriesResponse, error) {
	q, err := parseCurves(r)
	if err != nil {
		return nil, err
	}
	count := int(r.GetBuckets())
	if count == 0 {
		count = defaultBuckets
	}
	if count > maxBuckets {
		return nil, invalid("buckets %d is above %d", count, maxBuckets)
	}
	curves, err := s.queries.BucketCurves(q, count, r.GetCursor())
	if err != nil {
		return nil, err
	}
	answer := &pb.BucketSeriesResponse{
		FirstX: curves.First, LastX: curves.Last, BucketWidth: curves.Width, BucketCount: uint32(curves.Count),
		UnchangedRuns: curves.Unchanged, Cursor: curves.Cursor,
	}
	for _, b := range curves.Curves {
		answer.Curves = append(answer.Curves, &pb.CurveBuckets{
			Identity: identity(b.Identity), Xs: floatColumn(b.Xs), Counts: column(b.Counts, itself), Means: floatColumn(b.Means),
			Minima: floatColumn(b.Mins), Maxima: floatColumn(b.Maxs), Lasts: floatColumn(b.Lasts),
			NanXs: floatColumn(b.NaNs), InfinityXs: floatColumn(b.Infs), NegativeInfinityXs: floatColumn(b.NegatedInf),
			KeptBuckets: uint32(b.Kept),
		})
	}
	return answer, nil
}

func parseCurves(r *pb.BucketSeriesRequest) (query.CurveQuery, error) {
	along, err := alongOf(r.GetAxis())
	if err != nil {
		return query.CurveQuery{}, err
	}
	q := query.CurveQuery{
		Workspace: r.GetWorkspace(), Project: r.GetProject(), Runs: r.GetRuns(), Series: r.GetSeriesQueries(),
		Environments: r.GetEnvironments(), Inherited: r.GetIncludeInherited(), Along: along,
		KeepsBuckets: r.GetKeepsBuckets(),
	}
	if limits := r.GetRange(); limits != nil {
		q.From, q.To = limits.From, limits.To
	}
	q.Points, err = pointsWithin(r.GetEpisodes(), r.GetRlSteps())
	return q, err
}

func pointsWithin(episodes, rlSteps *pb.IndexRange) (within store.RLRange, err error) {
	for _, of := range []struct {
		field string
		asked *pb.IndexRange
		to    **store.Range
	}{{"episodes", episodes, &within.Episode}, {"rl_steps", rlSteps, &within.RLStep}} {
		if of.asked == nil {
			continue
		}
		limits, err := rangeOf(of.field, of.asked)
		if err != nil {
			return within, err
		}
		*of.to = &limits
	}
	return within, nil
}

func identity(of query.Identity) *pb.CurveIdentity {
	return &pb.CurveIdentity{Run: of.Run, Environment: of.Environment, Series: of.Definition}
}
