package store

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store/chunk"
)

// Every reader must see, at any moment, whole requests in order.
func TestReadersSeeWholeRequests(t *testing.T) {
	db := open(t, t.TempDir())
	db.maxHead, db.pools = 1<<14, smallPools
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
			err = r.settle(true)
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
	if sum, err := r.RLSummary(2); err != nil || sum.Points%3 != 0 || sum.Points < uint64(len(env.Values)) {
		t.Errorf("%d RL points summed up (%v)", sum.Points, err)
	}
	before := uint64(len(env.Values))
	for _, along := range everyAxis {
		if all := everything(t, r, 2, along); all.Count%3 != 0 || all.Count < before || all.Count > 0 && all.Sum != float64(all.Count*(all.Count-1)/2) {
			t.Errorf("along %d: %+v after %d RL points", along, all, before)
		}
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
			if err := r.settle(true); err != nil {
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

// Of three segments one is damaged, in a page: what lies in others still serves.
func TestCorruptSegmentIsNamed(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	db.maxInline = 0
	r := runOf(t, db)
	late := point.Series{Name: "late", Scale: point.ScaleMLStep}
	commit(t, r, func(tx *Tx) { request(tx, 0) })
	must(t, r.settle(false))
	commit(t, r, func(tx *Tx) {
		tx.Append(tx.Series(late, point.Ordered), 1, point.Batch{Values: []float64{1, 2, 3}})
	})
	must(t, r.settle(false))
	path := db.segmentPath(r.id, r.segments[0].number)
	closed(t, db)
	damage(t, path)
	db = open(t, dir)
	defer closed(t, db)
	_, err := runOf(t, db).Points(1, 0, math.MaxUint64)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Run != r.id || corrupt.Segment != 0 || !errors.Is(err, chunk.ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	no, _ := runOf(t, db).FindSeries(late)
	if points, err := runOf(t, db).Points(no, 0, math.MaxUint64); err != nil || len(points.Values) != 3 {
		t.Fatalf("%v, %v", points, err)
	}
}

// damage changes a byte of the first page behind the head of a segment's first
// block.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	index, err := decodeIndex(indexOf(data), uint64(len(data)))
	must(t, err)
	data[index.blocks[0].head] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
}

// indexOf cuts the index out of a segment.
func indexOf(segment []byte) []byte {
	end := len(segment) - footerSize
	return segment[end-int(binary.LittleEndian.Uint32(segment[end:])) : end]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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

func heldOf(points columns) *held {
	h := new(held)
	h.add(&points, nil)
	return h
}

// FuzzDecode feeds damaged records to every decoder.
func FuzzDecode(f *testing.F) {
	var std, env columns
	for i := range uint64(600) {
		appendOne(&std, i, int64(i), 1, float64(i))
	}
	for k := range env.ints {
		env.ints[k] = env.ints[k].Append(1, 0, 40)
	}
	env.values = make([]float64, 40)
	env.values[3] = math.NaN()
	for _, parts := range [][]part{{{cellID{series: 1}, 0, heldOf(std)}}, {{cellID{1, 1}, 0, heldOf(env)}, {cellID{1, 2}, 7, heldOf(env)}}} {
		var e blockEncoder
		_, head, pages := e.encode(parts)
		if _, err := decodeHead(head); err != nil {
			f.Fatal(err)
		}
		f.Add(head[:len(head)-4], pages)
	}
	sheet := new(sheetEncoder).encode([]sheetRow{{1, stretch{stretchPlace{1, 0, 0}, 2, 3, false}}, {2, stretch{stretchPlace{1, 4, 0}, 0, 0, true}}})
	f.Add(sheet[:len(sheet)-4], []byte{})
	f.Add(encodeManifest(3, []segmentInfo{{number: 2, size: 9}}), []byte{})
	f.Fuzz(func(t *testing.T, record, pages []byte) {
		// With a right checksum, or nothing behind it would be reached.
		record = sealed(slices.Clone(record))
		failed := func(what string, err error) {
			t.Helper()
			if err != nil && !errors.Is(err, chunk.ErrCorrupt) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		b, err := decodeHead(record)
		failed("head", err)
		if err == nil {
			for i := range b.ids {
				b.positions(i)
				if !b.rl {
					_, err := b.spansOf(i)
					failed("rollups", err)
				}
			}
			_, err = b.values.Append(nil, pages, 0, b.values.Len())
			failed("pages", err)
		}
		_, err = decodeIndex(record, 1<<20)
		failed("index", err)
		_, err = decodeSheet(record)
		failed("sheet", err)
		failed("journal", newRun(&DB{fs: vfs.NewMem()}, RunID{}).replay(record))
		failed("state", newRun(&DB{fs: vfs.NewMem()}, RunID{}).decodeState(record))
		failed("manifest", newRun(&DB{fs: vfs.NewMem()}, RunID{}).decodeManifest(record))
	})
}
