package query

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// played is what one environment logged.
type played struct {
	rlStep, episode uint64
	value           float64
}

// training logs random episodes of some environments; those with an odd number
// have the attribute kind.
func training(w *world, random *rand.Rand) map[string][]played {
	all := make(map[string][]played)
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		for i := range 3 + random.IntN(4) {
			env := fmt.Sprintf("env-%d", i)
			if i%2 == 1 {
				edit.EnvAttributes(env, nil, []catalog.Update{{Path: "kind", Value: value(catalog.Text("odd"))}})
			}
			ep := uint64(0)
			for rlStep := range uint64(1 + random.IntN(20)) {
				for range 1 + random.IntN(3) {
					values := make([]float64, 1+random.IntN(80))
					for k := range values {
						values[k] = random.NormFloat64()
						if random.IntN(200) == 0 {
							values[k] = []float64{nan, inf}[random.IntN(2)]
						}
						all[env] = append(all[env], played{rlStep, ep, values[k]})
					}
					episode(tx, env, rlStep, ep, values...)
					ep++
				}
			}
		}
	})
	return all
}

// aggregated reduces the plain way.
func aggregated(all map[string][]played, at func(played) (bucket int, ok bool), reduce reducer) (values map[int]float64, counts map[int]uint64) {
	byBucket := make(map[int][]float64)
	for env := range all {
		own := make(map[int][]float64)
		for _, p := range all[env] {
			if bucket, ok := at(p); ok && p.value-p.value == 0 {
				own[bucket] = append(own[bucket], p.value)
			}
		}
		for bucket, list := range own {
			byBucket[bucket] = append(byBucket[bucket], mean(list))
		}
	}
	values, counts = make(map[int]float64), make(map[int]uint64)
	for bucket, list := range byBucket {
		values[bucket], counts[bucket] = reduce(list), uint64(len(list))
	}
	return values, counts
}

func TestEnvironmentsAgainstPlainAggregation(t *testing.T) {
	names := []pb.RLEnvironmentsAggregation{1, 2, 3, 4, 5, 6}
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t)
		all := training(w, random)
		for range 6 {
			byEpisode, width := random.IntN(2) == 0, float64(1+random.IntN(4))
			from, to := uint64(random.IntN(4)), uint64(4+random.IntN(30))
			limits := &pb.StepRange{FromStep: &from, ToStep: &to}
			r := &pb.AggregateRLEnvironmentSeriesRequest{
				Workspace: "w", Project: "p", Run: "r", SeriesExpression: `reward(scale="ENVIRONMENT_STEP")`,
				Aggregations: names, BucketWidth: &width, Groupings: []string{"attr(kind)"},
				RangeSelector: &pb.RLScaleRangeSelector{Scale: &pb.RLScaleRangeSelector_RlStepRange{RlStepRange: limits}},
			}
			if byEpisode {
				r.RangeSelector = &pb.RLScaleRangeSelector{Scale: &pb.RLScaleRangeSelector_EpisodeRange{EpisodeRange: limits}}
			}
			first := from
			if first == 0 {
				r.BucketWidth, r.BucketsCount = nil, nil // an axis of single steps
				width = 1
			}
			answer := ask(w, w.client.AggregateRLEnvironmentSeries, r)
			for _, group := range answer.GetSeries() {
				odd := group.GetSeriesKeyParts()[0].GetStringValue() == "odd"
				members := make(map[string][]played)
				for env, points := range all {
					if (int(env[len(env)-1]-'0')%2 == 1) == odd {
						members[env] = points
					}
				}
				at := func(p played) (int, bool) {
					x := p.rlStep
					if byEpisode {
						x = p.episode
					}
					return int(float64(x-first) / width), x >= from && x <= to
				}
				for k, name := range names {
					want, counts := aggregated(members, at, reducers[aggregations[name]])
					if len(group.GetFirstSteps()) != len(want) {
						t.Fatalf("seed %d: %d buckets, want %d", seed, len(group.GetFirstSteps()), len(want))
					}
					for i, start := range group.GetFirstSteps() {
						bucket := int(math.Ceil(float64(start-first) / width))
						got := group.GetAggregations()[k].GetValues()[i]
						if math.Abs(got-want[bucket]) > 1e-9 || group.GetCounts()[i] != counts[bucket] {
							t.Fatalf("seed %d, %s at %d: %v of %d, want %v of %d", seed, aggregations[name], start, got, group.GetCounts()[i], want[bucket], counts[bucket])
						}
					}
				}
			}
		}
		w.end()
	}
}

