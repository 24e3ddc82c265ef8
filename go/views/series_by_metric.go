package views

import (
	"cmp"
	"context"
	"math"
	"slices"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/query"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// maxJoined is how many points curves along a metric may have together, and how many that
// metric may have in a run: all of them are in memory.
const maxJoined = 5_000_000

// BucketByMetric gives curves of series along the values of another metric in buckets.
func (s *Service) BucketByMetric(
	ctx context.Context, request *connect.Request[pb.BucketByMetricRequest],
) (*connect.Response[pb.BucketByMetricResponse], error) {
	r := request.Msg
	count, q, within, err := parseByMetric(r)
	if err != nil {
		return nil, err
	}
	question, err := questionByMetric(r)
	if err != nil {
		return nil, err
	}
	asked := byMetric{q, r.GetXSeriesQuery(), within, count}
	// Before points are read: what comes in between is in the next answer, too.
	versions, err := s.queries.CurveVersions(asked.read())
	if err != nil {
		return nil, err
	}
	if held, found := parseMetricCursor(r.GetCursor(), question, len(versions)); found {
		answer, goesOn, err := s.goOnByMetric(ctx, asked, held, versions)
		if err != nil {
			return nil, err
		}
		if goesOn {
			return connect.NewResponse(answer), nil
		}
	}
	curves, err := s.joinCurves(ctx, asked)
	if err != nil {
		return nil, err
	}
	bins := valueBinsOf(curves, count)
	next := metricCursor{question, bins, versions}
	return connect.NewResponse(next.answer(curves)), nil
}

// byMetric asks for curves along the values of a metric.
type byMetric struct {
	query.CurveQuery

	metric  string
	within  limits
	buckets int
}

// read asks for all series that are read.
func (q byMetric) read() query.CurveQuery {
	all := q.CurveQuery
	all.Series = append(slices.Clip(all.Series), q.metric)
	return all
}

// goOnByMetric answers with the runs that changed, in the bins of the answer before; goesOn is
// false where these must be made anew.
func (s *Service) goOnByMetric(
	ctx context.Context, q byMetric, held metricCursor, versions []uint64,
) (answer *pb.BucketByMetricResponse, goesOn bool, err error) {
	var unchanged, changed []string
	for i, run := range q.Runs {
		if versions[i] == held.versions[i] {
			unchanged = append(unchanged, run)
		} else {
			changed = append(changed, run)
		}
	}
	if len(changed) > 0 && !held.takesMore() {
		return nil, false, nil // before anything is read
	}
	q.Runs = changed
	curves, err := s.joinCurves(ctx, q)
	if err != nil {
		return nil, false, err
	}
	bins, fits := held.binsFor(curves, q.buckets)
	if !fits {
		return nil, false, nil
	}
	held.bins, held.versions = bins, versions
	answer = held.answer(curves)
	answer.UnchangedRuns = unchanged
	return answer, true, nil
}

// answer is curves in the bins, from which the next one goes on.
func (c metricCursor) answer(curves []metricCurve) *pb.BucketByMetricResponse {
	bins := c.bins
	answer := &pb.BucketByMetricResponse{
		FirstX: bins.first, LastX: bins.last, BucketCount: uint32(bins.count), BucketWidth: bins.width(), Cursor: c.bytes(),
	}
	for _, curve := range curves {
		answer.Curves = append(answer.Curves, curve.bucket(bins))
	}
	return answer
}

func parseByMetric(r *pb.BucketByMetricRequest) (count int, q query.CurveQuery, within limits, err error) {
	if count = int(r.GetBuckets()); count == 0 {
		count = defaultBuckets
	}
	if count > maxBuckets {
		return 0, q, within, invalid("buckets %d is above %d", count, maxBuckets)
	}
	asked := r.GetRange()
	if asked == nil {
		asked = &pb.ValueRange{}
	}
	if within, err = parseLimits("range", asked.From, asked.To); err != nil {
		return 0, q, within, err
	}
	along, err := alongOf(r.GetAxis())
	if err != nil {
		return 0, q, within, err
	}
	if along != query.AlongSteps && along != query.AlongRLSteps {
		return 0, q, within, invalid("axis %v: points are joined by STEP or RL_STEP", r.GetAxis())
	}
	if r.GetXSeriesQuery() == "" {
		return 0, q, within, invalid("x_series_query must name the metric that curves go along")
	}
	q = query.CurveQuery{
		Workspace: r.GetWorkspace(), Project: r.GetProject(), Runs: r.GetRuns(), Series: r.GetSeriesQueries(),
		Inherited: r.GetIncludeInherited(), Along: along,
	}
	if steps := r.GetSteps(); steps != nil {
		q.From, q.To = steps.From, steps.To
	}
	return count, q, within, nil
}

// metricCurve is a curve along the values of a metric, its points in the order of steps.
type metricCurve struct {
	query.Identity

	xs, values []float64
}

// joinCurves reads the curves and puts their points at the values of the metric.
func (s *Service) joinCurves(ctx context.Context, q byMetric) ([]metricCurve, error) {
	selected, err := s.queries.Curves(q.CurveQuery)
	if err != nil {
		return nil, err
	}
	var joined []metricCurve
	var along stepValues
	total, run := uint64(0), ""
	for i := range selected.Len() {
		if err := ctx.Err(); err != nil {
			return nil, connect.NewError(connect.CodeCanceled, err)
		}
		if total += selected.MostPoints(i); total > s.maxJoined {
			return nil, invalid("the series have more than %d points, which curves along a metric may have together: ask for fewer runs or series", s.maxJoined)
		}
		points, err := selected.Points(i)
		if err != nil {
			return nil, s.queries.Status(err)
		}
		if i == 0 || points.Run != run { // curves come by run
			run = points.Run
			if along, err = s.metricOf(q.CurveQuery, q.metric, run); err != nil {
				return nil, err
			}
		}
		if c := along.join(points, q.within); len(c.xs) > 0 {
			joined = append(joined, c)
		}
	}
	return joined, nil
}

// stepValues are the values of a metric at ascending steps.
type stepValues struct {
	steps, values []float64
}

// metricOf reads the metric that curves of a run go along.
func (s *Service) metricOf(q query.CurveQuery, metric, run string) (stepValues, error) {
	q.Runs, q.Series = []string{run}, []string{metric}
	q.From = nil // what holds at a step may have come before it
	for _, q.Along = range []query.Along{query.AlongSteps, query.AlongRLSteps} {
		curves, err := s.queries.Curves(q)
		if err != nil {
			return stepValues{}, err
		}
		if curves.Len() == 0 {
			continue
		}
		var found []stepValue
		total := uint64(0)
		for i := range curves.Len() {
			if total += curves.MostPoints(i); total > s.maxJoined {
				return stepValues{}, invalid("the metric %s has more than %d points in run %s, which one that curves go along may have", metric, s.maxJoined, run)
			}
			points, err := curves.Points(i)
			if err != nil {
				return stepValues{}, s.queries.Status(err)
			}
			for k, v := range points.Values {
				if finite(v) {
					found = append(found, stepValue{points.Xs[k], v})
				}
			}
		}
		if curves.Len() > 1 { // each is by step already
			slices.SortStableFunc(found, func(a, b stepValue) int { return cmp.Compare(a.step, b.step) })
		}
		return meansByStep(found), nil
	}
	return stepValues{}, nil
}

type stepValue struct{ step, value float64 }

// meansByStep takes values by ascending step.
func meansByStep(found []stepValue) stepValues {
	v := stepValues{steps: make([]float64, 0, len(found)), values: make([]float64, 0, len(found))}
	for len(found) > 0 {
		step, sum, n := found[0].step, 0.0, 0
		for ; n < len(found) && found[n].step == step; n++ {
			sum += found[n].value
		}
		v.steps, v.values = append(v.steps, step), append(v.values, sum/float64(n))
		found = found[n:]
	}
	return v
}

// join puts points, by ascending step, at the values that hold at their steps.
func (v stepValues) join(points query.Points, within limits) metricCurve {
	c := metricCurve{Identity: points.Identity}
	next := 0
	for i, step := range points.Xs {
		for next < len(v.steps) && v.steps[next] <= step {
			next++
		}
		if next == 0 {
			continue
		}
		if x := v.values[next-1]; within.hold(x) {
			c.xs, c.values = append(c.xs, x), append(c.values, points.Values[i])
		}
	}
	return c
}

// bucket sums up the points in each bin.
func (c metricCurve) bucket(bins valueBins) *pb.CurveBuckets {
	sums := make([]valueSum, bins.count)
	for i, v := range c.values {
		sums[bins.of(c.xs[i])].add(v)
	}
	places := func(has func(b *valueSum) bool) (found []int) {
		for at := range sums {
			if has(&sums[at]) {
				found = append(found, at)
			}
		}
		return found
	}
	filled := places(func(b *valueSum) bool { return b.count > 0 })
	floats := func(places []int, of func(at int) float64) []byte {
		return column(places, func(at int) uint64 { return math.Float64bits(of(at)) })
	}
	return &pb.CurveBuckets{
		Identity: identity(c.Identity), Xs: floats(filled, bins.start),
		Counts:             column(filled, func(at int) uint64 { return sums[at].count }),
		Means:              floats(filled, func(at int) float64 { return sums[at].sum / float64(sums[at].count) }),
		Minima:             floats(filled, func(at int) float64 { return sums[at].low }),
		Maxima:             floats(filled, func(at int) float64 { return sums[at].high }),
		Lasts:              floats(filled, func(at int) float64 { return sums[at].last }),
		NanXs:              floats(places(func(b *valueSum) bool { return b.nan }), bins.start),
		InfinityXs:         floats(places(func(b *valueSum) bool { return b.infinity }), bins.start),
		NegativeInfinityXs: floats(places(func(b *valueSum) bool { return b.negative }), bins.start),
	}
}

// valueSum is what the points of a bin come to; all but the flags are of finite ones.
type valueSum struct {
	count                   uint64
	sum, low, high, last    float64
	nan, infinity, negative bool // infinities of either sign
}

func (b *valueSum) add(v float64) {
	switch {
	case math.IsNaN(v):
		b.nan = true
		return
	case math.IsInf(v, 1):
		b.infinity = true
		return
	case math.IsInf(v, -1):
		b.negative = true
		return
	}
	if b.count == 0 {
		b.low, b.high = v, v
	}
	b.count++
	b.sum, b.low, b.high, b.last = b.sum+v, min(b.low, v), max(b.high, v), v
}
