package views

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Every episode that passes and has finite numbers is counted where its numbers are.
func TestAHistogramCountsEveryEpisodeOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 1))
	w := newWorld(t)
	w.randomEpisodes("r", random, 5, 900)
	w.forks(random, 600)
	runs := []string{"r", "fork"}
	all := [][]*plainEpisode{plainEpisodes(t, w.pointsOf("r", true)), plainEpisodes(t, w.pointsOf("fork", true))}
	metrics := []*pb.EpisodeMetric{
		{SeriesQuery: "return()", Reduction: pb.Reduction_REDUCTION_LAST},
		{SeriesQuery: `reward(scale="ENVIRONMENT_STEP")`, Reduction: pb.Reduction_REDUCTION_SUM},
	}
	names, which := []string{"return", "reward"}, []int{0, 1}
	for round := range 60 {
		of := round / 6 % len(runs)
		r := &pb.GetEpisodeHistogramRequest{
			Run: named(runs[of]), IncludeInherited: true, Metrics: metrics, MetricRanges: randomRanges(random, 2),
			X: &pb.EpisodeAxis{Column: pb.EpisodeColumn_EPISODE_COLUMN_METRIC, Metric: random.Uint32N(2), Bins: 1 + random.Uint32N(30)},
		}
		if round%2 == 1 {
			r.Y = &pb.EpisodeAxis{Column: pb.EpisodeColumn_EPISODE_COLUMN_ENV_STEPS, Bins: random.Uint32N(10)}
		}
		if round%3 == 0 {
			r.Environments = []string{"env-3", "env-1"}
		}
		var xs, ys []float64
		notFinite := uint64(0)
		for _, e := range all[of] {
			if r.Environments != nil && !slices.Contains(r.Environments, e.env) || !inRanges(e, r.MetricRanges, metrics, names, which) {
				continue
			}
			k := r.X.Metric
			if x := e.reduced(names[k], metrics[k].Reduction); finite(x) {
				xs, ys = append(xs, x), append(ys, float64(e.envSteps))
			} else {
				notFinite++
			}
		}
		checkHistogram(t, r, ask(w, w.client.GetEpisodeHistogram, r), xs, ys, notFinite)
	}
}

func checkHistogram(
	t *testing.T, r *pb.GetEpisodeHistogramRequest, answer *pb.GetEpisodeHistogramResponse, xs, ys []float64, notFinite uint64,
) {
	t.Helper()
	if answer.TotalCount != uint64(len(xs)) || answer.NotFiniteCount != notFinite {
		t.Fatalf("%v: %d and %d not finite, want %d and %d", r, answer.TotalCount, answer.NotFiniteCount, len(xs), notFinite)
	}
	if len(xs) == 0 {
		return
	}
	columns, rows := int(answer.XBins), int(answer.YBins)
	binsFor := func(asked uint32, usual int, values []float64) int {
		if slices.Min(values) == slices.Max(values) {
			return 1
		}
		if asked == 0 {
			return usual
		}
		return int(asked)
	}
	if columns != binsFor(r.X.Bins, 64, xs) || answer.FirstX != slices.Min(xs) || answer.LastX != slices.Max(xs) {
		t.Fatalf("%v: %d bins from %v to %v", r, columns, answer.FirstX, answer.LastX)
	}
	if r.Y == nil && rows != 1 || r.Y != nil && (rows != binsFor(r.Y.Bins, 64, ys) || answer.FirstY != slices.Min(ys) || answer.LastY != slices.Max(ys)) {
		t.Fatalf("%v: %d rows from %v to %v", r, rows, answer.FirstY, answer.LastY)
	}
	bin := func(v, first, last float64, count int) int {
		if count == 1 {
			return 0
		}
		return min(int((v-first)/(last-first)*float64(count)), count-1)
	}
	want := make([]uint64, columns*rows)
	for i := range xs {
		row := 0
		if r.Y != nil {
			row = bin(ys[i], answer.FirstY, answer.LastY, rows)
		}
		want[row*columns+bin(xs[i], answer.FirstX, answer.LastX, columns)]++
	}
	if got := numbers(answer.Counts); !slices.Equal(got, want) {
		t.Fatalf("%v:\n%v, want\n%v", r, got, want)
	}
}

func TestHistogramsOfTheGreatestNumbers(t *testing.T) {
	w := widthsOf([]float64{-math.MaxFloat64, 0, math.MaxFloat64}, 4)
	for v, want := range map[float64]int{-math.MaxFloat64: 0, 0: 2, math.MaxFloat64: 3} {
		if got := w.of(v); got != want {
			t.Errorf("%v is in bin %d, want %d", v, got, want)
		}
	}
}

func TestHistogramsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(1, 1)), 2, 50)
	f := func(x *pb.EpisodeAxis, words string) {
		t.Helper()
		refused(w, w.client.GetEpisodeHistogram, &pb.GetEpisodeHistogramRequest{Run: named("r"), X: x}, connect.CodeInvalidArgument, words)
	}
	f(nil, "x.column 0 has no numbers")
	f(&pb.EpisodeAxis{Column: 9}, "x.metric 0 is none of the 0 metrics")
	f(&pb.EpisodeAxis{Column: 5, Bins: 513}, "x.bins 513 is above 512")
}
