package store

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/cockroachdb/pebble/v2"
	"github.com/metrana/metrana/go/point"
)

// plainSummary sums up the points of a series one after the other.
func plainSummary(t testing.TB, r *Run, no uint32) RLSummary {
	t.Helper()
	s := RLSummary{Summary: Summary{Min: math.Inf(1), Max: math.Inf(-1)}}
	var values, firsts, lasts []float64
	for _, env := range r.Environments() {
		points, err := r.RLPoints(no, env.No, RLRange{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(points.Values); n > 0 {
			s.Environments++
			s.Points += uint64(n)
			step, time := points.RLSteps[n-1], points.Times[n-1]
			if s.Environments == 1 || step > s.LastStep {
				s.LastStep, s.LastTime = step, time
			} else if step == s.LastStep {
				s.LastTime = max(s.LastTime, time)
			}
			values = append(values, points.Values...)
			firsts, lasts = append(firsts, points.Values[0]), append(lasts, points.Values[n-1])
		}
	}
	values = finiteOf(values)
	s.First, s.Last, s.Mean = plainMean(finiteOf(firsts)), plainMean(finiteOf(lasts)), plainMean(values)
	s.Finite = uint64(len(values))
	for _, v := range values {
		s.Sum += v
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		s.M2 += (v - s.Mean) * (v - s.Mean)
	}
	return s
}

func finiteOf(values []float64) (kept []float64) {
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			kept = append(kept, v)
		}
	}
	return kept
}

func plainMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func alike(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b))
}

func checkSummary(t testing.TB, r *Run, key point.Series) RLSummary {
	t.Helper()
	no, found := r.FindSeries(key)
	if !found {
		return RLSummary{}
	}
	got, err := r.RLSummary(no)
	if err != nil {
		t.Fatal(err)
	}
	want := plainSummary(t, r, no)
	if got.Environments != want.Environments || got.Points != want.Points || got.Finite != want.Finite {
		t.Fatalf("%s: %d environments, %d points, %d finite; want %d, %d, %d", key.Name,
			got.Environments, got.Points, got.Finite, want.Environments, want.Points, want.Finite)
	}
	if got.LastStep != want.LastStep || got.LastTime != want.LastTime {
		t.Fatalf("%s: ends at %d, %d ms; want %d, %d ms", key.Name, got.LastStep, got.LastTime, want.LastStep, want.LastTime)
	}
	if want.Finite > 0 && (got.Min != want.Min || got.Max != want.Max) {
		t.Fatalf("%s: from %v to %v; want %v to %v", key.Name, got.Min, got.Max, want.Min, want.Max)
	}
	for _, pair := range [][2]float64{{got.First, want.First}, {got.Last, want.Last}, {got.Sum, want.Sum}, {got.Mean, want.Mean}, {got.M2, want.M2}} {
		if !alike(pair[0], pair[1]) {
			t.Fatalf("%s: %+v; want %+v", key.Name, got, want)
		}
	}
	return got
}

func TestRLSummary(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			traffic := &rlTraffic{random: random, short: seed%2 == 0}
			dir := t.TempDir()
			db := open(t, dir)
			r := runOf(t, db)
			for range 150 {
				env, b := traffic.batch()
				logRL(t, r, env, b)
				switch random.IntN(12) {
				case 0:
					checkSummary(t, r, reward)
					checkSummary(t, r, ret)
				case 1:
					if err := r.settle(random.IntN(3) == 0); err != nil {
						t.Fatal(err)
					}
				case 2:
					refused(r, func() {
						env, b := traffic.batch()
						logRL(t, r, env, b)
						checkSummary(t, r, reward)
					})
				}
			}
			asked := [2]RLSummary{checkSummary(t, r, reward), checkSummary(t, r, ret)}
			closed(t, db)
			db = open(t, dir)
			defer closed(t, db)
			r = runOf(t, db)
			// Summed up in one go, they are the same to the last bit.
			if anew := [2]RLSummary{checkSummary(t, r, reward), checkSummary(t, r, ret)}; anew != asked {
				t.Errorf("asked now and then: %+v; at the end: %+v", asked, anew)
			}
		})
	}
}