func TestEnvironmentsAreFilteredAtEveryEpisode(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		for ep := range uint64(4) {
			episode(tx, "a", ep, ep, 1, 1)
			episode(tx, "b", ep, ep, 3, 3)
			edit.EnvAttributes("b", &ep, []catalog.Update{{Path: "level", Value: value(catalog.Whole(int64(ep)))}})
		}
	})
	r := &pb.AggregateRLEnvironmentSeriesRequest{
		Workspace: "w", Project: "p", Run: "r", SeriesExpression: "reward()", Aggregations: []pb.RLEnvironmentsAggregation{1},
		RangeSelector: &pb.RLScaleRangeSelector{Scale: &pb.RLScaleRangeSelector_EpisodeRange{EpisodeRange: &pb.StepRange{}}},
		Filter:        pointer("attr(level) > 1 OR attr(environment_id) == \"a\""),
	}
	series := ask(w, w.client.AggregateRLEnvironmentSeries, r).GetSeries()[0]
	same(t, "counts", series.GetCounts(), []uint64{1, 1, 2, 2})
	same(t, "means", series.GetAggregations()[0].GetValues(), []float64{1, 1, 2, 2})
}

func TestRunsAreAggregated(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.run(fmt.Sprint("r", i), nil, func(tx *store.Tx, _ *catalog.Edit) {
			steps(tx, series("loss"), 0, float64(i), float64(2*i), nan, float64(10-i))
			steps(tx, series(fmt.Sprint("own", i)), 2, 1)
		})
	}
	r := &pb.AggregateRunSeriesRequest{
		Workspace: "w", Project: "p", SeriesQueries: []string{"loss()", "own1()"},
		Groups:       []*pb.AggregateRunSeriesRequest_RunsList{{Runs: []string{"r0", "r1", "r2"}}, {Runs: []string{"r1"}}},
		Aggregations: []pb.RunSeriesAggregation{1, 5, 6},
	}
	whole := ask(w, w.client.AggregateRunSeries, r)
	if n := len(whole.GetSeries()); n != 4 || whole.GetBucketsCount() != 4 {
		t.Fatal(whole)
	}
	loss := whole.GetSeries()[0]
	same(t, "buckets", loss.GetBucketIndexes(), []uint64{0, 1, 3})
	same(t, "counts", loss.GetCounts(), []uint64{3, 3, 3})
	same(t, "means", loss.GetAggregatedBuckets()[0].GetYValues(), []float64{1, 2, 9})
	same(t, "deviations", loss.GetAggregatedBuckets()[1].GetYValues(), []float64{math.Sqrt(2. / 3), math.Sqrt(8. / 3), math.Sqrt(2. / 3)})
	same(t, "medians", loss.GetAggregatedBuckets()[2].GetMaxValues(), []float64{1, 2, 9})
	same(t, "NaN", loss.GetBucketsWithNans(), []uint64{2})
	r.BucketsCount = pointer(int64(1))
	all := ask(w, w.client.AggregateRunSeries, r).GetSeries()[0].GetAggregatedBuckets()[0]
	same(t, "means of the least", all.GetMinValues(), []float64{1})
	same(t, "means of the greatest", all.GetMaxValues(), []float64{9})
	r.BucketsCount = nil
	var indexes []uint64
	r.MaxBucketsPerPage = pointer(int64(2))
	for {
		page := ask(w, w.client.AggregateRunSeries, r)
		for _, s := range page.GetSeries() {
			indexes = append(indexes, s.GetBucketIndexes()...)
		}
		if r.ResumeToken = page.ResumeToken; page.ResumeToken == nil {
			break
		}
	}
	same(t, "buckets of all pages", indexes, []uint64{0, 1, 3, 2, 0, 1, 3, 2})
}

