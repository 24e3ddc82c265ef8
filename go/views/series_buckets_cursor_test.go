package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

// logSteps logs points of a metric at steps from first on.
func (w *world) logSteps(run, metric string, first uint64, values ...float64) {
	w.Helper()
	w.run(run, func(tx *store.Tx, _ *catalog.Edit) {
		key := point.Series{Name: metric, Scale: point.ScaleMLStep}
		times := point.Times{Millis: 1_700_000_000_000 + int64(first)}
		tx.Append(tx.Series(key, point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Times: times, Values: values})
	})
}

// whole is a curve with the buckets that it keeps of the one before.
func whole(held []*pb.CurveBuckets, c *pb.CurveBuckets) *pb.CurveBuckets {
	all := proto.CloneOf(c)
	all.KeptBuckets = 0
	for _, of := range held {
		if n := 8 * c.KeptBuckets; n > 0 && proto.Equal(of.Identity, c.Identity) {
			all.Xs, all.Counts = append(of.Xs[:n:n], c.Xs...), append(of.Counts[:n:n], c.Counts...)
			all.Means, all.Lasts = append(of.Means[:n:n], c.Means...), append(of.Lasts[:n:n], c.Lasts...)
			all.Minima, all.Maxima = append(of.Minima[:n:n], c.Minima...), append(of.Maxima[:n:n], c.Maxima...)
		}
	}
	return all
}

// merged is an answer with what it leaves out of the one before.
func merged(r *pb.BucketSeriesRequest, held, answer *pb.BucketSeriesResponse) *pb.BucketSeriesResponse {
	all := &pb.BucketSeriesResponse{
		FirstX: answer.FirstX, LastX: answer.LastX, BucketWidth: answer.BucketWidth, BucketCount: answer.BucketCount, Cursor: answer.Cursor,
	}
	for _, run := range r.Runs {
		from := answer.Curves
		if slices.Contains(answer.UnchangedRuns, run) {
			from = held.Curves
		}
		for _, c := range from {
			if c.Identity.Run == run {
				all.Curves = append(all.Curves, whole(held.Curves, c))
			}
		}
	}
	return all
}

func runsOf(answer *pb.BucketSeriesResponse) []string {
	var runs []string
	for _, c := range answer.Curves {
		runs = append(runs, c.Identity.Run)
	}
	return runs
}

// With a cursor only the run that points came to travels, in buckets that stay.
func TestACursorLeavesOutWhatDidNotChange(t *testing.T) {
	w := newWorld(t)
	hundred := make([]float64, 100)
	for _, run := range []string{"a", "b"} {
		w.logSteps(run, "loss", 50, hundred...)
	}
	w.logSteps("c", "other", 0, 1)
	r := &pb.BucketSeriesRequest{
		Workspace: "w", Project: "p", Runs: []string{"a", "b", "c"}, SeriesQueries: []string{"loss()"}, Axis: pb.Axis_AXIS_STEP, Buckets: 10,
	}
	answer := ask(w, w.client.BucketSeries, r)
	f := func(what string, wantRuns, wantUnchanged []string, first, last, width float64, count uint32) {
		t.Helper()
		r.Cursor = answer.Cursor
		answer = ask(w, w.client.BucketSeries, r)
		if !slices.Equal(runsOf(answer), wantRuns) || !slices.Equal(answer.UnchangedRuns, wantUnchanged) {
			t.Fatalf("%s: curves of %v, unchanged %v; want %v and %v", what, runsOf(answer), answer.UnchangedRuns, wantRuns, wantUnchanged)
		}
		if answer.FirstX != first || answer.LastX != last || answer.BucketWidth != width || answer.BucketCount != count {
			t.Fatalf("%s: from %v to %v in %d of %v", what, answer.FirstX, answer.LastX, answer.BucketCount, answer.BucketWidth)
		}
	}
	f("nothing came", nil, []string{"a", "b", "c"}, 50, 149, 10, 10)
	w.logSteps("b", "other", 0, 1)
	f("another metric", nil, []string{"a", "b", "c"}, 50, 149, 10, 10)
	w.logSteps("b", "loss", 150, 1, 2, 3)
	f("further points", []string{"b"}, []string{"a", "c"}, 50, 152, 10, 11)
	if got := fmt.Sprint(floats(answer.Curves[0].Xs)[9:], floats(answer.Curves[0].Means)[9:]); got != "[140 150] [0 2]" {
		t.Fatalf("the last buckets of b: %s", got)
	}
	w.logSteps("a", "loss", 169, 1)
	f("up to a quarter more buckets", []string{"a"}, []string{"b", "c"}, 50, 169, 10, 12)
	w.logSteps("a", "loss", 170, 1)
	f("too many buckets", []string{"a", "b"}, nil, 50, 170, 12.1, 10)
	w.logSteps("c", "loss", 49, 1)
	f("before the first bucket", []string{"a", "b", "c"}, nil, 49, 170, 12.2, 10)
	r.Buckets = 11
	f("another question", []string{"a", "b", "c"}, nil, 49, 170, 122.0/11, 11)
	answer.Cursor = answer.Cursor[:20]
	f("part of a cursor", []string{"a", "b", "c"}, nil, 49, 170, 122.0/11, 11)
	w.logSteps("a", "loss", 171, 1)
	w.logSteps("b", "loss", 171, 1)
	w.logSteps("c", "loss", 171, 1)
	f("all changed", []string{"a", "b", "c"}, nil, 49, 171, 122.0/11, 12)
}

