package query

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// rollouts are those of a training. Each environment goes on with its episodes from rollout to
// rollout; some number their env steps within the episode, others within the rollout.
type rollouts struct {
	random *rand.Rand
	rlStep uint64
	envs   []rolledEnv
	time   int64
}

type rolledEnv struct {
	episode, envStep, minor uint64
	flat, fromOne           bool
}

func newRollouts(random *rand.Rand) *rollouts {
	t := &rollouts{random: random, envs: make([]rolledEnv, 4)}
	for i := range t.envs {
		t.envs[i].flat, t.envs[i].fromOne = i%2 == 1, i == 3
	}
	return t
}

// logged is a batch that can be written to several runs.
type logged struct {
	env   string
	key   point.Series
	batch point.RLBatch
}

var rolledOut = []point.Series{
	{Name: "reward", Scale: point.ScaleEnvironmentStep},
	{Name: "value", Scale: point.ScaleEnvironmentStep},
	{Name: "reward", Scale: point.ScaleEnvironmentStep, Labels: []point.Label{{Key: "evaluation", Value: "true"}}},
}

var returns = []point.Series{
	{Name: "return", Scale: point.ScaleEpisode},
	{Name: "return", Scale: point.ScaleEpisode, Labels: []point.Label{{Key: "head", Value: "b"}}},
}

// next gives what is logged at the next rl_step.
func (t *rollouts) next() (all []logged) {
	t.rlStep++
	for i := range t.envs {
		if t.random.IntN(4) == 0 {
			continue
		}
		e, id := &t.envs[i], fmt.Sprint("env-", i)
		e.minor = 0
		for range 1 + t.random.IntN(3) {
			n := 1 + t.random.IntN(5)
			first := e.minor
			if e.flat {
				first = e.envStep
			}
			if e.fromOne {
				first++
			}
			t.time += t.random.Int64N(50)
			b := point.RLBatch{
				RLStep: t.rlStep, Episode: e.episode, HasEpisode: true, Minors: point.Steps{First: first}, Flat: e.flat, FromOne: e.fromOne,
				Times: point.Times{Millis: t.time}, Values: make([]float64, n),
			}
			keys := rolledOut[:2]
			if i == 2 && t.rlStep%3 == 0 {
				keys = rolledOut
			}
			for _, key := range keys {
				b.Values = slices.Clone(b.Values)
				for k := range b.Values {
					b.Values[k] = math.Round(t.random.NormFloat64() * 10)
				}
				all = append(all, logged{id, key, b})
			}
			e.envStep, e.minor = e.envStep+uint64(n), e.minor+uint64(n)
			if t.random.IntN(3) == 0 {
				ended := point.RLBatch{RLStep: t.rlStep, Minors: point.Steps{First: e.episode}, Values: []float64{float64(e.envStep)}}
				all = append(all, logged{id, returns[t.random.IntN(2)], ended})
				e.episode, e.envStep, e.minor = e.episode+1+t.random.Uint64N(2), 0, 0
			}
		}
	}
	return all
}

func write(tx *store.Tx, all []logged) {
	for _, l := range all {
		tx.AppendRL(tx.Series(l.key, point.Ordered), tx.Environment(l.env), l.batch, true)
	}
}

// copied is the training as a checkpoint would have it.
func (t *rollouts) copied() *rollouts {
	c := *t
	c.envs = slices.Clone(t.envs)
	return &c
}

// A fork of a fork reads as one run that logged all of it, total steps as well.
func TestHeirsReadAsOneRun(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t)
		at := newRollouts(random)
		var whole []logged
		var fork *catalog.Fork
		for generation := range 3 {
			name := fmt.Sprint("run-", generation)
			var own []logged
			for range 2 + random.IntN(5) {
				own = append(own, at.next()...)
			}
			whole = append(whole, own...)
			checkpoint := at.copied()
			for range random.IntN(4) { // the parent goes on behind the fork
				own = append(own, at.next()...)
			}
			w.run(name, fork, func(tx *store.Tx, _ *catalog.Edit) { write(tx, own) })
			fork, at = &catalog.Fork{Parent: name, Step: checkpoint.rlStep}, checkpoint
		}
		w.run("none", fork, func(*store.Tx, *catalog.Edit) {})
		w.run("whole", nil, func(tx *store.Tx, _ *catalog.Edit) { write(tx, whole) })
		sameRLPoints(t, seed, w.heirOf("none"), w.heirOf("whole"), random)
	}
}

