package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// logJoined logs a loss and, at the same steps, a metric to lie along, from a step on.
func (w *world) logJoined(run string, from uint64, values, along []float64) {
	w.Helper()
	w.run(run, func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		for name, list := range map[string][]float64{"kl": along, "loss": values} {
			if len(list) > 0 {
				no := tx.Series(point.Series{Name: name, Scale: point.ScaleMLStep}, point.Ordered)
				tx.Append(no, 1, point.Batch{Steps: point.Steps{First: from}, Values: list})
			}
		}
	})
}

// held is what a page keeps of answers: the curves of each run.
type heldByRun map[string][]*pb.CurveBuckets

func (h heldByRun) after(answer *pb.BucketByMetricResponse) heldByRun {
	next := make(heldByRun)
	for _, run := range answer.UnchangedRuns {
		next[run] = h[run]
	}
	for _, c := range answer.Curves {
		next[c.Identity.Run] = append(next[c.Identity.Run], c)
	}
	return next
}

func evenly(random *rand.Rand, n int, from, to float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = from + (to-from)*random.Float64()
	}
	return values
}

// Whatever is logged between two questions, what is held and what came are all points in the
// buckets of the last answer, and runs that nothing came to do not travel.
func TestCurvesAlongAMetricGoOn(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t)
			runs := []string{"a", "b", "c"}
			next := map[string]uint64{}
			log := func(run string, n int, from, to float64) {
				w.logJoined(run, next[run], evenly(random, n, -1, 1), evenly(random, n, from, to))
				next[run] += uint64(n)
			}
			for _, run := range runs {
				log(run, 200, 0, 1)
			}
			r := &pb.BucketByMetricRequest{
				Workspace: "w", Project: "p", Runs: runs, SeriesQueries: []string{"loss()"}, XSeriesQuery: "kl()",
				Axis: pb.Axis_AXIS_STEP, Buckets: uint32(20 + random.IntN(30)),
			}
			held, stayed := heldByRun{}, 0
			var before *pb.BucketByMetricResponse
			for range 25 {
				var wrote []string
				for _, run := range runs {
					if random.IntN(3) == 0 {
						top := 1 + 0.02*float64(next["a"]-200)*float64(random.IntN(2))
						log(run, 1+random.IntN(5), 0, top)
						wrote = append(wrote, run)
					}
				}
				if random.IntN(8) == 0 {
					log("b", 1, -0.5, 0)
					wrote = append(wrote, "b")
				}
				answer := ask(w, w.client.BucketByMetric, r)
				for _, run := range answer.UnchangedRuns {
					if slices.Contains(wrote, run) {
						t.Fatalf("run %s got points and is said not to have changed", run)
					}
				}
				if before != nil && len(answer.UnchangedRuns) > 0 {
					if stayed++; answer.FirstX != before.FirstX || answer.BucketWidth != before.BucketWidth {
						t.Fatalf("buckets from %v, %v wide, do not go on with those from %v, %v wide", answer.FirstX, answer.BucketWidth, before.FirstX, before.BucketWidth)
					}
				}
				if most := r.Buckets + r.Buckets/4; answer.BucketCount > most {
					t.Fatalf("%d buckets, of at most %d", answer.BucketCount, most)
				}
				held = held.after(answer)
				for _, run := range runs {
					if len(held[run]) != 1 {
						t.Fatalf("%d curves of run %s are held", len(held[run]), run)
					}
					metric := w.pointsByStep(run, "kl", false)
					points := w.pointsByStep(run, "loss", false)
					cut := answer.FirstX + answer.BucketWidth*float64(r.Buckets)
					for i := range points {
						// Where values ended when they were cut is in the last bin, not in the next one.
						if points[i].x = plainlyAt(metric, points[i].x); math.Abs(points[i].x-cut) < 1e-9 {
							points[i].x -= 1e-6 * answer.BucketWidth
						}
					}
					checkBuckets(t, answer, held[run][0], points)
				}
				before, r.Cursor = answer, answer.Cursor
			}
			if stayed < 5 {
				t.Errorf("buckets stayed %d times: nothing is tried", stayed)
			}
		})
	}
}

