package store

import (
	"math"
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store/chunk"
)

// Bucket sums up the points of a series between two steps. Points that are not
// finite are in Others alone.
type Bucket struct {
	Index    int
	Count    uint64 // of finite points
	Mean     float64
	Sum      float64
	Min, Max float64
	Last     float64 // the last finite point
	LastTime int64   // its time, Unix milliseconds

	NaNs, Infinities, NegativeInfinities uint32
}

// Axis cuts steps into buckets: the i-th has the steps from Starts[i] to before
// the next one's start, the last those to Last.
type Axis struct {
	Starts []uint64 // ascending
	Last   uint64
}

// Extent gives the lowest and the highest step that an ordered series has within
// a range; false when it has none there.
func (r *Run) Extent(no uint32, within Range) (extent Range, found bool, err error) {
	err = r.look(no, 0, func(v view) error {
		extent = nothing
		include := func(steps chunk.Runs, n int) {
			low, high := boundFinder{runs: steps}, boundFinder{runs: steps}
			from, to := low.find(within.From), n
			last := high
			if within.To < math.MaxUint64 {
				to = high.find(within.To + 1)
			}
			if from < to {
				extent.include(low.number(from))
				extent.include(last.number(to - 1))
			}
		}
		passes := func(b blockInfo) bool { return b.steps.meets(within) }
		err := r.eachChunk(cellID{series: no}, v, passes, func(c storedChunk) error {
			include(c.head.positions(c.at)[colStep], c.len())
			return nil
		})
		for _, c := range []*held{&v.frozen, &v.head} {
			include(c.ints[colStep], c.len())
		}
		return err
	})
	return extent, extent.From <= extent.To, err
}

// Buckets sums up an ordered series along an axis: of the buckets that hold
// points one each. Whole spans are taken from the rollups, so that a long series
// costs little more than its buckets. The numbers do not depend on how points lie
// in segments.
func (r *Run) Buckets(no uint32, axis Axis) ([]Bucket, error) { return r.AppendBuckets(nil, no, axis) }

// AppendBuckets is Buckets into memory that the caller gives.
func (r *Run) AppendBuckets(dst []Bucket, no uint32, axis Axis) ([]Bucket, error) {
	if len(axis.Starts) == 0 {
		return dst, nil
	}
	buckets, overflowed := dst, false
	err := r.look(no, 0, func(v view) error {
		s := summer{axis: axis, buckets: dst}
		room := summerRooms.Get().(*summerRoom)
		s.buffer = room.values
		defer func() { room.keep(s.buffer) }()
		within := Range{axis.Starts[0], axis.Last}
		passes := func(b blockInfo) bool { return b.steps.meets(within) }
		err := r.eachChunk(cellID{series: no}, v, passes, func(c storedChunk) error {
			return s.take(source{
				ordinal: c.head.begins[c.at], n: c.len(), rollups: &c,
				ints: [rlCols]chunk.Runs{
					colStep: c.head.positionIn(&room.steps, c.at, colStep), colTime: c.head.positionIn(&room.times, c.at, colTime),
				},
				whole: c.block.whole, read: c.values,
			})
		})
		if err != nil {
			return err
		}
		at := v.inSegments()
		for _, c := range []*held{&v.frozen, &v.head} {
			if err := s.take(inMemory(at, c)); err != nil {
				return err
			}
			at += uint64(c.len())
		}
		s.end()
		buckets, overflowed = s.buckets, s.overflowed
		return nil
	})
	if err != nil {
		return nil, err
	}
	if overflowed {
		err = r.mendMeans(no, axis, buckets[len(dst):])
	}
	return buckets, err
}

// summerRoom is memory for a chunk.
type summerRoom struct {
	steps, times chunk.Runs
	values       []float64
}

var summerRooms = sync.Pool{New: func() any { return new(summerRoom) }}

func (r *summerRoom) keep(values []float64) {
	if r.values = values[:0]; cap(values) <= 2*blockPoints {
		summerRooms.Put(r)
	}
}

// source is a stretch of the points of a series: where its positions and rollups
// are, and how to read its values.
type source struct {
	ordinal uint64
	n       int
	ints    [rlCols]chunk.Runs
	rollups *storedChunk // nil: there are none, or they are read
	spans   []span       // the whole ones, from point begin on
	begin   int
	whole   *span
	read    func(dst []float64, from, to int) ([]float64, error)
}

// span gives the rollup of the span that begins at point from of the source; nil when
// it has none, or values that are not finite.
func (src *source) span(from int) (s *span, err error) {
	if src.rollups != nil {
		if src.spans, err = src.rollups.spans(); err != nil {
			return nil, err
		}
		src.begin, _ = wholeSpans(src.ordinal, src.n)
		src.rollups = nil
	}
	k := (from - src.begin) / spanPoints
	if k >= len(src.spans) || src.spans[k].others() > 0 {
		return nil, nil
	}
	return &src.spans[k], nil
}

