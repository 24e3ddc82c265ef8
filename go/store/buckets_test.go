package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/point"
)

// grown logs points with random steps, times and values, some not finite; long
// runs of consecutive steps among them.
func grown(t *testing.T, r *Run, random *rand.Rand, n int) (steps []uint64, values []float64, times []int64) {
	t.Helper()
	step, time := uint64(random.IntN(100)), int64(1000)
	odd := random.IntN(2) == 0
	for len(values) < n {
		b := point.Batch{}
		for range min(1+random.IntN(3*blockPoints/2), n-len(values)) {
			step += 1
			if odd && random.IntN(300) == 0 {
				step += uint64(random.IntN(50))
			}
			v := random.NormFloat64()
			switch {
			case odd && random.IntN(2000) == 0:
				v = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[random.IntN(3)]
			case random.IntN(5000) == 0:
				v *= 1e6
			}
			time += int64(random.IntN(3))
			if random.IntN(3000) == 0 { // the clock is set
				time += random.Int64N(1<<50) - 1<<49
			}
			b.Steps.List = append(b.Steps.List, step)
			b.Times.List = append(b.Times.List, time)
			b.Values = append(b.Values, v)
		}
		commit(t, r, func(tx *Tx) { tx.Append(tx.Series(loss, point.Ordered), 1, b) })
		steps, values, times = append(steps, b.Steps.List...), append(values, b.Values...), append(times, b.Times.List...)
		switch random.IntN(3) {
		case 0:
			must(t, r.settle(false))
		case 1:
			must(t, r.settle(random.IntN(2) == 0))
		}
	}
	return steps, values, times
}

func someAxis(random *rand.Rand, steps []uint64) Axis {
	if random.IntN(4) == 0 { // all in one
		return Axis{Starts: steps[:1], Last: steps[len(steps)-1]}
	}
	first, last := steps[random.IntN(len(steps))], steps[random.IntN(len(steps))]
	if first > last {
		first, last = last, first
	}
	if random.IntN(2) == 0 {
		first, last = steps[0], steps[len(steps)-1]
	}
	axis := Axis{Starts: []uint64{first}, Last: last}
	width := 1 + random.Uint64N(max((last-first)/uint64(1+random.IntN(1000)), 1))
	for start := first + width; start <= last; start += width {
		axis.Starts = append(axis.Starts, start)
	}
	return axis
}

// inTurn sums buckets up the plain way.
func inTurn(axis Axis, steps []uint64, values []float64, times []int64) []Bucket {
	var buckets []Bucket
	for i, start := range axis.Starts {
		end := axis.Last
		if i+1 < len(axis.Starts) {
			end = axis.Starts[i+1] - 1
		}
		b := Bucket{Index: i, Min: math.Inf(1), Max: math.Inf(-1)}
		low, _ := slices.BinarySearch(steps, start)
		for k := low; k < len(steps) && steps[k] <= end; k++ {
			switch v := values[k]; {
			case math.IsNaN(v):
				b.NaNs++
			case math.IsInf(v, 1):
				b.Infinities++
			case math.IsInf(v, -1):
				b.NegativeInfinities++
			default:
				b.Count++
				b.Sum += v
				b.Min, b.Max, b.Last, b.LastTime = min(b.Min, v), max(b.Max, v), v, times[k]
			}
		}
		if b.Count+uint64(b.NaNs+b.Infinities+b.NegativeInfinities) > 0 {
			if b.Count > 0 {
				b.Mean = b.Sum / float64(b.Count)
			}
			buckets = append(buckets, b)
		}
	}
	return buckets
}

func near(a, b, scale float64) bool { return math.Abs(a-b) <= 1e-9*scale || a == b }

