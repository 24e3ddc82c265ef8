package store

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/point"
)

// model is what a run should hold, kept the naive way.
type model struct {
	ordered  []float64 // step i holds ordered[i]
	episodes map[string]map[uint64][]float64
	sequence uint64
}

// step makes one random request; sent twice, it must be applied once.
func (m *model) step(random *rand.Rand, r *Run) (Pending, error) {
	m.sequence += 256
	n := 1 + random.IntN(40)
	values := make([]float64, n)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	env := fmt.Sprintf("env-%d", random.IntN(3))
	episode, rlStep := uint64(random.IntN(4)), m.sequence
	before := uint64(len(m.episodes[env][episode]))
	tx := r.Begin()
	if tx.Applied(1, m.sequence) {
		tx.Abort()
		return Pending{}, nil
	}
	tx.MarkApplied(1, m.sequence)
	tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{
		Steps: point.Steps{First: uint64(len(m.ordered))}, Times: point.Times{Millis: int64(m.sequence)}, Values: values,
	})
	batch := rl(rlStep, episode, 0, values...)
	if random.IntN(2) == 0 {
		batch.Flat, batch.Minors.First = true, before
	}
	tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment(env), batch, before > 0 && batch.Minors.First == 0 && batch.Flat)
	pending, err := tx.Commit()
	if err != nil {
		return pending, err
	}
	m.ordered = append(m.ordered, values...)
	if m.episodes[env] == nil {
		m.episodes[env] = make(map[uint64][]float64)
	}
	m.episodes[env][episode] = append(m.episodes[env][episode], values...)
	return pending, nil
}

func (m *model) check(t *testing.T, r *Run) {
	t.Helper()
	got, err := r.Points(r.byKey[loss.Key()].no, 0, math.MaxUint64)
	if err != nil || !slices.Equal(got.Values, m.ordered) {
		t.Fatalf("loss: %d points, want %d (%v)", len(got.Values), len(m.ordered), err)
	}
	var every exactSum
	for env, episodes := range m.episodes {
		for episode, values := range episodes {
			for _, v := range values {
				every.add(v)
			}
			c, err := r.RLPoints(r.byKey[reward.Key()].no, r.byID[env].no, RLRange{Episode: &Range{episode, episode}})
			if err != nil || !slices.Equal(c.Values, values) {
				t.Fatalf("%s episode %d: %d points, want %d (%v)", env, episode, len(c.Values), len(values), err)
			}
			for i, step := range c.EnvSteps {
				if step != uint64(i) {
					t.Fatalf("%s episode %d: env step %d at position %d", env, episode, step, i)
				}
			}
		}
	}
	for _, along := range everyAxis {
		if all := everything(t, r, r.byKey[reward.Key()].no, along); all.Sum != every.rounded() {
			t.Fatalf("along %d all RL points come to %v, want %v", along, all.Sum, every.rounded())
		}
	}
}

func newModel() *model { return &model{episodes: make(map[string]map[uint64][]float64)} }

func TestRandomRequestsAgainstAModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	db := open(t, dir)
	db.maxHead, db.pools = 1<<13, smallPools
	defer func() { closed(t, db) }()
	m := newModel()
	for range 300 {
		pending, err := m.step(random, runOf(t, db))
		if err == nil {
			err = pending.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		switch random.IntN(25) {
		case 0:
			if err := runOf(t, db).settle(true); err != nil {
				t.Fatal(err)
			}
		case 1:
			closed(t, db)
			db = open(t, dir)
			db.maxHead, db.pools = 1<<13, smallPools
		case 2:
			m.check(t, runOf(t, db))
		}
	}
	if err := db.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.check(t, runOf(t, db))
	if got := runOf(t, db).Stats().Points; got != uint64(2*len(m.ordered)) {
		t.Fatalf("%d points counted, want %d", got, 2*len(m.ordered))
	}
}

// TestCrashKeepsWhatWasAcknowledged pulls the plug after every request: what was
// waited for is there once, also when the client sends the request again.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	fs := vfs.NewCrashableMem()
	reopen := func() *DB {
		db, err := Open("data", Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := reopen()
	m := newModel()
	for i := range 120 {
		pending, err := m.step(random, runOf(t, db))
		if err == nil {
			err = pending.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%10 == 3 {
			if err := runOf(t, db).settle(true); err != nil {
				t.Fatal(err)
			}
		}
		if i%3 != 0 {
			continue
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: rand.New(rand.NewPCG(seed, uint64(i)))})
		closed(t, db)
		fs = crashed
		db = reopen()
		m.check(t, runOf(t, db))
		tx := runOf(t, db).Begin()
		if !tx.Applied(1, m.sequence) {
			t.Fatal("an acknowledged request would be applied again")
		}
		tx.Abort()
	}
	closed(t, db)
}
