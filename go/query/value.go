package query

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/wire/pb/common"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// encodeAttribute writes an attribute as the wire has it.
func encodeAttribute(a catalog.Attribute) *common.Attribute {
	out := &common.Attribute{Path: a.Path}
	switch v := a.Value; v.Kind {
	case catalog.KindBool:
		out.Value = &common.Attribute_BoolValue{BoolValue: v.Bool}
	case catalog.KindString:
		out.Value = &common.Attribute_StringValue{StringValue: v.Str}
	case catalog.KindFloat:
		out.Value = &common.Attribute_FloatValue{FloatValue: v.Float}
	case catalog.KindInt:
		out.Value = &common.Attribute_IntValue{IntValue: v.Int}
	case catalog.KindStringSet:
		out.Value = &common.Attribute_StringSetValue{StringSetValue: &common.StringSet{Values: v.Set}}
	case catalog.KindTimestamp:
		out.Value = &common.Attribute_TimestampValue{TimestampValue: timestamppb.New(v.Time)}
	}
	return out
}

func byPath(a catalog.Attribute, path string) int { return strings.Compare(a.Path, path) }

// pickAttributes gives the requested attributes; those that are missing are left
// out.
func pickAttributes(all []catalog.Attribute, paths []string) []*common.Attribute {
	var picked []*common.Attribute
	for _, path := range paths {
		i, found := slices.BinarySearchFunc(all, path, byPath)
		if found {
			picked = append(picked, encodeAttribute(all[i]))
		}
	}
	return picked
}

// compareValues orders values of one kind, and numbers of both kinds; ok tells
// whether the two can be compared.
func compareValues(a, b catalog.Value) (order int, ok bool) {
	switch {
	case a.Kind == catalog.KindInt && b.Kind == catalog.KindFloat:
		return compareWhole(a.Int, b.Float), true
	case a.Kind == catalog.KindFloat && b.Kind == catalog.KindInt:
		return -compareWhole(b.Int, a.Float), true
	case a.Kind != b.Kind:
		return 0, false
	}
	switch a.Kind {
	case catalog.KindInt:
		return cmp.Compare(a.Int, b.Int), true
	case catalog.KindFloat:
		return cmp.Compare(a.Float, b.Float), true
	case catalog.KindBool:
		return strings.Compare(truth(a.Bool), truth(b.Bool)), true
	case catalog.KindString:
		return strings.Compare(a.Str, b.Str), true
	case catalog.KindTimestamp:
		return a.Time.Compare(b.Time), true
	case catalog.KindStringSet:
		return slices.Compare(a.Set, b.Set), true
	}
	return 0, false
}

// orderValues orders values of any kinds: those that cannot be compared by their
// kind, so that a path with values of several kinds has one order.
func orderValues(a, b catalog.Value) int {
	if order, ok := compareValues(a, b); ok {
		return order
	}
	return cmp.Compare(a.Kind, b.Kind)
}

// compareWhole compares a whole number with any other, exactly: not every int64 is
// a float64.
func compareWhole(whole int64, other float64) int {
	switch {
	case other >= 1<<63:
		return -1
	case !(other >= -1<<63): // NaN comes first, as in cmp.Compare
		return 1
	}
	floor := math.Floor(other)
	if order := cmp.Compare(whole, int64(floor)); order != 0 || other == floor {
		return order
	}
	return -1
}

func truth(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// literalValue reads a literal as a value.
func literalValue(l grammar.Literal) catalog.Value {
	switch l.Kind {
	case grammar.BoolLiteral:
		return catalog.Truth(l.Bool)
	case grammar.IntLiteral:
		return catalog.Whole(l.Int)
	case grammar.FloatLiteral:
		return catalog.Value{Kind: catalog.KindFloat, Float: l.Float}
	case grammar.StringLiteral:
		return catalog.Text(l.Str)
	case grammar.TimeLiteral:
		return catalog.Moment(l.Time)
	}
	return catalog.Value{Kind: catalog.KindStringSet, Set: texts(l)}
}

func texts(l grammar.Literal) []string {
	var list []string
	for _, item := range l.List {
		if item.Kind == grammar.StringLiteral {
			list = append(list, item.Str)
		}
	}
	return list
}

// attrHolds evaluates a condition on an attribute; nil is one that is missing,
// which only NOT IN and != let pass.
func attrHolds(c grammar.AttrCond, v *catalog.Value) (bool, error) {
	if c.Op == grammar.Exists {
		return v != nil, nil
	}
	if v == nil {
		return c.Op == grammar.NotIn || c.Op == grammar.NotEqual, nil
	}
	switch c.Op {
	case grammar.Matches:
		pattern, err := regexp.Compile(c.Lit.Str)
		if err != nil {
			return false, invalid("pattern %q: %w", c.Lit.Str, err)
		}
		return anyText(*v, pattern.MatchString), nil
	case grammar.Contains:
		if v.Kind == catalog.KindStringSet {
			return slices.Contains(v.Set, c.Lit.Str), nil
		}
		return v.Kind == catalog.KindString && strings.Contains(v.Str, c.Lit.Str), nil
	case grammar.ContainsAny, grammar.ContainsAll:
		return containsTexts(*v, texts(c.Lit), c.Op == grammar.ContainsAll), nil
	case grammar.In, grammar.NotIn:
		in := slices.ContainsFunc(c.Lit.List, func(l grammar.Literal) bool {
			order, ok := compareValues(*v, literalValue(l))
			return ok && order == 0
		})
		return in == (c.Op == grammar.In), nil
	}
	order, ok := compareValues(*v, literalValue(c.Lit))
	return ok && orderHolds(c.Op, order) || !ok && c.Op == grammar.NotEqual, nil
}

func anyText(v catalog.Value, holds func(string) bool) bool {
	if v.Kind == catalog.KindStringSet {
		return slices.ContainsFunc(v.Set, holds)
	}
	return v.Kind == catalog.KindString && holds(v.Str)
}

func containsTexts(v catalog.Value, wanted []string, all bool) bool {
	for _, text := range wanted {
		has := v.Kind == catalog.KindStringSet && slices.Contains(v.Set, text) ||
			v.Kind == catalog.KindString && strings.Contains(v.Str, text)
		if has != all {
			return has
		}
	}
	return all
}

func orderHolds(op grammar.Op, order int) bool {
	switch op {
	case grammar.Equal:
		return order == 0
	case grammar.NotEqual:
		return order != 0
	case grammar.Greater:
		return order > 0
	case grammar.GreaterEqual:
		return order >= 0
	case grammar.Less:
		return order < 0
	case grammar.LessEqual:
		return order <= 0
	}
	return false
}
