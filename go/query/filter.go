package query

import (
	"slices"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
)

// subject is what a filter or an ordering is evaluated on: a project, a run or
// an environment.
type subject struct {
	attributes []catalog.Attribute              // sorted by path
	find       func(path string) *catalog.Value // nil: among attributes
	sum        summed                           // nil where series mean nothing
}

func (s subject) attribute(path string) *catalog.Value {
	if s.find != nil {
		return s.find(path)
	}
	for i := range s.attributes {
		if s.attributes[i].Path == path {
			return &s.attributes[i].Value
		}
	}
	return nil
}

// holds evaluates a filter; nil holds always.
func (s subject) holds(f grammar.Filter) (bool, error) {
	switch f := f.(type) {
	case nil:
		return true, nil
	case grammar.And:
		return s.all(f, true)
	case grammar.Or:
		return s.all(f, false)
	case grammar.AttrCond:
		return attrHolds(f, s.attribute(f.Path))
	case grammar.SeriesCond:
		return s.seriesHolds(f)
	}
	return false, invalid("a filter of unknown kind")
}

// all evaluates parts until one is not as wanted: And wants true, Or false.
func (s subject) all(parts []grammar.Filter, wanted bool) (bool, error) {
	for _, part := range parts {
		holds, err := s.holds(part)
		if err != nil || holds != wanted {
			return holds, err
		}
	}
	return wanted, nil
}

func (s subject) seriesHolds(c grammar.SeriesCond) (bool, error) {
	if s.sum == nil {
		return false, invalid("conditions on series are for runs and environments")
	}
	sum, err := s.sum(c.Series)
	if err != nil || c.Op == grammar.Exists {
		return sum.points > 0, err
	}
	v, ok, err := sum.value(c.Func)
	if err != nil || !ok {
		return false, err
	}
	switch c.Op {
	case grammar.Equal:
		return v == c.Number, nil
	case grammar.NotEqual:
		return v != c.Number, nil
	case grammar.Greater:
		return v > c.Number, nil
	case grammar.GreaterEqual:
		return v >= c.Number, nil
	case grammar.Less:
		return v < c.Number, nil
	}
	return v <= c.Number, nil
}

// listed is a thing with what filters and orderings see of it.
type listed[T any] struct {
	item T
	subject
	kept bool           // by the filter
	key  *catalog.Value // to sort by; nil sorts last
}

// filterAndSort keeps the things for which the filter holds, in the order asked
// for; equal ones stay as they were.
func filterAndSort[T any](things []listed[T], filter, order *string) ([]listed[T], error) {
	if filter != nil && *filter != "" {
		parsed, err := grammar.ParseFilter(*filter)
		if err != nil {
			return nil, syntax("filter", err)
		}
		if things, err = filterBy(things, parsed); err != nil {
			return nil, err
		}
	}
	if order == nil || *order == "" {
		return things, nil
	}
	parsed, err := grammar.ParseOrder(*order)
	if err != nil {
		return nil, syntax("order_by", err)
	}
	return sortBy(things, parsed)
}

func filterBy[T any](things []listed[T], filter grammar.Filter) ([]listed[T], error) {
	err := eachSideBySide(things, func(thing *listed[T]) (err error) {
		thing.kept, err = thing.holds(filter)
		return err
	})
	return keep(things, func(thing listed[T]) bool { return thing.kept }), err
}

func sortBy[T any](things []listed[T], order grammar.Order) ([]listed[T], error) {
	err := eachSideBySide(things, func(thing *listed[T]) (err error) {
		thing.key, err = thing.sortKey(order)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(things, func(a, b listed[T]) int {
		if a.key == nil || b.key == nil {
			return compareMissing(a.key, b.key)
		}
		by := orderValues(*a.key, *b.key)
		if order.Descending {
			return -by
		}
		return by
	})
	return things, nil
}

func compareMissing(a, b *catalog.Value) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	}
	return -1
}

func (s subject) sortKey(order grammar.Order) (*catalog.Value, error) {
	if order.Path != "" {
		return s.attribute(order.Path), nil
	}
	if s.sum == nil {
		return nil, invalid("orderings by series are for runs and environments")
	}
	sum, err := s.sum(order.Summary.Series)
	if err != nil {
		return nil, err
	}
	v, ok, err := sum.value(order.Summary.Funcs[0])
	if err != nil || !ok {
		return nil, err
	}
	return &catalog.Value{Kind: catalog.KindFloat, Float: v}, nil
}
