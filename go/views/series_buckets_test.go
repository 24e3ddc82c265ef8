package views

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// plainPoint is a point on an axis.
type plainPoint struct {
	x, value float64
	time     int64
	env      int // place in order
}

// onAxis gives the points of a series in environments along an axis, by x.
func onAxis(t *testing.T, run *catalog.Run, points readRun, no uint32, envs []string, axis pb.Axis, keep func(rlStep, episode uint64) bool) []plainPoint {
	t.Helper()
	var list []plainPoint
	place := func(env int, step uint64, value float64, time int64) {
		x := float64(step)
		switch axis {
		case pb.Axis_AXIS_WALL_TIME:
			x = float64(time)
		case pb.Axis_AXIS_RELATIVE_TIME:
			x = float64(time - run.Created.UnixMilli())
		}
		list = append(list, plainPoint{x, value, time, env})
	}
	if envs == nil {
		c, err := points.Points(no, 0, math.MaxUint64)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range c.Values {
			place(0, c.Steps[i], v, c.Times[i])
		}
	}
	for k, id := range envs {
		env, _ := points.FindEnvironment(id)
		c, err := points.RLPoints(no, env, store.RLRange{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range c.Values {
			has := c.HasEpisode == nil || c.HasEpisode[i]
			step := map[pb.Axis]uint64{
				pb.Axis_AXIS_RL_STEP: c.RLSteps[i], pb.Axis_AXIS_EPISODE: c.Episodes[i], pb.Axis_AXIS_ENV_STEP: c.EnvSteps[i],
				pb.Axis_AXIS_CUMULATIVE_ENV_STEPS: c.TotalSteps[i],
			}[axis]
			episode := c.Episodes[i]
			if !has {
				episode = math.MaxUint64
			}
			if keep(c.RLSteps[i], episode) && (has || axis != pb.Axis_AXIS_EPISODE) {
				place(k, step, v, c.Times[i])
			}
		}
	}
	slices.SortStableFunc(list, func(a, b plainPoint) int { return cmp.Compare(a.x, b.x) })
	return list
}

// plainBucket describes what a bucket has, apart from rounding, and what its last point may be:
// where several environments have one farthest along, that of any.
func plainBucket(points []plainPoint) (text string, lasts map[float64]bool, mean float64, marks [3]bool) {
	count, sum, low, high := 0, 0.0, math.Inf(1), math.Inf(-1)
	last := make(map[int]plainPoint)
	for _, p := range points {
		switch {
		case math.IsNaN(p.value):
			marks[0] = true
		case math.IsInf(p.value, 1):
			marks[1] = true
		case math.IsInf(p.value, -1):
			marks[2] = true
		default:
			count++
			sum += p.value
			low, high = min(low, p.value), max(high, p.value)
			last[p.env] = p
		}
	}
	if count == 0 {
		return "", nil, 0, marks
	}
	farthest := math.Inf(-1)
	for _, p := range last {
		farthest = max(farthest, p.x)
	}
	lasts = make(map[float64]bool)
	for _, p := range last {
		if p.x == farthest {
			lasts[p.value] = true
		}
	}
	return fmt.Sprint(count, low, high), lasts, sum / float64(count), marks
}

func checkCurve(t *testing.T, answer *pb.BucketSeriesResponse, curve *pb.CurveBuckets, points []plainPoint) {
	t.Helper()
	start := func(i uint32) float64 { return answer.FirstX + math.Floor(float64(i)*answer.BucketWidth) }
	begins := func(x float64, i uint32) bool { return x == start(i) || i == 0 && x > start(0) && x < start(1) }
	xs, counts, means := floats(curve.Xs), numbers(curve.Counts), floats(curve.Means)
	low, high, lasts := floats(curve.Minima), floats(curve.Maxima), floats(curve.Lasts)
	marked := [3][]float64{floats(curve.NanXs), floats(curve.InfinityXs), floats(curve.NegativeInfinityXs)}
	at := 0
	for i := range answer.BucketCount {
		end := start(i + 1)
		if i+1 == answer.BucketCount {
			end = answer.LastX + 1
		}
		n := 0
		for n < len(points) && points[n].x < end {
			n++
		}
		want, last, mean, marks := plainBucket(points[:n])
		points = points[n:]
		got := ""
		if at < len(xs) && begins(xs[at], i) {
			got = fmt.Sprint(counts[at], low[at], high[at])
			if !last[lasts[at]] {
				t.Fatalf("bucket %d at %v: last %v, want one of %v", i, start(i), lasts[at], last)
			}
			if math.Abs(means[at]-mean) > 1e-9 {
				t.Fatalf("bucket %d at %v: mean %v of %d, want %v of %d; buckets of %v", i, start(i), means[at], counts[at], mean, n, answer.BucketWidth)
			}
			at++
		}
		if got != want {
			t.Fatalf("bucket %d at %v: %s, want %s", i, start(i), got, want)
		}
		for k := range marks {
			if slices.ContainsFunc(marked[k], func(x float64) bool { return begins(x, i) }) != marks[k] {
				t.Fatalf("bucket %d at %v: marks %v, want %v", i, start(i), marked[k], marks)
			}
		}
	}
	if len(points) > 0 || at != len(xs) {
		t.Fatalf("%d points lie in no bucket, %d of %d buckets are somewhere", len(points), at, len(xs))
	}
}

// plainCurve is a curve, point by point.
type plainCurve struct {
	run, env string
	key      point.Series
	points   []plainPoint
}

// plainCurves gives the curves that a question is about. Points lie within limits, RL points
// where keep says so.
func (w *world) plainCurves(r *pb.BucketSeriesRequest, limits [2]float64, keep func(rlStep, episode uint64) bool) []plainCurve {
	w.Helper()
	var curves []plainCurve
	axis, perEnv := r.Axis, len(r.Environments) > 0
	ofSteps := axis == pb.Axis_AXIS_STEP || axis == pb.Axis_AXIS_RELATIVE_TIME || axis == pb.Axis_AXIS_WALL_TIME
	for _, name := range r.Runs {
		run, _ := w.catalog.FindRun("w", "p", name)
		points := w.pointsOf(name, r.IncludeInherited)
		for _, info := range points.SeriesInfos() {
			wanted := info.Standard && !perEnv && info.Key.Scale == point.ScaleMLStep && ofSteps ||
				info.RL && axis != pb.Axis_AXIS_STEP && info.Key.Name != "value"
			if !wanted {
				continue
			}
			groups, ids := [][]string{nil}, []string{""}
			if !info.Standard {
				groups, ids = environmentGroups(points, r.Environments)
			}
			for k, envs := range groups {
				list := onAxis(w.T, run, points, info.No, envs, axis, keep)
				list = slices.DeleteFunc(list, func(p plainPoint) bool { return p.x < limits[0] || p.x > limits[1] })
				if len(list) > 0 {
					curves = append(curves, plainCurve{name, ids[k], info.Key, list})
				}
			}
		}
	}
	return curves
}

// environmentGroups are the environments that each curve is of, and what it is named after:
// those that were named, one each, or all together.
func environmentGroups(points readRun, named []string) (groups [][]string, ids []string) {
	for _, id := range named {
		groups = append(groups, []string{id})
	}
	if len(named) > 0 {
		return groups, named
	}
	var all []string
	for _, env := range points.Environments() {
		all = append(all, env.ID)
	}
	slices.Sort(all)
	return [][]string{all}, []string{""}
}

// checkCurves compares an answer with the curves, which it has none beside.
func checkCurves(t *testing.T, answer *pb.BucketSeriesResponse, want []plainCurve) {
	t.Helper()
	for _, of := range want {
		c := find(answer.Curves, of.run, of.env, of.key)
		if c == nil {
			t.Fatalf("no curve of %s %q %v", of.run, of.env, of.key)
		}
		checkCurve(t, answer, c, of.points)
	}
	if len(answer.Curves) != len(want) {
		t.Fatalf("%d curves, want %d", len(answer.Curves), len(want))
	}
}

// extentOf is how far curves go.
func extentOf(curves []plainCurve) (lowest, highest float64) {
	lowest, highest = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		lowest, highest = min(lowest, c.points[0].x), max(highest, c.points[len(c.points)-1].x)
	}
	return lowest, highest
}

// Curves along every axis are what the points of their buckets come to.
func TestCurvesAlongEveryAxis(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 1))
	w := newWorld(t)
	w.randomEpisodes("a", random, 4, 500)
	w.randomEpisodes("b", random, 5, 300)
	w.forks(random, 400)
	for _, name := range []string{"a", "b"} {
		w.run(name, func(tx *store.Tx, _ *catalog.Edit) {
			for i, key := range []point.Series{{Name: "loss", Scale: point.ScaleMLStep}, {Name: "loss", Scale: "EPOCH"}} {
				times := point.Times{List: make([]int64, 200)}
				for k := range times.List {
					times.List[k] = 1_700_000_000_000 + random.Int64N(10_000)
				}
				tx.Append(tx.Series(key, point.Ordered), 1, point.Batch{Steps: point.Steps{First: uint64(7 * i)}, Times: times, Values: randomValues(random, 200)})
			}
		})
	}
	for round := range 180 {
		axis := pb.Axis(1 + round%7)
		r := &pb.BucketSeriesRequest{Workspace: "w", Project: "p", Runs: []string{"b", "a", "fork"}, Axis: axis, Buckets: uint32(1 + random.IntN(80))}
		r.IncludeInherited = random.IntN(3) > 0
		r.SeriesQueries = []string{"return(scale=\"EPISODE\")", "reward(scale=\"ENVIRONMENT_STEP\")", "loss()"}
		perEnv := axis != pb.Axis_AXIS_STEP && random.IntN(3) == 0
		if perEnv {
			r.Environments = []string{"env-3", "env-0"}
		}
		keep := func(uint64, uint64) bool { return true }
		if random.IntN(3) == 0 {
			to := 5 + random.Uint64N(20)
			r.Episodes = &pb.IndexRange{From: 2, To: &to}
			r.RlSteps = &pb.IndexRange{From: 5}
			keep = func(rlStep, episode uint64) bool { return rlStep >= 5 && episode >= 2 && episode <= to }
		}
		limits := [2]float64{math.Inf(-1), math.Inf(1)}
		if from, to := int64(random.IntN(30)), int64(30+random.IntN(100)); random.IntN(2) == 0 {
			base := map[pb.Axis]int64{pb.Axis_AXIS_WALL_TIME: 1_700_000_000_000}[axis]
			if axis == pb.Axis_AXIS_RELATIVE_TIME {
				from, to = -1_000_000_000_000, 1_000_000_000_000
			}
			from, to = from+base, to*(1+base/1_000_000_000)+base
			r.Range = &pb.AxisRange{From: &from, To: &to}
			limits = [2]float64{float64(from), float64(to)}
		}
		answer := ask(w, w.client.BucketSeries, r)
		if answer.BucketCount > r.Buckets {
			t.Fatalf("%d buckets, want %d at most", answer.BucketCount, r.Buckets)
		}
		want := w.plainCurves(r, limits, keep)
		if lowest, highest := extentOf(want); len(want) > 0 && (answer.FirstX > lowest || answer.FirstX <= lowest-answer.BucketWidth || answer.LastX != highest) {
			t.Fatalf("%v: from %v to %v in buckets of %v, want %v to %v", r, answer.FirstX, answer.LastX, answer.BucketWidth, lowest, highest)
		}
		checkCurves(t, answer, want)
		if len(want) == 0 && (axis < pb.Axis_AXIS_RELATIVE_TIME || axis > pb.Axis_AXIS_WALL_TIME) && r.Range == nil && r.Episodes == nil {
			t.Fatalf("%v: no curves", r)
		}
	}
}

