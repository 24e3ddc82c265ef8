package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/metrana/metrana/go/point"
)

// What is kept of an unordered series says what all of its points do; where points were
// overwritten it says nothing.
func TestDistinctSummariesAreThoseOfAllPoints(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct {
		goBack, always bool
		loggers        int
	}{{loggers: 1, always: true}, {loggers: 4, always: true}, {loggers: 3, goBack: true}} {
		for range 5 {
			db := open(t, t.TempDir())
			r := runOf(t, db)
			logShared(t, db, r, random, c.loggers, c.goBack)
			points, sum, known, err := r.DistinctSummary(1)
			must(t, err)
			all, err := r.Points(1, 0, math.MaxUint64)
			must(t, err)
			if overwritten := uint64(len(all.Values)) != r.SeriesInfos()[0].Count; known && overwritten || c.always && !known {
				t.Fatalf("known %v of %d points, overwritten %v", known, len(all.Values), overwritten)
			}
			if known {
				wantSummary(t, all.Values, points, sum)
			}
			closed(t, db)
		}
	}
}

// logShared has several loggers write to one series, in turns of chance; some of what
// they wrote lies in segments in the end. A logger that goes back may overwrite.
func logShared(t *testing.T, db *DB, r *Run, random *rand.Rand, loggers int, goBack bool) {
	t.Helper()
	next := make([]uint64, loggers)
	for i := range 30 {
		logger := random.IntN(loggers)
		if goBack && random.IntN(20) == 0 {
			next[logger] -= min(next[logger], random.Uint64N(20))
		}
		values := make([]float64, 1+random.IntN(40))
		for k := range values {
			values[k] = random.NormFloat64()
		}
		values[0] = []float64{values[0], values[0], math.NaN(), math.Inf(1)}[random.IntN(4)]
		commit(t, r, func(tx *Tx) {
			tx.Append(tx.Series(shared, point.Unordered), uint64(logger), point.Batch{Steps: point.Steps{First: next[logger]}, Values: values})
		})
		next[logger] += uint64(len(values)) + random.Uint64N(2)
		if i == 20 {
			must(t, db.Settle(t.Context()))
		}
	}
}

func wantSummary(t *testing.T, values []float64, points uint64, sum Summary) {
	t.Helper()
	finites := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !finite(v) })
	n, total := float64(len(finites)), 0.0
	for _, v := range finites {
		total += v
	}
	m2 := 0.0
	for _, v := range finites {
		m2 += (v - total/n) * (v - total/n)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }
	same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	if points != uint64(len(values)) || sum.Finite != uint64(len(finites)) || !same(sum.First, values[0]) || !same(sum.Last, values[len(values)-1]) ||
		sum.Min != slices.Min(finites) || sum.Max != slices.Max(finites) ||
		!near(sum.Sum, total) || !near(sum.Mean, total/n) || !near(sum.M2, m2) {
		t.Fatalf("%d points: %+v; sum %v, M2 %v, first %v, last %v", points, sum, total, m2, values[0], values[len(values)-1])
	}
}

func TestNothingIsKnownOfASeriesWithoutPoints(t *testing.T) {
	db := open(t, t.TempDir())
	defer closed(t, db)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { tx.Series(shared, point.Unordered) })
	if _, _, known, err := r.DistinctSummary(1); known || err != nil {
		t.Error(known, err)
	}
}
