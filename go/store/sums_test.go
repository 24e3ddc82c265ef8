package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/point"
)

// rlTraffic makes random batches of RL points of three environments: long and
// short ones, episodes that begin anew, rl_steps that come back.
type rlTraffic struct {
	random          *rand.Rand
	short           bool // a point or two a batch
	steady          bool // no episode begins anew
	rlStep, episode [3]uint64
	first           [3]uint64 // rl_step of the episode
	next            [3]uint64 // minor step
}

func (g *rlTraffic) batch() (env int, b point.RLBatch) {
	env = min(g.random.IntN(6), 2)
	kind := g.random.IntN(9)
	if g.steady && kind > 1 {
		kind = 9
	}
	switch kind {
	case 0:
		g.rlStep[env]++
		g.next[env] = 0
	case 1:
		g.episode[env]++
		g.first[env], g.next[env] = g.rlStep[env], 0
	case 2:
		g.rlStep[env] -= min(g.rlStep[env], 1)
	case 3:
		g.rlStep[env], g.next[env] = g.first[env], 0 // the episode is discarded and begins anew
	}
	n := 1 + g.random.IntN(2)
	if !g.short {
		n = 1 + g.random.IntN(120)
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = g.random.NormFloat64()
		if g.random.IntN(200) == 0 {
			values[i] = math.NaN()
		}
	}
	b = rl(g.rlStep[env], g.episode[env], g.next[env], values...)
	b.HasEpisode = g.episode[env]%4 != 3
	b.Times.Millis = int64(g.random.IntN(10_000)) - 1000
	g.next[env] += uint64(n)
	return env, b
}

func logRL(t testing.TB, r *Run, env int, b point.RLBatch) {
	commit(t, r, func(tx *Tx) {
		no := tx.Environment(fmt.Sprint("e", env))
		tx.AppendRL(tx.Series(reward, point.Ordered), no, b, true)
		if b.HasEpisode {
			minors := point.RLBatch{RLStep: b.RLStep, Minors: point.Steps{First: b.Episode}, Times: b.Times, Values: b.Values[:1]}
			tx.AppendRL(tx.Series(ret, point.Ordered), no, minors, true)
		}
	})
}

// refused freezes the head, lets more come, and takes the head back, as when a
// roll fails.
func refused(r *Run, more func()) {
	r.mu.Lock()
	job := r.freeze()
	r.rolling = true
	r.mu.Unlock()
	more()
	r.mu.Lock()
	r.thaw(job)
	r.rolling = false
	r.mu.Unlock()
}

// Sums are the same, bit for bit, in a run that lies in memory and in one that was
// rolled in the midst of stretches, merged, opened again and failed to roll; and
// they are those of the points.
func TestSumsDoNotDependOnWherePointsLie(t *testing.T) {
	sheets, blocks := 0, 0
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 5))
		traffic := rlTraffic{random: random, short: seed%3 == 0}
		dir := t.TempDir()
		stillDB, movedDB := open(t, t.TempDir()), open(t, dir)
		movedDB.maxSheetRows, movedDB.rowsOfPart = 1+random.IntN(20), 1+random.IntN(40)
		still, moved := runOf(t, stillDB), runOf(t, movedDB)
		log := func() {
			env, b := traffic.batch()
			logRL(t, still, env, b)
			logRL(t, moved, env, b)
		}
		batches, pause := 300, 30
		if traffic.short {
			batches, pause = 1200, 300 // for stretches by the hundred
		}
		for range batches {
			log()
			switch random.IntN(pause) {
			case 0, 1:
				must(t, moved.settle(random.IntN(3) == 0))
			case 2:
				closed(t, movedDB)
				movedDB = open(t, dir)
				movedDB.maxSheetRows, movedDB.rowsOfPart = 1+random.IntN(20), 1+random.IntN(40)
				moved = runOf(t, movedDB)
			case 3:
				refused(moved, func() {
					for range random.IntN(3) * random.IntN(3) * random.IntN(100) {
						log()
					}
					equalSums(t, still, moved, random)
				})
			case 4:
				equalSums(t, still, moved, random)
			}
		}
		equalSums(t, still, moved, random)
		must(t, moved.settle(true))
		equalSums(t, still, moved, random)
		sumsOfPoints(t, moved)
		with, without := countSheets(t, moved)
		sheets, blocks = sheets+with, blocks+without
		closed(t, stillDB)
		closed(t, movedDB)
	}
	if sheets == 0 || blocks == 0 {
		t.Fatalf("%d segments with sheets and %d without were read; want some of both", sheets, blocks)
	}
}

