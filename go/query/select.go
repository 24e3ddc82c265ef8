package query

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"fmt"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
)

// selector picks series by parsed queries.
type selector struct {
	queries []grammar.Series
}

func parseSelector(texts []string) (selector, error) {
	var s selector
	for _, text := range texts {
		q, err := grammar.ParseSeries(text)
		if err != nil {
			return s, syntax("series_queries", err)
		}
		if err := supported(q); err != nil {
			return s, err
		}
		s.queries = append(s.queries, q)
	}
	return s, nil
}

// supported refuses what this server cannot select yet.
func supported(q grammar.Series) error {
	what := ""
	switch {
	case q.ValueKind != "" && q.ValueKind != "float":
		what = "value_kind " + q.ValueKind
	case q.ValueReducer != "":
		what = "value_reducer"
	}
	if what != "" {
		return connect.NewError(connect.CodeUnimplemented, fmt.Errorf("series %q: this server does not answer %s", q.Name, what))
	}
	for _, label := range q.Labels {
		if label.Op == grammar.Matches {
			if _, err := regexp.Compile(label.Values[0]); err != nil {
				return invalid("label %q: pattern %q: %w", label.Key, label.Values[0], err)
			}
		}
	}
	return nil
}

// matcher is a query made ready to be asked about many series.
type matcher struct {
	grammar.Series

	labels []func(value string) bool // by condition
}

// many values are looked up rather than compared.
const manyValues = 8

func newMatcher(q grammar.Series) matcher {
	m := matcher{Series: q}
	for _, c := range q.Labels {
		m.labels = append(m.labels, labelTest(c))
	}
	return m
}

// labelTest gives what a condition asks of a value. A pattern that is none, which
// supported refuses, holds for nothing.
func labelTest(c grammar.LabelCond) func(value string) bool {
	switch c.Op {
	case grammar.Equal:
		return func(value string) bool { return value == c.Values[0] }
	case grammar.NotEqual:
		return func(value string) bool { return value != c.Values[0] }
	case grammar.Contains:
		return func(value string) bool { return strings.Contains(value, c.Values[0]) }
	case grammar.In, grammar.NotIn:
		in := oneOf(c.Values)
		return func(value string) bool { return in(value) == (c.Op == grammar.In) }
	case grammar.Matches:
		if pattern, err := regexp.Compile(c.Values[0]); err == nil {
			return pattern.MatchString
		}
	}
	return func(string) bool { return false }
}

func oneOf(values []string) func(string) bool {
	if len(values) < manyValues {
		return func(value string) bool { return slices.Contains(values, value) }
	}
	set := make(map[string]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return func(value string) bool { return set[value] }
}

// selects tells whether the query selects a series. A query without a scale means
// ML_STEP, unless anyScale: then it selects the series of every scale.
func (m matcher) selects(key point.Series, anyScale bool) bool {
	scale := m.Scale
	if scale == "" && !anyScale {
		scale = point.ScaleMLStep
	}
	if m.Name != key.Name || scale != "" && scale != key.Scale {
		return false
	}
	for i, c := range m.Labels {
		k := slices.IndexFunc(key.Labels, func(l point.Label) bool { return l.Key == c.Key })
		switch {
		case k >= 0 && !m.labels[i](key.Labels[k].Value):
			return false
		case k < 0 && c.Op != grammar.NotEqual && c.Op != grammar.NotIn:
			return false
		}
	}
	return true
}

func matches(q grammar.Series, key point.Series, anyScale bool) bool {
	return newMatcher(q).selects(key, anyScale)
}

// test tells of a series whether any query selects it; without queries all are.
func (s selector) test(anyScale bool) func(key point.Series) bool {
	if len(s.queries) == 0 {
		return func(point.Series) bool { return true }
	}
	byName := make(map[string][]matcher)
	for _, q := range s.queries {
		byName[q.Name] = append(byName[q.Name], newMatcher(q))
	}
	return func(key point.Series) bool {
		return slices.ContainsFunc(byName[key.Name], func(m matcher) bool { return m.selects(key, anyScale) })
	}
}

// pick gives the series that any query selects, each once, in the order of
// their identities.
func (s selector) pick(infos []store.SeriesInfo, anyScale bool) []store.SeriesInfo {
	selects := s.test(anyScale)
	return inOrderOfIdentity(slices.DeleteFunc(infos, func(info store.SeriesInfo) bool { return !selects(info.Key) }))
}

func inOrderOfIdentity(infos []store.SeriesInfo) []store.SeriesInfo {
	before := func(a, b store.SeriesInfo) int { return strings.Compare(a.Identity, b.Identity) }
	if !slices.IsSortedFunc(infos, before) {
		slices.SortFunc(infos, before)
	}
	return infos
}

// seriesList is where series are found.
type seriesList interface {
	SeriesInfos() []store.SeriesInfo
	SeriesSelected(selections []store.Selection) []store.SeriesInfo
}

// of gives the series of a run that any query selects, as pick does. It looks
// only at those of the right name.
func (s selector) of(points seriesList) []store.SeriesInfo { return s.from(points, false) }

// ofAnyScale is of, of queries that select every scale unless they name one.
func (s selector) ofAnyScale(points seriesList) []store.SeriesInfo { return s.from(points, true) }

func (s selector) from(points seriesList, anyScale bool) []store.SeriesInfo {
	if len(s.queries) == 0 {
		return s.pick(points.SeriesInfos(), anyScale)
	}
	return points.SeriesSelected(s.selections(anyScale))
}

// choices are the conditions that the store has an index for.
func choices(q grammar.Series) []store.LabelChoice {
	var out []store.LabelChoice
	for _, c := range q.Labels {
		if c.Op == grammar.Equal || c.Op == grammar.In {
			out = append(out, store.LabelChoice{Key: c.Key, Values: c.Values})
		}
	}
	return out
}

// selections is the queries as the store takes them.
func (s selector) selections(anyScale bool) []store.Selection {
	out := make([]store.Selection, len(s.queries))
	for i, q := range s.queries {
		m := newMatcher(q)
		out[i] = store.Selection{Name: q.Name, Labels: choices(q), Passes: func(key point.Series) bool { return m.selects(key, anyScale) }}
	}
	return out
}

func compareKeys(a, b point.Series) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name), strings.Compare(a.Scale, b.Scale), strings.Compare(a.FlatLabels(), b.FlatLabels()),
	)
}

// definition is the identity of a series as the wire has it.
func definition(key point.Series) *common.SeriesDefinition {
	e := new(struct {
		definition common.SeriesDefinition
		kind       common.SeriesDefinition_Regular
		regular    common.RegSeriesDefinition
	})
	e.regular.MetricName, e.regular.Scale = key.Name, key.Scale
	if len(key.Labels) > 0 {
		e.regular.Labels = make(map[string]string, len(key.Labels))
	}
	for _, label := range key.Labels {
		e.regular.Labels[label.Key] = label.Value
	}
	e.kind.Regular = &e.regular
	e.definition.Kind = &e.kind
	return &e.definition
}