func find(curves []*pb.CurveBuckets, run, env string, series point.Series) *pb.CurveBuckets {
	for _, c := range curves {
		key := c.GetIdentity().GetSeries().GetRegular()
		of := point.Series{Name: key.GetMetricName(), Scale: key.GetScale(), Labels: point.SortLabels(key.GetLabels())}
		if c.Identity.Run == run && c.Identity.Environment == env && of.Key() == series.Key() {
			return c
		}
	}
	return nil
}

func TestQuestionsAboutCurvesThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(1, 1)), 2, 50)
	f := func(r *pb.BucketSeriesRequest, code connect.Code, words string) {
		t.Helper()
		r.Workspace, r.Project = "w", "p"
		refused(w, w.client.BucketSeries, r, code, words)
	}
	runs, queries := []string{"r"}, []string{"reward()"}
	f(&pb.BucketSeriesRequest{Runs: runs, SeriesQueries: queries, Axis: 77}, connect.CodeInvalidArgument, "axis 77 is none")
	f(&pb.BucketSeriesRequest{Runs: runs, SeriesQueries: queries, Buckets: 5001}, connect.CodeInvalidArgument, "above 5000")
	f(&pb.BucketSeriesRequest{Runs: []string{"x"}, SeriesQueries: queries}, connect.CodeNotFound, `no run "x"`)
	f(&pb.BucketSeriesRequest{Runs: runs, SeriesQueries: queries, Environments: []string{"env-0"}}, connect.CodeInvalidArgument, "along steps")
	f(&pb.BucketSeriesRequest{Runs: runs, SeriesQueries: queries, Environments: []string{"x"}, Axis: pb.Axis_AXIS_EPISODE}, connect.CodeNotFound, `no environment "x"`)
	f(&pb.BucketSeriesRequest{Runs: runs, Axis: pb.Axis_AXIS_RL_STEP}, connect.CodeInvalidArgument, "at least one series")
	f(&pb.BucketSeriesRequest{Runs: runs, SeriesQueries: []string{"reward(aggregate=(keys=[]))"}, Axis: pb.Axis_AXIS_RL_STEP}, connect.CodeInvalidArgument, "not reduced")
	from, to := int64(2), int64(1)
	f(&pb.BucketSeriesRequest{Runs: runs, SeriesQueries: queries, Range: &pb.AxisRange{From: &from, To: &to}}, connect.CodeInvalidArgument, "from 2 to 1")
}
