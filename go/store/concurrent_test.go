package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store/chunk"
)

// Every reader must see, at any moment, whole requests in order.
func TestReadersSeeWholeRequests(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	const runs, requests = 3, 40
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for n := range runs {
		r, err := db.Run(RunID{byte(n)})
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() { writeRequests(t, r, requests) })
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					checkWhole(t, r)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

func writeRequests(t *testing.T, r *Run, requests uint64) {
	for i := range requests {
		tx := r.Begin()
		request(tx, i)
		pending, err := tx.Commit()
		if err == nil {
			err = pending.Wait()
		}
		if err == nil && i%10 == 9 {
			err = r.settle()
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

func checkWhole(t *testing.T, r *Run) {
	points, err := r.Points(1, 0, math.MaxUint64)
	if err != nil || len(points.Values)%3 != 0 {
		t.Errorf("%d points (%v)", len(points.Values), err)
	}
	for i, v := range points.Values {
		if v != float64(i) {
			t.Errorf("point %d is %v", i, v)
		}
	}
	env, err := r.RLPoints(2, 1, RLRange{})
	if err != nil || len(env.Values)%3 != 0 {
		t.Errorf("%d RL points (%v)", len(env.Values), err)
	}
	r.SeriesInfos()
	r.Environments()
	r.Stats()
}

// An undone Tx stays in memory until the roll under way is over. Whoever else
// waits for that roll must neither roll it nor see it.
func TestUndoneTxIsNeitherRolledNorSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openOn(t, vfs.NewMem())
		defer closed(t, db)
		r := runOf(t, db)
		commit(t, r, func(tx *Tx) { request(tx, 0) })
		r.mu.Lock()
		r.rolling = true
		r.mu.Unlock()
		var others sync.WaitGroup
		others.Go(func() {
			if err := r.settle(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait() // settle waits for the roll, first in line
		tx := r.Begin()
		request(tx, 1)
		others.Go(tx.Abort)
		synctest.Wait()
		others.Go(func() {
			if n := r.Stats().Points; n != 6 {
				t.Errorf("a reader sees %d points, want 6", n)
			}
		})
		others.Go(func() {
			if points, err := r.Points(1, 0, math.MaxUint64); err != nil || len(points.Values) != 3 {
				t.Errorf("a reader sees the points %v (%v)", points.Values, err)
			}
		})
		synctest.Wait()
		r.mu.Lock()
		r.rolling = false
		r.ended.Signal() // a Broadcast may well wake settle alone first
		r.mu.Unlock()
		synctest.Wait()
		r.ended.Broadcast()
		others.Wait()
		db.forget(r.id)
		checkRequests(t, runOf(t, db), 1) // as the disk has it
	})
}

func TestCorruptBlockIsNamed(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { request(tx, 0) })
	if err := r.settle(); err != nil {
		t.Fatal(err)
	}
	record, _, err := db.get(blockKey(r.id, 0))
	if err != nil {
		t.Fatal(err)
	}
	record[len(record)/2] ^= 1
	if err := db.pebble.Set(blockKey(r.id, 0), record, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	closed(t, db)
	db = open(t, dir)
	defer closed(t, db)
	_, err = runOf(t, db).Points(1, 0, math.MaxUint64)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Run != r.id || corrupt.Block != 0 || !errors.Is(err, chunk.ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	// The other block still serves.
	if points, err := runOf(t, db).RLPoints(2, 1, RLRange{}); err != nil || len(points.Values) != 3 {
		t.Fatalf("%v, %v", points, err)
	}
}

func TestPositionsBeyondTheAxisAreRefused(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) {
		tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: math.MaxUint64 - 1}, Values: []float64{1, 2, 3}})
		no, env := tx.Series(reward, point.Ordered), tx.Environment("a")
		tx.AppendRL(no, env, rl(0, math.MaxUint64, 0, 1), true)
		tx.AppendRL(no, env, flat(rl(0, 0, math.MaxUint64, 1, 2)), true)
	})
	points, err := r.Points(1, 0, math.MaxUint64)
	if err != nil || !slices.Equal(points.Steps, []uint64{math.MaxUint64 - 1, math.MaxUint64}) {
		t.Fatalf("%v, %v", points, err)
	}
	if stats := r.Stats(); stats.Late != 1 || stats.Refused != 3 || stats.Points != 2 {
		t.Fatalf("%+v", stats)
	}
}

func FuzzDecodeBlock(f *testing.F) {
	var std, env columns
	for i := range uint64(5) {
		appendOne(&std, i, int64(i), 1, float64(i))
	}
	for k := range env.ints {
		env.ints[k] = env.ints[k].Append(1, 1, 4)
	}
	env.values = []float64{1, 2, 3, math.NaN()}
	f.Add(encodeBlock([]part{{cellID{series: 1}, &std}}))
	f.Add(encodeBlock([]part{{cellID{1, 1}, &env}, {cellID{1, 2}, &env}}))
	f.Fuzz(func(t *testing.T, record []byte) {
		// With a right checksum, or nothing behind it would be reached.
		b, err := decodeBlock(sealed(slices.Clone(record)))
		if err != nil && !errors.Is(err, chunk.ErrCorrupt) {
			t.Fatal(err)
		}
		if err == nil {
			for _, id := range b.ids {
				b.addTo(new(columns), id)
			}
		}
		r := newRun(&DB{}, RunID{})
		if err := r.replay(sealed(slices.Clone(record))); err != nil && !errors.Is(err, chunk.ErrCorrupt) {
			t.Fatal(fmt.Errorf("journal: %w", err))
		}
		if err := newRun(&DB{}, RunID{}).decodeState(sealed(slices.Clone(record))); err != nil && !errors.Is(err, chunk.ErrCorrupt) {
			t.Fatal(fmt.Errorf("state: %w", err))
		}
	})
}