func TestSeriesAreReducedOverLabels(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss", "layer", "0", "part", "a"), 0, 1, 2)
		steps(tx, series("loss", "layer", "1", "part", "a"), 1, 4, 6)
		steps(tx, series("loss", "layer", "1", "part", "b"), 0, nan, 5)
	})
	read := func(query string) []*pb.SeriesPoints {
		r := &pb.ListFloatSeriesRequest{Workspace: "w", Project: "p", RunNames: []string{"r"}, SeriesQueries: []string{query}}
		return ask(w, w.client.ListFloatSeries, r).GetRunPoints()[0].GetSeries()
	}
	byPart := read(`loss()|group_by(keys=["part"], reducer=max)`)
	if len(byPart) != 2 || byPart[0].GetDefinition().GetAggregated().GetGroupLabels()["part"] != "a" {
		t.Fatal(byPart)
	}
	same(t, "steps", byPart[0].GetPoints().GetSteps(), []uint64{0, 1, 2})
	same(t, "greatest", byPart[0].GetPoints().GetValues(), []float64{1, 4, 6})
	all := read("loss(aggregate=(keys=[]))")
	same(t, "means", all[0].GetPoints().GetValues(), []float64{1, 11. / 3, 6})
	buckets := &pb.ListFloatSeriesBucketsRequest{
		Workspace: "w", Project: "p", RunNames: []string{"r"}, SeriesQueries: []string{`loss()|group_by(keys=["part"], reducer=max)`}, UseColumnarOutput: true,
	}
	same(t, "in buckets", ask(w, w.client.ListFloatSeriesBuckets, buckets).GetRunSeries().GetSeries()[0].GetYValues(), []float64{1, 4, 6})
}

func TestBucketsAlongTime(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		tx.Append(tx.Series(series("loss"), point.Ordered), 1, point.Batch{
			Times: point.Times{List: []int64{-50, 100, 100, 400}}, Values: []float64{1, 2, 4, nan},
		})
	})
	r := &pb.ListFloatSeriesTimestampBucketsRequest{
		Workspace: "w", Project: "p", RunNames: []string{"r"}, SeriesQueries: []string{"loss()"}, BucketsCount: pointer(int64(3)),
	}
	answer := ask(w, w.client.ListFloatSeriesTimestampBuckets, r).GetRunSeries()
	if answer.GetFirstTimestampMillis() != -50 || answer.GetLastTimestampMillis() != 400 || answer.GetBucketsCount() != 3 {
		t.Fatal(answer)
	}
	loss := answer.GetSeries()[0]
	same(t, "buckets", loss.GetBucketIndexes(), []uint64{0, 1})
	same(t, "means", loss.GetYValues(), []float64{1, 3})
	same(t, "last steps", loss.GetLastSteps(), []uint64{0, 2})
	same(t, "last times", loss.GetLastTimestampMillis(), []int64{-50, 100})
	same(t, "NaN", loss.GetBucketsWithNans(), []uint64{2})
	run, _ := w.catalog.FindRun("w", "p", "r")
	r.UseRelativeTimestamp = true
	relative := ask(w, w.client.ListFloatSeriesTimestampBuckets, r).GetRunSeries()
	if got := relative.GetFirstTimestampMillis(); got != -50-run.Created.UnixMilli() {
		t.Fatal(got)
	}
	r.UseRelativeTimestamp, r.TimestampRange = false, &pb.TimestampRange{FromTimestampMillis: pointer(int64(0)), ToTimestampMillis: pointer(int64(100))}
	same(t, "in a range", ask(w, w.client.ListFloatSeriesTimestampBuckets, r).GetRunSeries().GetSeries()[0].GetCounts(), []uint64{2})
	// A clock that is set back: points lie where their times say.
	w.run("back", nil, func(tx *store.Tx, _ *catalog.Edit) {
		tx.Append(tx.Series(series("loss"), point.Ordered), 1, point.Batch{
			Times: point.Times{List: []int64{1000, 2000, 0, 900}}, Values: []float64{1, 2, 3, 5},
		})
	})
	back := ask(w, w.client.ListFloatSeriesTimestampBuckets, &pb.ListFloatSeriesTimestampBucketsRequest{
		Workspace: "w", Project: "p", RunNames: []string{"back"}, SeriesQueries: []string{"loss()"}, BucketsCount: pointer(int64(2)),
	}).GetRunSeries().GetSeries()[0]
	same(t, "means", back.GetYValues(), []float64{4, 1.5})
	same(t, "last steps", back.GetLastSteps(), []uint64{3, 1})
	same(t, "last times", back.GetLastTimestampMillis(), []int64{900, 2000})
}

// What the store sums up while it takes points in is what they say.
func TestReducers(t *testing.T) {
	for name, want := range map[string]float64{"avg": 2.5, "min": 1, "max": 4, "sum": 10, "std": math.Sqrt(1.25), "median": 2.5} {
		if got := reduceValues(reducers[name], []float64{4, nan, 1, 3, inf, 2}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := reduceValues(mean, []float64{nan}); !math.IsNaN(got) {
		t.Error(got)
	}
	if got := mean(slices.Repeat([]float64{1.5e308}, 4)); got != 1.5e308 {
		t.Error(got)
	}
}
