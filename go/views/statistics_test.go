package views

import (
	"fmt"
	"math"
	"math/bits"
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

// plainSample gives the value of a curve at an x, from single points.
func plainSample(points []plainPoint) func(x float64) float64 {
	sums, counts := make(map[float64]float64), make(map[float64]float64)
	for _, p := range points {
		if finite(p.value) {
			sums[p.x] += p.value
			counts[p.x]++
		}
	}
	return func(x float64) float64 {
		left, right := math.Inf(-1), math.Inf(1)
		for at := range sums {
			if at <= x {
				left = max(left, at)
			}
			if at >= x {
				right = min(right, at)
			}
		}
		if math.IsInf(left, 0) || math.IsInf(right, 0) {
			return math.NaN()
		}
		a, b := sums[left]/counts[left], sums[right]/counts[right]
		if left == right {
			return a
		}
		return a + (b-a)*(x-left)/(right-left)
	}
}

// plainIntervals bootstraps each estimator by itself.
func plainIntervals(e pb.Estimator, samples []float64, resamples int, seed, group uint64) (low, high float64) {
	random := rand.NewPCG(seed, group)
	var estimates []float64
	present := slices.DeleteFunc(slices.Clone(samples), math.IsNaN)
	if len(present) < 2 {
		return math.NaN(), math.NaN()
	}
	for range resamples {
		var drawn []float64
		for range samples {
			at, _ := bits.Mul64(random.Uint64(), uint64(len(samples)))
			drawn = append(drawn, samples[at])
		}
		if drawn = slices.DeleteFunc(drawn, math.IsNaN); len(drawn) > 0 {
			if v := plainEstimate(e, drawn); !math.IsNaN(v) {
				estimates = append(estimates, v)
			}
		}
	}
	slices.Sort(estimates)
	quantile := func(q float64) float64 {
		at := q * float64(len(estimates)-1)
		i := int(math.Floor(at))
		if i+1 == len(estimates) {
			return estimates[i]
		}
		return estimates[i]*(1-(at-float64(i))) + estimates[i+1]*(at-float64(i))
	}
	return quantile(0.05), quantile(0.95)
}

// Estimates on the grid are those of the samples between their points.
func TestStatisticsAgainstPlainOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 6))
	w := newWorld(t)
	var runs []string
	for seed := range 6 {
		name := fmt.Sprint("run-", seed)
		runs = append(runs, name)
		w.randomEpisodes(name, random, 3, 60+random.IntN(100))
		w.run(name, func(tx *store.Tx, _ *catalog.Edit) {
			n := 20 + random.IntN(80)
			key := point.Series{Name: "loss", Scale: point.ScaleMLStep}
			steps := make([]uint64, n)
			for i := range steps {
				steps[i] = uint64(10*seed + 3*i + random.IntN(3))
			}
			tx.Append(tx.Series(key, point.Ordered), 1, point.Batch{Steps: point.Steps{List: steps}, Values: randomValues(random, n)})
		})
	}
	w.forks(random, 100)
	all := []pb.Estimator{
		pb.Estimator_ESTIMATOR_IQM, pb.Estimator_ESTIMATOR_MEAN, pb.Estimator_ESTIMATOR_MEDIAN, pb.Estimator_ESTIMATOR_STD,
		pb.Estimator_ESTIMATOR_SEM, pb.Estimator_ESTIMATOR_MIN, pb.Estimator_ESTIMATOR_MAX,
	}
	for round := range 30 {
		axis := []pb.Axis{
			pb.Axis_AXIS_STEP, pb.Axis_AXIS_RL_STEP, pb.Axis_AXIS_EPISODE, pb.Axis_AXIS_ENV_STEP, pb.Axis_AXIS_CUMULATIVE_ENV_STEPS,
		}[round%5]
		query := map[pb.Axis]string{pb.Axis_AXIS_STEP: "loss()", pb.Axis_AXIS_RL_STEP: `reward(scale="ENVIRONMENT_STEP")`,
			pb.Axis_AXIS_EPISODE: "return()", pb.Axis_AXIS_ENV_STEP: `reward(scale="ENVIRONMENT_STEP")`,
			pb.Axis_AXIS_CUMULATIVE_ENV_STEPS: "return()"}[axis]
		unit := pb.SampleUnit_SAMPLE_UNIT_RUN
		if axis != pb.Axis_AXIS_STEP && round%3 == 0 {
			unit = pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT
		}
		r := &pb.GetStatisticsRequest{
			Workspace: "w", Project: "p", Axis: axis, Unit: unit, GridPoints: uint32(1 + random.IntN(70)), IncludeInherited: true,
			Estimators: all[:1+random.IntN(len(all))], Percentiles: []float64{0, 12.5, 100},
			Bootstrap: &pb.Bootstrap{Resamples: 20, Seed: uint64(round), Confidence: 0.9},
		}
		groups := make([][]func(float64) float64, 2)
		first, last := math.Inf(1), math.Inf(-1)
		for g := range groups {
			group := &pb.StatisticsGroup{Name: fmt.Sprint("g", g)}
			members := runs[3*g : 3*g+1+random.IntN(3)]
			if g == 1 && axis != pb.Axis_AXIS_STEP {
				members = append(members[:len(members):len(members)], "fork")
			}
			for _, name := range members {
				group.Members = append(group.Members, &pb.GroupMember{Run: name, SeriesQuery: query})
				for _, points := range samplesOfPoints(t, w, name, query, axis, unit) {
					for _, p := range points {
						if finite(p.value) {
							first, last = min(first, p.x), max(last, p.x)
						}
					}
					groups[g] = append(groups[g], plainSample(points))
				}
			}
			r.Groups = append(r.Groups, group)
		}
		answer := ask(w, w.client.GetStatistics, r)
		grid := floats(answer.Grid)
		if grid[0] != first || len(grid) > 1 && grid[len(grid)-1] != last || len(grid) > int(r.GridPoints) {
			t.Fatalf("%v: the grid goes from %v to %v at %d points, want %v to %v", r, grid[0], grid[len(grid)-1], len(grid), first, last)
		}
		for i := 1; i < len(grid); i++ {
			if !near(grid[i]-grid[i-1], (last-first)/float64(len(grid)-1)) {
				t.Fatalf("the grid is uneven at %v", grid[i])
			}
		}
		for g, samples := range groups {
			checkGroup(t, r, uint64(g), answer.Groups[g], grid, samples)
		}
	}
}

