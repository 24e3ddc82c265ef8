package query

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/wire/pb/common"
)

// Series that differ in labels are reduced to one by `|group_by(keys=[…],
// reducer=…)` and `aggregate=(keys=[…], reducer=…)`: at each step the reducer runs
// over the values of all series that agree in the keys' labels, those that are
// not finite left out, and the time is the latest.

// reduction says what a reduced series was made of.
type reduction struct {
	labels []point.Label // those that its series agree in
	view   string        // the reducer
}

type grouping struct {
	keys    []string
	reducer string
}

// groupingOf reads how a query reduces; ok is false when it does not.
func groupingOf(q grammar.Series) (g grouping, ok bool) {
	switch {
	case q.GroupBy != nil:
		return grouping{q.GroupBy.Keys, q.GroupBy.Reducer}, true
	case q.Aggregate != nil:
		reducer := q.Aggregate.Reducer
		if reducer == "" {
			reducer = "avg"
		}
		return grouping{q.Aggregate.Keys, reducer}, true
	}
	return grouping{}, false
}

// reduces tells whether any query does.
func (s selector) reduces() bool {
	return slices.ContainsFunc(s.queries, func(q grammar.Series) bool { _, ok := groupingOf(q); return ok })
}

// reduce applies the queries to the columns of a run, or of one of its environments.
func (s selector) reduce(columns []column, anyScale bool) []column {
	if !s.reduces() {
		return columns
	}
	var out []column
	for i, q := range s.queries {
		selected := func(c column) bool { return matches(q, c.key, anyScale) }
		g, reduces := groupingOf(q)
		if reduces {
			out = append(out, g.reduce(keep(columns, selected))...)
			continue
		}
		// A series that two plain queries select appears once.
		before := selector{slices.DeleteFunc(slices.Clone(s.queries[:i]), func(q grammar.Series) bool { _, ok := groupingOf(q); return ok })}
		out = append(out, keep(columns, func(c column) bool {
			return selected(c) && !slices.ContainsFunc(before.queries, func(q grammar.Series) bool { return matches(q, c.key, anyScale) })
		})...)
	}
	return out
}

func keep[T any](list []T, wanted func(T) bool) []T {
	var kept []T
	for _, item := range list {
		if wanted(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

func (g grouping) reduce(columns []column) []column {
	var order []string
	members := make(map[string][]column)
	for _, c := range columns {
		id := g.shared(c.key).FlatLabels()
		if members[id] == nil {
			order = append(order, id)
		}
		members[id] = append(members[id], c)
	}
	slices.Sort(order)
	out := make([]column, 0, len(order))
	for _, id := range order {
		out = append(out, g.merge(members[id]))
	}
	return out
}

// shared is the identity that all series of a group have.
func (g grouping) shared(key point.Series) point.Series {
	shared := point.Series{Name: key.Name, Scale: key.Scale}
	for _, l := range key.Labels {
		if slices.Contains(g.keys, l.Key) {
			shared.Labels = append(shared.Labels, l)
		}
	}
	return shared
}

// merge walks over the columns of a group side by side.
func (g grouping) merge(columns []column) column {
	key := g.shared(columns[0].key)
	out := column{run: columns[0].run, env: columns[0].env, key: key, reduction: &reduction{key.Labels, g.reducer}}
	at := make([]int, len(columns))
	var values []float64
	for {
		step, left := uint64(math.MaxUint64), false
		for i, c := range columns {
			if at[i] < len(c.xs) && (!left || c.xs[at[i]] < step) {
				step, left = c.xs[at[i]], true
			}
		}
		if !left {
			return out
		}
		values = values[:0]
		time := int64(math.MinInt64)
		for i, c := range columns {
			for ; at[i] < len(c.xs) && c.xs[at[i]] == step; at[i]++ {
				values = append(values, c.values[at[i]])
				time = max(time, c.times[at[i]])
			}
		}
		out.xs = append(out.xs, step)
		out.values = append(out.values, reduceValues(reducers[g.reducer], values))
		out.times = append(out.times, time)
		out.takePosition(columns, at)
	}
}

// takePosition gives a point that was reduced the position of one of those that it
// was made of: at tells how far the columns were read.
func (c *column) takePosition(columns []column, at []int) {
	for i, from := range columns {
		if k := at[i] - 1; from.rlSteps != nil && k >= 0 && from.xs[k] == c.xs[len(c.xs)-1] {
			c.rlSteps = append(c.rlSteps, from.rlSteps[k])
			c.episodes = append(c.episodes, from.episodes[k])
			c.envSteps = append(c.envSteps, from.envSteps[k])
			return
		}
	}
}

// reducer makes one number of several finite ones, at least one.
type reducer func(values []float64) float64

var reducers = map[string]reducer{
	"avg": mean, "min": slices.Min[[]float64], "max": slices.Max[[]float64], "sum": sum, "std": deviation, "median": median,
}

// reduceValues leaves out what is not finite; of nothing it makes NaN.
func reduceValues(reduce reducer, values []float64) float64 {
	if values = finiteOf(values); len(values) == 0 {
		return math.NaN()
	}
	return reduce(values)
}

func finiteOf(values []float64) []float64 {
	infinite := func(v float64) bool { return v-v != 0 }
	if !slices.ContainsFunc(values, infinite) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), infinite)
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// mean cannot overflow: where the sum does it goes on with shares.
func mean(values []float64) float64 {
	n := float64(len(values))
	if total := sum(values); total-total == 0 {
		return total / n
	}
	total := 0.0
	for _, v := range values {
		total += v / n
	}
	return total
}

// deviation is the standard deviation of the whole population.
func deviation(values []float64) float64 {
	m, squares := mean(values), 0.0
	for _, v := range values {
		squares += (v - m) * (v - m)
	}
	return math.Sqrt(squares / float64(len(values)))
}

// median is the middle value, of an even number the mean of the two.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return mean(sorted[middle-1 : middle+1])
}

// definition writes the identity of a column as the wire has it.
func (c column) definition() *common.SeriesDefinition {
	if c.reduction == nil {
		return definition(c.key)
	}
	labels := make(map[string]string, len(c.reduction.labels))
	for _, l := range c.reduction.labels {
		labels[l.Key] = l.Value
	}
	return &common.SeriesDefinition{Kind: &common.SeriesDefinition_Aggregated{Aggregated: &common.AggSeriesDefinition{
		MetricName: c.key.Name, Scale: c.key.Scale, GroupLabels: labels, View: c.reduction.view,
	}}}
}
