package query

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// maxWideBuckets bounds the buckets of an axis cut by width.
const maxWideBuckets = 1_000_000

// AggregateRLEnvironmentSeries reduces a series over the environments of a run,
// along rl_steps or episodes. In each bucket an environment counts once, with the
// mean of its finite points of all series that the expression selects; which
// environments belong, and to which group, is looked at anew at every rl_step or
// episode. Buckets to which no environment contributes are left out.
func (s *Service) AggregateRLEnvironmentSeries(
	_ context.Context, request *connect.Request[pb.AggregateRLEnvironmentSeriesRequest],
) (*connect.Response[pb.AggregateRLEnvironmentSeriesResponse], error) {
	r := request.Msg
	run, err := s.findRun(r.GetWorkspace(), r.GetProject(), r.GetRun())
	if err != nil {
		return nil, s.failed(err)
	}
	g, err := parseEnvironmentGroups(run, r)
	if err != nil {
		return nil, err
	}
	reduce, err := parseAggregations(r.GetAggregations())
	if err != nil {
		return nil, err
	}
	g.room = aggregationRooms.Get().(*aggregationRoom)
	defer aggregationRooms.Put(g.room)
	if err := g.read(); err != nil {
		return nil, s.failed(err)
	}
	a, err := g.axis(r)
	if err != nil {
		return nil, err
	}
	groups, err := g.group(a)
	if err != nil {
		return nil, s.failed(err)
	}
	answer := &pb.AggregateRLEnvironmentSeriesResponse{}
	for _, group := range groups {
		answer.Series = append(answer.Series, group.encode(a, r.GetAggregations(), reduce))
	}
	return connect.NewResponse(answer), nil
}

// environmentGroups is a request to aggregate over environments, and what was
// read for it.
type environmentGroups struct {
	run       runPoints
	selected  selector
	byEpisode bool
	within    store.Range
	filter    grammar.Filter
	groupings []grammar.Grouping
	sums      []environmentSums // in room
	room      *aggregationRoom
}

type environmentSums struct {
	env  store.EnvInfo
	sums []store.RLSum
}

// aggregationRoom is memory that an answer is worked out in, for the next one to use.
type aggregationRoom struct {
	ofSeries []*store.SumsRoom
	sums     []environmentSums
	byEnv    [][]store.RLSum // by number
	counts   []int           // of a meanTable
	values   []float64
}

var aggregationRooms = sync.Pool{New: func() any { return new(aggregationRoom) }}

// sumsRoom is that of the i-th series.
func (r *aggregationRoom) sumsRoom(i int) *store.SumsRoom {
	if i == len(r.ofSeries) {
		r.ofSeries = append(r.ofSeries, new(store.SumsRoom))
	}
	return r.ofSeries[i]
}

// sized gives room for n things, that are those that were there.
func sized[T any](room []T, n int) []T { return slices.Grow(room[:0], n)[:n] }

func parseEnvironmentGroups(run runPoints, r *pb.AggregateRLEnvironmentSeriesRequest) (*environmentGroups, error) {
	q, err := grammar.ParseSeries(r.GetSeriesExpression())
	if err != nil {
		return nil, syntax("series_expression", err)
	}
	if err := supported(q); err != nil {
		return nil, err
	}
	if _, reduces := groupingOf(q); reduces {
		return nil, invalid("series_expression: %q is averaged within each environment already; leave group_by and aggregate out", q.Name)
	}
	g := &environmentGroups{run: run, selected: selector{[]grammar.Series{q}}}
	limits := r.GetRangeSelector().GetRlStepRange()
	if _, g.byEpisode = r.GetRangeSelector().GetScale().(*pb.RLScaleRangeSelector_EpisodeRange); g.byEpisode {
		limits = r.GetRangeSelector().GetEpisodeRange()
	}
	g.within = store.Range{From: limits.GetFromStep(), To: math.MaxUint64 - 1}
	if limits != nil && limits.ToStep != nil {
		g.within.To = min(limits.GetToStep(), g.within.To)
	}
	if g.within.From > g.within.To {
		return nil, invalid("range_selector goes from %d to %d", g.within.From, limits.GetToStep())
	}
	if text := r.GetFilter(); text != "" {
		if g.filter, err = grammar.ParseFilter(text); err != nil {
			return nil, syntax("filter", err)
		}
	}
	for _, text := range r.GetGroupings() {
		grouping, err := grammar.ParseGrouping(text)
		if err != nil {
			return nil, syntax("groupings", err)
		}
		g.groupings = append(g.groupings, grouping)
	}
	return g, nil
}

// read sums up the points of every environment.
func (g *environmentGroups) read() error {
	along := store.AlongRLSteps
	if g.byEpisode {
		along = store.AlongEpisodes
	}
	byEnv := g.room.byEnv[:0]
	for i, info := range g.selected.ofAnyScale(g.run.points) {
		sums, err := g.run.points.RLSumsAt(g.room.sumsRoom(i), info.No, along, g.within)
		if err != nil {
			return err
		}
		for _, of := range sums {
			if more := int(of.Env) + 1 - len(byEnv); more > 0 {
				byEnv = append(byEnv, make([][]store.RLSum, more)...)
			}
			byEnv[of.Env] = joinSums(byEnv[of.Env], of.Sums)
		}
	}
	g.sums = g.room.sums[:0]
	for _, env := range sortedByID(environmentsWithPoints(g.run.points)) {
		if int(env.No) < len(byEnv) && len(byEnv[env.No]) > 0 {
			g.sums = append(g.sums, environmentSums{env, byEnv[env.No]})
		}
	}
	g.room.byEnv, g.room.sums = byEnv, g.sums
	return nil
}

// joinSums puts the sums of two series in one order.
func joinSums(a, b []store.RLSum) []store.RLSum {
	if len(a) == 0 {
		return b
	}
	a = append(a, b...)
	slices.SortStableFunc(a, func(a, b store.RLSum) int { return cmp.Compare(a.At, b.At) })
	return a
}

func sortedByID(envs []store.EnvInfo) []store.EnvInfo {
	slices.SortFunc(envs, func(a, b store.EnvInfo) int { return strings.Compare(a.ID, b.ID) })
	return envs
}

// axis cuts what all environments reached, whether or not a filter lets them
// pass: so groups and filters share their axis.
func (g *environmentGroups) axis(r *pb.AggregateRLEnvironmentSeriesRequest) (axis, error) {
	if r.BucketsCount != nil && r.BucketWidth != nil {
		return axis{}, invalid("buckets_count and bucket_width exclude each other")
	}
	a, err := axisOver(len(g.sums), func(i int) (first, last uint64) {
		sums := g.sums[i].sums
		return sums[0].At, sums[len(sums)-1].At
	}, r.BucketsCount, nil)
	if err != nil || r.BucketWidth == nil || len(g.sums) == 0 {
		return a, err
	}
	a.width = r.GetBucketWidth()
	if !(a.width >= 1) || math.IsInf(a.width, 0) {
		return axis{}, invalid("bucket_width %v must be 1 at least", a.width)
	}
	if g.within.From > 0 {
		a.first = g.within.From
	}
	count := float64(a.last-a.first)/a.width + 1
	if count > maxWideBuckets {
		return axis{}, invalid("bucket_width %v makes %.0f buckets; at most %d may be", a.width, count, maxWideBuckets)
	}
	a.count = int(count)
	return a, nil
}
