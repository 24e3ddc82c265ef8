package store

import (
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
