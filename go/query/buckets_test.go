package query

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// Every finite point lies in exactly one bucket, whatever the axis; extremes and
// sums survive.
func TestBucketsHoldEveryPointOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		c := randomColumn(random)
		buckets := int64(1 + random.IntN(50))
		a, err := newAxis(curvesOf([]column{c}), &buckets, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkBuckets(t, a, c, filledOf(t, a, c))
	}
}

func filledOf(t *testing.T, a axis, c column) bucketed {
	t.Helper()
	b, err := c.fill(&filler{axis: a})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func randomColumn(random *rand.Rand) column {
	x := []uint64{0, 7, 1 << 53, math.MaxInt64 - 1<<40}[random.IntN(4)]
	gap := []uint64{1, 3, 1000, 1 << 30}[random.IntN(4)]
	var c column
	for range 1 + random.IntN(300) {
		c.xs = append(c.xs, x)
		c.values = append(c.values, []float64{random.NormFloat64(), math.NaN(), math.Inf(1), math.Inf(-1)}[max(0, random.IntN(40)-36)])
		c.times = append(c.times, int64(x))
		x += random.Uint64N(gap + 1)
	}
	return c
}

func checkBuckets(t *testing.T, a axis, c column, b bucketed) {
	t.Helper()
	counts := make(map[uint64]uint64)
	low, high := make(map[uint64]float64), make(map[uint64]float64)
	for k, v := range c.values {
		i := uint64(a.bucket(c.xs[k]))
		if a.start(int(i)) > c.xs[k] || int(i)+1 < a.count && a.start(int(i)+1) <= c.xs[k] {
			t.Fatalf("x %d is not in bucket %d of %+v", c.xs[k], i, a)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if counts[i] == 0 {
			low[i], high[i] = v, v
		}
		counts[i]++
		low[i], high[i] = min(low[i], v), max(high[i], v)
	}
	if len(counts) != len(b.indexes) {
		t.Fatalf("%d buckets, want %d", len(b.indexes), len(counts))
	}
	for k, i := range b.indexes {
		if b.counts[k] != counts[i] || b.mins[k] != low[i] || b.maxs[k] != high[i] {
			t.Fatalf("bucket %d: %d points %v..%v, want %d %v..%v", i, b.counts[k], b.mins[k], b.maxs[k], counts[i], low[i], high[i])
		}
		if b.means[k] < b.mins[k] || b.means[k] > b.maxs[k] {
			t.Fatalf("bucket %d: mean %v outside %v..%v", i, b.means[k], b.mins[k], b.maxs[k])
		}
		if k > 0 && b.indexes[k-1] >= i {
			t.Fatalf("bucket %d after %d", i, b.indexes[k-1])
		}
	}
}

func TestFewStepsHaveBucketsOfTheirOwn(t *testing.T) {
	c := column{xs: []uint64{5, 6, 8}, values: []float64{1, math.NaN(), 3}, times: []int64{1, 2, 3}}
	a, err := newAxis(curvesOf([]column{c}), nil, nil)
	if err != nil || a != (axis{first: 5, last: 8, count: 4, width: 1, lowest: 5}) {
		t.Fatalf("%+v, %v", a, err)
	}
	b := filledOf(t, a, c)
	same(t, "indexes", b.indexes, []uint64{0, 3})
	same(t, "NaN", b.nans, []uint64{1})
}

func TestMeansDoNotOverflow(t *testing.T) {
	c := column{xs: []uint64{0, 0}, values: []float64{math.MaxFloat64, math.MaxFloat64}, times: []int64{0, 0}}
	b := filledOf(t, axis{count: 1, width: 1}, c)
	same(t, "means", b.means, []float64{math.MaxFloat64})
}

func TestBucketsAcrossSeriesAreBounded(t *testing.T) {
	columns := make([]column, 10)
	for i := range columns {
		columns[i] = column{xs: []uint64{0, 100_000}}
	}
	across := int64(200)
	a, err := newAxis(curvesOf(columns), nil, &across)
	if err != nil || a.count != 20 {
		t.Fatalf("%+v, %v", a, err)
	}
}

// A run that goes on being written is read on the axis of the first page.
func TestTheAxisOfLaterPagesIsThatOfTheFirst(t *testing.T) {
	before := []column{{run: "a", xs: []uint64{0, 5, 99}, values: []float64{1, 2, 3}, times: []int64{0, 0, 0}}}
	first, _, _, err := pagedAxis(curvesOf(before), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	place := "a.1"
	token := first.token(&place)
	after := []column{
		{run: "a", xs: []uint64{0, 5, 99, 100, 5000}, values: make([]float64, 5), times: make([]int64, 5)},
		{run: "b", xs: []uint64{200}, values: make([]float64, 1), times: make([]int64, 1)},
	}
	later, kept, rest, err := pagedAxis(curvesOf(after), nil, nil, token)
	if err != nil || later != first || *rest != place {
		t.Fatalf("%+v instead of %+v, %v", later, first, err)
	}
	if len(kept) != 1 || len(kept[0].(column).xs) != 3 {
		t.Errorf("points beyond the axis are left: %v", kept)
	}
	for _, bad := range []string{"a.1", "a.1@", "a.1@5.4.3", "a.1@0.9.0", "a.1@0.9.999999"} {
		if _, _, _, err := pagedAxis(curvesOf(after), nil, nil, &bad); err == nil {
			t.Errorf("token %q was taken", bad)
		}
	}
}

func TestPagesCutColumns(t *testing.T) {
	size := int64(4)
	columns := []pageable{{10, 3}, {11, 0}, {12, 6}, {13, 1}}
	var token *string
	var got []stretch
	for {
		page, next, err := pointPage(columns, &size, 100, token)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, part := range page {
			total += part.to - part.from
		}
		if total > 4 || total == 0 {
			t.Fatalf("a page of %d entries", total)
		}
		got = append(got, page...)
		if token = next; token == nil {
			break
		}
	}
	same(t, "pages", got, []stretch{{0, 0, 3}, {1, 0, 0}, {2, 0, 1}, {2, 1, 5}, {2, 5, 6}, {3, 0, 1}})
	// A series that comes to lie before the others moves nothing.
	at := "c.1"
	grown := append([]pageable{{9, 5}}, columns...)
	page, _, err := pointPage(grown, &size, 100, &at)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the page after a new series", page, []stretch{{3, 1, 5}})
	for _, bad := range []string{"", "x", "9.0", "a.9", "-1.0", "a.0.0", "a"} {
		if _, _, err := pointPage(columns, nil, 100, &bad); err == nil {
			t.Errorf("token %q was taken", bad)
		}
	}
}

// The parts of a long series, summed up side by side, are what they are in turn.
func TestLongCurvesAreCut(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(3, 1))
	values := make([]float64, 5000)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) { steps(tx, series("loss"), 10, values...) })
	run, _ := w.catalog.FindRun("w", "p", "r")
	points, err := run.Points()
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range []int{1, 2, 3, 999, 5000} {
		f := &filler{axis: spanned(10, 5009, count)}
		c := storedCurve{run: points, no: 1, within: store.Range{From: 10, To: 5009}}
		inTurn, err := c.fill(f)
		if err != nil {
			t.Fatal(err)
		}
		c.count = 1 << 40
		atOnce, err := c.fill(f)
		if err != nil || len(atOnce.indexes) != count || !reflect.DeepEqual(atOnce, inTurn) {
			t.Fatalf("%d buckets: %v, %v; want %v", count, atOnce, err, inTurn)
		}
	}
}

// Wide buckets begin at multiples of a power of two that are at most half as wide, and hold
// all steps in no more buckets than there may be.
func TestWideBucketsAreEven(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		first := random.Uint64() >> random.IntN(64)
		last := first + min(random.Uint64()>>random.IntN(64), math.MaxUint64-first)
		count, offset := 1+random.IntN(1000), random.Uint64()>>random.IntN(64)
		a, plain := spannedEvenly(first, last, count, offset), spanned(first, last, count)
		if a == plain {
			continue
		}
		grain := uint64(1) << (bits.Len64(uint64(plain.width)) - 2)
		if uint64(a.width)%grain != 0 || (a.first+offset)%grain != 0 {
			t.Fatalf("%d to %d in %d from %d: %+v is not made of %d", first, last, count, offset, a, grain)
		}
		if a.first > first || a.count > count || a.start(a.count-1) > last || float64(last-a.first) >= float64(a.count)*a.width+1 || a.width > 2*plain.width+1 {
			t.Fatalf("%d to %d in %d from %d: %+v", first, last, count, offset, a)
		}
	}
}
