package store

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store/chunk"
)

// Points of a slot are taken together only while they do not descend.
func TestPointsOfASlotAreTakenTogether(t *testing.T) {
	for _, c := range []struct {
		runs  chunk.Runs
		shift uint
		want  []int
	}{
		{chunk.Runs{{First: 3, Delta: 0, N: 4}, {First: 3, N: 1}, {First: 4, N: 1}}, 0, []int{5, 1}},
		{chunk.Runs{{First: 3, Delta: 1, N: 7}}, 2, []int{1, 4, 2}},
		{chunk.Runs{{First: 9, Delta: math.MaxUint64, N: 3}}, 4, []int{1, 1, 1}},
		{chunk.Runs{{First: 5, N: 1}, {First: 4, N: 1}, {First: 6, Delta: 3, N: 2}}, 4, []int{1, 3}},
		{chunk.Runs{{First: 2, Delta: 5, N: 4}}, 3, []int{2, 1, 1}},
	} {
		w := slotWalk{runs: c.runs}
		var got []int
		for left := c.runs.Len(); left > 0; {
			n := w.same(c.shift)
			got = append(got, n)
			w.take(n)
			left -= n
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v in slots of %d: %v, want %v", c.runs, 1<<c.shift, got, c.want)
		}
	}
}

// A pool says of its slots what it was told, also of such that hold nothing finite, and of
// sums that take many terms.
func TestPoolsAreReadAsWritten(t *testing.T) {
	var p pool
	for k := range p {
		a := &p[k]
		for _, place := range []uint64{3, 1000, 70_000, 70_001, math.MaxUint64 >> k >> 1} {
			var s rlSum
			for _, v := range []float64{1e300, -1, 1e-300, math.NaN(), float64(place)} {
				var one rlSum
				one.addOne(v)
				one.setLast(v, lastPlace{place, 2, 7, place}, -5)
				if v != v || place != 1000 {
					s.join(&one)
				}
			}
			a.slot(place, 1<<12).join(&s)
			a.include(Range{place, place}, s.points())
		}
	}
	got, err := decodePool(p.encode())
	must(t, err)
	for k := range p {
		if got[k].shift == 0 || got[k].shift != p[k].shift || got[k].reach != p[k].reach || got[k].points != p[k].points {
			t.Fatalf("axis %d: %+v, want %+v", k, got[k], p[k])
		}
		for i := range p[k].slots {
			a, b := p[k].slots[i].bucket(i), got[k].slots[i].bucket(i)
			if !reflect.DeepEqual(a, b) || p[k].slots[i].lastAt != got[k].slots[i].lastAt {
				t.Fatalf("axis %d, slot %d: %+v, want %+v", k, i, b, a)
			}
		}
	}
}

// smallPools has pools of a few points.
var smallPools = poolLimits{least: 2, each: 4, run: 2, slots: 3}

// everything sums up all points that a series has in all environments.
func everything(t testing.TB, r *Run, series uint32, along Along) Bucket {
	t.Helper()
	whole := Axis{Starts: []uint64{0}, Last: math.MaxUint64}
	buckets, err := r.AppendPooledBuckets(nil, RLCurve{Series: series, Along: along, Within: Range{To: math.MaxUint64}}, whole)
	if err != nil {
		t.Errorf("along %d: %v", along, err)
	}
	if len(buckets) == 0 {
		return Bucket{}
	}
	return buckets[0]
}

