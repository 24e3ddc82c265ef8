package store

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/point"
)

func named(name string) point.Series { return point.Series{Name: name, Scale: point.ScaleMLStep} }

// Cells shorter and longer than a block keep their points through merges.
func TestMergesKeepEveryCellApart(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	want := make(map[string][]float64)
	random := rand.New(rand.NewPCG(4, 4))
	for range 12 {
		commit(t, r, func(tx *Tx) {
			for name, n := range map[string]int{"long": 7000, "middle": 900, "short": 400} {
				values := make([]float64, n)
				for i := range values {
					values[i] = random.NormFloat64()
				}
				first := uint64(len(want[name]))
				tx.Append(tx.Series(named(name), point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Values: values})
				want[name] = append(want[name], values...)
			}
		})
		must(t, r.settle(false))
	}
	must(t, r.settle(true))
	for name, values := range want {
		no, _ := r.FindSeries(named(name))
		points, err := r.Points(no, 0, math.MaxUint64)
		if err != nil || !slices.Equal(points.Values, values) {
			t.Errorf("%s: %d points, want %d (%v)", name, len(points.Values), len(values), err)
		}
		part, err := r.PointsAt(no, 300, 350)
		if err != nil || !slices.Equal(part.Values, values[300:350]) || part.Steps[0] != 300 {
			t.Errorf("%s: %v (%v)", name, part, err)
		}
	}
}

// What was merged away leaves neither records nor files behind, nor does a crash.
func TestNothingIsLeftOfMergedSegments(t *testing.T) {
	for _, inline := range []int{maxInline, 0} {
		dir := t.TempDir()
		db := open(t, dir)
		db.maxInline = inline
		r := runOf(t, db)
		for i := range uint64(5) {
			commit(t, r, func(tx *Tx) { request(tx, i) })
			must(t, r.settle(false))
		}
		must(t, r.settle(true))
		records := 0
		must(t, db.scan(runKey(r.id, kindSegment), func(_, _ []byte) error { records++; return nil }))
		files, _ := os.ReadDir(db.runDir(r.id))
		if records+len(files) != 1 {
			t.Errorf("%d records and %d files of one segment", records, len(files))
		}
		must(t, os.MkdirAll(db.runDir(r.id), 0o755))
		stray := db.segmentPath(r.id, 77)
		must(t, os.WriteFile(stray, []byte("half"), 0o600))
		closed(t, db)
		db = open(t, dir)
		checkRequests(t, runOf(t, db), 5)
		if _, err := os.Stat(stray); !os.IsNotExist(err) {
			t.Errorf("what a crash left is still there: %v", err)
		}
		closed(t, db)
	}
}

// A reader whose segments are merged away under its hands begins again.
func TestReadersOutliveMerges(t *testing.T) {
	for _, inline := range []int{maxInline, 0} {
		db := open(t, t.TempDir())
		db.maxInline = inline
		r := runOf(t, db)
		for i := range uint64(2) {
			commit(t, r, func(tx *Tx) { request(tx, i) })
			must(t, r.settle(false))
		}
		looks := 0
		var values []float64
		must(t, r.look(1, 0, func(v view) error {
			if looks++; looks == 1 {
				must(t, r.settle(true))
			}
			all, err := r.gather(cellID{series: 1}, v, func(blockInfo) bool { return true })
			values = all.values
			return err
		}))
		if looks != 2 || len(values) != 6 {
			t.Errorf("%d values after %d looks", len(values), looks)
		}
		closed(t, db)
	}
}

// Sums at rl_steps are those of the points, and the same bit for bit wherever
// these lie: also where a stretch is cut by a roll or begins again later.
func TestSumsAtRLSteps(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 5))
		db := open(t, t.TempDir())
		r := runOf(t, db)
		type sum struct {
			n     uint64
			total float64
		}
		byStep, byEpisode := make(map[uint64]sum), make(map[uint64]sum)
		rlStep, ep := uint64(0), uint64(0)
		for range 60 {
			values := make([]float64, 1+random.IntN(120))
			for i := range values {
				values[i] = random.NormFloat64()
				if random.IntN(300) == 0 {
					values[i] = math.NaN()
				}
				if finite(values[i]) {
					s, e := byStep[rlStep], byEpisode[ep]
					byStep[rlStep], byEpisode[ep] = sum{s.n + 1, s.total + values[i]}, sum{e.n + 1, e.total + values[i]}
				}
			}
			commit(t, r, func(tx *Tx) {
				tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("a"), rl(rlStep, ep, 0, values...), true)
			})
			rlStep += uint64(random.IntN(2))
			ep++
			if random.IntN(8) == 0 {
				must(t, r.settle(random.IntN(3) == 0))
			}
		}
		all := Range{To: math.MaxUint64 - 1}
		check := func(got []RLSum, want map[uint64]sum) {
			t.Helper()
			if len(got) != len(want) {
				t.Fatalf("%d sums, want %d", len(got), len(want))
			}
			for _, s := range got {
				if w := want[s.At]; s.Count != w.n || math.Abs(s.Sum-w.total) > 1e-9 {
					t.Fatalf("%+v, want %+v", s, w)
				}
			}
		}
		before, err := r.SumsByRLStep(1, 1, all)
		must(t, err)
		check(before, byStep)
		episodes, err := r.SumsByEpisode(1, 1, all)
		must(t, err)
		check(episodes, byEpisode)
		must(t, r.settle(true))
		after, err := r.SumsByRLStep(1, 1, all)
		must(t, err)
		if !slices.Equal(before, after) {
			t.Fatal("the sums changed with the place of the points")
		}
		some, err := r.SumsByRLStep(1, 1, Range{3, 5})
		must(t, err)
		for _, s := range some {
			if s.At < 3 || s.At > 5 {
				t.Fatalf("%+v is not within 3…5", s)
			}
		}
		closed(t, db)
	}
}
