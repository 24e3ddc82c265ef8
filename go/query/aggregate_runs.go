package query

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// maxGroupRuns is the most runs that a group has.
const maxGroupRuns = 500

// aggregations are the reducers by the numbers of both enums of aggregations.
var aggregations = []string{"", "avg", "min", "max", "sum", "std", "median"}

func aggregationOf[E ~int32](number E) (reducer, error) {
	if number <= 0 || int(number) >= len(aggregations) {
		return nil, invalid("aggregations: %d is none", number)
	}
	return reducers[aggregations[number]], nil
}

func parseAggregations[E ~int32](numbers []E) ([]reducer, error) {
	if len(numbers) == 0 {
		return nil, invalid("aggregations must name at least one")
	}
	list := make([]reducer, len(numbers))
	for i, number := range numbers {
		var err error
		if list[i], err = aggregationOf(number); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// groupsRequest asks for the runs of all groups, each once.
type groupsRequest struct {
	*pb.AggregateRunSeriesRequest

	runs []string
}

func (g groupsRequest) GetRunNames() []string { return g.runs }

// AggregateRunSeries reduces the series that the runs of a group have in common.
// In each bucket a run counts once: with the mean of its finite points, from which
// y comes; with their least and greatest, from which min and max come. Counts are
// those of the runs.
func (s *Service) AggregateRunSeries(
	_ context.Context, request *connect.Request[pb.AggregateRunSeriesRequest],
) (*connect.Response[pb.AggregateRunSeriesResponse], error) {
	r := request.Msg
	reduce, err := parseAggregations(r.GetAggregations())
	if err != nil {
		return nil, err
	}
	names, err := groupedRuns(r.GetGroups())
	if err != nil {
		return nil, err
	}
	curves, err := s.selectCurves(groupsRequest{r, names})
	if err != nil {
		return nil, s.failed(err)
	}
	a, curves, place, err := pagedAxis(curves, r.BucketsCount, r.MaxBucketsAcrossSeries, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	filled, err := fillAll(a, curves)
	if err != nil {
		return nil, s.failed(err)
	}
	groups := groupSeries(r.GetGroups(), filled)
	list := make([]pageable, len(groups))
	for i := range groups {
		groups[i].join()
		list[i] = pageable{groups[i].id(), len(groups[i].indexes)}
	}
	page, next, err := pointPage(list, r.MaxBucketsPerPage, maxBucketsPage, place)
	if err != nil {
		return nil, err
	}
	answer := &pb.AggregateRunSeriesResponse{
		FirstStep: a.first, LastStep: a.last, StepsPerBucket: a.width, BucketsCount: int64(a.count), ResumeToken: a.token(next),
	}
	for _, part := range page {
		answer.Series = append(answer.Series, groups[part.column].encode(part, r.GetAggregations(), reduce))
	}
	return connect.NewResponse(answer), nil
}

func groupedRuns(groups []*pb.AggregateRunSeriesRequest_RunsList) ([]string, error) {
	var names []string
	known := make(map[string]bool)
	for i, group := range groups {
		if len(group.GetRuns()) > maxGroupRuns {
			return nil, invalid("group %d has %d runs; at most %d may be in one", i, len(group.GetRuns()), maxGroupRuns)
		}
		for _, name := range group.GetRuns() {
			if !known[name] {
				known[name] = true
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// groupedSeries is one series of all runs of a group that have it.
type groupedSeries struct {
	bucketed // indexes and marks of all together

	group   int
	members []*bucketed
	at      map[uint64][]memberBucket // by bucket
}

// memberBucket is a bucket of one run.
type memberBucket struct {
	of *bucketed
	k  int
}

// groupSeries sorts the series of runs into groups: as these come, and in each by
// identity.
func groupSeries(groups []*pb.AggregateRunSeriesRequest_RunsList, filled []bucketed) []groupedSeries {
	byRun := make(map[string][]*bucketed)
	for i := range filled {
		byRun[filled[i].run] = append(byRun[filled[i].run], &filled[i])
	}
	var out []groupedSeries
	for i, group := range groups {
		start := len(out)
		seen := make(map[string]bool)
		for _, name := range group.GetRuns() {
			if seen[name] {
				continue
			}
			seen[name] = true
			for _, b := range byRun[name] {
				at := slices.IndexFunc(out[start:], func(g groupedSeries) bool {
					return compareKeys(g.key, b.key) == 0 && sameReduction(g.reduction, b.reduction)
				})
				if at < 0 {
					at = len(out) - start
					out = append(out, groupedSeries{bucketed: bucketed{column: column{key: b.key, reduction: b.reduction}}, group: i})
				}
				out[start+at].members = append(out[start+at].members, b)
			}
		}
		slices.SortStableFunc(out[start:], func(a, b groupedSeries) int { return compareKeys(a.key, b.key) })
	}
	return out
}

func sameReduction(a, b *reduction) bool {
	return a == nil && b == nil || a != nil && b != nil && a.view == b.view
}

func (g *groupedSeries) id() uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %x", g.group, g.column.id()) // a hash takes everything
	return h.Sum64()
}

// join finds the buckets in which any member has points.
func (g *groupedSeries) join() {
	g.at = make(map[uint64][]memberBucket)
	for _, b := range g.members {
		for k, i := range b.indexes {
			if g.at[i] == nil {
				g.indexes = append(g.indexes, i)
			}
			g.at[i] = append(g.at[i], memberBucket{b, k})
		}
		g.nans = append(g.nans, b.nans...)
		g.infinities = append(g.infinities, b.infinities...)
		g.negatives = append(g.negatives, b.negatives...)
	}
	for _, list := range []*[]uint64{&g.indexes, &g.nans, &g.infinities, &g.negatives} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

func (g *groupedSeries) encode(part stretch, names []pb.RunSeriesAggregation, reduce []reducer) *pb.AggregateRunSeriesResponse_AggregatedSeries {
	out := &pb.AggregateRunSeriesResponse_AggregatedSeries{
		GroupIndex: uint32(g.group), SeriesDefinition: g.definition(), BucketIndexes: g.indexes[part.from:part.to],
		BucketsWithNans: g.within(g.nans, part), BucketsWithInfs: g.within(g.infinities, part),
		BucketsWithNegInfs: g.within(g.negatives, part),
	}
	for _, name := range names {
		out.AggregatedBuckets = append(out.AggregatedBuckets, &pb.AggregateRunSeriesResponse_BucketedAggregatedPoints{Aggregation: name})
	}
	for _, i := range out.GetBucketIndexes() {
		var means, lows, highs []float64
		for _, m := range g.at[i] {
			means, lows, highs = append(means, m.of.means[m.k]), append(lows, m.of.mins[m.k]), append(highs, m.of.maxs[m.k])
		}
		out.Counts = append(out.Counts, uint64(len(means)))
		for k, points := range out.GetAggregatedBuckets() {
			points.YValues = append(points.YValues, reduce[k](means))
			points.MinValues = append(points.MinValues, reduce[k](lows))
			points.MaxValues = append(points.MaxValues, reduce[k](highs))
		}
	}
	return out
}