// A damaged pool is told of, and its points are read.
func TestPointsOfADamagedPoolAreRead(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	db.maxInline, db.pools = 0, smallPools
	r := runOf(t, db)
	for i := range uint64(20) {
		commit(t, r, func(tx *Tx) { request(tx, i) })
	}
	must(t, r.settle(false))
	want := everything(t, r, 2, AlongRLSteps)
	path := db.segmentPath(r.id, r.segments[0].number)
	closed(t, db)
	damagePool(t, path)

	log := new(bytes.Buffer)
	db, err := Open(dir, Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	defer closed(t, db)
	if got := everything(t, runOf(t, db), 2, AlongRLSteps); got != want || got.Count != 60 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if !strings.Contains(log.String(), "pool at byte") {
		t.Errorf("the log says %q", log)
	}
	var faults []error
	_, err = db.Check(t.Context(), func(fault error) { faults = append(faults, fault) })
	must(t, err)
	if len(faults) != 1 || !errors.Is(faults[0], ErrCorrupt) {
		t.Errorf("%v", faults)
	}
}

// What lies at the ends of axes, runs that wrap around, sums beyond all numbers and times
// before 1970 come to the same in pools as in memory.
func TestPoolsAtTheEnds(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	db.pools = smallPools
	r := runOf(t, db)
	huge := slices.Repeat([]float64{math.MaxFloat64}, 90)
	for i, rlStep := range []uint64{0, 1 << 63, 0, math.MaxUint64 - 1, math.MaxUint64, 5, 4, 3} {
		commit(t, r, func(tx *Tx) {
			b := rl(rlStep, 0, uint64(100*i), huge...)
			b.Episode, b.HasEpisode = math.MaxUint64-1, i%2 == 0
			b.Times.Millis = int64(i-4) * 1000
			tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("a"), b, false)
		})
	}
	ask := func() (answers [][]Bucket) {
		for _, along := range everyAxis {
			for _, within := range []Range{{0, math.MaxUint64}, {1, math.MaxUint64}, {0, math.MaxUint64 - 1}, {1 << 63, 1<<63 + 2000}, {math.MaxUint64 - 1, math.MaxUint64}} {
				for _, since := range []int64{0, 3000, -3000} {
					q := RLCurve{Series: 1, Along: along, Within: within, Since: since}
					reach, err := r.PooledReach(q)
					must(t, err)
					got, err := r.AppendPooledBuckets(nil, q, Axis{Starts: []uint64{0, 1 << 62, 1 << 63, 3 << 62}, Last: math.MaxUint64})
					must(t, err)
					answers = append(answers, append(got, Bucket{Count: reach.Points, Mean: float64(reach.From), Sum: float64(reach.To)}))
				}
			}
		}
		return answers
	}
	want := ask()
	if all := want[0]; len(all) != 4 || all[0].Count != 5*90 || all[1].Count != 90 || all[2].Count != 2*90 || !math.IsInf(all[0].Sum, 1) {
		t.Fatalf("%+v", all)
	}
	for _, merge := range []bool{false, true} {
		must(t, r.settle(merge))
		if got := ask(); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		must(t, r.walkPooled(RLCurve{Series: 1, Within: Range{To: math.MaxUint64}}, nil, func(p *pooledWalk) error {
			if len(p.pooled) == 0 {
				t.Error("there is no pool")
			}
			return nil
		}))
	}
	_, err := db.Check(t.Context(), func(fault error) { t.Error(fault) })
	must(t, err)
}

// A pool that says what no pool can is damaged, whatever its checksum.
func TestAbsurdPoolsAreRefused(t *testing.T) {
	var p pool
	a := &p[poolSteps]
	for place := range uint64(3) {
		var s rlSum
		s.addOne(float64(place))
		s.setLast(float64(place), lastPlace{place, 1, place, place}, 0)
		a.slot(place, 9).join(&s)
		a.include(Range{place, place}, 1)
	}
	for name, change := range map[string]func(a *poolAxis){
		"no points of one":   func(a *poolAxis) { a.points++ },
		"beyond the axis":    func(a *poolAxis) { a.first, a.shift = math.MaxUint64, 3 },
		"beyond its reach":   func(a *poolAxis) { a.reach.To++ },
		"before its reach":   func(a *poolAxis) { a.reach.From = 1 },
		"more than there is": func(a *poolAxis) { a.slots[1].count = math.MaxUint64 },
	} {
		changed := p
		b := &changed[poolSteps]
		b.slots = slices.Clone(b.slots)
		change(b)
		if _, err := decodePool(changed.encode()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decodePool(p.encode()); err != nil {
		t.Error(err)
	}
}

// Merging makes a damaged pool anew.
func TestMergesMendDamagedPools(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	db.maxInline, db.pools = 0, smallPools
	r := runOf(t, db)
	for i := range uint64(4) {
		commit(t, r, func(tx *Tx) { request(tx, i) })
		must(t, r.settle(false))
	}
	want := everything(t, r, 2, AlongRLSteps)
	path := db.segmentPath(r.id, r.segments[1].number)
	closed(t, db)
	damagePool(t, path)
	db = open(t, dir)
	db.maxInline, db.pools = 0, smallPools
	defer closed(t, db)
	r = runOf(t, db)
	must(t, r.settle(true))
	if got := everything(t, r, 2, AlongRLSteps); got != want || len(r.segments) != 1 {
		t.Errorf("%+v in %d segments, want %+v", got, len(r.segments), want)
	}
	_, err := db.Check(t.Context(), func(fault error) { t.Error(fault) })
	must(t, err)
}

// damagePool changes a byte of a segment's first pool.
func damagePool(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	index, err := decodeIndex(indexOf(data), uint64(len(data)))
	must(t, err)
	data[index.pools[0].at+3] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
}
