package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
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
	sums      []environmentSums
}

type environmentSums struct {
	env  store.EnvInfo
	sums []store.RLSum
}

func parseEnvironmentGroups(run runPoints, r *pb.AggregateRLEnvironmentSeriesRequest) (*environmentGroups, error) {
	q, err := grammar.ParseSeries(r.GetSeriesExpression())
	if err != nil {
		return nil, syntax("series_expression", err)
	}
	if err := summable(q); err != nil {
		return nil, err
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
	for _, env := range sortedByID(environmentsWithPoints(g.run)) {
		var all []store.RLSum
		for _, info := range g.selected.pick(g.run.points.EnvSeries(env.No), true) {
			sum := g.run.points.SumsByRLStep
			if g.byEpisode {
				sum = g.run.points.SumsByEpisode
			}
			sums, err := sum(info.No, env.No, g.within)
			if err != nil {
				return err
			}
			all = append(all, sums...)
		}
		if len(all) > 0 {
			slices.SortStableFunc(all, func(a, b store.RLSum) int { return cmp.Compare(a.At, b.At) })
			g.sums = append(g.sums, environmentSums{env, all})
		}
	}
	return nil
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
	extents := make([]curve, len(g.sums))
	for i, e := range g.sums {
		extents[i] = storedCurve{within: store.Range{From: e.sums[0].At, To: e.sums[len(e.sums)-1].At}}
	}
	a, err := newAxis(extents, r.BucketsCount, nil)
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

// environmentGroup is the environments that agree in what is grouped by.
type environmentGroup struct {
	parts  []groupPart
	values map[int][]float64 // by bucket, one an environment
}

// groupPart is a value that a group has in common.
type groupPart struct {
	kind byte // 'b' bool, 's' text, 'u' unset
	yes  bool
	text string
}

func (g *environmentGroups) group(a axis) ([]*environmentGroup, error) {
	byKey := make(map[string]*environmentGroup)
	var keys []string
	for _, e := range g.sums {
		means, parts, err := g.meansOf(e, a)
		if err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(means) {
			group := byKey[key]
			if group == nil {
				group = &environmentGroup{parts: parts[key], values: make(map[int][]float64)}
				byKey[key] = group
				keys = append(keys, key)
			}
			for bucket, m := range means[key] {
				group.values[bucket] = append(group.values[bucket], m.Sum/float64(m.Count))
			}
		}
	}
	slices.Sort(keys)
	groups := make([]*environmentGroup, len(keys))
	for i, key := range keys {
		groups[i] = byKey[key]
	}
	return groups, nil
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// meansOf sums up one environment in each bucket, by the group it is in there.
func (g *environmentGroups) meansOf(e environmentSums, a axis) (map[string]map[int]store.RLSum, map[string][]groupPart, error) {
	means, parts := make(map[string]map[int]store.RLSum), make(map[string][]groupPart)
	place := g.placer(e.env)
	for _, sum := range e.sums {
		in, key, with, err := place(sum.At)
		if err != nil {
			return nil, nil, err
		}
		if !in {
			continue
		}
		if means[key] == nil {
			means[key], parts[key] = make(map[int]store.RLSum), with
		}
		bucket := a.bucket(sum.At)
		before := means[key][bucket]
		means[key][bucket] = store.RLSum{Count: before.Count + sum.Count, Sum: before.Sum + sum.Sum}
	}
	return means, parts, nil
}

// placer tells of an environment whether it belongs at an rl_step or episode, and
// to which group. Where nothing can change from one to the next it looks once.
func (g *environmentGroups) placer(env store.EnvInfo) func(at uint64) (in bool, key string, parts []groupPart, err error) {
	if g.filter == nil && len(g.groupings) == 0 {
		return func(uint64) (bool, string, []groupPart, error) { return true, "", nil, nil }
	}
	look := func(at uint64) (in bool, key string, parts []groupPart, err error) {
		thing, err := g.subjectAt(env, at)
		if err != nil {
			return false, "", nil, err
		}
		if in, err = thing.holds(g.filter); !in || err != nil {
			return false, "", nil, err
		}
		for _, grouping := range g.groupings {
			part, err := thing.part(grouping)
			if err != nil {
				return false, "", nil, err
			}
			parts = append(parts, part)
		}
		return true, fmt.Sprint(parts), parts, nil
	}
	if g.run.EnvVaries(env.ID) || g.asksSeries() {
		return look
	}
	once := false
	var in bool
	var key string
	var parts []groupPart
	var err error
	return func(at uint64) (bool, string, []groupPart, error) {
		if !once {
			in, key, parts, err = look(at)
			once = true
		}
		return in, key, parts, err
	}
}

func (g *environmentGroups) asksSeries() bool {
	return asksSeries(g.filter) || slices.ContainsFunc(g.groupings, func(x grammar.Grouping) bool { return asksSeries(x.Cond) })
}

func asksSeries(f grammar.Filter) bool {
	switch f := f.(type) {
	case grammar.And:
		return slices.ContainsFunc(f, asksSeries)
	case grammar.Or:
		return slices.ContainsFunc(f, asksSeries)
	case grammar.SeriesCond:
		return true
	}
	return false
}

// subjectAt is what conditions see of an environment at an rl_step or episode.
func (g *environmentGroups) subjectAt(env store.EnvInfo, at uint64) (subject, error) {
	where := anchor{episode: at}
	if !g.byEpisode {
		where = anchor{rlStep: &at}
	}
	episode := at
	if !g.byEpisode && g.run.EnvVaries(env.ID) {
		var err error
		if episode, err = g.run.currentEpisode(env, where); err != nil {
			return subject{}, err
		}
	}
	return subject{
		attributes: g.run.environmentAttributes(env, episode),
		sum:        func(q grammar.Series) (summary, error) { return g.run.summariseEnvironment(env, where, q) },
	}, nil
}

func (s subject) part(g grammar.Grouping) (groupPart, error) {
	if g.Path == "" {
		yes, err := s.holds(g.Cond)
		return groupPart{kind: 'b', yes: yes}, err
	}
	v := s.attribute(g.Path)
	switch {
	case v == nil:
		return groupPart{kind: 'u'}, nil
	case v.Kind == catalog.KindBool:
		return groupPart{kind: 'b', yes: v.Bool}, nil
	}
	return groupPart{kind: 's', text: valueText(*v)}, nil
}

// valueText writes a value as the grammar would, texts without their quotes.
func valueText(v catalog.Value) string {
	switch v.Kind {
	case catalog.KindInt:
		return strconv.FormatInt(v.Int, 10)
	case catalog.KindFloat:
		return strconv.FormatFloat(v.Float, 'f', -1, 64)
	case catalog.KindStringSet:
		return strings.Join(v.Set, ", ")
	case catalog.KindTimestamp:
		return v.Time.UTC().Format("2006-01-02T15:04:05.000")
	}
	return v.Str
}

func (g *environmentGroup) encode(
	a axis, names []pb.RLEnvironmentsAggregation, reduce []reducer,
) *pb.AggregateRLEnvironmentSeriesResponse_AggregatedRlSeries {
	out := &pb.AggregateRLEnvironmentSeriesResponse_AggregatedRlSeries{}
	for _, part := range g.parts {
		out.SeriesKeyParts = append(out.SeriesKeyParts, part.encode())
	}
	for _, name := range names {
		out.Aggregations = append(out.Aggregations, &pb.AggregateRLEnvironmentSeriesResponse_AggregationValues{Aggregation: name})
	}
	buckets := make([]int, 0, len(g.values))
	for bucket := range g.values {
		buckets = append(buckets, bucket)
	}
	slices.Sort(buckets)
	for _, bucket := range buckets {
		values := g.values[bucket]
		out.FirstSteps = append(out.FirstSteps, a.start(bucket))
		out.Counts = append(out.Counts, uint64(len(values)))
		for k, aggregation := range out.GetAggregations() {
			aggregation.Values = append(aggregation.Values, reduce[k](values))
		}
	}
	return out
}

func (p groupPart) encode() *pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart {
	switch p.kind {
	case 'b':
		return &pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart{
			Value: &pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart_BoolValue{BoolValue: p.yes},
		}
	case 's':
		return &pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart{
			Value: &pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart_StringValue{StringValue: p.text},
		}
	}
	return &pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart{
		Value: &pb.AggregateRLEnvironmentSeriesResponse_GroupKeyPart_Unset{Unset: true},
	}
}