func sameBuckets(t *testing.T, got, want []Bucket) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d buckets, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		scale := max(math.Abs(w.Min), math.Abs(w.Max)) * float64(max(w.Count, 1))
		if w.Count > 0 && !(near(g.Sum, w.Sum, scale) && near(g.Mean, w.Mean, scale) && g.Min == w.Min && g.Max == w.Max && g.Last == w.Last && g.LastTime == w.LastTime) {
			t.Fatalf("bucket %d:\n got %+v\nwant %+v", i, g, w)
		}
		g.Sum, g.Mean, g.Min, g.Max, g.Last, g.LastTime = w.Sum, w.Mean, w.Min, w.Max, w.Last, w.LastTime
		if g != w {
			t.Fatalf("bucket %d:\n got %+v\nwant %+v", i, g, w)
		}
	}
}

// Whatever the axis and wherever the points lie, buckets say what the points say;
// and settling the store does not change a bit of the answer.
func TestBucketsAgainstPoints(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		db := open(t, t.TempDir())
		r := runOf(t, db)
		steps, values, times := grown(t, r, random, 1000+random.IntN(120_000))
		for range 8 {
			axis := someAxis(random, steps)
			before, err := r.Buckets(1, axis)
			must(t, err)
			sameBuckets(t, before, inTurn(axis, steps, values, times))
			extent, found, err := r.Extent(1, Range{axis.Starts[0], axis.Last})
			if err != nil || !found || extent != (Range{axis.Starts[0], axis.Last}) {
				t.Fatalf("extent %v of %v…%v: %v %v", extent, axis.Starts[0], axis.Last, found, err)
			}
			if random.IntN(4) == 0 {
				must(t, r.settle(true))
			}
			after, err := r.Buckets(1, axis)
			must(t, err)
			if !slices.Equal(before, after) {
				t.Fatal("the answer changed with the place of the points")
			}
		}
		closed(t, db)
	}
}

// Small buckets are summed up in the same places as all: within spans, and blocks of them.
func TestSumsOfSmallBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	var steps []uint64
	var values []float64
	step := uint64(7)
	for _, delta := range []uint64{1, 3, 1, 2} {
		b := point.Batch{}
		for range 3 * blockPoints / 4 {
			step += delta
			b.Steps.List = append(b.Steps.List, step)
			b.Values = append(b.Values, []float64{random.NormFloat64(), math.Copysign(0, -1), 0, math.Inf(-1)}[random.IntN(400)/133])
		}
		steps, values = append(steps, b.Steps.List...), append(values, b.Values...)
		commit(t, r, func(tx *Tx) { tx.Append(tx.Series(loss, point.Ordered), 1, b) })
		must(t, r.settle(false))
	}
	for width := uint64(1); width < 40; width++ {
		axis := Axis{Last: steps[len(steps)-1]}
		for start := steps[0]; start <= axis.Last; start += width {
			axis.Starts = append(axis.Starts, start)
		}
		got, err := r.Buckets(1, axis)
		must(t, err)
		for _, b := range got {
			from, _ := slices.BinarySearch(steps, axis.Starts[b.Index])
			to, _ := slices.BinarySearch(steps, axis.Starts[b.Index]+width)
			if want := summedInPlaces(values, from, to); b.Sum != want.sum || b.Count != want.count ||
				math.Float64bits(b.Min) != math.Float64bits(want.min) || math.Float64bits(b.Max) != math.Float64bits(want.max) {
				t.Fatalf("bucket %d of %d steps: %+v, not %+v", b.Index, width, b, want)
			}
		}
	}
}

// The next bucket may begin further behind than points can be counted.
func TestABucketOfManySteps(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Values: make([]float64, 100)}) })
	for _, far := range []uint64{1 << 62, 1 << 63, math.MaxUint64} {
		buckets, err := r.Buckets(1, Axis{Starts: []uint64{0, 2, far}, Last: math.MaxUint64})
		if err != nil || len(buckets) != 2 || buckets[1].Count != 98 {
			t.Fatalf("%+v, %v", buckets, err)
		}
	}
}

// summedInPlaces sums up values from…to, which are those of a series from its first on.
func summedInPlaces(values []float64, from, to int) (total span) {
	for from < to {
		var block span
		for end := min(to, from-from%blockPoints+blockPoints); from < end; {
			behind := min(end, from-from%spanPoints+spanPoints)
			one := sumUp(values[from:behind])
			block.add(&one)
			from = behind
		}
		total.add(&block)
	}
	return total
}

