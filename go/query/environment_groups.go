package query

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// environmentGroup is the environments that agree in what is grouped by.
type environmentGroup struct {
	parts []groupPart
	means []bucketMean
	table *meanTable  // has them instead
	sum   store.RLSum // of one environment in one bucket
}

// bucketMean is what one environment has in a bucket.
type bucketMean struct {
	bucket int
	value  float64
}

// groupPart is a value that a group has in common.
type groupPart struct {
	kind byte // 'b' bool, 's' text, 'u' unset
	yes  bool
	text string
}

// group averages every environment in each bucket, by the group it is in there.
func (g *environmentGroups) group(a axis) ([]*environmentGroup, error) {
	groups := make(map[string]*environmentGroup)
	for _, e := range g.sums {
		if err := g.addMeans(groups, e, a); err != nil {
			return nil, err
		}
	}
	out := make([]*environmentGroup, 0, len(groups))
	for _, key := range sortedKeys(groups) {
		out = append(out, groups[key])
	}
	return out, nil
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// addMeans adds one environment to the groups. Its sums ascend, so its buckets come
// one after the other; within one it may be in several groups in turn.
func (g *environmentGroups) addMeans(groups map[string]*environmentGroup, e environmentSums, a axis) error {
	if g.filter == nil && len(g.groupings) == 0 {
		g.addAllMeans(groups, e, "", nil, a)
		return nil
	}
	place, err := g.placer(e.env)
	if err != nil {
		return err
	}
	if !place.varies() {
		in, key, parts, err := place.at(e.sums[0].At)
		if in && err == nil {
			g.addAllMeans(groups, e, key, parts, a)
		}
		return err
	}
	var open []*environmentGroup // those that it is in in this bucket
	bucket, next := -1, uint64(0)
	var group *environmentGroup // the last one, of the key last
	last := ""
	for _, sum := range e.sums {
		in, key, parts, err := place.at(sum.At)
		if err != nil {
			return err
		}
		if !in {
			continue
		}
		if bucket < 0 || sum.At >= next {
			open = closeGroups(open, bucket)
			bucket = a.bucket(sum.At)
			next = a.end(bucket)
		}
		if group == nil || key != last {
			group, last = groups[key], key
		}
		if group == nil {
			group = &environmentGroup{parts: parts}
			groups[key] = group
		}
		if group.sum.Count == 0 {
			open = append(open, group)
		}
		group.sum.Count += sum.Count
		group.sum.Sum += sum.Sum
	}
	closeGroups(open, bucket)
	return nil
}

func (g *environmentGroup) add(bucket int, mean float64) {
	if g.table != nil {
		g.table.add(bucket, mean)
		return
	}
	g.means = append(g.means, bucketMean{bucket, mean})
}

func closeGroups(open []*environmentGroup, bucket int) []*environmentGroup {
	for _, group := range open {
		group.add(bucket, group.sum.Sum/float64(group.sum.Count))
		group.sum = store.RLSum{}
	}
	return open[:0]
}

// addAllMeans is addMeans of an environment that is in one group everywhere.
func (g *environmentGroups) addAllMeans(groups map[string]*environmentGroup, e environmentSums, key string, parts []groupPart, a axis) {
	group := groups[key]
	if group == nil {
		group = &environmentGroup{parts: parts}
		if len(g.groupings) == 0 { // it is the only one
			group.table = g.newMeanTable(a.count)
		}
		groups[key] = group
	}
	for sums := e.sums; len(sums) > 0; {
		bucket := a.bucket(sums[0].At)
		end := a.end(bucket)
		all, n := store.RLSum{}, 0
		for ; n < len(sums) && sums[n].At < end; n++ {
			all.Count += sums[n].Count
			all.Sum += sums[n].Sum
		}
		group.add(bucket, all.Sum/float64(all.Count))
		sums = sums[n:]
	}
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

// TextOf writes a value as valueText does, and truths as words; of none it is empty.
func TextOf(v *catalog.Value) string {
	switch {
	case v == nil:
		return ""
	case v.Kind == catalog.KindBool:
		return strconv.FormatBool(v.Bool)
	}
	return valueText(*v)
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

// encode reduces each bucket over the environments that are in it, in their order.
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
	g.eachBucket(func(bucket int, values []float64) {
		out.FirstSteps = append(out.FirstSteps, a.start(bucket))
		out.Counts = append(out.Counts, uint64(len(values)))
		for k, aggregation := range out.GetAggregations() {
			aggregation.Values = append(aggregation.Values, reduce[k](values))
		}
	})
	return out
}

// eachBucket visits the buckets with their means in the order of environments: these
// ascend within each environment. It counts where that is less than comparing.
func (g *environmentGroup) eachBucket(visit func(bucket int, values []float64)) {
	if g.table != nil {
		g.table.eachBucket(visit)
		return
	}
	means := g.means
	first, last := math.MaxInt, 0
	for _, m := range means {
		first, last = min(first, m.bucket), max(last, m.bucket)
	}
	if len(means) == 0 || last-first > 8*len(means) {
		slices.SortStableFunc(means, func(a, b bucketMean) int { return a.bucket - b.bucket })
		eachSortedBucket(means, visit)
		return
	}
	ends := make([]int, last-first+1) // of the bucket before, until its values are placed
	for _, m := range means {
		ends[m.bucket-first]++
	}
	at := 0
	for i, n := range ends {
		ends[i] = at
		at += n
	}
	values := make([]float64, len(means))
	for _, m := range means {
		end := &ends[m.bucket-first]
		values[*end] = m.value
		*end++
	}
	from := 0
	for i, end := range ends {
		if end > from {
			visit(first+i, values[from:end:end])
		}
		from = end
	}
}

func eachSortedBucket(means []bucketMean, visit func(bucket int, values []float64)) {
	var values []float64
	for from := 0; from < len(means); {
		bucket := means[from].bucket
		values = values[:0]
		for ; from < len(means) && means[from].bucket == bucket; from++ {
			values = append(values, means[from].value)
		}
		visit(bucket, values)
	}
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