// An environment goes on where it stood at the fork, series of each labels by themselves.
// Restarts before and behind the fork add up.
func TestEnvironmentsGoOnWhereTheyStood(t *testing.T) {
	w := newWorld(t)
	labelled := func(name, scale string, labels ...string) point.Series {
		s := series(name, labels...)
		s.Scale = scale
		return s
	}
	log := func(tx *store.Tx, s point.Series, rlStep, episode uint64, values ...float64) {
		b := point.RLBatch{RLStep: rlStep, Episode: episode, HasEpisode: true, Values: values}
		if s.Scale == point.ScaleEpisode {
			b.HasEpisode, b.Minors.First = false, episode
		}
		tx.AppendRL(tx.Series(s, point.Ordered), tx.Environment("e"), b, true)
	}
	steps, evaluation := labelled("reward", point.ScaleEnvironmentStep), labelled("reward", point.ScaleEnvironmentStep, "evaluation", "true")
	returns, evaluated := labelled("return", point.ScaleEpisode), labelled("return", point.ScaleEpisode, "evaluation", "true")
	w.run("parent", nil, func(tx *store.Tx, _ *catalog.Edit) {
		log(tx, steps, 0, 0, 1, 2)
		log(tx, steps, 0, 0, 1, 2, 3) // again
		log(tx, returns, 0, 0, 6)
		log(tx, steps, 1, 1, 4)
		log(tx, steps, 1, 1, 4)      // again
		log(tx, steps, 2, 1, 99, 99) // behind the fork
	})
	w.run("child", &catalog.Fork{Parent: "parent", Step: 1}, func(tx *store.Tx, _ *catalog.Edit) {
		log(tx, steps, 2, 1, 5)
		log(tx, steps, 2, 1, 5, 6) // again
		log(tx, returns, 2, 1, 15)
		log(tx, evaluation, 2, 0, 7, 8)
		log(tx, evaluated, 2, 0, 15)
	})
	heir := w.heirOf("child")
	totals := make(map[string][]uint64)
	var restarts []uint64
	for _, info := range heir.SeriesInfos() {
		points, err := heir.RLPoints(info.No, 1, store.RLRange{})
		if err != nil {
			t.Fatal(err)
		}
		totals[info.Key.Name+" "+info.Key.FlatLabels()] = points.TotalSteps
		sums, err := heir.EpisodeSums(info.No, store.EpisodeQuery{Within: store.Range{To: 9}})
		if err != nil {
			t.Fatal(err)
		}
		if info.Key.Key() == steps.Key() {
			restarts = []uint64{sums[0].Episodes[0].Attempt, sums[0].Episodes[1].Attempt}
		}
	}
	same(t, "steps", totals["reward "], []uint64{0, 1, 2, 3, 4, 5})
	same(t, "returns", totals["return "], []uint64{3, 6})
	same(t, "evaluation", totals["reward evaluation=true"], []uint64{0, 1})
	same(t, "returns of evaluation", totals["return evaluation=true"], []uint64{2})
	same(t, "restarts", restarts, []uint64{1, 2})
}

func (w *world) heirOf(name string) RLPoints {
	w.Helper()
	run, found := w.catalog.FindRun("w", "p", name)
	if !found {
		w.Fatal(name)
	}
	points, err := run.Points()
	if err != nil {
		w.Fatal(err)
	}
	heir, err := runPoints{run, points}.rlPoints(true, true)
	if err != nil {
		w.Fatal(err)
	}
	return heir
}

// sameRLPoints compares all that can be asked.
func sameRLPoints(t *testing.T, seed uint64, got, want RLPoints, random *rand.Rand) {
	t.Helper()
	envs, series := make(map[string]uint32), make(map[string]uint32)
	for _, env := range got.Environments() {
		envs[env.ID] = env.No
	}
	for _, info := range got.SeriesInfos() {
		series[info.Identity] = info.No
	}
	wanted := make(map[string]bool)
	for _, info := range want.SeriesInfos() {
		wanted[info.Identity] = true
	}
	for identity, no := range series { // an heir also names series whose points all lie behind the fork
		if sums, err := got.EpisodeSums(no, store.EpisodeQuery{Within: store.Range{To: math.MaxUint64}}); !wanted[identity] && (err != nil || len(sums) > 0) {
			t.Fatalf("seed %d, %q: %v %v", seed, identity, sums, err)
		}
	}
	for _, info := range want.SeriesInfos() {
		sums := make(map[uint32]string)
		q := store.EpisodeQuery{Within: store.Range{From: random.Uint64N(3), To: 3 + random.Uint64N(9)}, Values: true}
		found, err := got.EpisodeSums(series[info.Identity], q)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range found {
			sums[of.Env] = plainSums(of.Episodes)
		}
		expected, err := want.EpisodeSums(info.No, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(expected) != len(found) {
			t.Fatalf("seed %d, %v: episodes in %d environments, want %d", seed, info.Key, len(found), len(expected))
		}
		for _, of := range expected {
			id := want.Environments()[of.Env-1].ID
			if text := plainSums(of.Episodes); sums[envs[id]] != text {
				t.Fatalf("seed %d, %v in %s:\n%s\nwant\n%s", seed, info.Key, id, sums[envs[id]], text)
			}
		}
		for _, env := range want.Environments() {
			for _, sel := range []store.RLRange{
				{}, {RLStep: &store.Range{From: random.Uint64N(9), To: 9 + random.Uint64N(9)}},
				{Episode: &store.Range{From: random.Uint64N(4), To: 4 + random.Uint64N(4)}},
			} {
				a, err := got.RLPoints(series[info.Identity], envs[env.ID], sel)
				if err != nil {
					t.Fatal(err)
				}
				b, err := want.RLPoints(info.No, env.No, sel)
				if err != nil {
					t.Fatal(err)
				}
				if text := plainColumns(a); text != plainColumns(b) {
					t.Fatalf("seed %d, %v in %s, %v:\n%s\nwant\n%s", seed, info.Key, env.ID, sel, text, plainColumns(b))
				}
			}
		}
	}
}

// plainColumns leave minors out, which are as they were sent.
func plainColumns(c store.RLColumns) string {
	return fmt.Sprintln(c.RLSteps, c.Episodes, c.EnvSteps, "total", c.TotalSteps, c.Values, c.Times)
}

func plainSums(sums []store.EpisodeSum) (text string) {
	for _, s := range sums {
		text += fmt.Sprintln(s.Episode, s.FirstRLStep, s.LastRLStep, s.EnvSteps, s.FirstEnvStep, s.FirstTime, s.LastTime, s.Points, s.Finite, s.Sum, s.Min, s.Max, s.Last)
	}
	return text
}