func inMemory(ordinal uint64, h *held) source {
	return source{ordinal: ordinal, n: h.len(), ints: h.ints, read: func(dst []float64, from, to int) ([]float64, error) {
		return h.appendValues(dst, from, to), nil
	}}
}

// summer goes over the points of a series in order and sums up each bucket: in a
// bucket, points are added up within their span, spans within their block's worth
// of points, and these in turn.
type summer struct {
	axis    Axis
	buckets []Bucket

	at          int // bucket at hand
	begun       bool
	filled      bool // some of its points are in total, block and span
	total       span
	block, span span
	last        float64 // of the finite points
	lastTime    int64
	overflowed  bool // the sum of a bucket

	buffer     []float64 // values bufferFrom… of the source at hand
	bufferFrom int
	timeRuns   chunk.Cursor
	timeAt     int
	lastAt     int // point whose time lastTime is to be; -1: it is
}

func (s *summer) take(src source) error {
	if src.n == 0 {
		return nil
	}
	s.buffer, s.bufferFrom = s.buffer[:0], 0
	s.timeRuns, s.timeAt, s.lastAt = src.ints[colTime].Cursor(), 0, -1
	steps := boundFinder{runs: src.ints[colStep]}
	from, end := steps.find(s.axis.Starts[0]), src.n
	if s.axis.Last < math.MaxUint64 {
		after := boundFinder{runs: src.ints[colStep]}
		end = after.find(s.axis.Last + 1)
	}
	small := from < end && s.smallBuckets(steps, from, end)
	for from < end {
		if small {
			from = s.addWholes(&src, steps, from, end)
		}
		bucket := s.bucketOf(steps.number(from))
		if bucket != s.at || !s.begun {
			s.end()
			s.at, s.begun = bucket, true
		}
		to := end
		if bucket+1 < len(s.axis.Starts) {
			to = min(end, steps.find(s.axis.Starts[bucket+1]))
		}
		if err := s.addRange(&src, from, to, end, small); err != nil {
			return err
		}
		from = to
	}
	s.findTime()
	return nil
}

// addWholes makes buckets of the points from…, as long as those of a bucket are all of it,
// count up by one in their steps, are finite, lie in one span and are at hand already. It
// gives the point behind them. Charts are mostly made of such buckets. The first bucket of
// a source, which may have begun before, is none: nothing is at hand.
func (s *summer) addWholes(src *source, steps boundFinder, from, end int) int {
	step := steps.number(from)
	run := steps.runs[0]
	end = min(end, steps.at+int(run.N), s.bufferFrom+len(s.buffer))
	if run.Delta != 1 || from < s.bufferFrom || from >= end {
		return from
	}
	s.end()
	bucket := s.bucketOf(step)
	s.buckets = slices.Grow(s.buckets, min(end-from, len(s.axis.Starts)-bucket))
	var all span
	for ; bucket+1 < len(s.axis.Starts); bucket++ {
		n := s.axis.Starts[bucket+1] - step
		left := spanPoints - (src.ordinal+uint64(from))%spanPoints
		if n >= uint64(end-from) || n > left {
			break
		}
		to := from + int(n)
		if !all.setFinite(s.buffer[from-s.bufferFrom : to-s.bufferFrom]) {
			break
		}
		s.at, s.begun = bucket, true
		s.last, s.lastAt = all.last, to-1
		s.emit(&all)
		from, step = to, s.axis.Starts[bucket+1]
	}
	return from
}

// smallBuckets tells whether the buckets of the points from..end hold so few that
// hardly any whole span lies in one.
func (s *summer) smallBuckets(steps boundFinder, from, end int) bool {
	first := s.bucketOf(steps.number(from))
	last := s.bucketOf(steps.number(end - 1))
	return end-from < 4*spanPoints*(last-first+1)
}