// What was summed up is not read again, and after a roll only what it took.
func TestRLSummaryReadsNothingTwice(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	traffic := &rlTraffic{random: rand.New(rand.NewPCG(1, 1))}
	more := func() {
		for range 20 {
			env, b := traffic.batch()
			b.HasEpisode = false // nothing is discarded
			logRL(t, r, env, b)
		}
	}
	more()
	if err := r.settle(false); err != nil {
		t.Fatal(err)
	}
	checkSummary(t, r, reward)
	more()
	seen := r.segments
	if err := r.settle(false); err != nil {
		t.Fatal(err)
	}
	more()
	all := r.segments
	r.segments = all[len(seen):]
	no, _ := r.FindSeries(reward)
	got, err := r.RLSummary(no)
	if err != nil {
		t.Fatal(err)
	}
	r.segments = all
	if want := plainSummary(t, r, no); got.Points != want.Points || !alike(got.M2, want.M2) || !alike(got.Last, want.Last) {
		t.Errorf("%+v; want %+v", got, want)
	}
}

// What reading segments came to is there after a start, until points come.
func TestRLSummaryOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	traffic := &rlTraffic{random: rand.New(rand.NewPCG(2, 2))}
	start := func(do func(r *Run)) {
		db := open(t, dir)
		defer closed(t, db)
		do(runOf(t, db))
	}
	more := func(r *Run) {
		for range 20 {
			env, b := traffic.batch()
			logRL(t, r, env, b)
		}
	}
	start(more)
	var before RLSummary
	start(func(r *Run) { before = checkSummary(t, r, reward) })
	start(func(r *Run) {
		all := r.segments
		r.segments = nil
		no, _ := r.FindSeries(reward)
		if after, err := r.RLSummary(no); after != before {
			t.Errorf("%+v after a start (%v); %+v before", after, err, before)
		}
		r.segments = all
		more(r)
		checkSummary(t, r, reward)
	})
	start(func(r *Run) { checkSummary(t, r, reward) }) // what was written is old
}

// A record of the version before says too little: it is made anew, without a word.
func TestRLSummaryAfterAnUpgrade(t *testing.T) {
	dir := t.TempDir()
	traffic := &rlTraffic{random: rand.New(rand.NewPCG(3, 3))}
	db := open(t, dir)
	r := runOf(t, db)
	for range 20 {
		env, b := traffic.batch()
		logRL(t, r, env, b)
	}
	must(t, r.settle(false))
	before := checkSummary(t, r, reward)
	total := appendNumbers([]byte{1}, 1, 7, 1, 7) // version 1, of series 1
	total = (&moments{}).append(total)
	must(t, db.pebble.Set(totalsKey(r.id), sealed(total), pebble.NoSync))
	closed(t, db)
	for _, what := range []string{"upgraded", "started again"} {
		var log strings.Builder
		db, err := Open(dir, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		must(t, err)
		r := runOf(t, db)
		if after := checkSummary(t, r, reward); after != before {
			t.Errorf("%s: %+v; %+v before", what, after, before)
		}
		record, _, err := db.get(totalsKey(r.id))
		must(t, err)
		if record[0] != totalsVersion {
			t.Errorf("%s: the record has version %d", what, record[0])
		}
		closed(t, db)
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: %s", what, log.String())
		}
	}
}

// The room that sums of environments take is what their bound reckons with.
func TestEnvironmentSumsAreReckonedInFull(t *testing.T) {
	sums := seriesSums{envs: make([]environmentSums, 1)}
	if size := int(unsafe.Sizeof(environmentSums{})); sums.bytes() != size {
		t.Errorf("%d bytes are reckoned as %d", size, sums.bytes())
	}
}

// BenchmarkRLSummary sums up a thousand episodes of each of 1,024 environments: all of
// them, those of one more episode each, and none.
func BenchmarkRLSummary(b *testing.B) {
	const envs, episodes = 1024, 1000
	db := open(b, b.TempDir())
	defer closed(b, db)
	r := runOf(b, db)
	next := uint64(0)
	more := func(n int) {
		commit(b, r, func(tx *Tx) {
			for env := range envs {
				tx.AppendRL(tx.Series(ret, point.Ordered), tx.Environment(fmt.Sprint("e", env)),
					point.RLBatch{RLStep: next, Minors: point.Steps{First: next}, Values: make([]float64, n)}, true)
			}
		})
		next += uint64(n)
	}
	for range episodes / 10 {
		more(10)
	}
	if err := r.settle(true); err != nil {
		b.Fatal(err)
	}
	ask := func() {
		if _, err := r.RLSummary(1); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			r.totals.of = make(map[*series]*total)
			r.totals.written = nil
			db.sums.take(sumsName(r.id, 1))
			ask()
		}
	})
	b.Run("more", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			more(1)
			b.StartTimer()
			ask()
		}
	})
	b.Run("none", func(b *testing.B) {
		for b.Loop() {
			ask()
		}
	})
}