// A client that says that it keeps buckets gets those behind them, of the run that points came to.
func TestOfACurveThatIsHeldOnlyWhatChangedTravels(t *testing.T) {
	w := newWorld(t)
	for _, run := range []string{"a", "b"} {
		w.logSteps(run, "loss", 0, make([]float64, 100)...)
	}
	r := &pb.BucketSeriesRequest{
		Workspace: "w", Project: "p", Runs: []string{"a", "b"}, SeriesQueries: []string{"loss()"}, Axis: pb.Axis_AXIS_STEP, Buckets: 10, KeepsBuckets: true,
	}
	for _, want := range []string{"a 0 10, b 0 10", "b 9 2", "b 10 1", ""} {
		answer := ask(w, w.client.BucketSeries, r)
		var got []string
		for _, c := range answer.Curves {
			got = append(got, fmt.Sprint(c.Identity.Run, " ", c.KeptBuckets, " ", len(floats(c.Xs))))
		}
		if strings.Join(got, ", ") != want {
			t.Fatalf("%q came, want %q", got, want)
		}
		r.Cursor = answer.Cursor
		switch want {
		case "a 0 10, b 0 10":
			w.logSteps("b", "loss", 100, 1)
		case "b 9 2":
			w.logSteps("b", "loss", 101, 1)
		}
	}
	r.KeepsBuckets = false
	if got := len(ask(w, w.client.BucketSeries, r).Curves); got != 2 {
		t.Fatalf("by the cursor of a client that keeps buckets one that keeps none gets %d curves", got)
	}
}

// Whatever comes, what is held and what an answer adds to it are the curves, along every
// axis, zoomed in on, and with what forks inherit.
func TestAnswersThatGoOnAddUpToTheCurves(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 5))
	w := newWorld(t)
	w.randomEpisodes("a", random, 4, 300)
	w.forks(random, 300)
	next := uint64(100)
	for _, run := range []string{"a", "b"} {
		w.logSteps(run, "loss", 0, randomValues(random, int(next))...)
	}
	type asked struct {
		*pb.BucketSeriesRequest

		held   *pb.BucketSeriesResponse
		limits [2]float64
	}
	var questions []*asked
	for axis := pb.Axis_AXIS_STEP; axis <= pb.Axis_AXIS_CUMULATIVE_ENV_STEPS; axis++ {
		for i := range 8 {
			q := &asked{&pb.BucketSeriesRequest{
				Workspace: "w", Project: "p", Runs: []string{"fork", "a", "root", "b"}, Axis: axis, Buckets: uint32(20 + random.IntN(60)),
				SeriesQueries: []string{`return(scale="EPISODE")`, `reward(scale="ENVIRONMENT_STEP")`, "loss()"}, IncludeInherited: i%2 > 0, KeepsBuckets: i%3 > 0,
			}, &pb.BucketSeriesResponse{}, [2]float64{math.Inf(-1), math.Inf(1)}}
			if from, to := int64(random.IntN(10)), int64(20+random.IntN(200)); i%4 > 1 && axis != pb.Axis_AXIS_WALL_TIME && axis != pb.Axis_AXIS_RELATIVE_TIME {
				q.Range, q.limits = &pb.AxisRange{From: &from, To: &to}, [2]float64{float64(from), float64(to)}
			}
			if i > 3 && axis != pb.Axis_AXIS_STEP {
				q.Runs, q.Environments = []string{"fork", "a", "root"}, []string{"env-0", "env-2"}
			}
			questions = append(questions, q)
		}
	}
	goneOn := make(map[bool]int) // by whether forks are shown with what they inherit
	kept := 0
	for round := range 12 {
		for _, q := range questions {
			answer := ask(w, w.client.BucketSeries, q.BucketSeriesRequest)
			if len(answer.UnchangedRuns) > 0 {
				goneOn[q.IncludeInherited]++
			}
			for _, c := range answer.Curves {
				kept += int(c.KeptBuckets)
			}
			q.held = merged(q.BucketSeriesRequest, q.held, answer)
			q.Cursor = answer.Cursor
			checkCurves(t, q.held, w.plainCurves(q.BucketSeriesRequest, q.limits, func(uint64, uint64) bool { return true }))
		}
		if round%4 == 0 {
			w.logSteps("b", "loss", next, randomValues(random, 5)...)
			next += 5
			continue
		}
		w.randomEpisodes([]string{"a", "root", "child", "fork"}[random.IntN(4)], random, 3, 20)
	}
	if goneOn[false] < 100 || goneOn[true] < 100 || kept < 1000 {
		t.Fatalf("%v of %d answers went on from others, %d buckets were kept", goneOn, 12*len(questions), kept)
	}
}
