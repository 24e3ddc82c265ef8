package views

import (
	"context"
	"math"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/query"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// Limits of statistics.
const (
	defaultGrid = 256
	maxGrid     = 5000
	maxGroups   = 100
	maxMembers  = 1000
	maxDraws    = 500_000_000
	maxSamples  = 2_000_000 // values
)

// GetStatistics gives estimates over runs or environments as curves.
func (s *Service) GetStatistics(
	ctx context.Context, request *connect.Request[pb.GetStatisticsRequest],
) (*connect.Response[pb.GetStatisticsResponse], error) {
	r := request.Msg
	st, err := parseStatistics(r)
	if err != nil {
		return nil, err
	}
	groups := make([][]sample, len(r.GetGroups()))
	for i, group := range r.GetGroups() {
		if groups[i], err = s.samplesOf(r, st, group); err != nil {
			return nil, err
		}
	}
	normalisation := st.normalise(groups)
	grid := gridOf(groups, st.grid)
	if st.bins {
		binGroups(groups, grid)
	}
	if st.splitsRuns() {
		joinTasks(groups, grid)
	}
	if err := st.affordable(groups, len(grid)); err != nil {
		return nil, err
	}
	answer := &pb.GetStatisticsResponse{
		Grid: floatColumn(grid), Interpolation: st.interpolation(), Axis: st.axis, Unit: st.unit, Bootstrap: st.bootstrap.encode(),
		Normalisation: normalisation,
	}
	for i, samples := range groups {
		group, err := st.group(ctx, uint64(i), samples, grid)
		if err != nil {
			return nil, connect.NewError(connect.CodeCanceled, err)
		}
		group.Name = r.GetGroups()[i].GetName()
		answer.Groups = append(answer.Groups, group)
	}
	return connect.NewResponse(answer), nil
}

// statistics is a request, read.
type statistics struct {
	estimates

	axis      pb.Axis
	along     query.Along
	unit      pb.SampleUnit
	grid      int
	bootstrap *bootstrap
	scale     *pb.Normalisation // nil: as they are
	samples   bool              // each has a curve of its own
	bins      bool              // a sample is the means of its points around grid points
}

func parseStatistics(r *pb.GetStatisticsRequest) (st statistics, err error) {
	if st.along, err = alongOf(r.GetAxis()); err != nil {
		return st, err
	}
	st.axis, st.unit = max(r.GetAxis(), pb.Axis_AXIS_STEP), max(r.GetUnit(), pb.SampleUnit_SAMPLE_UNIT_RUN)
	if st.unit > pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT {
		return st, invalid("unit %d is none", st.unit)
	}
	if st.grid = int(r.GetGridPoints()); st.grid == 0 {
		st.grid = defaultGrid
	}
	if st.grid > maxGrid {
		return st, invalid("grid_points %d is above %d", st.grid, maxGrid)
	}
	if n := len(r.GetGroups()); n > maxGroups {
		return st, invalid("%d groups; at most %d may be", n, maxGroups)
	}
	if st.estimates, err = parseEstimates(r.GetEstimators(), r.GetPercentiles()); err != nil {
		return st, err
	}
	if st.none() {
		return st, invalid("estimators must name at least one, or percentiles")
	}
	st.samples, st.bins = r.GetIncludeSamples(), r.GetBinMeans()
	if st.scale, err = parseNormalisation(r.GetNormalisation(), st.unit); err != nil {
		return st, err
	}
	st.bootstrap, err = parseBootstrap(r.GetBootstrap())
	return st, err
}

// affordable refuses what would keep the server busy for long.
func (st statistics) affordable(groups [][]sample, grid int) error {
	values := 0
	for _, samples := range groups {
		values += len(samples) * grid
	}
	if st.samples && values > maxSamples {
		return invalid("the samples would have %d values, at most %d may be: ask for fewer grid_points", values, maxSamples)
	}
	if st.bootstrap == nil {
		return nil
	}
	draws := values * st.bootstrap.resamples
	if draws > maxDraws {
		return invalid("the bootstrap would draw %d samples, at most %d may be: ask for fewer resamples or grid_points", draws, maxDraws)
	}
	return nil
}

// samplesOf reads the samples of a group, those without points left out.
func (s *Service) samplesOf(r *pb.GetStatisticsRequest, st statistics, group *pb.StatisticsGroup) ([]sample, error) {
	if n := len(group.GetMembers()); n > maxMembers {
		return nil, invalid("group %q has %d members; at most %d may be", group.GetName(), n, maxMembers)
	}
	var samples []sample
	for place, m := range group.GetMembers() {
		curves, err := s.memberCurves(r, st, m)
		if err != nil {
			return nil, err
		}
		for _, c := range curves {
			if sample := newSample(c.sums); len(sample.xs) > 0 {
				sample.run, sample.environment, sample.scale, sample.member = m.GetRun(), c.environment, c.scale, place
				samples = append(samples, sample)
			}
		}
	}
	return samples, nil
}

// splitsRuns tells whether a sample is a run, and what it has of each task is normalised
// before it is put together.
func (st statistics) splitsRuns() bool {
	return st.unit == pb.SampleUnit_SAMPLE_UNIT_RUN && st.scale.GetByEnvironmentAttribute() != ""
}

// sampleCurves are the curves that make up one sample.
type sampleCurves struct {
	environment, scale string // as a sample has them
	sums               []query.Sums
}

// memberCurves reads the curves of a member, by sample.
func (s *Service) memberCurves(r *pb.GetStatisticsRequest, st statistics, m *pb.GroupMember) ([]sampleCurves, error) {
	scaleOf, err := s.scalesOf(r, st.scale, m)
	if err != nil {
		return nil, err
	}
	byEnvironment := st.unit == pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT
	q := query.CurveQuery{
		Workspace: r.GetWorkspace(), Project: r.GetProject(), Runs: []string{m.GetRun()}, Series: []string{m.GetSeriesQuery()},
		Environments: m.GetEnvironments(), EachEnvironment: byEnvironment || st.splitsRuns(), Along: st.along,
		Inherited: r.GetIncludeInherited(),
	}
	if limits := r.GetRange(); limits != nil {
		q.From, q.To = limits.From, limits.To
	}
	if q.Points, err = pointsWithin(r.GetEpisodes(), r.GetRlSteps()); err != nil {
		return nil, err
	}
	curves, err := s.queries.Curves(q)
	if err != nil {
		return nil, err
	}
	type key struct{ environment, scale string }
	var order []sampleCurves
	places := make(map[key]int)
	for i := range curves.Len() {
		sums, err := curves.Sums(i)
		if err != nil {
			return nil, s.queries.Status(err)
		}
		of := key{scale: scaleOf(sums.Environment)}
		if byEnvironment {
			of.environment = sums.Environment
		}
		at, known := places[of]
		if !known {
			at = len(order)
			places[of], order = at, append(order, sampleCurves{of.environment, of.scale, nil})
		}
		order[at].sums = append(order[at].sums, sums)
	}
	return order, nil
}

// groupCurves are the estimates of a group by estimator, and by grid point.
type groupCurves struct {
	estimateCurves

	counts    []uint64
	low, high [][]float64
}

// group works out a group until ctx is done.
func (st statistics) group(ctx context.Context, number uint64, samples []sample, grid []float64) (*pb.GroupStatistics, error) {
	n := len(grid)
	c := groupCurves{
		estimateCurves: st.curves(n), counts: make([]uint64, n),
		low: table(len(st.estimators), n), high: table(len(st.estimators), n),
	}
	err := workers.Each(workers.Count(), n, func(_, i int) error {
		st.point(&c, number, samples, i, grid[i])
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &pb.GroupStatistics{Samples: uint32(len(samples)), Counts: column(c.counts, itself)}
	if st.samples {
		out.SampleCurves = curvesOf(samples, grid)
	}
	out.Estimators, out.Percentiles = st.encode(c.estimateCurves)
	if st.bootstrap != nil {
		for k, curve := range out.Estimators {
			curve.ConfidenceLow, curve.ConfidenceHigh = floatColumn(c.low[k]), floatColumn(c.high[k])
		}
	}
	return out, nil
}

// point works out everything at one grid point.
func (st statistics) point(c *groupCurves, number uint64, samples []sample, i int, x float64) {
	all := make([]float64, len(samples))
	present := make([]float64, 0, len(samples))
	for k, s := range samples {
		if all[k] = s.at(x); !math.IsNaN(all[k]) {
			present = append(present, all[k])
		}
	}
	c.counts[i] = uint64(len(present))
	st.fill(c.estimateCurves, i, sorted(present))
	if st.bootstrap != nil {
		for k, ci := range st.bootstrap.intervals(number, all, st.estimators) {
			c.low[k][i], c.high[k][i] = ci.low, ci.high
		}
	}
}
