package views

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Three runs of two environments, each with a line of two points: from base to base + rise.
func newLines(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for run, lines := range map[string][2]span{
		"a": {{0, 10}, {100, 300}}, "b": {{5, 20}, {200, 500}}, "c": {{7, 7}, {0, 0}},
	} {
		w.run(run, func(tx *store.Tx, _ *catalog.Edit) {
			for env, line := range lines {
				no := tx.Environment(fmt.Sprint("env-", env))
				tx.AppendRL(tx.Series(ret, point.Ordered), no, point.RLBatch{Minors: point.Steps{First: 0}, Values: []float64{line.low, line.high}}, true)
			}
		})
	}
	return w
}

func linesRequest(runs []string, n *pb.Normalisation) *pb.GetStatisticsRequest {
	r := &pb.GetStatisticsRequest{
		Workspace: "w", Project: "p", Axis: pb.Axis_AXIS_EPISODE, Unit: pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT, IncludeSamples: true,
		Estimators: []pb.Estimator{pb.Estimator_ESTIMATOR_MEAN}, Normalisation: n,
	}
	for _, run := range runs {
		r.Groups = append(r.Groups, &pb.StatisticsGroup{Name: run, Members: []*pb.GroupMember{{Run: run, SeriesQuery: "return()"}}})
	}
	return r
}

func TestSamplesAreNormalisedBeforeTheyAreEstimated(t *testing.T) {
	w := newLines(t)
	f := func(n *pb.Normalisation, wantLow, wantHigh float64, want ...[]float64) {
		t.Helper()
		answer := ask(w, w.client.GetStatistics, linesRequest([]string{"a", "b"}, n))
		if got := answer.Normalisation; n != nil && !n.ByEnvironment && (got.GetLow() != wantLow || got.GetHigh() != wantHigh) {
			t.Errorf("%v normalises by %v", n, got)
		}
		var got [][]float64
		for _, g := range answer.Groups {
			sum := []float64{0, 0}
			for i, curve := range g.SampleCurves {
				if curve.Run != g.Name || curve.Environment != fmt.Sprint("env-", i) {
					t.Errorf("sample %d of %s is %s of %s", i, g.Name, curve.Environment, curve.Run)
				}
				got = append(got, floats(curve.Values))
				sum[0] += floats(curve.Values)[0] / 2
				sum[1] += floats(curve.Values)[1] / 2
			}
			if means := floats(g.Estimators[0].Values); !slices.EqualFunc(means, sum, near) {
				t.Errorf("means %v of %s, want %v", means, g.Name, sum)
			}
		}
		if !slices.EqualFunc(got, want, func(a, b []float64) bool { return slices.EqualFunc(a, b, near) }) {
			t.Errorf("%v: %v, want %v", n, got, want)
		}
	}
	f(nil, 0, 0, []float64{0, 10}, []float64{100, 300}, []float64{5, 20}, []float64{200, 500})
	f(&pb.Normalisation{}, 0, 500, []float64{0, 0.02}, []float64{0.2, 0.6}, []float64{0.01, 0.04}, []float64{0.4, 1})
	f(&pb.Normalisation{Low: new(100.0)}, 100, 500, []float64{-0.25, -0.225}, []float64{0, 0.5}, []float64{-0.2375, -0.2}, []float64{0.25, 1})
	f(&pb.Normalisation{ByEnvironment: true}, 0, 0, []float64{0, 0.5}, []float64{0, 0.5}, []float64{0.25, 1}, []float64{0.25, 1})
}

func TestScalesOfEnvironmentsAreToldAndMayBeGiven(t *testing.T) {
	w := newLines(t)
	given := &pb.Normalisation{ByEnvironment: true, Scales: []*pb.Scale{{Of: "env-1", High: new(1100.0)}, {Of: "gone", Low: new(1.0)}}}
	answer := ask(w, w.client.GetStatistics, linesRequest([]string{"a", "b"}, given))
	var got []string
	for _, s := range answer.Normalisation.Scales {
		got = append(got, fmt.Sprint(s.Of, " ", s.GetLow(), " ", s.GetHigh()))
	}
	if want := []string{"env-0 0 20", "env-1 100 1100"}; !slices.Equal(got, want) {
		t.Errorf("scales %v, want %v", got, want)
	}
	if curve := floats(answer.Groups[1].SampleCurves[1].Values); !slices.EqualFunc(curve, []float64{0.1, 0.4}, near) {
		t.Errorf("env-1 of b: %v", curve)
	}
}

func TestWhatIsAlwaysEqualIsNormalisedToNothing(t *testing.T) {
	w := newLines(t)
	answer := ask(w, w.client.GetStatistics, linesRequest([]string{"c"}, &pb.Normalisation{ByEnvironment: true}))
	for _, curve := range answer.Groups[0].SampleCurves {
		if got := floats(curve.Values); got[0] != 0 || got[1] != 0 {
			t.Errorf("%v, want zeros", got)
		}
	}
}

func TestNormalisationsThatMakeNoSense(t *testing.T) {
	w := newLines(t)
	f := func(n *pb.Normalisation, unit pb.SampleUnit, words string) {
		t.Helper()
		r := linesRequest([]string{"a"}, n)
		r.Unit = unit
		refused(w, w.client.GetStatistics, r, connect.CodeInvalidArgument, words)
	}
	run, env := pb.SampleUnit_SAMPLE_UNIT_RUN, pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT
	f(&pb.Normalisation{Low: new(2.0), High: new(1.0)}, run, "normalisation goes from 2 to 1")
	f(&pb.Normalisation{Low: new(math.Inf(1))}, run, "not finite")
	f(&pb.Normalisation{ByEnvironment: true}, run, "needs the unit ENVIRONMENT")
	f(&pb.Normalisation{ByEnvironment: true, Low: new(1.0)}, env, "neither low nor high")
	f(&pb.Normalisation{ByRunAttribute: "config/a", High: new(1.0)}, run, "neither low nor high")
	f(&pb.Normalisation{ByEnvironment: true, ByRunAttribute: "config/a"}, env, "by one of environments")
	scales := []*pb.Scale{{Of: "x", Low: new(2.0), High: new(1.0)}}
	f(&pb.Normalisation{Scales: scales}, run, "none of the fields that say of what")
	f(&pb.Normalisation{ByRunAttribute: "config/a", Scales: scales}, run, "the scale of x goes from 2 to 1")
	scales = []*pb.Scale{{Of: "x"}, {Of: "x"}}
	f(&pb.Normalisation{ByRunAttribute: "config/a", Scales: scales}, run, `two scales of "x"`)
	f(&pb.Normalisation{ByRunAttribute: "config/a", Scales: make([]*pb.Scale, 10_001)}, run, "at most 10000")
}