func equalSums(t testing.TB, still, moved *Run, random *rand.Rand) {
	t.Helper()
	for no := range uint32(3) {
		for _, along := range []Along{AlongRLSteps, AlongEpisodes} {
			ranges := []Range{{0, math.MaxUint64 - 1}}
			for range 12 {
				from := random.Uint64N(still.Environments()[0].LastRLStep + 2)
				ranges = append(ranges, Range{from, from + random.Uint64N(4)})
			}
			for _, within := range ranges {
				want, err := still.RLSums(no, along, within)
				must(t, err)
				got, err := moved.RLSums(no, along, within)
				must(t, err)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("series %d along %d in %v:\n%v\nwant\n%v", no, along, within, got, want)
				}
			}
		}
	}
}

// sumsOfPoints compares the sums with what the points add up to.
func sumsOfPoints(t testing.TB, r *Run) {
	t.Helper()
	all := Range{To: math.MaxUint64 - 1}
	for no := uint32(1); no <= 2; no++ {
		for _, along := range []Along{AlongRLSteps, AlongEpisodes} {
			got := make(map[[2]uint64]RLSum)
			envs, err := r.RLSums(no, along, all)
			must(t, err)
			for _, of := range envs {
				for _, sum := range of.Sums {
					got[[2]uint64{uint64(of.Env), sum.At}] = sum
				}
			}
			want := make(map[[2]uint64]RLSum)
			for env := uint32(1); env <= 3; env++ {
				points, err := r.RLPoints(no, env, RLRange{})
				must(t, err)
				for i, v := range points.Values {
					at := points.RLSteps[i]
					if along == AlongEpisodes {
						at = points.Episodes[i]
					}
					if !finite(v) || along == AlongEpisodes && points.HasEpisode != nil && !points.HasEpisode[i] {
						continue
					}
					key := [2]uint64{uint64(env), at}
					want[key] = RLSum{at, want[key].Count + 1, want[key].Sum + v}
				}
			}
			if len(got) != len(want) {
				t.Fatalf("series %d along %d: %d sums, want %d", no, along, len(got), len(want))
			}
			for key, w := range want {
				if g := got[key]; g.Count != w.Count || math.Abs(g.Sum-w.Sum) > 1e-9 {
					t.Fatalf("series %d along %d at %v: %v, want %v", no, along, key, g, w)
				}
			}
		}
	}
}

func countSheets(t testing.TB, r *Run) (with, without int) {
	t.Helper()
	for _, info := range r.segments {
		s, err := r.openSegment(info)
		must(t, err)
		index, err := s.index()
		must(t, err)
		for no := uint32(1); no <= 2; no++ {
			if len(index.sheetsOf(no)) > 0 {
				with++
			} else {
				without++
			}
		}
		must(t, s.close())
	}
	return with, without
}

// shortStretches logs so many stretches of a point that a segment has no sheet.
func shortStretches(t testing.TB, r *Run, from uint64) {
	t.Helper()
	for i := range uint64(2 * manyOfCell) {
		logRL(t, r, 0, rl(from+i, from+i, 0, 1))
	}
}