// bucketOf finds the bucket of a step; it is the one at hand or one behind.
func (s *summer) bucketOf(step uint64) int {
	low, high := s.at, len(s.axis.Starts)
	for range 2 {
		if low+1 == high || s.axis.Starts[low+1] > step {
			return low
		}
		low++
	}
	for low+1 < high {
		middle := (low + high) / 2
		if s.axis.Starts[middle] <= step {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// addRange adds the points from..to of a source to the bucket at hand. When
// buckets are small all is read at once, up to end.
func (s *summer) addRange(src *source, from, to, end int, small bool) error {
	s.filled = true
	for from < to {
		ordinal := src.ordinal + uint64(from)
		if src.whole != nil && ordinal%blockPoints == 0 && to-from >= blockPoints && src.whole.others() == 0 {
			s.total.add(src.whole)
			s.last = src.whole.last
			from += blockPoints
			s.lastAt = from - 1
			continue
		}
		if ordinal%spanPoints == 0 && to-from >= spanPoints {
			whole, err := src.span(from)
			if err != nil {
				return err
			}
			if whole != nil {
				s.block.add(whole)
				s.last = whole.last
				from += spanPoints
				s.lastAt = from - 1
				s.foldAt(src.ordinal + uint64(from))
				continue
			}
		}
		behind := min(to, from+spanPoints-int(ordinal%spanPoints))
		if err := s.addPoints(src, from, behind, end, small); err != nil {
			return err
		}
		from = behind
		s.foldAt(src.ordinal + uint64(from))
	}
	return nil
}

// foldAt closes what ends before an ordinal.
func (s *summer) foldAt(ordinal uint64) {
	if ordinal%spanPoints == 0 {
		s.block.add(&s.span)
		s.span = span{}
	}
	if ordinal%blockPoints == 0 {
		s.total.add(&s.block)
		s.block = span{}
	}
}

// addPoints adds points of one span.
func (s *summer) addPoints(src *source, from, to, end int, small bool) error {
	if from < s.bufferFrom || to > s.bufferFrom+len(s.buffer) {
		until := end
		if !small {
			// To the end of the span, where the next bucket goes on.
			until = min(src.n, from+spanPoints-int((src.ordinal+uint64(from))%spanPoints))
		}
		var err error
		if s.buffer, err = src.read(s.buffer[:0], from, max(until, to)); err != nil {
			return err
		}
		s.bufferFrom = from
	}
	s.addValues(&s.span, from, to)
	return nil
}

// addValues adds points that are in the buffer.
func (s *summer) addValues(to *span, from, end int) {
	values := s.buffer[from-s.bufferFrom : end-s.bufferFrom]
	to.continueWith(values)
	for i := len(values) - 1; i >= 0; i-- {
		if finite(values[i]) {
			s.last, s.lastAt = values[i], from+i
			break
		}
	}
}

// findTime looks up the time that was put off.
func (s *summer) findTime() {
	if s.lastAt < 0 {
		return
	}
	s.timeRuns.Skip(s.lastAt - s.timeAt)
	s.timeAt, s.lastAt = s.lastAt, -1
	s.lastTime = int64(s.timeRuns.Peek().First)
}

// end closes the bucket at hand.
func (s *summer) end() {
	if !s.begun {
		return
	}
	if s.filled {
		s.block.add(&s.span)
		s.total.add(&s.block)
		s.emit(&s.total)
	}
	s.total, s.block, s.span, s.begun, s.filled = span{}, span{}, span{}, false, false
}

// emit writes the bucket at hand.
func (s *summer) emit(t *span) {
	s.findTime()
	s.buckets = append(s.buckets, Bucket{})
	b := &s.buckets[len(s.buckets)-1]
	b.Index, b.Count, b.LastTime = s.at, t.count, s.lastTime
	b.Sum, b.Min, b.Max, b.Last = t.sum, t.min, t.max, s.last
	b.NaNs, b.Infinities, b.NegativeInfinities = t.nans, t.infinities, t.negatives
	if t.count == 0 {
		return
	}
	// Rounding must not carry the mean past the values.
	switch b.Mean = t.sum / float64(t.count); {
	case b.Mean < t.min:
		b.Mean = t.min
	case b.Mean > t.max:
		b.Mean = t.max
	}
	s.overflowed = s.overflowed || !finite(t.sum)
}

// mendMeans works out anew the means of buckets whose sum overflowed.
func (r *Run) mendMeans(no uint32, axis Axis, buckets []Bucket) error {
	for i := range buckets {
		b := &buckets[i]
		if b.Count == 0 || finite(b.Sum) {
			continue
		}
		last := axis.Last
		if b.Index+1 < len(axis.Starts) {
			last = axis.Starts[b.Index+1] - 1
		}
		points, err := r.Points(no, axis.Starts[b.Index], last)
		if err != nil {
			return err
		}
		b.Mean = min(max(runningMean(points.Values), b.Min), b.Max)
	}
	return nil
}

// boundFinder finds bounds that ascend in ascending runs.
type boundFinder struct {
	runs chunk.Runs
	at   int // numbers before the first run
}

// find counts the numbers below one.
func (f *boundFinder) find(v uint64) int {
	for len(f.runs) > 0 {
		run := f.runs[0]
		if run.First >= v {
			return f.at
		}
		if run.Last() >= v {
			return f.at + int(countBelow(run.First, run.Delta, v))
		}
		f.at += int(run.N)
		f.runs = f.runs[1:]
	}
	return f.at
}

// countBelow counts the numbers below one, which is above the first, of those that ascend
// from it.
func countBelow(first, delta, v uint64) uint64 {
	if delta == 1 {
		return v - first
	}
	return (v-first-1)/delta + 1
}

// number gives the i-th number, which neither a find nor another number has passed.
func (f *boundFinder) number(i int) uint64 {
	for i-f.at >= int(f.runs[0].N) {
		f.at += int(f.runs[0].N)
		f.runs = f.runs[1:]
	}
	return f.runs[0].First + f.runs[0].Delta*uint64(i-f.at)
}