func TestOnlyWhatChangedAlongAMetricTravels(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(2, 2))
	for _, run := range []string{"a", "b"} {
		w.logJoined(run, 0, evenly(random, 100, 0, 1), append([]float64{0, 10}, evenly(random, 98, 0, 10)...))
	}
	r := &pb.BucketByMetricRequest{
		Workspace: "w", Project: "p", Runs: []string{"a", "b"}, SeriesQueries: []string{"loss()"}, XSeriesQuery: "kl()",
		Axis: pb.Axis_AXIS_STEP, Buckets: 40,
	}
	first := ask(w, w.client.BucketByMetric, r)
	next := func(unchanged ...string) *pb.BucketByMetricResponse {
		t.Helper()
		r.Cursor = first.Cursor
		answer := ask(w, w.client.BucketByMetric, r)
		if !slices.Equal(answer.UnchangedRuns, unchanged) || len(answer.Curves) != 2-len(unchanged) {
			t.Fatalf("%v are unchanged, want %v; %d curves came", answer.UnchangedRuns, unchanged, len(answer.Curves))
		}
		return answer
	}
	if same := next("a", "b"); same.FirstX != first.FirstX || same.LastX != first.LastX || same.BucketCount != 40 {
		t.Errorf("an answer without curves has the buckets %v", same)
	}
	w.logJoined("b", 100, []float64{5}, nil)
	next("a")
	first.Cursor = next("a").Cursor
	w.logJoined("a", 100, nil, []float64{5}) // the metric alone
	next("b")
	first.Cursor = next("b").Cursor
	w.logJoined("a", 101, []float64{5}, []float64{11.9})
	if longer := next("b"); longer.LastX != 11.9 || longer.BucketCount != 48 {
		t.Errorf("%d buckets up to %v, want 48 up to 11.9", longer.BucketCount, longer.LastX)
	}
	w.logJoined("a", 102, []float64{5}, []float64{13})
	if anew := next(); anew.BucketCount != 40 || anew.LastX != 13 {
		t.Errorf("%d buckets up to %v, want 40 up to 13", anew.BucketCount, anew.LastX)
	}
	w.logJoined("a", 103, []float64{5}, []float64{-1})
	if anew := next(); anew.FirstX != -1 {
		t.Errorf("buckets begin at %v, want -1", anew.FirstX)
	}
	r.Buckets = 41
	next() // a cursor of another question
}

// Points where values ended stay in their bin when bins follow, also of curves that are read again.
func TestTheLastBinKeepsItsEnd(t *testing.T) {
	w := newWorld(t)
	along := append([]float64{0, 10}, evenly(rand.New(rand.NewPCG(1, 1)), 98, 0, 10)...)
	w.logJoined("a", 0, evenly(rand.New(rand.NewPCG(1, 2)), 100, 0, 1), along)
	r := &pb.BucketByMetricRequest{
		Workspace: "w", Project: "p", Runs: []string{"a"}, SeriesQueries: []string{"loss()"}, XSeriesQuery: "kl()", Axis: pb.Axis_AXIS_STEP, Buckets: 10,
	}
	first := ask(w, w.client.BucketByMetric, r)
	w.logJoined("a", 100, []float64{1}, []float64{11.5})
	r.Cursor = first.Cursor
	more := ask(w, w.client.BucketByMetric, r)
	if more.BucketCount != 12 || more.FirstX != first.FirstX {
		t.Fatalf("%d buckets from %v, want 12 from %v", more.BucketCount, more.FirstX, first.FirstX)
	}
	before, after := numbers(first.Curves[0].Counts), numbers(more.Curves[0].Counts)
	if want := append(before, 1); !slices.Equal(after, want) {
		t.Errorf("buckets have %v points, want %v", after, want)
	}
}

// The least floats there are have no halves between them.
func TestBinsOfTheLeastFloats(t *testing.T) {
	least := math.SmallestNonzeroFloat64
	bins := valueBinsOf([]metricCurve{{xs: []float64{0, least}, values: []float64{1, 2}}}, 1)
	if bins.count != 1 || bins.of(0) != 0 || bins.of(least) != 0 {
		t.Errorf("%d bins, 0 in %d and %v in %d", bins.count, bins.of(0), least, bins.of(least))
	}
}

func TestSingleValuesOfAMetricAreAnsweredAnew(t *testing.T) {
	w := newWorld(t)
	for _, run := range []string{"a", "b"} {
		w.logJoined(run, 0, []float64{1, 2, 3}, []float64{0.5, 0.25, 0.5})
	}
	r := &pb.BucketByMetricRequest{
		Workspace: "w", Project: "p", Runs: []string{"a", "b"}, SeriesQueries: []string{"loss()"}, XSeriesQuery: "kl()", Axis: pb.Axis_AXIS_STEP,
	}
	r.Cursor = ask(w, w.client.BucketByMetric, r).Cursor
	if same := ask(w, w.client.BucketByMetric, r); len(same.Curves) != 0 || same.BucketWidth != 0 || same.BucketCount != 2 {
		t.Fatalf("nothing came, and the answer is %v", same)
	}
	w.logJoined("a", 3, []float64{4}, []float64{0.75})
	if more := ask(w, w.client.BucketByMetric, r); len(more.Curves) != 2 || more.BucketCount != 3 {
		t.Fatalf("%d curves in %d buckets, want 2 in 3", len(more.Curves), more.BucketCount)
	}
}

// A cursor is a client's to damage: whatever its bytes are, the answer is sound.
func FuzzMetricCursors(f *testing.F) {
	bins := valueBins{first: 0, last: 1, count: 10, cut: 1, cutCount: 10}
	f.Add(metricCursor{7, bins, []uint64{1, 2}}.bytes())
	bins.first, bins.last, bins.cut = 0, math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64
	f.Add(metricCursor{7, bins, []uint64{1, 2}}.bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		held, ok := parseMetricCursor(text, 7, 2)
		if !ok {
			return
		}
		curves := []metricCurve{{xs: []float64{held.bins.first, held.bins.last, held.bins.last * 1.1}, values: []float64{1, 2, 3}}}
		if bins, fits := held.binsFor(curves, maxBuckets); fits {
			curves[0].bucket(bins)
		}
	})
}
