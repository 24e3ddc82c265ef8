package store

import (
	"math"
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store/chunk"
)

// AppendRLBuckets sums up the points of an environment along an axis: of the buckets that
// hold points one each. The last point of a bucket is the one that lies farthest, of these
// the one of the highest rl_step, and of these the one logged last. Points are added up as
// they were logged: the numbers do not depend on how they lie in segments.
func (r *Run) AppendRLBuckets(dst []Bucket, env uint32, q RLCurve, axis Axis) ([]Bucket, error) {
	if len(axis.Starts) == 0 {
		return dst, nil
	}
	q.Within.From, q.Within.To = max(q.Within.From, axis.Starts[0]), min(q.Within.To, axis.Last)
	s := rlSummers.Get().(*rlSummer)
	defer rlSummers.Put(s)
	err := r.walkCurve(env, q, 0, func(w *curveWalk) error {
		s.begin(axis)
		if err := w.eachSource(func(src *source) error { return s.take(w, src) }); err != nil {
			return err
		}
		if !s.overflowed() {
			return nil
		}
		s.means = make([]meanSoFar, len(axis.Starts))
		return w.eachSource(func(src *source) error { return s.mendMeans(w, src) })
	})
	if err != nil {
		return dst, err
	}
	return s.appendTo(dst), nil
}

// rlSummer sums up points in any order of their buckets.
type rlSummer struct {
	axis    Axis
	perStep float64     // buckets
	single  bool        // each bucket is one place
	sums    []rlSum     // by bucket
	means   []meanSoFar // by bucket, where a sum overflowed

	values         []float64 // of the source at hand, from the first point that is wanted
	valuesFrom     int
	times, rlSteps boundFinder
}

var rlSummers = sync.Pool{New: func() any { return new(rlSummer) }}

// rlSum is a bucket. Others than finite points are only counted.
type rlSum struct {
	count     uint64
	sum       float64
	low, high int64 // as orderOf gives them
	last      float64
	lastAt    lastPlace
	lastTime  int64

	otherCounts
}

// lastPlace is what the last point of a bucket is told by.
type lastPlace struct{ along, rlStep uint64 }

func (p lastPlace) before(other lastPlace) bool {
	return p.along < other.along || p.along == other.along && p.rlStep < other.rlStep
}

func (s *rlSummer) begin(axis Axis) {
	n := len(axis.Starts)
	s.axis, s.sums, s.perStep = axis, slices.Grow(s.sums[:0], n)[:n], 0
	clear(s.sums)
	if n > 1 {
		s.perStep = float64(n-1) / float64(axis.Starts[n-1]-axis.Starts[0])
	}
	s.single = axis.Last-axis.Starts[0] == uint64(n-1)
}

func (s *rlSummer) take(w *curveWalk, src *source) error {
	return s.each(w, src, func(places chunk.Run, from int) {
		if s.single && places.Delta == 1 {
			s.addSingles(places, from)
		} else {
			s.eachBucket(places, from, s.add)
		}
	})
}

// each visits the wanted points of a source, whose values are read when there are any.
func (s *rlSummer) each(w *curveWalk, src *source, visit func(places chunk.Run, from int)) error {
	s.values = s.values[:0]
	s.times, s.rlSteps = boundFinder{runs: src.ints[colRLTime]}, boundFinder{runs: src.ints[colRLStep]}
	return w.each(src, func(places chunk.Run, from int) (err error) {
		if len(s.values) == 0 {
			s.valuesFrom = from
			s.values, err = src.read(s.values, from, src.n)
		}
		if err == nil {
			visit(places, from)
		}
		return err
	})
}

// points are n values from one on.
func (s *rlSummer) points(from, n int) []float64 {
	return s.values[from-s.valuesFrom : from-s.valuesFrom+n]
}

// addSingles adds points that lie in a bucket each.
func (s *rlSummer) addSingles(places chunk.Run, from int) {
	sums := s.sums[places.First-s.axis.Starts[0]:]
	for i := range int(places.N) {
		s.addOne(&sums[i], from+i, places.First+uint64(i))
	}
}

// eachBucket visits points by bucket: how many lie in it and where, and the number of the
// first in the source.
func (s *rlSummer) eachBucket(places chunk.Run, from int, visit func(bucket, from int, places chunk.Run)) {
	place, left := places.First, int(places.N)
	for bucket := s.bucketOf(place); left > 0; bucket++ {
		n := s.countIn(bucket, place, places.Delta, left)
		if n == 0 {
			continue
		}
		visit(bucket, from, chunk.Run{First: place, Delta: places.Delta, N: uint32(n)})
		place += uint64(n) * places.Delta
		from, left = from+n, left-n
	}
}