func samplesOfPoints(t *testing.T, w *world, name, query string, axis pb.Axis, unit pb.SampleUnit) [][]plainPoint {
	t.Helper()
	run, _ := w.catalog.FindRun("w", "p", name)
	points := w.pointsOf(name, true)
	var ids []string
	for _, env := range points.Environments() {
		ids = append(ids, env.ID)
	}
	keep := func(uint64, uint64) bool { return true }
	var samples [][]plainPoint
	envs := [][]string{ids}
	if unit == pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT {
		slices.Sort(ids)
		envs = nil
		for _, id := range ids {
			envs = append(envs, []string{id})
		}
	}
	if axis == pb.Axis_AXIS_STEP {
		envs = [][]string{nil}
	}
	for _, of := range envs {
		var list []plainPoint
		for _, info := range points.SeriesInfos() {
			if strings.HasPrefix(query, info.Key.Name+"(") {
				list = append(list, onAxis(t, run, points, info.No, of, axis, keep)...)
			}
		}
		if slices.ContainsFunc(list, func(p plainPoint) bool { return finite(p.value) }) {
			samples = append(samples, list)
		}
	}
	return samples
}

func checkGroup(t *testing.T, r *pb.GetStatisticsRequest, number uint64, got *pb.GroupStatistics, grid []float64, samples []func(float64) float64) {
	t.Helper()
	if got.Name != r.Groups[number].Name || int(got.Samples) != len(samples) {
		t.Fatalf("%s of %d samples, want %d", got.Name, got.Samples, len(samples))
	}
	counts := numbers(got.Counts)
	for i, x := range grid {
		var values []float64
		for _, at := range samples {
			values = append(values, at(x))
		}
		present := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
		if counts[i] != uint64(len(present)) {
			t.Fatalf("%v: %d samples at %v, want %d", r, counts[i], x, len(present))
		}
		for k, e := range r.Estimators {
			low, high := plainIntervals(e, values, 20, r.Bootstrap.Seed, number)
			want := math.NaN()
			if len(present) > 0 {
				want = plainEstimate(e, present)
			}
			of := got.Estimators[k]
			triple := [3]float64{floats(of.Values)[i], floats(of.ConfidenceLow)[i], floats(of.ConfidenceHigh)[i]}
			if of.Estimator != e || !near(triple[0], want) || !near(triple[1], low) || !near(triple[2], high) {
				t.Fatalf("%v: %v of %v at %v: %v, want %v %v %v", r, e, values, x, triple, want, low, high)
			}
		}
		if len(present) > 0 && !(near(floats(got.Percentiles[0].Values)[i], slices.Min(present)) && near(floats(got.Percentiles[2].Values)[i], slices.Max(present))) {
			t.Fatalf("percentiles of %v at %v", present, x)
		}
	}
}

func TestQuestionsAboutStatisticsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(1, 1)), 2, 50)
	means := []pb.Estimator{pb.Estimator_ESTIMATOR_MEAN}
	group := []*pb.StatisticsGroup{{Members: []*pb.GroupMember{{Run: "r", SeriesQuery: "reward()"}}}}
	f := func(r *pb.GetStatisticsRequest, code connect.Code, words string) {
		t.Helper()
		r.Workspace, r.Project = "w", "p"
		refused(w, w.client.GetStatistics, r, code, words)
	}
	f(&pb.GetStatisticsRequest{}, connect.CodeInvalidArgument, "estimators must name at least one")
	f(&pb.GetStatisticsRequest{Estimators: []pb.Estimator{0}}, connect.CodeInvalidArgument, "estimator 0 is none")
	f(&pb.GetStatisticsRequest{Percentiles: []float64{101}}, connect.CodeInvalidArgument, "percentile 101")
	f(&pb.GetStatisticsRequest{Estimators: means, GridPoints: 5001}, connect.CodeInvalidArgument, "above 5000")
	f(&pb.GetStatisticsRequest{Estimators: means, Unit: 9}, connect.CodeInvalidArgument, "unit 9 is none")
	f(&pb.GetStatisticsRequest{Estimators: means, Bootstrap: &pb.Bootstrap{Resamples: 10001}}, connect.CodeInvalidArgument, "above 10000")
	f(&pb.GetStatisticsRequest{Estimators: means, Bootstrap: &pb.Bootstrap{Confidence: 1}}, connect.CodeInvalidArgument, "between 0 and 1")
	f(&pb.GetStatisticsRequest{Estimators: means, Groups: group, Unit: 2}, connect.CodeInvalidArgument, "along steps")
	f(&pb.GetStatisticsRequest{Estimators: means, Groups: []*pb.StatisticsGroup{{Members: []*pb.GroupMember{{Run: "x", SeriesQuery: "a()"}}}}}, connect.CodeNotFound, `no run "x"`)
	answer := ask(w, w.client.GetStatistics, &pb.GetStatisticsRequest{Workspace: "w", Project: "p", Estimators: means, Groups: group})
	if len(answer.Grid) != 0 || answer.Groups[0].Samples != 0 || answer.Interpolation != "linear" || answer.Axis != pb.Axis_AXIS_STEP {
		t.Errorf("%v", answer)
	}
}
