package query

import (
	"slices"
	"strings"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// edge is the lowest or the highest step of a group, and the values that its
// series have there.
type edge struct {
	step   uint64
	values []float64
}

// take adds a value at a step; it drops what is not at the edge any more.
func (e *edge) take(step uint64, value float64, further bool) {
	if len(e.values) > 0 && further {
		e.values = e.values[:0]
	}
	if len(e.values) == 0 {
		e.step = step
	}
	if e.step == step {
		e.values = append(e.values, value)
	}
}

// edges are those of one group.
type edges struct {
	first, last edge
	reducer     string // for `first` and `last` themselves
}

func (e *edges) add(step uint64, value float64) {
	e.first.take(step, value, step < e.first.step)
	e.last.take(step, value, step > e.last.step)
}

// value gives a function at one of the edges: first_avg, last_max and their like.
func (e *edges) value(function string) (v float64, ok bool, err error) {
	name, what, _ := strings.Cut(function, "_")
	at := e.first
	if name == "last" {
		at = e.last
	}
	if what == "" {
		finite := finiteOf(at.values)
		if len(finite) == 0 {
			return 0, false, nil
		}
		return reducers[e.reducer](finite), true, nil
	}
	var sum summary
	sum.add(at.values)
	return sum.value(what)
}

// groupSummary sums up the series that a query reduces to one: all their points,
// and those at the edges.
type groupSummary struct {
	key      point.Series
	identity string
	reducer  string
	sum      summary
	lastStep uint64
	lastTime int64
	funcs    []string // of its row in a listing
}

func (g *groupSummary) addSummed(info *store.SeriesInfo) {
	g.sum.addSummed(info.Count, &info.Summary)
	g.sum.edges.add(info.FirstStep, info.Summary.First)
	if info.LastStep > info.FirstStep {
		g.sum.edges.add(info.LastStep, info.Summary.Last)
	}
	g.reach(info.LastStep, info.LastTime)
}

func (g *groupSummary) addColumn(c column) {
	if len(c.xs) == 0 {
		return
	}
	g.sum.add(c.values)
	k := len(c.xs) - 1
	for i, x := range c.xs {
		if x == c.xs[0] || x == c.xs[k] {
			g.sum.edges.add(x, c.values[i])
		}
	}
	g.reach(c.xs[k], c.times[k])
}

func (g *groupSummary) reach(step uint64, time int64) {
	if step > g.lastStep || step == g.lastStep && time > g.lastTime {
		g.lastStep, g.lastTime = step, time
	}
}

// groupSummaries are the groups of a query by the labels they have in common.
type groupSummaries struct {
	grouping grouping
	groups   map[string]*groupSummary
}

func newGroupSummaries(g grouping) groupSummaries {
	return groupSummaries{g, make(map[string]*groupSummary)}
}

func (g groupSummaries) of(key point.Series) *groupSummary {
	shared := g.grouping.shared(key)
	identity := shared.Identity() + "\x00" + g.grouping.reducer
	group := g.groups[identity]
	if group == nil {
		group = &groupSummary{key: shared, identity: identity, reducer: g.grouping.reducer}
		group.sum.edges = &edges{reducer: g.grouping.reducer}
		g.groups[identity] = group
	}
	return group
}

// sorted lists the groups by identity.
func (g groupSummaries) sorted() []*groupSummary {
	var list []*groupSummary
	for _, identity := range sortedKeys(g.groups) {
		group := g.groups[identity]
		group.sum.series = 1
		list = append(list, group)
	}
	return list
}

// together is the summary of all groups. It has edges when there is one group.
func (g groupSummaries) together() summary {
	groups := g.sorted()
	if len(groups) == 1 {
		return groups[0].sum
	}
	var all summary
	for _, group := range groups {
		all.join(&group.sum)
	}
	all.edges = &edges{reducer: g.grouping.reducer}
	return all
}

// reduceSummaries sums up the standard series of a run that a query reduces.
func (r runPoints) reduceSummaries(q grammar.Series, g grouping) (groupSummaries, error) {
	groups := newGroupSummaries(g)
	infos := (selector{[]grammar.Series{q}}).of(r.points)
	for i := range infos {
		info := &infos[i]
		if !info.Standard {
			continue
		}
		if info.Ordered() {
			groups.of(info.Key).addSummed(info)
			continue
		}
		c, err := r.readColumn(*info)
		if err != nil {
			return groups, err
		}
		groups.of(info.Key).addColumn(c)
	}
	return groups, nil
}

// encode writes the group as a row of ListSeriesSummaries.
func (g *groupSummary) encode() (*common.SeriesDefinition, *common.AggSeriesSummary, error) {
	out := &common.AggSeriesSummary{LastStep: g.lastStep, LastTimestamp: &timestamppb.Timestamp{}}
	out.LastTimestamp.Seconds, out.LastTimestamp.Nanos = secondsOf(g.lastTime)
	for _, function := range g.funcs {
		v, ok, err := g.sum.value(function)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			setReduced(out, function, v)
		}
	}
	c := column{key: g.key, reduction: &reduction{g.key.Labels, g.reducer}}
	return c.definition(), out, nil
}

// setReduced fills the field of a function. `first` and `last` are what the
// reducer makes of the values there, and have the field of that name.
func setReduced(out *common.AggSeriesSummary, function string, v float64) {
	if field := reducedField(out, function); field != nil {
		*field = &v
		return
	}
	count := uint64(v)
	switch function {
	case "count":
		out.Count = &count
	case "first_count":
		out.FirstCount = &count
	case "last_count":
		out.LastCount = &count
	}
}

func reducedField(out *common.AggSeriesSummary, function string) **float64 {
	fields := map[string]**float64{
		"sum": &out.Sum, "min": &out.Min, "max": &out.Max, "std": &out.Std, "avg": &out.Avg,
		"first_min": &out.FirstMin, "first_max": &out.FirstMax, "first_avg": &out.FirstAvg, "first_std": &out.FirstStd,
		"last_min": &out.LastMin, "last_max": &out.LastMax, "last_avg": &out.LastAvg, "last_std": &out.LastStd, "last_sum": &out.LastSum,
	}
	return fields[function]
}

// rowFunctions are the functions of a row; `first` and `last`, for which a reduced
// row has no field, are named after its reducer.
func rowFunctions(functions []string, reducer string) []string {
	named := slices.Clone(functions)
	for i, function := range named {
		if function == "first" || function == "last" {
			named[i] = function + "_" + reducer
		}
	}
	return named
}