func TestMeansOfBucketsWhoseSumOverflows(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) {
		tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Values: []float64{1e308, 1.5e308, 1.7e308}})
	})
	buckets, err := r.Buckets(1, Axis{Starts: []uint64{0}, Last: 2})
	if err != nil || len(buckets) != 1 || !near(buckets[0].Mean, 1.4e308, 1e308) {
		t.Fatalf("%+v, %v", buckets, err)
	}
}

func TestSummaries(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 2))
		dir := t.TempDir()
		db := open(t, dir)
		db.maxHead = 1 << 13
		steps, values, _ := grown(t, runOf(t, db), random, 20_000)
		want := Summary{First: values[0], Last: values[len(values)-1], Min: math.Inf(1), Max: math.Inf(-1)}
		other := -1
		for i, v := range values {
			if !finite(v) {
				if other < 0 {
					other = i
				}
				continue
			}
			want.Finite++
			want.Sum += v
			want.Min, want.Max = min(want.Min, v), max(want.Max, v)
		}
		want.Mean = want.Sum / float64(want.Finite)
		for _, v := range values {
			if finite(v) {
				want.M2 += (v - want.Mean) * (v - want.Mean)
			}
		}
		for range 2 { // as it grew, and as it is read again
			info := runOf(t, db).SeriesInfos()[0]
			got := info.Summary
			if !near(got.Sum, want.Sum, 1e9) || !near(got.Mean, want.Mean, 1e3) || !near(got.M2, want.M2, want.M2) {
				t.Fatalf("got %+v\nwant %+v", got, want)
			}
			if info.HasOther != (other >= 0) || info.HasOther && info.FirstOther != steps[other] {
				t.Fatalf("first that is not finite: %v %d, want point %d", info.HasOther, info.FirstOther, other)
			}
			got.Sum, got.Mean, got.M2 = want.Sum, want.Mean, want.M2
			if got != want {
				t.Fatalf("got %+v\nwant %+v", got, want)
			}
			closed(t, db)
			db = open(t, dir)
		}
		closed(t, db)
	}
}

// A bucket that ends with a block has the block's last point as its last.
func TestTheLastPointOfABucketThatEndsWithABlock(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	values := make([]float64, 2*blockPoints)
	for i := range values {
		values[i] = float64(i)
	}
	commit(t, r, func(tx *Tx) { tx.Append(tx.Series(loss, point.Ordered), 7, point.Batch{Values: values}) })
	must(t, r.settle(false))
	buckets, err := r.Buckets(1, Axis{Starts: []uint64{0, blockPoints}, Last: 2*blockPoints - 1})
	must(t, err)
	if len(buckets) != 2 || buckets[0].Last != blockPoints-1 || buckets[1].Last != 2*blockPoints-1 {
		t.Errorf("%+v", buckets)
	}
}

// The extremes are found by numbers in the order of the values: those of the ends, and
// of zeros whichever way round.
func TestExtremesOfSpans(t *testing.T) {
	zero, low := math.Copysign(0, -1), math.SmallestNonzeroFloat64
	f := func(least, greatest float64, values ...float64) {
		t.Helper()
		for range len(values) {
			values = append(values[1:], values[0])
			s := sumUp(values)
			if math.Float64bits(s.min) != math.Float64bits(least) || math.Float64bits(s.max) != math.Float64bits(greatest) {
				t.Fatalf("%v: from %v to %v", values, s.min, s.max)
			}
		}
	}
	f(zero, 0, 0, zero)
	f(zero, zero, zero)
	f(-low, low, 0, low, -low, zero)
	f(-math.MaxFloat64, math.MaxFloat64, 1, -2, math.NaN(), math.MaxFloat64, math.Inf(1), -math.MaxFloat64, math.Inf(-1))
	f(-3, -1, -1, -2, -3)
}
