package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Episodes are summed up the same, bit for bit, wherever the points lie, and as the
// points say.
func TestEpisodesAreSummedUpFromWhereverThePointsLie(t *testing.T) {
	restarts := 0
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 7))
		traffic := rlTraffic{random: random, short: seed%3 == 0}
		dir := t.TempDir()
		stillDB, movedDB := open(t, t.TempDir()), open(t, dir)
		still, moved := runOf(t, stillDB), runOf(t, movedDB)
		for range 400 {
			env, b := traffic.batch()
			b.Times.Millis = int64(random.IntN(1000))
			if random.IntN(8) == 0 { // back to the episode before, at times at an rl_step before
				b.Episode, b.RLStep = b.Episode-min(b.Episode, 1), b.RLStep-min(b.RLStep, random.Uint64N(3))
			}
			logRL(t, still, env, b)
			logRL(t, moved, env, b)
			switch random.IntN(30) {
			case 0:
				must(t, moved.settle(random.IntN(3) == 0))
			case 1:
				closed(t, movedDB)
				movedDB = open(t, dir)
				moved = runOf(t, movedDB)
			case 2:
				restarts += equalEpisodes(t, still, moved, random)
			}
		}
		restarts += equalEpisodes(t, still, moved, random)
		must(t, moved.settle(true))
		restarts += equalEpisodes(t, still, moved, random)
		closed(t, stillDB)
		closed(t, movedDB)
	}
	if restarts == 0 {
		t.Error("no episode was restarted")
	}
}

func equalEpisodes(t testing.TB, still, moved *Run, random *rand.Rand) (restarts int) {
	t.Helper()
	for no := range uint32(3) {
		from, env := random.Uint64N(8), uint32(random.IntN(4))
		queries := []EpisodeQuery{
			{Within: Range{To: math.MaxUint64}, Values: true}, {Within: Range{To: math.MaxUint64}},
			{Within: Range{from, from + random.Uint64N(4)}, Values: true, FirstEnv: env, LastEnv: env + uint32(random.IntN(3))},
			{Within: Range{To: math.MaxUint64}, Values: true, RLSteps: &Range{random.Uint64N(4), 2 + random.Uint64N(12)}},
		}
		for _, q := range queries {
			want, err := still.EpisodeSums(no, q)
			must(t, err)
			got, err := moved.EpisodeSums(no, q)
			must(t, err)
			if fmt.Sprint(got) != fmt.Sprint(want) { // Last may be NaN
				t.Fatalf("series %d, %v:\n%v\nwant\n%v", no, q, got, want)
			}
			for _, of := range got {
				restarts += episodesOfPoints(t, moved, no, of, q)
			}
		}
	}
	return restarts
}

// episodesOfPoints compares sums with what the points of an environment add up to.
func episodesOfPoints(t testing.TB, r *Run, no uint32, got EnvEpisodes, q EpisodeQuery) (restarts int) {
	t.Helper()
	points, err := r.RLPoints(no, got.Env, RLRange{Episode: &q.Within, RLStep: q.RLSteps})
	must(t, err)
	want := make(map[uint64]*EpisodeSum)
	for i, episode := range points.Episodes {
		w := want[episode]
		if w == nil {
			w = &EpisodeSum{FirstRLStep: points.RLSteps[i], FirstEnvStep: points.EnvSteps[i], FirstTime: points.Times[i], LastTime: points.Times[i]}
			want[episode] = w
		}
		w.Points++
		w.LastRLStep = points.RLSteps[i]
		w.FirstTime, w.LastTime = min(w.FirstTime, points.Times[i]), max(w.LastTime, points.Times[i])
		w.EnvSteps = max(w.EnvSteps, points.EnvSteps[i]+1)
		if w.EnvSteps == points.EnvSteps[i]+1 {
			w.Last = points.Values[i]
		}
		if v := points.Values[i]; finite(v) {
			w.Sum += v
			if w.Finite++; w.Finite == 1 {
				w.Min, w.Max = v, v
			}
			w.Min, w.Max = min(w.Min, v), max(w.Max, v)
		}
	}
	if len(got.Episodes) != len(want) {
		t.Fatalf("series %d: %d episodes, want %d", no, len(got.Episodes), len(want))
	}
	for _, g := range got.Episodes {
		w := want[g.Episode]
		if no == 2 { // of EPISODE scale
			w.EnvSteps = 0
		}
		positions := g.Points == w.Points && g.FirstRLStep == w.FirstRLStep && g.LastRLStep == w.LastRLStep &&
			g.EnvSteps == w.EnvSteps && g.FirstEnvStep == w.FirstEnvStep && g.FirstTime == w.FirstTime && g.LastTime == w.LastTime
		last := math.Float64bits(g.Last) == math.Float64bits(w.Last)
		extremes := w.Finite == 0 || g.Min == w.Min && g.Max == w.Max
		values := g.Finite == w.Finite && last && extremes && math.Abs(g.Sum-w.Sum) < 1e-9
		if !positions || q.Values && !values {
			t.Fatalf("series %d, environment %d:\n%+v\nwant\n%+v", no, got.Env, g, *w)
		}
		restarts += int(g.Attempt)
	}
	return restarts
}
