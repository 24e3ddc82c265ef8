package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// pointsByStep gives the points of a metric of a run by step, those of RL by rl_step.
func (w *world) pointsByStep(name, metric string, rl bool) []plainPoint {
	w.Helper()
	run, _ := w.catalog.FindRun("w", "p", name)
	points := w.pointsOf(name, true)
	var all []plainPoint
	for _, info := range points.SeriesInfos() {
		if info.Key.Name != metric {
			continue
		}
		var envs []string
		axis := pb.Axis_AXIS_STEP
		if rl {
			axis = pb.Axis_AXIS_RL_STEP
			for _, env := range points.Environments() {
				envs = append(envs, env.ID)
			}
			slices.Sort(envs)
		}
		all = append(all, onAxis(w.T, run, points, info.No, envs, axis, func(uint64, uint64) bool { return true })...)
	}
	return all
}

// plainlyAt is the mean of the finite points at the nearest step that has some, at or before a step.
func plainlyAt(metric []plainPoint, step float64) float64 {
	nearest, sum, n := math.Inf(-1), 0.0, 0.0
	for _, p := range metric {
		if p.x > step || p.x < nearest || !finite(p.value) {
			continue
		}
		if p.x > nearest {
			nearest, sum, n = p.x, 0, 0
		}
		sum, n = sum+p.value, n+1
	}
	return sum / n // NaN where there is none
}

// Points lie at the values that the metric has at their steps, and buckets hold what lies in them.
func TestCurvesAlongAMetric(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 3))
	w := newWorld(t)
	w.randomEpisodes("a", random, 4, 400)
	w.forks(random, 300)
	w.logWithGaps(random, "a", "loss", 300)
	w.logWithGaps(random, "a", "kl", 40)
	w.logWithGaps(random, "fork", "kl", 10)
	for round := range 60 {
		r := &pb.BucketByMetricRequest{
			Workspace: "w", Project: "p", Runs: []string{"a", "fork"}, Axis: pb.Axis_AXIS_RL_STEP, SeriesQueries: []string{"reward()"},
			Buckets: uint32(1 + random.IntN(60)), IncludeInherited: true,
		}
		y, x := "reward", []string{"kl", "value"}[round%2]
		if round%3 == 0 {
			r.Axis, r.SeriesQueries, y = pb.Axis_AXIS_STEP, []string{"loss()"}, "loss"
		}
		r.XSeriesQuery = x + "()"
		limits := [2]float64{math.Inf(-1), math.Inf(1)}
		if random.IntN(2) == 0 {
			limits = [2]float64{-3.5, 6}
			r.Range = &pb.ValueRange{From: &limits[0], To: &limits[1]}
		}
		steps := [2]int64{0, math.MaxInt64}
		if random.IntN(3) == 0 {
			steps = [2]int64{10, 40}
			r.Steps = &pb.AxisRange{From: &steps[0], To: &steps[1]}
		}
		joined := make(map[string][]plainPoint)
		for _, run := range r.Runs {
			metric := w.pointsByStep(run, x, x == "value")
			for _, p := range w.pointsByStep(run, y, y == "reward") {
				if p.x < float64(steps[0]) || p.x > float64(steps[1]) {
					continue
				}
				if at := plainlyAt(metric, p.x); at >= limits[0] && at <= limits[1] {
					p.x = at
					joined[run] = append(joined[run], p)
				}
			}
		}
		answer := ask(w, w.client.BucketByMetric, r)
		if len(answer.Curves) != len(joined) {
			t.Fatalf("%v: %d curves, want %d", r, len(answer.Curves), len(joined))
		}
		for _, curve := range answer.Curves {
			checkMetricCurve(t, answer, curve, joined[curve.Identity.Run])
		}
	}
}

func checkMetricCurve(t *testing.T, answer *pb.BucketByMetricResponse, curve *pb.CurveBuckets, points []plainPoint) {
	t.Helper()
	width := answer.BucketWidth
	if even := (answer.LastX - answer.FirstX) / float64(answer.BucketCount); width != 0 && math.Abs(width-even) > 1e-9*even {
		t.Fatalf("buckets are %v wide, want %v", width, even)
	}
	checkBuckets(t, answer, curve, points)
}

