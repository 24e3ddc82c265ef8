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

// matches tells whether a query selects a series. A query without a scale means
// ML_STEP, unless anyScale: then it selects the series of every scale.
func matches(q grammar.Series, key point.Series, anyScale bool) bool {
	scale := q.Scale
	if scale == "" && !anyScale {
		scale = point.ScaleMLStep
	}
	if q.Name != key.Name || scale != "" && scale != key.Scale {
		return false
	}
	return !slices.ContainsFunc(q.Labels, func(c grammar.LabelCond) bool { return !labelHolds(c, key.Labels) })
}

func labelHolds(c grammar.LabelCond, labels []point.Label) bool {
	i := slices.IndexFunc(labels, func(l point.Label) bool { return l.Key == c.Key })
	if i < 0 {
		return c.Op == grammar.NotEqual || c.Op == grammar.NotIn
	}
	value := labels[i].Value
	switch c.Op {
	case grammar.Equal:
		return value == c.Values[0]
	case grammar.NotEqual:
		return value != c.Values[0]
	case grammar.Contains:
		return strings.Contains(value, c.Values[0])
	case grammar.In:
		return slices.Contains(c.Values, value)
	case grammar.NotIn:
		return !slices.Contains(c.Values, value)
	case grammar.Matches:
		pattern, err := regexp.Compile(c.Values[0])
		return err == nil && pattern.MatchString(value)
	}
	return false
}

// pick gives the series that any query selects, each once, in the order of
// their identities. Without queries it gives all.
func (s selector) pick(infos []store.SeriesInfo, anyScale bool) []store.SeriesInfo {
	byName := s.byName()
	var picked []store.SeriesInfo
	for _, info := range infos {
		selects := func(q grammar.Series) bool { return matches(q, info.Key, anyScale) }
		if len(s.queries) == 0 || slices.ContainsFunc(byName[info.Key.Name], selects) {
			picked = append(picked, info)
		}
	}
	slices.SortFunc(picked, func(a, b store.SeriesInfo) int { return compareKeys(a.Key, b.Key) })
	return picked
}

func (s selector) byName() map[string][]grammar.Series {
	byName := make(map[string][]grammar.Series)
	for _, q := range s.queries {
		byName[q.Name] = append(byName[q.Name], q)
	}
	return byName
}

// of gives the series of a run that any query selects, as pick does. It looks
// only at those of the right name.
func (s selector) of(points *store.Run) []store.SeriesInfo {
	if len(s.queries) == 0 {
		return s.pick(points.SeriesInfos(), false)
	}
	return s.pick(points.SeriesNamed(sortedKeys(s.byName())...), false)
}

// ofAnyScale is of, of queries that select every scale unless they name one.
func (s selector) ofAnyScale(points *store.Run) []store.SeriesInfo {
	return s.pick(points.SeriesNamed(sortedKeys(s.byName())...), true)
}

func compareKeys(a, b point.Series) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name), strings.Compare(a.Scale, b.Scale), strings.Compare(a.FlatLabels(), b.FlatLabels()),
	)
}

// definition writes the identity of a series as the wire has it.
func definition(key point.Series) *common.SeriesDefinition {
	regular := &common.RegSeriesDefinition{MetricName: key.Name, Scale: key.Scale}
	if len(key.Labels) > 0 {
		regular.Labels = make(map[string]string, len(key.Labels))
	}
	for _, label := range key.Labels {
		regular.Labels[label.Key] = label.Value
	}
	return &common.SeriesDefinition{Kind: &common.SeriesDefinition_Regular{Regular: regular}}
}
