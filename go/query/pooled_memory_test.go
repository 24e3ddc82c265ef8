package query

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// vectorTraining logs episodes of many environments, a few batches at a time: they go on over
// rl_steps, some begin anew, environments come up late.
type vectorTraining struct {
	random *rand.Rand
	envs   [90]struct{ rlStep, first, episode, next uint64 }
	seen   int
	time   int64
}

func (g *vectorTraining) log(w *world, batches int) {
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		for range batches {
			k := g.random.IntN(min(g.seen+1, len(g.envs)))
			e := &g.envs[k]
			if k == g.seen { // it begins where others are
				g.seen++
				e.rlStep = g.envs[0].rlStep
			}
			switch g.random.IntN(40) {
			case 0, 1, 2, 3, 4, 5:
				e.rlStep += 1 + g.random.Uint64N(3)
				e.next = 0
			case 6, 7, 8:
				e.episode++
				e.first, e.next = e.rlStep, 0
			case 9:
				if g.random.IntN(10) == 0 {
					e.rlStep, e.next = e.first, 0 // the episode starts over
				}
			}
			values := make([]float64, 1+g.random.IntN(30))
			for i := range values {
				if values[i] = g.random.NormFloat64(); g.random.IntN(200) == 0 {
					values[i] = math.Inf(g.random.IntN(2) - 1)
				}
			}
			g.time += g.random.Int64N(50) - 3
			tx.AppendRL(tx.Series(rolledOut[0], point.Ordered), tx.Environment(fmt.Sprint("env-", k*37%len(g.envs))), point.RLBatch{
				RLStep: e.rlStep, Episode: e.episode, HasEpisode: g.random.IntN(50) > 0, Minors: point.Steps{First: e.next},
				Times: point.Times{Millis: 1_700_000_000_000 + g.time}, Values: values,
			}, true)
			e.next += uint64(len(values))
		}
	})
}

// Answers of a service that was asked before are the same, bit for bit, as those of one that
// was not, whatever came in between.
func TestPooledCurvesDoNotDependOnWhatWasAskedBefore(t *testing.T) {
	w := newWorld(t)
	g := &vectorTraining{random: rand.New(rand.NewPCG(5, 6))}
	asked := New(w.catalog, Options{})
	g.log(w, 300)
	for range 40 {
		q := CurveQuery{
			Workspace: "w", Project: "p", Runs: []string{"r"}, Series: []string{`reward(scale="ENVIRONMENT_STEP")`},
			Along: Along(1 + g.random.IntN(6)),
		}
		if g.random.IntN(4) == 0 {
			from := int64(2)
			q.From = &from
		}
		if g.random.IntN(4) == 0 {
			q.Points.RLStep = &store.Range{From: 3, To: 20}
		}
		var cursor []byte
		for range 8 {
			got, err := asked.BucketCurves(q, 50, cursor)
			if err != nil {
				t.Fatal(err)
			}
			want, err := New(w.catalog, Options{}).BucketCurves(q, 50, cursor)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("along %d: %+v\nwant %+v", q.Along, got, want)
			}
			cursor = got.Cursor
			g.log(w, g.random.IntN(12))
		}
	}
	if run, _ := w.catalog.FindRun("w", "p", "r"); !restartedOnce(t, run) {
		t.Fatal("no episode started over")
	}
}

func restartedOnce(t *testing.T, run *catalog.Run) bool {
	points, err := run.Points()
	if err != nil {
		t.Fatal(err)
	}
	for no := range uint32(90) {
		reach, err := points.RLReach(no+1, store.RLCurve{Series: 1, Within: store.Range{To: none}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if reach.Discards {
			return true
		}
	}
	return false
}

// Two that look, between which a point comes before all others, and fill in the same order
// may agree in where their buckets begin; the first bucket is not the same.
func TestAPointBeforeAllOthersIsInItsBucket(t *testing.T) {
	w := newWorld(t)
	log := func(env string, rlStep uint64) {
		w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
			edit.Logged()
			tx.AppendRL(tx.Series(rolledOut[0], point.Ordered), tx.Environment(env), point.RLBatch{RLStep: rlStep, Values: []float64{1}}, true)
		})
	}
	for i := range uint64(101) {
		log("a", 105+100*i)
	}
	q := CurveQuery{Workspace: "w", Project: "p", Runs: []string{"r"}, Series: []string{`reward(scale="ENVIRONMENT_STEP")`}, Along: AlongRLSteps}
	look := func(s *Service) ([]curve, axis) {
		list, err := s.curvesAlong(q)
		if err != nil {
			t.Fatal(err)
		}
		first, last := list[0].extent()
		return list, spannedEvenly(first, last, 50, 0)
	}
	fill := func(list []curve, a axis) []uint64 {
		filled, err := fillAll(a, list)
		if err != nil {
			t.Fatal(err)
		}
		return filled[0].counts
	}
	s := New(w.catalog, Options{})
	before, axisBefore := look(s)
	log("b", 100)
	after, axisAfter := look(s)
	if axisBefore.first != axisAfter.first || axisBefore.width != axisAfter.width {
		t.Fatalf("%+v and %+v", axisBefore, axisAfter)
	}
	fill(before, axisBefore)
	got, want := fill(after, axisAfter), fill(look(New(w.catalog, Options{})))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
