package store

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

var everyAxis = []Along{AlongRLSteps, AlongEpisodes, AlongEnvSteps, AlongTotalSteps, AlongTimes}

// placedPoint is a point on an axis.
type placedPoint struct {
	place, rlStep uint64
	value         float64
	time          int64
}

// placedPoints are the points that a curve has, by place.
func placedPoints(t testing.TB, r *Run, env uint32, q RLCurve) []placedPoint {
	t.Helper()
	c, err := r.RLPoints(q.Series, env, q.Points)
	must(t, err)
	var list []placedPoint
	for i, v := range c.Values {
		has := c.HasEpisode == nil || c.HasEpisode[i]
		place := []uint64{c.RLSteps[i], c.Episodes[i], c.EnvSteps[i], c.TotalSteps[i], uint64(c.Times[i]-q.Since) ^ 1<<63}[q.Along]
		if place >= q.Within.From && place <= q.Within.To && (has || q.Along != AlongEpisodes) {
			list = append(list, placedPoint{place, c.RLSteps[i], v, c.Times[i]})
		}
	}
	slices.SortStableFunc(list, func(a, b placedPoint) int { return int(min(max(int64(a.place-b.place), -1), 1)) })
	return list
}

// randomCurve asks for some points of a series in an environment.
func randomCurve(random *rand.Rand, along Along) RLCurve {
	q := RLCurve{Series: 1 + random.Uint32N(2), Along: along, Within: Range{To: math.MaxUint64}}
	if random.IntN(2) == 0 {
		q.Points.RLStep = &Range{From: random.Uint64N(10), To: 5 + random.Uint64N(40)}
	}
	if random.IntN(2) == 0 {
		q.Points.Episode = &Range{From: random.Uint64N(5), To: 3 + random.Uint64N(30)}
	}
	return q
}

// Buckets and extents are those of the points, wherever they lie.
func TestRLBucketsAreThoseOfPoints(t *testing.T) {
	restarted := 0
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 9))
		traffic := rlTraffic{random: random, short: seed%2 == 0}
		db := open(t, t.TempDir())
		run := runOf(t, db)
		for range 200 {
			env, b := traffic.batch()
			b.Times.Millis = 1_700_000_000_000 + random.Int64N(1000) - int64(seed)*1_699_999_999_900
			logRL(t, run, env, b)
			if random.IntN(20) == 0 {
				must(t, run.settle(random.IntN(3) == 0))
			}
		}
		for range 100 {
			along := everyAxis[random.IntN(len(everyAxis))]
			checkRLBuckets(t, run, random, 1+random.Uint32N(3), randomCurve(random, along))
		}
		for _, c := range run.series[0].envs {
			restarted += boolInt(c.rl.restarted)
		}
		closed(t, db)
	}
	if restarted == 0 {
		t.Fatal("no episode started over")
	}
}