// Blocks without a point in the range are read for what they say about others.
func TestSumsReadBlocksBeyondTheRange(t *testing.T) {
	// A stretch at 99 ends with the block that has none there, and another begins
	// behind it: added up as one, the last two values would be lost.
	t.Run("a stretch ends", func(t *testing.T) {
		db := open(t, t.TempDir())
		defer closed(t, db)
		r := runOf(t, db)
		logRL(t, r, 1, rl(1, 1, 0, 1)) // of an environment that comes first
		shortStretches(t, r, 1000)
		logRL(t, r, 0, rl(99, 99, 0, 1e16, 0))
		must(t, r.settle(false))
		shortStretches(t, r, 2000)
		must(t, r.settle(false))
		logRL(t, r, 0, rl(99, 99, 2, 1, 1))
		shortStretches(t, r, 3000)
		must(t, r.settle(false))
		sums, err := sumsOf(r, AlongRLSteps, Range{99, 99})
		must(t, err)
		if len(sums) != 1 || sums[0] != (RLSum{99, 4, 1e16 + 2}) {
			t.Errorf("%v", sums)
		}
	})
	// An attempt of which no point is finite discards the one before, whose
	// rl_steps it does not have.
	t.Run("an attempt is discarded", func(t *testing.T) {
		db := open(t, t.TempDir())
		defer closed(t, db)
		r := runOf(t, db)
		logRL(t, r, 1, rl(1, 1, 0, 1))
		logRL(t, r, 0, rl(60, 7, 0, 1))
		logRL(t, r, 0, rl(59, 7, 0, 1))
		shortStretches(t, r, 1000)
		must(t, r.settle(false))
		logRL(t, r, 0, rl(60, 7, 0, math.NaN()))
		shortStretches(t, r, 2000)
		must(t, r.settle(false))
		sums, err := sumsOf(r, AlongRLSteps, Range{59, 60})
		must(t, err)
		low, err := sumsOf(r, AlongRLSteps, Range{59, 59})
		must(t, err)
		if len(sums) != 0 || len(low) != 0 {
			t.Errorf("%v and %v are left", sums, low)
		}
	})
}

// sumsOf gives the sums of the first series in the first environment that has any.
func sumsOf(r *Run, along Along, within Range) ([]RLSum, error) {
	sums, err := r.RLSums(1, along, within)
	if err != nil || len(sums) == 0 {
		return nil, err
	}
	return sums[0].Sums, nil
}

// A damaged sheet is named by those who read it, and by Check.
func TestDamagedSheetsAreNamed(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	db.maxInline = 1
	r := runOf(t, db)
	for i := range uint64(20) {
		logRL(t, r, 0, rl(i, i, 0, 1, 2, 3))
	}
	must(t, r.settle(false))
	info := r.segments[0]
	s, err := r.openSegment(info)
	must(t, err)
	index, err := s.index()
	must(t, err)
	at := index.sheetsOf(1)[0]
	must(t, s.close())
	path := db.segmentPath(r.id, info.number)
	closed(t, db)
	content, err := os.ReadFile(path)
	must(t, err)
	content[at.at+uint64(at.size)/2] ^= 1
	must(t, os.WriteFile(path, content, 0o644))
	db = open(t, dir)
	defer closed(t, db)
	var corrupt *CorruptError
	if _, err := sumsOf(runOf(t, db), AlongRLSteps, Range{0, 9}); !errors.As(err, &corrupt) || corrupt.Segment != info.number {
		t.Errorf("%v", err)
	}
	faults := 0
	_, err = db.Check(t.Context(), func(fault error) {
		faults++
		if !strings.Contains(fault.Error(), "sheet at byte") {
			t.Error(fault)
		}
	})
	if err != nil || faults != 1 {
		t.Errorf("%d faults, %v", faults, err)
	}
	points, err := runOf(t, db).RLPoints(1, 1, RLRange{})
	if err != nil || len(points.Values) != 60 {
		t.Errorf("%d points are left: %v", len(points.Values), err)
	}
}
