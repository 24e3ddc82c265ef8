package query

import (
	"math"
	"slices"
	"strings"

	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/query"
)

// summary is a set of points in numbers. Points that are not finite count
// nowhere but as first and last.
type summary struct {
	store.Summary

	series int // that the points are of
	points int
	edges  *edges // of series that are reduced
}

func (s *summary) add(values []float64) {
	if len(values) == 0 {
		return
	}
	s.series++
	if s.points == 0 {
		s.First = values[0]
	}
	s.points += len(values)
	s.Last = values[len(values)-1]
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if s.Finite == 0 || v < s.Min {
			s.Min = v
		}
		if s.Finite == 0 || v > s.Max {
			s.Max = v
		}
		s.Finite++
		s.Sum += v
		delta := v - s.Mean // Welford's running mean
		s.Mean += delta / float64(s.Finite)
		s.M2 += delta * (v - s.Mean)
	}
}

// addSummed takes in a series as the store sums it up.
func (s *summary) addSummed(points uint64, more *store.Summary) {
	if points == 0 {
		return
	}
	s.series++
	if s.points == 0 {
		s.First = more.First
	}
	s.points += int(points)
	s.Last = more.Last
	s.Join(more)
}

// join takes in the summary of other series, first and last left out.
func (s *summary) join(more *summary) {
	s.series += more.series
	s.points += more.points
	s.Join(&more.Summary)
}

// value gives one number; ok is false where there is none. The standard
// deviation is that of the whole population.
func (s *summary) value(function string) (v float64, ok bool, err error) {
	atEdge := strings.HasPrefix(function, "first") || strings.HasPrefix(function, "last")
	if atEdge && s.series > 1 {
		return 0, false, invalid("%s of %d series is not defined; select one of them", function, s.series)
	}
	if atEdge && s.edges != nil {
		return s.edges.value(function)
	}
	switch function {
	case "count":
		return float64(s.Finite), s.points > 0, nil
	case "first":
		return s.First, s.points > 0, nil
	case "last":
		return s.Last, s.points > 0, nil
	case "min":
		return s.Min, s.Finite > 0, nil
	case "max":
		return s.Max, s.Finite > 0, nil
	case "sum":
		return s.Sum, s.Finite > 0, nil
	case "avg":
		return s.Mean, s.Finite > 0, nil
	case "std":
		return math.Sqrt(s.M2 / float64(max(s.Finite, 1))), s.Finite > 0, nil
	}
	return 0, false, invalid("%s sums up aggregated series only", function)
}

// summed sums up the series that a query selects.
type summed func(q grammar.Series) (summary, error)

// summarise sums up what a query selects in a run: the standard points of series, and
// the RL points, over all environments, of those that have no others.
func (r runPoints) summarise(q grammar.Series) (summary, error) {
	var sum summary
	if err := supported(q); err != nil {
		return sum, err
	}
	if g, reduces := groupingOf(q); reduces {
		groups, err := r.reduceSummaries(q, g)
		return groups.together(), err
	}
	selected := (selector{[]grammar.Series{q}}).selections(false)
	found := r.points.AppendSelected(nil, selected, "", math.MaxInt)
	for i := range found {
		if err := r.addSelected(&sum, &found[i]); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// addSelected takes in a series, and completes what the store says of one that has RL
// points only.
func (r runPoints) addSelected(sum *summary, found *store.SelectedSums) error {
	switch {
	case found.RL:
		of, err := r.points.RLSummary(found.No)
		found.Count, found.LastStep, found.LastTime = of.Points, of.LastStep, of.LastTime
		sum.addSummed(of.Points, &of.Summary)
		return err
	case found.Ordered:
		sum.addSummed(found.Count, &found.Summary)
		return nil
	}
	return r.addUnordered(sum, found.No)
}

// addUnordered sums up the points of an unordered series: those that were overwritten
// count no more, so all are read where there may be some.
func (r runPoints) addUnordered(sum *summary, no uint32) error {
	points, kept, known, err := r.points.DistinctSummary(no)
	if err != nil {
		return err
	}
	if known {
		sum.addSummed(points, &kept)
		return nil
	}
	columns, err := r.points.Points(no, 0, math.MaxUint64)
	sum.add(columns.Values)
	return err
}

// summaryColumns evaluates requested columns; the texts come back as they were
// asked for, since clients look them up by text.
func summaryColumns(texts []string, sum summed) ([]*query.SeriesSummaryValue, error) {
	var values []*query.SeriesSummaryValue
	for _, text := range texts {
		column, err := grammar.ParseSummary(text)
		if err != nil {
			return nil, syntax("series_summaries", err)
		}
		if len(column.Funcs) != 1 {
			return nil, invalid("series_summaries: %q names %d functions; a column has one", text, len(column.Funcs))
		}
		s, err := sum(column.Series)
		if err != nil {
			return nil, err
		}
		v, ok, err := s.value(column.Funcs[0])
		if err != nil {
			return nil, err
		}
		if ok {
			values = append(values, &query.SeriesSummaryValue{SeriesSummary: text, Value: v})
		}
	}
	return slices.Clip(values), nil
}
