package store

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/metrana/metrana/go/point"
)

func TestTheFirstRLPointThatIsNotFinite(t *testing.T) {
	found := 0
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 9))
		traffic := rlTraffic{random: random, short: seed%2 == 0}
		db := open(t, t.TempDir())
		r := runOf(t, db)
		for range 40 + random.IntN(200) {
			env, b := traffic.batch()
			for i, v := range b.Values {
				if !finite(v) && (b.RLStep < 2 || random.IntN(3) > 0) { // few, and late
					b.Values[i] = 0
				}
			}
			logRL(t, r, env, b)
			if random.IntN(50) == 0 {
				must(t, r.settle(random.IntN(2) == 0))
			}
		}
		for no := uint32(0); no < 4; no++ {
			var want RLOther
			has := false
			for env := uint32(1); env <= 3; env++ {
				points, err := r.RLPoints(no, env, RLRange{})
				must(t, err)
				for i, v := range points.Values {
					if !finite(v) && (!has || points.RLSteps[i] < want.RLStep) {
						has = true
						want = RLOther{Env: env, RLStep: points.RLSteps[i], EnvStep: points.EnvSteps[i], Episode: points.Episodes[i]}
					}
				}
			}
			got, ok, err := r.FirstRLOther(no)
			must(t, err)
			if ok != has || ok && finite(got.Value) {
				t.Fatalf("series %d: %v %v, want %v %v", no, got, ok, want, has)
			}
			got.Value, got.HasEpisode = 0, false
			if got != want {
				t.Fatalf("series %d: %v, want %v", no, got, want)
			}
			if ok {
				found++
			}
		}
		closed(t, db)
	}
	if found == 0 {
		t.Error("no point was other")
	}
}

func TestTheNewestTime(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	f := func(want int64, has bool) {
		t.Helper()
		if got, found, err := r.NewestTime(); err != nil || found != has || has && got != want {
			t.Fatalf("%d %v %v, want %d", got, found, err, want)
		}
	}
	f(0, false)
	commit(t, r, func(tx *Tx) {
		b := rl(1, 1, 0, 1, 2)
		b.Times = point.Times{List: []int64{70, 60}}
		tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("e"), b, true)
	})
	f(70, true)
	must(t, r.settle(false))
	f(70, true)
	commit(t, r, func(tx *Tx) {
		tx.Append(tx.Series(loss, point.Ordered), 7, point.Batch{Times: point.Times{Millis: 80}, Values: []float64{math.NaN()}})
	})
	f(80, true)
	must(t, r.settle(false))
	f(80, true)
}
