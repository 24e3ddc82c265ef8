package query

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// What the store sums up at each x is what the points of curves come to, whether they lie
// close along an axis or far apart.
func TestSumsAtEachXAreThoseOfPoints(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(3, 8))
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		for rlStep := uint64(0); rlStep < 20_000; rlStep += 1 + random.Uint64N(3) {
			values := make([]float64, 1+random.IntN(3))
			for i := range values {
				if values[i] = float64(random.IntN(100)); random.IntN(20) == 0 {
					values[i] = nan
				}
			}
			episode(tx, fmt.Sprint("env-", random.IntN(2)), rlStep*rlStep/1000, rlStep/10, values...)
		}
	})
	s := New(w.catalog, Options{})
	stored, apart := 0, 0
	for round := range 40 {
		q := CurveQuery{
			Workspace: "w", Project: "p", Runs: []string{"r"}, Series: []string{`reward(scale="ENVIRONMENT_STEP")`},
			Along: []Along{AlongRLSteps, AlongEpisodes, AlongEnvSteps, AlongTotalSteps}[round%4], EachEnvironment: random.IntN(2) == 0,
		}
		if random.IntN(2) == 0 {
			from := random.Int64N(100)
			to := from + random.Int64N(20_000)
			q.From, q.To = &from, &to
		}
		curves, err := s.Curves(q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range curves.Len() {
			of := curves.list[i]
			first, last := of.extent()
			if (last-first)/4 > of.most() {
				apart++
			} else if last-first > 1<<13 {
				stored++
			}
			checkSums(t, curves, i)
		}
	}
	if stored == 0 || apart == 0 {
		t.Fatalf("%d curves longer than what is summed up at a time, %d with points far apart; want some of both", stored, apart)
	}
}

func checkSums(t *testing.T, curves Curves, i int) {
	t.Helper()
	points, err := curves.Points(i)
	if err != nil {
		t.Fatal(err)
	}
	got, err := curves.Sums(i)
	if err != nil {
		t.Fatal(err)
	}
	want := Sums{Identity: points.Identity}
	for k, v := range points.Values {
		if v == v {
			want.add(points.Xs[k], v, 1)
		}
	}
	if got.Run != want.Run || got.Environment != want.Environment {
		t.Fatalf("sums of %q in %q, want %q in %q", got.Run, got.Environment, want.Run, want.Environment)
	}
	same(t, "xs", got.Xs, want.Xs)
	same(t, "sums", got.Sums, want.Sums)
	same(t, "counts", got.Counts, want.Counts)
}
