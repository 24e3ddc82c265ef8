package store

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/metrana/metrana/go/point"
)

// crash is what a machine that lost power would find, and how many requests had
// been acknowledged by then.
type crash struct {
	fs           *vfs.MemFS
	acknowledged uint64
}

// crashFS keeps copies of the disk apart from the operations of MemFS that take
// its lock for reading twice: with a copy waiting for the lock in between, neither
// would ever go on. They happen beside each other here only, where copies are
// taken in the midst of other operations.
type crashFS struct {
	*vfs.MemFS
	apart sync.RWMutex
}

func (f *crashFS) CrashClone(cfg vfs.CrashCloneCfg) *vfs.MemFS {
	f.apart.Lock()
	defer f.apart.Unlock()
	return f.MemFS.CrashClone(cfg)
}

func (f *crashFS) Link(from, to string) error {
	f.apart.RLock()
	defer f.apart.RUnlock()
	return f.MemFS.Link(from, to)
}

func (f *crashFS) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f.apart.RLock()
	defer f.apart.RUnlock()
	return f.MemFS.ReuseForWrite(from, to, category)
}

// request is the i-th of a stream whose points say which request they came with.
func request(tx *Tx, i uint64) {
	tx.MarkApplied(7, (i+1)*256)
	values := []float64{float64(3 * i), float64(3*i + 1), float64(3*i + 2)}
	tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: 3 * i}, Values: values})
	tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("a"), rl(i, i/5, 0, values...), true)
}

// TestCrashAtEveryWrite cuts the power before every third change of any file,
// rolls, merges, flushes and removals included. Whatever was acknowledged must be there
// once, and a request is there whole or not at all.
func TestCrashAtEveryWrite(t *testing.T) {
	t.Run("records", func(t *testing.T) { crashAtEveryWrite(t, maxInline, journalFileSize) })
	t.Run("files", func(t *testing.T) { crashAtEveryWrite(t, 0, journalFileSize) })
	t.Run("files written over", func(t *testing.T) { crashAtEveryWrite(t, maxInline, 300) })
}

func crashAtEveryWrite(t *testing.T, inline int, journalFile int64) {
	const requests, every = 60, 3
	mem := &crashFS{MemFS: vfs.NewCrashableMem()}
	var acknowledged, writes atomic.Uint64
	var crashes []crash
	var watching atomic.Bool
	taken := make(chan crash, 1<<14)
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && watching.Load() && writes.Add(1)%every == 0 {
			done := acknowledged.Load()
			taken <- crash{mem.CrashClone(vfs.CrashCloneCfg{}), done}
		}
		return nil
	}))
	watching.Store(true)
	db, err := Open("data", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	db.maxInline, db.journal.limit, db.pools = inline, journalFile, smallPools
	for i := range uint64(requests) {
		r := runOf(t, db)
		commit(t, r, func(tx *Tx) {
			request(tx, i)
			if i%3 == 0 { // through the database instead of the journal
				must(t, tx.Records().Put([]byte("last"), []byte{byte(i)}))
			}
		})
		acknowledged.Store(i + 1)
		if i%4 == 1 {
			if err := r.settle(i%8 == 5); err != nil {
				t.Fatal(err)
			}
		}
		if i%25 == 20 {
			if err := db.pebble.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	watching.Store(false)
	closed(t, db)
	close(taken)
	for c := range taken {
		crashes = append(crashes, c)
	}
	if len(crashes) < requests/every {
		t.Fatalf("only %d crashes", len(crashes))
	}
	for i, c := range crashes {
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkCrash(t, c) })
	}
}

func checkCrash(t *testing.T, c crash) {
	db, err := Open("data", Options{FS: c.fs})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, db)
	r := runOf(t, db)
	applied := r.sessions[7] / 256
	if applied < c.acknowledged {
		t.Fatalf("%d requests acknowledged, %d found", c.acknowledged, applied)
	}
	checkRequests(t, r, applied)
	if record, found, err := db.Record([]byte("last")); err != nil || applied > 0 && (!found || record[0] != byte((applied-1)/3*3)) {
		t.Fatalf("after %d requests the record is %v, %v", applied, record, err)
	}
	// The client sends everything unacknowledged again, and goes on.
	for i := c.acknowledged; i < applied+3; i++ {
		tx := r.Begin()
		if tx.Applied(7, (i+1)*256) {
			tx.Abort()
			continue
		}
		request(tx, i)
		if _, err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.settle(true); err != nil {
		t.Fatal(err)
	}
	checkRequests(t, r, applied+3)
}

func checkRequests(t *testing.T, r *Run, applied uint64) {
	t.Helper()
	if applied == 0 {
		return
	}
	points, err := r.Points(1, 0, math.MaxUint64)
	if err != nil || uint64(len(points.Values)) != 3*applied {
		t.Fatalf("%d points of %d requests (%v)", len(points.Values), applied, err)
	}
	env, err := r.RLPoints(2, 1, RLRange{})
	if err != nil || uint64(len(env.Values)) != 3*applied {
		t.Fatalf("%d RL points of %d requests (%v)", len(env.Values), applied, err)
	}
	for i := range points.Values {
		k := uint64(i)
		if points.Values[i] != float64(k) || points.Steps[i] != k || env.Values[i] != float64(k) || env.EnvSteps[i] != k%15 {
			t.Fatalf("point %d: %v at step %d, env step %d", i, points.Values[i], points.Steps[i], env.EnvSteps[i])
		}
	}
	if all := everything(t, r, 2, AlongTotalSteps); all.Count != 3*applied || all.Max != float64(3*applied-1) {
		t.Fatalf("of %d requests all RL points are %+v", applied, all)
	}
}