// countIn counts how many of the next places lie in a bucket, which begins before them.
func (s *rlSummer) countIn(bucket int, place, delta uint64, left int) int {
	if bucket+1 == len(s.axis.Starts) || delta == 0 {
		return left
	}
	behind := s.axis.Starts[bucket+1]
	if place >= behind {
		return 0
	}
	return int(min(countBelow(place, delta, behind), uint64(left)))
}

// bucketOf finds the bucket of a place. Buckets are about as wide as each other.
func (s *rlSummer) bucketOf(place uint64) int {
	starts := s.axis.Starts
	i := min(int(float64(place-starts[0])*s.perStep), len(starts)-1)
	for i > 0 && starts[i] > place {
		i--
	}
	for i+1 < len(starts) && starts[i+1] <= place {
		i++
	}
	return i
}

// add adds points that lie side by side in one bucket.
func (s *rlSummer) add(bucket, from int, places chunk.Run) {
	to, values := &s.sums[bucket], s.points(from, int(places.N))
	sum, low, high := to.sum, int64(math.MaxInt64), int64(math.MinInt64)
	for _, v := range values {
		sum += v
		order := orderOf(v)
		low, high = min(low, order), max(high, order)
	}
	if !finite(sum) {
		s.addApart(to, from, places)
		return
	}
	// Then all of them are.
	s.setLast(to, from+len(values)-1, places.Last())
	to.include(sum, low, high, uint64(len(values)))
}

// addApart adds points one by one, of which some may not be finite.
func (s *rlSummer) addApart(to *rlSum, from int, places chunk.Run) {
	for i := range int(places.N) {
		s.addOne(to, from+i, places.First+uint64(i)*places.Delta)
	}
}

// addOne adds a point of the source at hand.
func (s *rlSummer) addOne(to *rlSum, i int, along uint64) {
	v := s.values[i-s.valuesFrom]
	if !finite(v) {
		to.countOther(v)
		return
	}
	s.setLast(to, i, along)
	order := orderOf(v)
	to.include(to.sum+v, order, order, 1)
}

func (b *rlSum) include(sum float64, low, high int64, n uint64) {
	if b.count > 0 {
		low, high = min(b.low, low), max(b.high, high)
	}
	b.sum, b.low, b.high = sum, low, high
	b.count += n
}

// setLast makes a point of the source at hand the last of its bucket, if it is.
func (s *rlSummer) setLast(to *rlSum, i int, along uint64) {
	at := lastPlace{along, s.rlSteps.number(i)}
	if to.count == 0 || !at.before(to.lastAt) {
		to.last, to.lastAt, to.lastTime = s.values[i-s.valuesFrom], at, int64(s.times.number(i))
	}
}

func (s *rlSummer) overflowed() bool {
	return slices.ContainsFunc(s.sums, func(b rlSum) bool { return !finite(b.sum) })
}

// mendMeans works out, in a second walk, the means of buckets whose sum overflowed.
func (s *rlSummer) mendMeans(w *curveWalk, src *source) error {
	return s.each(w, src, func(places chunk.Run, from int) {
		s.eachBucket(places, from, func(bucket, from int, places chunk.Run) {
			if !finite(s.sums[bucket].sum) {
				s.means[bucket].add(s.points(from, int(places.N)))
			}
		})
	})
}

func (s *rlSummer) meanOf(i int) float64 {
	b := &s.sums[i]
	mean := b.sum / float64(b.count)
	if !finite(b.sum) {
		mean = s.means[i].mean
	}
	// Rounding must not carry the mean past the values.
	return min(max(mean, inOrder(b.low)), inOrder(b.high))
}

func (s *rlSummer) appendTo(dst []Bucket) []Bucket {
	for i := range s.sums {
		b := &s.sums[i]
		if b.count+uint64(b.others()) == 0 {
			continue
		}
		out := Bucket{Index: i, NaNs: b.nans, Infinities: b.infinities, NegativeInfinities: b.negatives}
		if b.count > 0 {
			out.Count, out.Mean, out.Sum, out.Min, out.Max = b.count, s.meanOf(i), b.sum, inOrder(b.low), inOrder(b.high)
			out.Last, out.LastTime = b.last, b.lastTime
		}
		dst = append(dst, out)
	}
	return dst
}
