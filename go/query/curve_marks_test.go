package query

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func curveOf(random *rand.Rand, buckets int) *Buckets {
	b := &Buckets{}
	for i := range buckets {
		b.Xs, b.Counts = append(b.Xs, float64(i)), append(b.Counts, 1+random.Uint64N(5))
		for _, column := range []*[]float64{&b.Means, &b.Mins, &b.Maxs, &b.Lasts} {
			*column = append(*column, random.Float64())
		}
	}
	return b
}

func cloneOf(b *Buckets) *Buckets {
	return &Buckets{
		Xs: slices.Clone(b.Xs), Counts: slices.Clone(b.Counts), Means: slices.Clone(b.Means),
		Mins: slices.Clone(b.Mins), Maxs: slices.Clone(b.Maxs), Lasts: slices.Clone(b.Lasts),
	}
}

// What is kept of a curve ends before the first bucket that is another one, in any column, and not far before it.
func TestOfACurveIsKeptWhatStayed(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	for range 2000 {
		n := 1 + random.IntN(600)
		sent := curveOf(random, n)
		marks := cloneOf(sent).mark(1, curveMarks{})
		next := cloneOf(sent)
		more := curveOf(random, random.IntN(50))
		next.Xs, next.Counts, next.Means = append(next.Xs, more.Xs...), append(next.Counts, more.Counts...), append(next.Means, more.Means...)
		next.Mins, next.Maxs, next.Lasts = append(next.Mins, more.Mins...), append(next.Maxs, more.Maxs...), append(next.Lasts, more.Lasts...)
		at := n - 1 - random.IntN(min(n, 300))
		switch random.IntN(7) {
		case 0:
			next.Counts[at]++
		case 1:
			next.Xs[at] += 0.5
		case 6: // none is another one
			at = n - 1
		default:
			column := [][]float64{next.Means, next.Mins, next.Maxs, next.Lasts}[random.IntN(4)]
			column[at] = -column[at]
		}
		want := 0
		for _, behind := range markedBefore {
			if place := n - behind; place > 0 && place <= at {
				want = max(want, place)
			}
		}
		all := len(next.Xs)
		if next.mark(1, marks); next.Kept != want || len(next.Xs) != all-want || len(next.Lasts) != all-want {
			t.Fatalf("%d of %d buckets are kept, and %d sent, where bucket %d is another one; want %d", next.Kept, n, len(next.Xs), at, want)
		}
	}
}

func TestMarksAreReadBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 10))
	set := markSet{{curveOf(random, 300).mark(5, curveMarks{})}, nil, {curveOf(random, 2).mark(6, curveMarks{}), curveOf(random, 0).mark(7, curveMarks{})}}
	numbers := set.appendNumbers(nil)
	read, whole := parseMarks(numbers, 3)
	if !whole || len(read) != 3 || !slices.Equal(read[0], set[0]) || len(read[1]) != 0 || !slices.Equal(read[2], set[2]) {
		t.Fatalf("%v were read as %v, %v", set, read, whole)
	}
	for cut := range numbers {
		if _, whole := parseMarks(numbers[:cut], 3); whole {
			t.Fatalf("%d of %d numbers are taken for all", cut, len(numbers))
		}
	}
	if _, whole := parseMarks(append(numbers, 0), 3); whole {
		t.Fatal("more numbers than there are curves are taken")
	}
	if crowd := (markSet{make([]curveMarks, maxMarked+1)}).appendNumbers(nil); len(crowd) != 1 {
		t.Fatalf("of too many curves there are %d numbers", len(crowd))
	}
}

// A cursor comes from anywhere.
func TestMarksOfAnyNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 11))
	for range 20_000 {
		numbers := make([]uint64, random.IntN(30))
		for i := range numbers {
			numbers[i] = random.Uint64() >> random.IntN(64)
		}
		set, whole := parseMarks(numbers, 2)
		if !whole {
			continue
		}
		for _, marks := range set {
			for _, of := range marks {
				curveOf(random, 20).mark(1, of)
			}
		}
	}
}
