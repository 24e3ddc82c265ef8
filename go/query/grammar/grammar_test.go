package grammar

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func TestParseFilter(t *testing.T) {
	f := func(text string, want Filter) {
		t.Helper()
		got, err := ParseFilter(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %#v (%v)\nwant %#v", text, got, err, want)
		}
	}
	text := func(s string) Literal { return Literal{Kind: StringLiteral, Str: s} }
	number := func(i int64) Literal { return Literal{Kind: IntLiteral, Int: i, Float: float64(i)} }
	half := Literal{Kind: FloatLiteral, Float: 0.5}
	f(`attr(config/lr) >= 0.5`, AttrCond{"config/lr", GreaterEqual, half})
	f(`attr(v) EXISTS`, AttrCond{Path: "v", Op: Exists})
	f(`attr(a) ~= "x\"y\\\n"`, AttrCond{"a", Matches, text("x\"y\\\n")})
	f(`attr(sys/tags) Contains "x"`, AttrCond{"sys/tags", Contains, text("x")})
	f(`attr(y) contains any ["a", "b"]`, AttrCond{"y", ContainsAny, Literal{Kind: ListLiteral, List: []Literal{text("a"), text("b")}}})
	f(`attr(a) IN [1, 0.5, "s", True]`, AttrCond{"a", In, Literal{Kind: ListLiteral, List: []Literal{number(1), half, text("s"), {Kind: BoolLiteral, Bool: true}}}})
	f(`attr(b) NOT IN []`, AttrCond{"b", NotIn, Literal{Kind: ListLiteral}})
	f(`attr(t) < 2024-01-02T03:04:05.678`, AttrCond{"t", Less, Literal{Kind: TimeLiteral, Time: time.Date(2024, 1, 2, 3, 4, 5, 678_000_000, time.UTC)}})
	f(`attr(a) == 1 AND attr(b) == 2 OR attr(c) == 3`, Or{
		And{AttrCond{"a", Equal, number(1)}, AttrCond{"b", Equal, number(2)}}, AttrCond{"c", Equal, number(3)},
	})
	f(`attr(a) == 1 and (attr(b) == 2 or attr(c) == 3)`, And{
		AttrCond{"a", Equal, number(1)}, Or{AttrCond{"b", Equal, number(2)}, AttrCond{"c", Equal, number(3)}},
	})
	f(`loss():last >= 0.5`, SeriesCond{Series{Name: "loss"}, "last", GreaterEqual, 0.5})
	f(`l2(filter=(k="v")) EXISTS`, SeriesCond{Series: Series{Name: "l2", Labels: []LabelCond{{"k", Equal, []string{"v"}}}}, Op: Exists})
	f(`aND(scale="S"):min < -3`, SeriesCond{Series{Name: "aND", Scale: "S"}, "min", Less, -3})
}

func TestParseSeries(t *testing.T) {
	f := func(text string, want Series) {
		t.Helper()
		got, err := ParseSeries(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %#v (%v)\nwant %#v", text, got, err, want)
		}
	}
	f(`train/loss()`, Series{Name: "train/loss"})
	f(`m(scale="S", filter=(a != "b", c ~= "d", e CONTAINS "f", g IN ["h", "i"], j NOT IN ["k"]), aggregate=(keys=[q]))`, Series{
		Name: "m", Scale: "S",
		Labels: []LabelCond{
			{"a", NotEqual, []string{"b"}}, {"c", Matches, []string{"d"}}, {"e", Contains, []string{"f"}},
			{"g", In, []string{"h", "i"}}, {"j", NotIn, []string{"k"}},
		},
		Aggregate: &Aggregate{Keys: []string{"q"}},
	})
	f(`ag(aggregate=(keys=[], reducer=min))`, Series{Name: "ag", Aggregate: &Aggregate{Keys: []string{}, Reducer: "min"}})
	f(`loss(filter=(a="b"))|group_by(keys=["k1", "k 2"], reducer=avg)`, Series{
		Name: "loss", Labels: []LabelCond{{"a", Equal, []string{"b"}}}, GroupBy: &GroupBy{[]string{"k1", "k 2"}, "avg"},
	})
	f(`h(value_kind=histogram, value_reducer=quantile(0.95))`, Series{Name: "h", ValueKind: "histogram", ValueReducer: "quantile(0.95)"})
}

func TestParseOrderAndSummary(t *testing.T) {
	order, err := ParseOrder(`loss(scale="ML_STEP"):last DESC`)
	if err != nil || !order.Descending || order.Summary.Funcs[0] != "last" || order.Summary.Series.Scale != "ML_STEP" {
		t.Fatalf("%+v, %v", order, err)
	}
	order, err = ParseOrder(`attr(sys/creation_time) ASC`)
	if err != nil || order.Descending || order.Path != "sys/creation_time" {
		t.Fatalf("%+v, %v", order, err)
	}
	summary, err := ParseSummary(`loss():min,max`)
	if err != nil || !reflect.DeepEqual(summary.Funcs, []string{"min", "max"}) {
		t.Fatalf("%+v, %v", summary, err)
	}
}

func TestErrorsPointAtTheColumn(t *testing.T) {
	f := func(text string, column int) {
		t.Helper()
		_, err := ParseFilter(text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Column != column {
			t.Fatalf("%s: %v, want column %d", text, err, column)
		}
	}
	f(``, 1)
	f(`attr(a) = 1`, 9)
	f(`attr(a) == `, 12)
	f(`attr(a) == 1 AND`, 17)
	f(`(attr(a) == 1`, 14)
	f(`attr(a) == "x`, 14)
	f(`attr(a) == "\q"`, 14)
	f(`loss:last > 1`, 11)
	f(`loss():lost > 1`, 8)
	f(`attr(a) == 1 attr(b) == 2`, 14)
}

func FuzzParse(f *testing.F) {
	f.Add(`(attr(a) >= 0.5 AND attr(b) CONTAINS "x") OR l(filter=(k IN ["v"])):last < nan`)
	f.Add(`loss(filter=(a="b"))|group_by(keys=["k"], reducer=avg)`)
	f.Fuzz(func(t *testing.T, text string) {
		check := func(err error) {
			var syntax *SyntaxError
			if err != nil && (!errors.As(err, &syntax) || syntax.Column < 1 || syntax.Column > len(text)+1) {
				t.Fatalf("%q: %v", text, err)
			}
		}
		_, err := ParseFilter(text)
		check(err)
		_, err = ParseSeries(text)
		check(err)
		_, err = ParseOrder(text)
		check(err)
		_, err = ParseSummary(text)
		check(err)
	})
}