func checkRLBuckets(t testing.TB, run *Run, random *rand.Rand, env uint32, q RLCurve) {
	t.Helper()
	all := placedPoints(t, run, env, q)
	if len(all) > 0 && random.IntN(2) == 0 {
		q.Within = Range{all[random.IntN(len(all))].place, all[random.IntN(len(all))].place}
		q.Within.From, q.Within.To = min(q.Within.From, q.Within.To), max(q.Within.From, q.Within.To)
		all = placedPoints(t, run, env, q)
	}
	reach, err := run.RLReach(env, q, 0)
	must(t, err)
	extent, count := reach.Range, reach.Points
	if count != uint64(len(all)) || count > 0 && (extent != Range{all[0].place, all[count-1].place}) {
		t.Fatalf("%+v in environment %d: %d points in %v, want %d", q, env, count, extent, len(all))
	}
	if count == 0 {
		return
	}
	axis := Axis{Last: extent.To}
	buckets := min(1+random.Uint64N(30), extent.To-extent.From+1)
	width := (extent.To - extent.From) / buckets
	for i := range buckets {
		axis.Starts = append(axis.Starts, extent.From+i*max(width, 1))
	}
	got, err := run.AppendRLBuckets(nil, env, q, axis)
	must(t, err)
	for i, start := range axis.Starts {
		n := len(all)
		if i+1 < len(axis.Starts) {
			n = slices.IndexFunc(all, func(p placedPoint) bool { return p.place >= axis.Starts[i+1] })
			if n < 0 {
				n = len(all)
			}
		}
		want, some := plainRLBucket(i, all[:n])
		all = all[n:]
		if !some {
			continue
		}
		if len(got) == 0 {
			t.Fatalf("%+v in environment %d: no bucket at %d", q, env, start)
		}
		if math.Abs(got[0].Sum-want.Sum) > 1e-9 || math.Abs(got[0].Mean-want.Mean) > 1e-9 {
			t.Fatalf("%+v in environment %d at %d: sum %v and mean %v, want %v and %v", q, env, start, got[0].Sum, got[0].Mean, want.Sum, want.Mean)
		}
		got[0].Sum, got[0].Mean = want.Sum, want.Mean
		if !reflect.DeepEqual(got[0], want) {
			t.Fatalf("%+v in environment %d at %d: %+v, want %+v", q, env, start, got[0], want)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		t.Fatalf("%d buckets too many", len(got))
	}
}

func plainRLBucket(index int, points []placedPoint) (b Bucket, some bool) {
	b.Index = index
	for _, p := range points {
		if math.IsNaN(p.value) {
			b.NaNs++
			continue
		}
		if b.Count == 0 {
			b.Min, b.Max = p.value, p.value
		}
		b.Count++
		b.Sum += p.value
		b.Mean = b.Sum / float64(b.Count)
		b.Min, b.Max = min(b.Min, p.value), max(b.Max, p.value)
		b.Last, b.LastTime = p.value, p.time
	}
	return b, len(points) > 0
}

// A bucket whose sum overflows has the mean of its points.
func TestMeansOfRLBucketsDoNotOverflow(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	run := runOf(t, db)
	logRL(t, run, 0, rl(0, 0, 0, 1e308, 1.5e308, math.Inf(1), 1.1e308, 3))
	for range 2 {
		got, err := run.AppendRLBuckets(nil, 1, RLCurve{Series: 1, Within: Range{To: 9}}, Axis{Starts: []uint64{0}, Last: 9})
		must(t, err)
		if want := 0.9e308; len(got) != 1 || got[0].Count != 4 || math.Abs(got[0].Mean/want-1) > 1e-9 || got[0].Infinities != 1 {
			t.Fatalf("%+v", got)
		}
		must(t, run.settle(true))
	}
}

// pooledPoints are the points that a curve has in all environments, by place.
func pooledPoints(t testing.TB, r *Run, q RLCurve) (list []placedPoint) {
	t.Helper()
	for _, e := range r.Environments() {
		list = append(list, placedPoints(t, r, e.No, q)...)
	}
	slices.SortStableFunc(list, func(a, b placedPoint) int { return cmp.Compare(a.place, b.place) })
	return list
}

// checkPooledBuckets compares what two runs of the same points say of a curve in all
// environments with the points of the one.
func checkPooledBuckets(t testing.TB, run, still *Run, random *rand.Rand, q RLCurve) {
	t.Helper()
	all := pooledPoints(t, still, q)
	if len(all) > 0 && random.IntN(2) == 0 {
		q.Within = Range{all[random.IntN(len(all))].place, all[random.IntN(len(all))].place}
		q.Within.From, q.Within.To = min(q.Within.From, q.Within.To), max(q.Within.From, q.Within.To)
		all = pooledPoints(t, still, q)
	}
	reach, err := run.PooledReach(q)
	must(t, err)
	if reach.Points != uint64(len(all)) || len(all) > 0 && reach.Range != (Range{all[0].place, all[len(all)-1].place}) {
		t.Fatalf("%+v: %d points in %v, want %d", q, reach.Points, reach.Range, len(all))
	}
	if len(all) == 0 {
		return
	}
	axis := Axis{Last: reach.To}
	wide := uint64(1) << random.IntN(6)
	if random.IntN(4) == 0 {
		wide += random.Uint64N(3)
	}
	since := uint64(0)
	if q.Along == AlongTimes {
		since = uint64(q.Since)
	}
	start := (reach.From+since)/wide*wide - since
	wide = max(wide, (reach.To-start)/40/wide*wide)
	for ; start <= reach.To; start += wide {
		axis.Starts = append(axis.Starts, start)
	}
	got, err := run.AppendPooledBuckets(nil, q, axis)
	must(t, err)
	want, err := still.AppendPooledBuckets(nil, q, axis)
	must(t, err)
	for i := range want {
		if len(got) != len(want) || !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%+v in %d buckets of %d: %+v, and where nothing moved %d, %+v", q, len(got), wide, got[i], len(want), want[i])
		}
	}
	for i := range axis.Starts {
		n := len(all)
		if i+1 < len(axis.Starts) {
			n, _ = slices.BinarySearchFunc(all, axis.Starts[i+1], func(p placedPoint, start uint64) int { return cmp.Compare(p.place, start) })
		}
		plain, some := plainRLBucket(i, all[:n])
		all = all[n:]
		if !some {
			continue
		}
		if math.Abs(got[0].Sum-plain.Sum) > 1e-9 || math.Abs(got[0].Mean-plain.Mean) > 1e-9 {
			t.Fatalf("%+v: %+v, want %+v", q, got[0], plain)
		}
		plain.Sum, plain.Mean = got[0].Sum, got[0].Mean
		if !reflect.DeepEqual(got[0], plain) {
			t.Fatalf("%+v: %+v, want %+v", q, got[0], plain)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		t.Fatalf("%d buckets too many", len(got))
	}
}

// What pools have summed up is what the points come to, to the bit, wherever these lie, and
// whatever restarts discarded.
func TestPooledBucketsAreThoseOfPoints(t *testing.T) {
	pooled, read, gaps, mixed := 0, 0, 0, 0
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 19))
		traffic := rlTraffic{random: random, short: seed%5 == 0}
		stillDB, movedDB := open(t, t.TempDir()), open(t, t.TempDir())
		movedDB.pools = poolLimits{least: 1 + random.IntN(50), each: 1 + random.IntN(40), run: 1 + random.IntN(20), slots: 1 + random.IntN(9)}
		still, moved := runOf(t, stillDB), runOf(t, movedDB)
		for i := range 300 {
			traffic.steady = i > 60 || seed%4 == 0
			env, b := traffic.batch()
			b.Times.Millis = 1_700_000_000_000 + random.Int64N(1000) - int64(seed%2)*1_699_999_999_900
			logRL(t, still, env, b)
			logRL(t, moved, env, b)
			switch random.IntN(30) {
			case 0, 1:
				must(t, moved.settle(random.IntN(3) == 0))
			case 2:
				movedDB.pools.least = 1 + random.IntN(300) // some segments have no pool
			}
		}
		for range 60 {
			q := randomCurve(random, everyAxis[random.IntN(len(everyAxis))])
			if random.IntN(4) > 0 {
				q.Points = RLRange{}
			}
			if q.Along == AlongTimes && random.IntN(2) == 0 {
				q.Since = 1_600_000_000_123
			}
			checkPooledBuckets(t, moved, still, random, q)
		}
		for _, along := range everyAxis {
			for _, info := range moved.SeriesInfos() {
				whole := Axis{Starts: []uint64{0}, Last: math.MaxUint64}
				must(t, moved.walkPooled(RLCurve{Series: info.No, Along: along, Within: Range{To: 700}}, &whole, func(p *pooledWalk) error {
					pooled += len(p.pooled)
					read += len(moved.segments) - len(p.pooled)
					if len(p.restarted) > 0 {
						mixed += len(p.pooled)
					}
					for _, s := range p.pooled {
						gaps += len(s.gaps)
					}
					return nil
				}))
			}
		}
		closed(t, stillDB)
		closed(t, movedDB)
	}
	if pooled < 60 || read < 60 || gaps < 4 || mixed < 10 {
		t.Fatalf("%d segments pooled, of these %d beside restarts, %d not, %d gaps", pooled, mixed, read, gaps)
	}
}
