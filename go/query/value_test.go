package query

import (
	"math"
	"testing"
	"time"

	"github.com/metrana/metrana/go/catalog"
)

func TestValuesOfAllKindsHaveOneOrder(t *testing.T) {
	float := func(f float64) catalog.Value { return catalog.Value{Kind: catalog.KindFloat, Float: f} }
	ascending := []catalog.Value{
		{},
		catalog.Truth(false), catalog.Truth(true),
		catalog.Text(""), catalog.Text("9"), catalog.Text("a"),
		float(math.Inf(-1)), catalog.Whole(math.MinInt64), float(-1.5), catalog.Whole(-1), float(-0.5), catalog.Whole(0),
		float(0.5), catalog.Whole(1), float(1 << 53), catalog.Whole(1<<53 + 1), float(1<<53 + 2), catalog.Whole(math.MaxInt64),
		float(1 << 63), float(math.Inf(1)),
		{Kind: catalog.KindStringSet}, {Kind: catalog.KindStringSet, Set: []string{"a"}},
		catalog.Moment(time.Unix(0, 0)), catalog.Moment(time.Unix(0, 1)),
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got := orderValues(a, b); got != want {
				t.Errorf("%+v against %+v: %d, want %d", a, b, got, want)
			}
		}
	}
	if orderValues(float(-1<<63), catalog.Whole(math.MinInt64)) != 0 || orderValues(catalog.Whole(7), float(7)) != 0 {
		t.Error("equal numbers of both kinds are not equal")
	}
}
