package views

import (
	"maps"
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
		holds := func(float64, float64) bool { return true }
		if round%4 > 1 {
			from, to, longest := float64(random.IntN(10)-10), float64(random.IntN(10)), 1+float64(random.IntN(9))
			r.X.From, r.X.To = &from, &to
			if r.Y != nil {
				r.Y.To = &longest
			}
			holds = func(x, y float64) bool { return !(x < from || x > to || r.Y != nil && y > longest) }
		}
		var xs, ys []float64
		notFinite := uint64(0)
		for _, e := range all[of] {
			if r.Environments != nil && !slices.Contains(r.Environments, e.env) || !inRanges(e, r.MetricRanges, metrics, names, which) {
				continue
			}
			k := r.X.Metric
			x, y := e.reduced(names[k], metrics[k].Reduction), float64(e.envSteps)
			if !holds(x, y) {
				continue
			}
			if finite(x) {
				xs, ys = append(xs, x), append(ys, y)
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
	w := widthsOf([]float64{-math.MaxFloat64, 0, math.MaxFloat64}, histogramAxis{bins: 4})
	for v, want := range map[float64]int{-math.MaxFloat64: 0, 0: 2, math.MaxFloat64: 3} {
		if got := w.of(v); got != want {
			t.Errorf("%v is in bin %d, want %d", v, got, want)
		}
	}
}

func TestARobustAxisLeavesOutWhatIsFarAway(t *testing.T) {
	values := []float64{-1e9, 1e300, math.MaxFloat64}
	for i := range 997 {
		values = append(values, float64(i%100))
	}
	h := histogram{x: histogramAxis{bins: 40, robust: true}, y: histogramAxis{bins: 2}}
	h.estimates.percentiles = []float64{100}
	answer := h.answer(spread{xs: values, ys: values})
	if answer.TotalCount != 1000 || answer.BeyondCount != 3 || answer.FirstX < -100 || answer.LastX > 200 {
		t.Errorf("%d of %d beyond %v to %v", answer.BeyondCount, answer.TotalCount, answer.FirstX, answer.LastX)
	}
	h.x.robust, h.y.robust = false, true
	answer = h.answer(spread{xs: values, ys: values})
	if highest := floats(answer.Percentiles[0].Values); answer.BeyondCount != 3 || highest[39] != math.MaxFloat64 {
		t.Errorf("%d beyond, and the estimates are %v", answer.BeyondCount, highest)
	}
	calm := widthsOf([]float64{1, 2, 3}, histogramAxis{bins: 4, robust: true})
	if calm.first != 1 || calm.last != 3 {
		t.Errorf("without outliers bins reach from %v to %v", calm.first, calm.last)
	}
}

func TestBinsAreWholeWhereAllNumbersAre(t *testing.T) {
	whole := histogramAxis{bins: 4, whole: true}
	for _, c := range []struct {
		values      []float64
		axis        histogramAxis
		first, last float64
		count       int
	}{
		{[]float64{-3, 5, 2}, whole, -3, 6, 3},
		{[]float64{-3, 5, 2.5}, whole, -3, 5, 4},
		{[]float64{7, 7}, whole, 7, 8, 1},
		{[]float64{0, 1 << 53}, whole, 0, 1 << 53, 4},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, whole, -math.MaxFloat64, math.MaxFloat64, 4},
		{append(slices.Repeat([]float64{1, 4}, 100), 1e6), histogramAxis{bins: 10, whole: true, robust: true}, 1, 8, 7},
	} {
		w := widthsOf(c.values, c.axis)
		if w.first != c.first || w.last != c.last || w.count != c.count {
			t.Errorf("%v: %d bins from %v to %v, want %d from %v to %v", c.values, w.count, w.first, w.last, c.count, c.first, c.last)
		}
	}
	far := widths{first: 1, last: 8, count: 7, whole: 1}
	for v, want := range map[float64]int{0: beyond, 1: 0, 7: 6, 8: beyond} {
		if got := far.of(v); got != want {
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
	f(nil, "x is missing")
	f(&pb.EpisodeAxis{}, "x.column 0 has no numbers")
	f(&pb.EpisodeAxis{Column: 9}, "x.metric 0 is none of the 0 metrics")
	f(&pb.EpisodeAxis{Column: 5, Bins: 513}, "x.bins 513 is above 512")
	from, to := 3.0, 2.0
	f(&pb.EpisodeAxis{Column: 5, From: &from, To: &to}, "x goes from 3 to 2")
	r := &pb.GetEpisodeHistogramRequest{
		Run: named("r"), Metrics: []*pb.EpisodeMetric{{SeriesQuery: "return()"}}, X: &pb.EpisodeAxis{Column: 5},
	}
	r.Percentiles = []float64{10}
	refused(w, w.client.GetEpisodeHistogram, r, connect.CodeInvalidArgument, "there is no y")
	r.Y = &pb.EpisodeAxis{Column: 9}
	r.Percentiles = []float64{101}
	refused(w, w.client.GetEpisodeHistogram, r, connect.CodeInvalidArgument, "percentile 101 is not within 0 and 100")
}

// Whole bins hold equally many whole numbers, and no episode before those asked for is left out of totals.
func TestWholeBinsAndWhatIsInThem(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 2))
	w := newWorld(t)
	all := plainEpisodes(t, w.randomEpisodes("r", random, 4, 900))
	columns := map[pb.EpisodeColumn]func(e *plainEpisode) uint64{
		pb.EpisodeColumn_EPISODE_COLUMN_LAST_RL_STEP:    func(e *plainEpisode) uint64 { return e.lastRLStep },
		pb.EpisodeColumn_EPISODE_COLUMN_TOTAL_ENV_STEPS: func(e *plainEpisode) uint64 { return e.totalEnvSteps },
	}
	for column, x := range columns {
		for range 15 {
			from := random.Uint64N(40)
			r := &pb.GetEpisodeHistogramRequest{
				Run: named("r"), Metrics: []*pb.EpisodeMetric{{SeriesQuery: "return()"}}, Episodes: &pb.IndexRange{From: from},
				X:          &pb.EpisodeAxis{Column: column, Bins: 1 + random.Uint32N(300), Whole: true},
				Y:          &pb.EpisodeAxis{Column: pb.EpisodeColumn_EPISODE_COLUMN_METRIC, Bins: 3},
				Estimators: []pb.Estimator{pb.Estimator_ESTIMATOR_IQM}, Percentiles: []float64{10, 90},
			}
			members := make(map[uint64][]float64)
			for _, e := range all {
				v := e.reduced("return", pb.Reduction_REDUCTION_LAST)
				if e.episode >= from && finite(v) {
					members[x(e)] = append(members[x(e)], v)
				}
			}
			checkWholeBins(t, r, ask(w, w.client.GetEpisodeHistogram, r), members)
		}
	}
}

func checkWholeBins(
	t *testing.T, r *pb.GetEpisodeHistogramRequest, answer *pb.GetEpisodeHistogramResponse, members map[uint64][]float64,
) {
	t.Helper()
	xs := slices.Sorted(maps.Keys(members))
	first, last := xs[0], xs[len(xs)-1]
	width := (last - first + uint64(r.X.Bins)) / uint64(r.X.Bins)
	count := (last - first + width) / width
	if uint64(answer.XBins) != count || answer.FirstX != float64(first) || answer.LastX != float64(first+count*width) {
		t.Fatalf("%v: %d bins from %v to %v, want %d from %d, %d wide", r, answer.XBins, answer.FirstX, answer.LastX, count, first, width)
	}
	counts := numbers(answer.Counts)
	iqm, low, high := floats(answer.Estimators[0].Values), floats(answer.Percentiles[0].Values), floats(answer.Percentiles[1].Values)
	for bin := range count {
		var of []float64
		for x := first + bin*width; x < first+(bin+1)*width; x++ {
			of = append(of, members[x]...)
		}
		slices.Sort(of)
		n := uint64(0)
		for row := range uint64(answer.YBins) {
			n += counts[row*count+bin]
		}
		if n != uint64(len(of)) {
			t.Fatalf("%v: bin %d holds %d, want %d", r, bin, n, len(of))
		}
		if len(of) == 0 {
			if !math.IsNaN(iqm[bin]) || !math.IsNaN(low[bin]) {
				t.Fatalf("%v: bin %d is empty and has %v, %v", r, bin, iqm[bin], low[bin])
			}
		} else if iqm[bin] != interquartileMean(of) || low[bin] != percentile(of, 10) || high[bin] != percentile(of, 90) {
			t.Fatalf("%v: bin %d has %v, %v, %v of %v", r, bin, iqm[bin], low[bin], high[bin], of)
		}
	}
}
