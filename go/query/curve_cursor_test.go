package query

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Buckets stay where they are when further ones come behind, whatever their width is.
func TestFurtherBucketsBeginBehindTheLastOne(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 20_000 {
		first, limit := random.Uint64N(1000), 1+random.IntN(600)
		cut := spanned(first, first+random.Uint64N(1<<(1+random.IntN(50))), limit).extensible()
		if cut.start(cut.count) != cut.last+1 {
			t.Fatalf("%+v: a further bucket begins at %d", cut, cut.start(cut.count))
		}
		longer, fits := cut.upTo(cut.last+1+random.Uint64N((cut.last-first)/8+1), limit+limit/4+1)
		if !fits || longer.count <= cut.count || longer.start(longer.count-1) > longer.last || longer.start(longer.count) <= longer.last {
			t.Fatalf("%+v goes on as %+v", cut, longer)
		}
		if i := cut.count - 1; longer.bucket(cut.last) != i || longer.bucket(cut.last+1) != i+1 {
			t.Fatalf("%+v goes on as %+v, where its last step is in bucket %d", cut, longer, longer.bucket(cut.last))
		}
	}
}

func TestBucketsGoOnAsFarAsThereMayBe(t *testing.T) {
	cut := spanned(100, 199, 10).extensible()
	for last, want := range map[uint64]bool{199: true, 200: true, 219: true, 220: false, math.MaxUint64: false} {
		if a, fits := cut.upTo(last, 12); fits != want {
			t.Errorf("up to %d in %d buckets: %v", last, a.count, fits)
		}
	}
}

// A cursor may come from anywhere: what it says is either taken or not.
func TestCursorsOfAnyNumbers(t *testing.T) {
	numbers := []uint64{0, 1, 5000, 5001, 1 << 53, 1 << 63, math.MaxUint64}
	random := rand.New(rand.NewPCG(4, 5))
	pick := func() uint64 { return numbers[random.IntN(len(numbers))] }
	taken := 0
	for range 20_000 {
		c := curveCursor{question: 7, first: pick(), cut: pick(), limit: pick(), last: pick(), versions: []uint64{1}, marks: make(markSet, 1)}
		held, found := parseCurveCursor(c.bytes(), 7, 1)
		if !found {
			continue
		}
		xs := []uint64{pick()}
		if a, fits := held.axisFor([]curve{column{xs: xs}}); fits {
			taken++
			if a.count < 1 || a.count > maxBuckets+maxBuckets/4 || a.bucket(xs[0]) >= a.count {
				t.Fatalf("%+v of %+v, %d in bucket %d", a, c, xs[0], a.bucket(xs[0]))
			}
		}
	}
	if taken == 0 {
		t.Error("none was taken")
	}
}
