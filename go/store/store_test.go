package store

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/point"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	loss   = point.Series{Name: "loss", Scale: point.ScaleMLStep}
	shared = point.Series{Name: "shared", Scale: point.ScaleMLStep}
	reward = point.Series{Name: "reward", Scale: point.ScaleEnvironmentStep, Labels: []point.Label{{Key: "k", Value: "v"}}}
	ret    = point.Series{Name: "return", Scale: point.ScaleEpisode}
)

func open(t testing.TB, dir string) *DB {
	t.Helper()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func closed(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func runOf(t testing.TB, db *DB) *Run {
	t.Helper()
	r, err := db.Run(RunID{1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// commit runs one transaction and waits until it is durable.
func commit(t testing.TB, r *Run, change func(tx *Tx)) {
	t.Helper()
	tx := r.Begin()
	change(tx)
	pending, err := tx.Commit()
	if err == nil {
		err = pending.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOrderedSeriesKeepStepsAboveTheLast(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	f := func(b point.Batch, wantSteps []uint64, wantLate uint64) {
		t.Helper()
		commit(t, r, func(tx *Tx) { tx.Append(tx.Series(loss, point.Ordered), 7, b) })
		got, err := r.Points(1, 0, math.MaxUint64)
		if err != nil || !slices.Equal(got.Steps, wantSteps) {
			t.Fatalf("steps %v, want %v (%v)", got.Steps, wantSteps, err)
		}
		if late := r.SeriesInfos()[0].Late; late != wantLate {
			t.Fatalf("%d late, want %d", late, wantLate)
		}
	}
	f(point.Batch{Values: []float64{1, 2}}, []uint64{0, 1}, 0)
	f(point.Batch{Steps: point.Steps{First: 1}, Values: []float64{8, 3}}, []uint64{0, 1, 2}, 1)
	f(point.Batch{Steps: point.Steps{List: []uint64{9, 5, 10, 10}}, Values: []float64{4, 0, 5, 0}}, []uint64{0, 1, 2, 9, 10}, 3)
	f(point.Batch{Steps: point.Steps{First: math.MaxUint64}, Values: []float64{6}}, []uint64{0, 1, 2, 9, 10, math.MaxUint64}, 3)
	f(point.Batch{Steps: point.Steps{First: 11}, Values: []float64{7}}, []uint64{0, 1, 2, 9, 10, math.MaxUint64}, 4)
	points, err := r.Points(1, 2, 9)
	if err != nil || !slices.Equal(points.Values, []float64{3, 4}) {
		t.Fatalf("range: %v, %v", points, err)
	}
}

func TestASeriesIsSummedUpFromItsFirstStepToItsLast(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	f := func(first uint64, n int, wantCount, wantFirst, wantLast uint64) {
		t.Helper()
		commit(t, r, func(tx *Tx) {
			tx.Append(tx.Series(shared, point.Unordered), 7, point.Batch{Steps: point.Steps{First: first}, Values: make([]float64, n)})
		})
		if i := r.SeriesInfos()[0]; i.Count != wantCount || i.FirstStep != wantFirst || i.LastStep != wantLast {
			t.Fatalf("%d points from %d to %d, want %d from %d to %d", i.Count, i.FirstStep, i.LastStep, wantCount, wantFirst, wantLast)
		}
	}
	f(20, 30, 30, 20, 49)
	f(60, 1, 31, 20, 60)
	f(5, 2, 33, 5, 60)
}

func TestUnorderedSeriesKeepTheLastWriteOfEachLogger(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	add := func(logger, step uint64, value float64) {
		commit(t, r, func(tx *Tx) {
			tx.Append(tx.Series(shared, point.Unordered), logger, point.Batch{Steps: point.Steps{First: step}, Values: []float64{value}})
		})
	}
	add(2, 5, 0.1)
	add(1, 5, 0.2)
	add(1, 3, 0.3)
	add(2, 5, 0.4)
	got, err := r.Points(1, 0, math.MaxUint64)
	if err != nil || !slices.Equal(got.Steps, []uint64{3, 5, 5}) || !slices.Equal(got.Values, []float64{0.3, 0.2, 0.4}) ||
		!slices.Equal(got.Loggers, []uint64{1, 1, 2}) {
		t.Fatalf("%v, %v", got, err)
	}
}

// rl makes a batch of an episode; minors count from first.
func rl(rlStep, episode, first uint64, values ...float64) point.RLBatch {
	return point.RLBatch{RLStep: rlStep, Episode: episode, HasEpisode: true, Minors: point.Steps{First: first}, Values: values}
}

func flat(b point.RLBatch) point.RLBatch {
	b.Flat = true
	return b
}

type envStep struct {
	rlStep, episode, step uint64
	value                 float64
}

func readEnv(t *testing.T, r *Run, no uint32, selected RLRange) []envStep {
	t.Helper()
	c, err := r.RLPoints(no, 1, selected)
	if err != nil {
		t.Fatal(err)
	}
	var out []envStep
	for i := range c.Values {
		out = append(out, envStep{c.RLSteps[i], c.Episodes[i], c.EnvSteps[i], c.Values[i]})
	}
	return out
}

func TestEnvStepsAccumulateOverRLSteps(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	r := runOf(t, db)
	again := func() {
		closed(t, db)
		db = open(t, dir)
		r = runOf(t, db)
	}
	defer func() { closed(t, db) }()
	f := func(b point.RLBatch, mayRestart bool, episode uint64, want ...envStep) {
		t.Helper()
		commit(t, r, func(tx *Tx) {
			tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("a"), b, mayRestart)
		})
		for range 2 { // from the head, from the journal after a restart
			got := readEnv(t, r, 1, RLRange{Episode: &Range{episode, episode}})
			if !slices.Equal(got, want) {
				t.Fatalf("episode %d: %v, want %v", episode, got, want)
			}
			again()
		}
	}
	f(rl(0, 0, 0, 1, 2), false, 0, envStep{0, 0, 0, 1}, envStep{0, 0, 1, 2})
	f(rl(0, 0, 0, 1, 2), false, 0, envStep{0, 0, 0, 1}, envStep{0, 0, 1, 2}) // sent again: a duplicate
	f(rl(1, 0, 0, 3), false, 0, envStep{0, 0, 0, 1}, envStep{0, 0, 1, 2}, envStep{1, 0, 2, 3})
	f(rl(1, 0, 1, 4), false, 0, envStep{0, 0, 0, 1}, envStep{0, 0, 1, 2}, envStep{1, 0, 2, 3}, envStep{1, 0, 3, 4})
	f(rl(1, 1, 0, 5), false, 1, envStep{1, 1, 0, 5})
	// Back to episode 0: its own count goes on.
	f(rl(2, 0, 0, 6), false, 0, envStep{0, 0, 0, 1}, envStep{0, 0, 1, 2}, envStep{1, 0, 2, 3}, envStep{1, 0, 3, 4}, envStep{2, 0, 4, 6})
	f(flat(rl(5, 2, 0, 1, 2)), true, 2, envStep{5, 2, 0, 1}, envStep{5, 2, 1, 2})
	f(flat(rl(6, 2, 2, 3)), true, 2, envStep{5, 2, 0, 1}, envStep{5, 2, 1, 2}, envStep{6, 2, 2, 3})
	f(rl(7, 2, 0, 4), true, 2, envStep{5, 2, 0, 1}, envStep{5, 2, 1, 2}, envStep{6, 2, 2, 3}, envStep{7, 2, 3, 4})
	// The first env step again, with a new sequence number: the episode starts over.
	f(flat(rl(8, 2, 0, 9)), true, 2, envStep{8, 2, 0, 9})
	f(flat(rl(8, 2, 0, 9)), false, 2, envStep{8, 2, 0, 9})
	f(flat(rl(8, 2, 1, 8)), true, 2, envStep{8, 2, 0, 9}, envStep{8, 2, 1, 8})
	if got := r.Environments(); len(got) != 1 || got[0].LastRLStep != 8 || got[0].LastEpisode != 2 {
		t.Fatalf("environments %+v", got)
	}
	if stats := r.Stats(); stats.Duplicates != 3 {
		t.Fatalf("%d duplicates, want 3", stats.Duplicates)
	}
}

func TestEpisodeScaleKeepsEpisodesInAnyOrder(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	add := func(rlStep, episode uint64, value float64) {
		commit(t, r, func(tx *Tx) {
			b := point.RLBatch{RLStep: rlStep, Minors: point.Steps{First: episode}, Values: []float64{value}}
			tx.AppendRL(tx.Series(ret, point.Ordered), tx.Environment("a"), b, true)
		})
	}
	add(0, 7, 1)
	add(0, 3, 2)
	add(0, 3, 9) // stored already
	add(1, 0, 3)
	want := []envStep{{0, 7, 7, 1}, {0, 3, 3, 2}, {1, 0, 0, 3}}
	if got := readEnv(t, r, 1, RLRange{}); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if got := readEnv(t, r, 1, RLRange{Episode: &Range{3, 3}}); !slices.Equal(got, want[1:2]) {
		t.Fatalf("episode 3: %v", got)
	}
}

func TestSessionsApplyARequestOnce(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	commit(t, runOf(t, db), func(tx *Tx) {
		if tx.Applied(9, 256) {
			t.Error("a new number counts as applied")
		}
		tx.MarkApplied(9, 256)
	})
	closed(t, db)
	db = open(t, dir)
	defer closed(t, db)
	tx := runOf(t, db).Begin()
	defer tx.Abort()
	if !tx.Applied(9, 256) || tx.Applied(9, 512) || tx.Applied(8, 256) || tx.Applied(0, 1) {
		t.Fatal("applied numbers were not kept")
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Values: []float64{1}}) })
	tx := r.Begin()
	tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: 1}, Values: []float64{2}})
	tx.Series(shared, point.Unordered)
	tx.Abort()
	if infos := r.SeriesInfos(); len(infos) != 1 || infos[0].Count != 1 {
		t.Fatalf("%+v", infos)
	}
}

func TestDirectoryHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	defer closed(t, db)
	if err := db.SetOwner("pid 1, http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, Options{})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Owner != "pid 1, http://127.0.0.1:1" {
		t.Fatalf("got %v", err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := open(t, dir)
	if err := db.pebble.Set(keyFormat, []byte{formatVersion + 1}, nil); err != nil {
		t.Fatal(err)
	}
	closed(t, db)
	_, err := Open(dir, Options{})
	var newer *FormatError
	if !errors.As(err, &newer) || newer.Found != formatVersion+1 {
		t.Fatalf("got %v", err)
	}
}
