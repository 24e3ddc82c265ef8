package store

import (
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store/chunk"
)

// AppendRLBuckets sums up the points of an environment along an axis: of the buckets that
// hold points one each. The last point of a bucket is the one that lies farthest, of these
// the one of the highest rl_step, and of these the one logged last. The numbers do not depend
// on how points lie in segments.
func (r *Run) AppendRLBuckets(dst []Bucket, env uint32, q RLCurve, axis Axis) ([]Bucket, error) {
	if len(axis.Starts) == 0 {
		return dst, nil
	}
	q.Within = axis.within(q.Within)
	s := rlSummers.Get().(*rlSummer)
	defer rlSummers.Put(s)
	err := r.walkCurve(env, q, 0, func(w *curveWalk) error {
		s.begin(axis)
		return s.takeAll(w)
	})
	if err != nil {
		return dst, err
	}
	return appendBuckets(dst, s.sums), nil
}

// within is what the buckets hold of a range.
func (a Axis) within(r Range) Range {
	return Range{From: max(r.From, a.Starts[0]), To: min(r.To, a.Last)}
}

// rlSummer sums up points in any order of their buckets.
type rlSummer struct {
	axis    Axis
	perStep float64 // buckets
	single  bool    // each bucket is one place
	sums    []rlSum // by bucket

	env            uint32
	ordinal        uint64    // of the first point of the source at hand
	values         []float64 // of that, from the first point that is wanted
	valuesFrom     int
	times, rlSteps boundFinder
}

var rlSummers = sync.Pool{New: func() any { return new(rlSummer) }}

func (s *rlSummer) begin(axis Axis) {
	n := len(axis.Starts)
	s.axis, s.sums, s.perStep = axis, slices.Grow(s.sums[:0], n)[:n], 0
	clear(s.sums)
	if n > 1 {
		s.perStep = float64(n-1) / float64(axis.Starts[n-1]-axis.Starts[0])
	}
	s.single = axis.Last-axis.Starts[0] == uint64(n-1)
}

// takeAll takes the points of an environment.
func (s *rlSummer) takeAll(w *curveWalk) error {
	s.env = w.id.env
	return w.eachSource(func(src *source) error { return s.take(w, src) })
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
	s.values, s.ordinal = s.values[:0], src.ordinal
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
	i := int(min(float64(place-starts[0])*s.perStep, float64(len(starts)-1)))
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
	var piece rlSum
	if values := s.points(from, int(places.N)); piece.setFinite(values) {
		last := from + len(values) - 1
		piece.setLast(values[len(values)-1], s.placeOf(last, places.Last()), int64(s.times.number(last)))
		s.sums[bucket].join(&piece)
		return
	}
	for i := range int(places.N) {
		s.addOne(&s.sums[bucket], from+i, places.First+uint64(i)*places.Delta)
	}
}

// addOne adds a point of the source at hand.
func (s *rlSummer) addOne(to *rlSum, i int, along uint64) {
	if v := s.values[i-s.valuesFrom]; to.addOne(v) {
		if at := s.placeOf(i, along); !at.before(&to.lastAt) {
			to.setLast(v, at, int64(s.times.number(i)))
		}
	}
}

func (s *rlSummer) placeOf(i int, along uint64) lastPlace {
	return lastPlace{along, s.env, s.rlSteps.number(i), s.ordinal + uint64(i)}
}

func appendBuckets(dst []Bucket, sums []rlSum) []Bucket {
	for i := range sums {
		if sums[i].points() > 0 {
			dst = append(dst, sums[i].bucket(i))
		}
	}
	return dst
}
