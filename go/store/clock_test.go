package store

import (
	"slices"
	"testing"

	"github.com/metrana/metrana/go/point"
)

func stepSeries(name string) point.Series {
	return point.Series{Name: name, Scale: point.ScaleEnvironmentStep}
}

// logged adds one batch to environment a.
func logged(tx *Tx, key point.Series, b point.RLBatch) {
	tx.AppendRL(tx.Series(key, point.Ordered), tx.Environment("a"), b, true)
}

func episodeEnd(rlStep, episode uint64) point.RLBatch {
	return point.RLBatch{RLStep: rlStep, Minors: point.Steps{First: episode}, Values: []float64{1}}
}

func totalSteps(t *testing.T, r *Run, key point.Series) []uint64 {
	t.Helper()
	c, err := r.RLPoints(r.byKey[key.Key()].no, 1, RLRange{})
	must(t, err)
	return c.TotalSteps
}

func wantTotals(t *testing.T, r *Run, key point.Series, want ...uint64) {
	t.Helper()
	if got := totalSteps(t, r, key); !slices.Equal(got, want) {
		t.Fatalf("%s lies at %v, want %v", key.Name, got, want)
	}
}

// What was not there from the start, or has few env steps, lies where the
// environment is, also when the server was started again in between.
func TestALateOrSparseSeriesLiesWhereTheEnvironmentIs(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	defer func() { closed(t, db) }()
	again := func(roll bool) {
		if roll {
			must(t, runOf(t, db).settle(true))
		}
		closed(t, db)
		db = open(t, dir)
	}
	dense, sparse, late := stepSeries("dense"), stepSeries("sparse"), stepSeries("late")
	commit(t, runOf(t, db), func(tx *Tx) {
		logged(tx, dense, rl(0, 0, 0, make([]float64, 10)...))
		logged(tx, sparse, rl(0, 0, 0, 1))
		logged(tx, dense, rl(0, 1, 0, make([]float64, 5)...))
	})
	again(true)
	commit(t, runOf(t, db), func(tx *Tx) {
		logged(tx, sparse, rl(1, 1, 0, 1)) // of an episode that is known
		logged(tx, dense, rl(1, 1, 0, make([]float64, 5)...))
		logged(tx, sparse, rl(1, 2, 0, 1)) // of one that nobody knows yet
	})
	again(false)
	commit(t, runOf(t, db), func(tx *Tx) {
		logged(tx, late, rl(2, 2, 0, 1))
		logged(tx, late, rl(2, 3, 0, 1))
		logged(tx, dense, rl(2, 2, 0, 1, 1))
	})
	r := runOf(t, db)
	wantTotals(t, r, sparse, 0, 10, 20)
	wantTotals(t, r, late, 20, 21)
	wantTotals(t, r, dense, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
}

// A point of EPISODE scale lies at the end of its episode, and not of the batch.
func TestEpisodesLieAtTheirEnds(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	early := point.Series{Name: "early", Scale: point.ScaleEpisode}
	labelled := point.Series{Name: "labelled", Scale: point.ScaleEpisode, Labels: reward.Labels}
	commit(t, r, func(tx *Tx) { logged(tx, early, episodeEnd(0, 0)) })
	commit(t, r, func(tx *Tx) {
		logged(tx, stepSeries("m"), rl(0, 0, 0, make([]float64, 10)...))
		logged(tx, stepSeries("m"), rl(0, 1, 0, make([]float64, 7)...))
		logged(tx, stepSeries("m"), rl(0, 2, 0, make([]float64, 3)...))
		logged(tx, ret, episodeEnd(0, 0))
		logged(tx, ret, episodeEnd(0, 1))
		logged(tx, ret, episodeEnd(0, 40)) // nobody knows it
	})
	commit(t, r, func(tx *Tx) {
		logged(tx, stepSeries("m"), rl(0, 2, 0, 1, 1)) // begins anew: 17 env steps are before it
		logged(tx, ret, point.RLBatch{RLStep: 1, Minors: point.Steps{First: 0}, Values: []float64{1, 1, 1}})
		logged(tx, labelled, episodeEnd(1, 1)) // no series of env steps has its labels
	})
	wantTotals(t, r, early, 0)
	wantTotals(t, r, ret, 10, 17, 20, 10, 17, 19)
	wantTotals(t, r, labelled, 17)
	commit(t, r, func(tx *Tx) {
		logged(tx, reward, rl(0, 0, 0, 1))
		logged(tx, labelled, episodeEnd(2, 0))
	})
	wantTotals(t, r, labelled, 17, 1)
}

// More episodes at a time than a clock remembers count once for all series, in
// whichever order a series has them.
func TestManyEpisodesAtATimeCountOnce(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	const atATime, steps = 3 * olderEpisodes, 4
	for rlStep := range uint64(5) {
		commit(t, r, func(tx *Tx) {
			for _, name := range []string{"x", "y"} {
				for episode := range uint64(atATime) { // side by side
					logged(tx, stepSeries(name), rl(rlStep, rlStep/3*atATime+episode, 0, make([]float64, steps)...))
				}
			}
		})
	}
	commit(t, r, func(tx *Tx) {
		for episode := uint64(2 * atATime); episode > 0; episode-- {
			logged(tx, stepSeries("z"), rl(0, episode-1, 0, make([]float64, steps)...))
		}
	})
	for _, name := range []string{"x", "y", "z"} {
		for i, total := range totalSteps(t, r, stepSeries(name)) {
			if total != uint64(i) {
				t.Fatalf("%s: point %d lies at %d", name, i, total)
			}
		}
	}
}

// A writer that counts from one has as many env steps as another.
func TestEnvStepsFromOneAreCountedOnce(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	fromOne := func(b point.RLBatch) point.RLBatch {
		b = flat(b)
		b.FromOne = true
		return b
	}
	commit(t, r, func(tx *Tx) {
		logged(tx, stepSeries("m"), fromOne(rl(0, 0, 1, 1, 1, 1)))
		logged(tx, stepSeries("m"), fromOne(rl(0, 1, 1, 1, 1)))
		logged(tx, ret, episodeEnd(0, 1))
		logged(tx, stepSeries("m"), fromOne(rl(1, 1, 1, 1, 1))) // begins anew
	})
	wantTotals(t, r, stepSeries("m"), 0, 1, 2, 3, 4)
	wantTotals(t, r, ret, 5)
	commit(t, r, func(tx *Tx) { // one that did not count from one after all
		tx.AppendRL(tx.Series(stepSeries("m"), point.Ordered), 1, flat(rl(2, 0, 0, 1)), false)
	})
	wantTotals(t, r, stepSeries("m"), 0, 1, 2, 3, 4, 0)
}

// A series that has not got to a restart lies where the episode began before it.
func TestASeriesThatIsBehindLiesWhereItsAttemptBegan(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	for _, name := range []string{"x", "y"} {
		for i, b := range []point.RLBatch{rl(0, 0, 0, 1, 1), rl(0, 1, 0, 1, 1), rl(0, 0, 0, 1, 1, 1)} {
			commit(t, r, func(tx *Tx) { logged(tx, stepSeries(name), b) })
			if i == 0 {
				wantTotals(t, r, stepSeries(name), 0, 1)
			}
		}
		wantTotals(t, r, stepSeries(name), 2, 3, 4, 5, 6)
	}
}
