package views

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Small curves are the means of the points of whole series, cut evenly.
func TestSmallCurvesOfManyRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	w := newWorld(t)
	loss, shared := point.Series{Name: "loss", Scale: point.ScaleMLStep}, point.Series{Name: "shared", Scale: point.ScaleMLStep}
	keys := []point.Series{loss, shared, reward, ret}
	r := &pb.GetSparklinesRequest{Workspace: "w", Project: "p"}
	for i := range 6 {
		name := fmt.Sprint("run-", i)
		w.randomEpisodes(name, random, 3, 100)
		w.run(name, func(tx *store.Tx, _ *catalog.Edit) {
			n := 1 + random.IntN(300)
			for key, of := range map[string]point.Ordering{"loss": point.Ordered, "shared": point.Unordered} {
				tx.Append(tx.Series(point.Series{Name: key, Scale: point.ScaleMLStep}, of), 1, point.Batch{Steps: point.Steps{First: random.Uint64N(50)}, Values: randomValues(random, n)})
			}
		})
		for _, key := range keys {
			r.Queries = append(r.Queries, &pb.SparklineQuery{Run: name, SeriesQuery: fmt.Sprintf("%s(scale=%q)", key.Name, key.Scale)})
		}
	}
	r.Queries = append(r.Queries, &pb.SparklineQuery{Run: "run-0", SeriesQuery: "none()"})
	for _, buckets := range []uint32{1, 7, 7, 0} {
		if r.Buckets == buckets { // asked a second time, when points have come
			w.randomEpisodes("run-0", random, 3, 30)
		}
		r.Buckets = buckets
		answer := ask(w, w.client.GetSparklines, r)
		if len(answer.Sparklines) != len(r.Queries) {
			t.Fatalf("%d curves, want %d", len(answer.Sparklines), len(r.Queries))
		}
		none := len(r.Queries) - 1
		if line := answer.Sparklines[none]; line.BucketCount != 0 || line.Means != nil {
			t.Fatalf("%v of nothing", line)
		}
		for i, line := range answer.Sparklines[:none] {
			checkLine(t, w, r.Queries[i].Run, keys[i%len(keys)], line, (buckets+63)%64+1)
		}
	}
	refused(w, w.client.GetSparklines, &pb.GetSparklinesRequest{Buckets: 65}, connect.CodeInvalidArgument, "above 64")
	refused(w, w.client.GetSparklines, &pb.GetSparklinesRequest{Queries: make([]*pb.SparklineQuery, 201)}, connect.CodeInvalidArgument, "at most 200")
	refused(w, w.client.GetSparklines, &pb.GetSparklinesRequest{Queries: []*pb.SparklineQuery{{Run: "x"}}}, connect.CodeNotFound, "no run")
}

// checkLine compares a line with the points of its series.
func checkLine(t *testing.T, w *world, name string, key point.Series, line *pb.Sparkline, most uint32) {
	t.Helper()
	run, _ := w.catalog.FindRun("w", "p", name)
	points, err := run.Points()
	if err != nil {
		t.Fatal(err)
	}
	no, _ := points.FindSeries(key)
	axis, envs := pb.Axis_AXIS_STEP, []string(nil)
	rl := key.Scale != point.ScaleMLStep
	if rl {
		axis, envs = pb.Axis_AXIS_RL_STEP, []string{"env-0", "env-1", "env-2"}
	}
	of := onAxis(t, run, points, no, envs, axis, func(uint64, uint64) bool { return true })
	if rl { // from the first to the last finite point
		of = slices.DeleteFunc(of, func(p plainPoint) bool { return !finite(p.value) })
	}
	first, last := uint64(of[0].x), uint64(of[len(of)-1].x)
	if line.FirstStep != first || line.LastStep != last || uint64(line.BucketCount) != min(uint64(most), last-first+1) {
		t.Fatalf("%s %v: %d buckets from %d to %d, want %d to %d", name, key, line.BucketCount, line.FirstStep, line.LastStep, first, last)
	}
	means, indexes := floats(line.Means), numbers(line.BucketIndexes)
	for bin := range uint64(line.BucketCount) {
		// Step s is in the bin (s - first) × bins / steps.
		n, sum := 0.0, 0.0
		for _, p := range of {
			if (uint64(p.x)-first)*uint64(line.BucketCount)/(last-first+1) == bin && finite(p.value) {
				n++
				sum += p.value
			}
		}
		if n == 0 {
			continue
		}
		if len(indexes) == 0 || indexes[0] != bin || !near(means[0], sum/n) {
			t.Fatalf("%s %v, bucket %d: %v at %v, want %v", name, key, bin, means, indexes, sum/n)
		}
		means, indexes = means[1:], indexes[1:]
	}
	if len(indexes) > 0 {
		t.Fatalf("%s %v: buckets %v have no points", name, key, indexes)
	}
}