// checkBuckets compares a curve with the points that lie in its buckets.
func checkBuckets(t *testing.T, answer *pb.BucketByMetricResponse, curve *pb.CurveBuckets, points []plainPoint) {
	t.Helper()
	xs, counts, means := floats(curve.Xs), numbers(curve.Counts), floats(curve.Means)
	low, high, lasts := floats(curve.Minima), floats(curve.Maxima), floats(curve.Lasts)
	width := answer.BucketWidth
	in := make(map[int][]plainPoint) // by bucket
	for _, p := range points {
		// The greatest start of all buckets that have points, finite or not, at or before it.
		at := -1
		for i, x := range xs {
			if x <= p.x+1e-12*math.Abs(p.x) {
				at = i
			}
		}
		if at >= 0 && (p.x-xs[at] <= width*(1+1e-9) || p.x == xs[at]) {
			in[at] = append(in[at], p)
		} else if finite(p.value) {
			t.Fatalf("a point at %v lies in no bucket of %v, %v wide", p.x, xs, width)
		}
	}
	total := uint64(0)
	for i := range xs {
		text, _, mean, _ := plainBucket(in[i])
		last := math.NaN()
		for _, p := range in[i] {
			if finite(p.value) {
				last = p.value
			}
		}
		want := fmt.Sprint(counts[i], low[i], high[i])
		if text != want || math.Abs(mean-means[i]) > 1e-9*(1+math.Abs(mean)) || last != lasts[i] {
			t.Fatalf("at %v: %v, mean %v, last %v; want %s, %v, %v", xs[i], want, means[i], lasts[i], text, mean, last)
		}
		total += counts[i]
	}
	for i, v := range []func(float64) bool{math.IsNaN, func(v float64) bool { return math.IsInf(v, 1) }, func(v float64) bool { return math.IsInf(v, -1) }} {
		marked := len(floats([][]byte{curve.NanXs, curve.InfinityXs, curve.NegativeInfinityXs}[i]))
		if any := slices.ContainsFunc(points, func(p plainPoint) bool { return v(p.value) }); any != (marked > 0) {
			t.Fatalf("%d buckets are marked of kind %d, whether there are such points: %v", marked, i, any)
		}
	}
}

// logWithGaps logs n values, now and then one that is not finite, at steps with gaps.
func (w *world) logWithGaps(random *rand.Rand, run, metric string, n int) {
	w.Helper()
	w.run(run, func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		b := point.Batch{Values: randomValues(random, n)}
		for step := uint64(2); len(b.Steps.List) < n; step += 1 + random.Uint64N(3) {
			b.Steps.List = append(b.Steps.List, step)
		}
		tx.Append(tx.Series(point.Series{Name: metric, Scale: point.ScaleMLStep}, point.Ordered), 1, b)
	})
}

func TestQuestionsAlongMetricsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	w.logLoss("r", 1)
	f := func(change func(r *pb.BucketByMetricRequest), words string) {
		t.Helper()
		r := &pb.BucketByMetricRequest{Workspace: "w", Project: "p", Runs: []string{"r"}, SeriesQueries: []string{"loss()"}, XSeriesQuery: "kl()"}
		change(r)
		refused(w, w.client.BucketByMetric, r, connect.CodeInvalidArgument, words)
	}
	f(func(r *pb.BucketByMetricRequest) { r.XSeriesQuery = "" }, "x_series_query must name the metric")
	f(func(r *pb.BucketByMetricRequest) { r.XSeriesQuery = "kl(" }, "kl(")
	f(func(r *pb.BucketByMetricRequest) { r.Axis = pb.Axis_AXIS_EPISODE }, "points are joined by STEP or RL_STEP")
	f(func(r *pb.BucketByMetricRequest) { r.Buckets = 5001 }, "buckets 5001 is above 5000")
	f(func(r *pb.BucketByMetricRequest) { r.Range = &pb.ValueRange{From: new(2.0), To: new(1.0)} }, "range goes from 2 to 1")
	if answer := ask(w, w.client.BucketByMetric, &pb.BucketByMetricRequest{
		Workspace: "w", Project: "p", Runs: []string{"r"}, SeriesQueries: []string{"loss()"}, XSeriesQuery: "kl()",
	}); len(answer.Curves) != 0 || answer.BucketCount != 0 {
		t.Fatalf("a run without the metric has %v", answer)
	}
}

func TestCurvesAlongAMetricHaveTheirLimit(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 4))
	w := newWorld(t)
	w.logWithGaps(random, "r", "loss", 30)
	w.logWithGaps(random, "r", "kl", 40)
	ask := func(series, along string) error {
		_, err := w.client.BucketByMetric(t.Context(), connect.NewRequest(&pb.BucketByMetricRequest{
			Workspace: "w", Project: "p", Runs: []string{"r"}, SeriesQueries: []string{series}, XSeriesQuery: along, Axis: pb.Axis_AXIS_STEP,
		}))
		return err
	}
	w.service.maxJoined = 30
	for along, words := range map[string]string{"loss()": "", "kl()": "the metric kl() has more than 30 points in run r"} {
		if err := ask("loss()", along); (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Fatalf("along %s: %v", along, err)
		}
	}
	w.service.maxJoined = 39
	if err := ask("kl()", "loss()"); err == nil || !strings.Contains(err.Error(), "the series have more than 39 points") {
		t.Fatal(err)
	}
}
