package query

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
)

// TestThingsAreFilteredAndSorted looks at lists around the lengths at which several
// goroutines work on one.
func TestThingsAreFilteredAndSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, fewRuns - 1, fewRuns, fewRuns + 1, 2*fewRuns + 1, 1000} {
		numbers := make([]int, n)
		for i := range numbers {
			numbers[i] = random.IntN(100)
		}
		filter, order := "attr(n) < 50", "attr(n) DESC"
		things, err := filterAndSort(listNumbers(numbers), &filter, &order)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, thing := range things {
			got = append(got, thing.item)
		}
		want := slices.DeleteFunc(slices.Clone(numbers), func(i int) bool { return i >= 50 })
		slices.SortStableFunc(want, func(a, b int) int { return cmp.Compare(b, a) })
		same(t, fmt.Sprint(n, " numbers"), got, want)
	}
}

// TestTheFirstErrorOfAListIsGiven has things beyond the first fail, each in its way.
func TestTheFirstErrorOfAListIsGiven(t *testing.T) {
	things := listNumbers(make([]int, 1000))
	for i := range things {
		things[i].sum = func(grammar.Series) (summary, error) {
			if i < 300 {
				return summary{}, nil
			}
			return summary{}, invalid("thing %d", i)
		}
	}
	filter := "loss():last < 1"
	if _, err := filterAndSort(things, &filter, nil); connect.CodeOf(err) != connect.CodeInvalidArgument || !contains(err, "thing 300") {
		t.Fatal(err)
	}
	order := "loss():last DESC"
	if _, err := filterAndSort(things, nil, &order); connect.CodeOf(err) != connect.CodeInvalidArgument || !contains(err, "thing 300") {
		t.Fatal(err)
	}
}

func listNumbers(numbers []int) []listed[int] {
	things := make([]listed[int], len(numbers))
	for i, n := range numbers {
		things[i] = listed[int]{item: n, subject: subject{attributes: []catalog.Attribute{{Path: "n", Value: catalog.Whole(int64(n))}}}}
	}
	return things
}
