package query

import "github.com/metrana/metrana/go/store"

// Selection is series queries, ready to be asked of runs by other services.
type Selection struct{ of selector }

// Select reads series queries that pick series as they are: those that reduce
// series over labels are refused. Queries that name no scale mean this one, or, when
// it is empty, every scale.
func Select(scale string, queries ...string) (Selection, error) {
	s, err := parseSelector(queries)
	if err != nil {
		return Selection{}, err
	}
	for i, q := range s.queries {
		if _, reduces := groupingOf(q); reduces {
			return Selection{}, invalid("series query %q reduces series over labels, which it cannot here", queries[i])
		}
		if q.Scale == "" {
			s.queries[i].Scale = scale
		}
	}
	return Selection{s}, nil
}

// All selects every series.
func All() Selection { return Selection{} }

// Of gives the series of a run that any query selects, by name, scale and labels.
func (s Selection) Of(points RLPoints) []store.SeriesInfo { return s.of.ofAnyScale(points) }

// Status turns an error of reading into what a client is told.
func (s *Service) Status(err error) error { return s.failed(err) }
