package query

import (
	"math"
	"math/bits"

	"github.com/metrana/metrana/go/workers"
)

// Limits of bucketed answers.
const (
	defaultBuckets = 1000
	maxBuckets     = 5000
	maxBucketsPage = 1_000_000
)

// axis cuts the steps first..last into count buckets of equal width. Bucket i
// begins at first + floor(i × width); the width is 1 when there are no more
// steps than buckets, so that buckets then hold single steps.
type axis struct {
	first, last uint64
	count       int
	width       float64
	lowest      uint64 // of all steps, where the first bucket begins before them
}

// newAxis spans the curves. across bounds the buckets of all series together.
func newAxis(curves []curve, buckets, across *int64) (axis, error) {
	return axisOver(len(curves), extents(curves), buckets, across)
}

func extents(curves []curve) func(i int) (first, last uint64) {
	return func(i int) (first, last uint64) { return curves[i].extent() }
}

// axisOver spans n series, of which extent tells how far each goes.
func axisOver(n int, extent func(i int) (first, last uint64), buckets, across *int64) (axis, error) {
	most, err := mostBuckets(n, buckets, across)
	if err != nil {
		return axis{}, err
	}
	return spanning(n, extent, most), nil
}

// mostBuckets is how many the axis of n series may have.
func mostBuckets(n int, buckets, across *int64) (int, error) {
	count := int64(defaultBuckets)
	if buckets != nil {
		count = *buckets
	}
	if count < 1 || count > maxBuckets {
		return 0, invalid("buckets_count %d is not within 1 and %d", count, maxBuckets)
	}
	if across != nil {
		if *across < 1 {
			return 0, invalid("max_buckets_across_series %d must be above 0", *across)
		}
		count = max(min(count, *across/int64(max(n, 1))), 1)
	}
	return int(count), nil
}

// spanning is the axis of n series in so many buckets at most.
func spanning(n int, extent func(i int) (first, last uint64), most int) axis {
	if n == 0 {
		return axis{}
	}
	first, last := uint64(math.MaxUint64), uint64(0)
	for i := range n {
		from, to := extent(i)
		first, last = min(first, from), max(last, to)
	}
	return spanned(first, last, most)
}

// spanned is the axis of so many steps in count buckets at most.
func spanned(first, last uint64, count int) axis {
	a := axis{first: first, last: last, count: count, width: 1, lowest: first}
	if span := last - first; span < uint64(count) {
		a.count = int(span) + 1
	} else {
		a.width = (float64(span) + 1) / float64(count)
	}
	return a
}

// spannedEvenly is spanned with buckets that begin where the store's slots of RL points do, so
// that these need not be read: wide ones begin at multiples of a power of two, counted from
// offset before the axis, and are as many of it wide, two to four.
func spannedEvenly(first, last uint64, count int, offset uint64) axis {
	a := spanned(first, last, count)
	if a.width < 4 {
		return a
	}
	grain := uint64(1) << (bits.Len64(uint64(a.width)) - 2)
	begin := (first+offset)&^(grain-1) - offset
	width := ((last-begin)/uint64(count) + grain) &^ (grain - 1)
	if begin > first || width < (last-first)/uint64(count) { // beyond the ends of all axes
		return a
	}
	a.first, a.width, a.count = begin, float64(width), int((last-begin)/width)+1
	return a
}

// extensible has its width rounded up, so that a further bucket would begin behind the
// last step.
func (a axis) extensible() axis {
	if float64(a.count)*a.width < float64(a.last-a.first)+1 {
		a.width = math.Nextafter(a.width, math.Inf(1))
	}
	return a
}

// upTo goes on with buckets of the same width up to last; false where that takes more
// than most.
func (a axis) upTo(last uint64, most int) (axis, bool) {
	a.last = last
	if float64(last-a.first)/a.width > float64(most) {
		return a, false
	}
	a.count = most + 1
	a.count = a.bucket(last) + 1
	return a, a.count <= most
}

// start is the first step of bucket i.
func (a axis) start(i int) uint64 { return a.first + uint64(float64(i)*a.width) }

// end is the first step behind bucket i.
func (a axis) end(i int) uint64 {
	if i+1 < a.count {
		return a.start(i + 1)
	}
	return math.MaxUint64
}

// bucket is the number of the bucket that holds x.
func (a axis) bucket(x uint64) int {
	if a.width == 1 {
		return int(min(x-a.first, uint64(a.count-1)))
	}
	i := min(int(float64(x-a.first)/a.width), a.count-1)
	// The division may round to a neighbour; the starts decide.
	for i > 0 && a.start(i) > x {
		i--
	}
	for i+1 < a.count && a.start(i+1) <= x {
		i++
	}
	return i
}

// bucketed is a column in buckets: parallel arrays over the buckets that hold
// finite points, and the numbers of those that hold others.
type bucketed struct {
	column
	indexes                     []uint64
	counts                      []uint64
	means, sums, mins, maxs     []float64
	lasts                       []float64 // of finite points
	lastTimes                   []int64
	lastXs                      []uint64 // of points that were read
	lastRLSteps                 []uint64
	lastEpisodes, lastEnvSteps  []uint64
	lastSteps                   []uint64 // on an axis of time
	nans, infinities, negatives []uint64
}

// fill puts the points of a column, whose xs ascend, into buckets. Spikes stay:
// the extremes of each bucket are kept.
func (c column) fill(f *filler) (bucketed, error) {
	b := bucketed{column: c}
	for from := 0; from < len(c.xs); {
		i := f.bucket(c.xs[from])
		to := len(c.xs)
		if i+1 < f.count {
			end := f.start(i + 1)
			for to = from + 1; to < len(c.xs) && c.xs[to] < end; to++ {
			}
		}
		b.add(uint64(i), from, to)
		from = to
	}
	return b, nil
}

// add makes one bucket of the points from..to.
func (b *bucketed) add(i uint64, from, to int) {
	low, high := math.Inf(1), math.Inf(-1)
	sum, mean := 0.0, 0.0
	count := 0
	last := -1
	var nan, inf, negative bool
	for k, v := range b.values[from:to] {
		switch {
		case math.IsNaN(v):
			nan = true
		case math.IsInf(v, 1):
			inf = true
		case math.IsInf(v, -1):
			negative = true
		default:
			count++
			sum += v
			// The running mean cannot overflow where the sum can.
			mean += v/float64(count) - mean/float64(count)
			low, high, last = min(low, v), max(high, v), from+k
		}
	}
	mark(&b.nans, i, nan)
	mark(&b.infinities, i, inf)
	mark(&b.negatives, i, negative)
	if count == 0 {
		return
	}
	b.indexes = append(b.indexes, i)
	b.counts = append(b.counts, uint64(count))
	b.sums = append(b.sums, sum)
	b.means = append(b.means, min(max(mean, low), high))
	b.mins = append(b.mins, low)
	b.maxs = append(b.maxs, high)
	b.lasts = append(b.lasts, b.values[last])
	b.lastTimes = append(b.lastTimes, b.times[last])
	b.lastXs = append(b.lastXs, b.xs[last])
	if b.rlSteps != nil {
		b.lastRLSteps = append(b.lastRLSteps, b.rlSteps[last])
		b.lastEpisodes = append(b.lastEpisodes, b.episodes[last])
		b.lastEnvSteps = append(b.lastEnvSteps, b.envSteps[last])
	}
	if b.steps != nil {
		b.lastSteps = append(b.lastSteps, b.steps[last])
	}
}

func mark(list *[]uint64, i uint64, set bool) {
	if set {
		*list = append(*list, i)
	}
}

// fillAll puts curves into buckets, several at a time when there are many.
func fillAll(a axis, curves []curve) ([]bucketed, error) {
	filled := make([]bucketed, len(curves))
	const few = 4 // curves, for which a goroutine would not pay
	own := make([]*filler, workers.PartsOf(len(curves), few))
	for k := range own {
		own[k] = fillerOf(a)
		defer fillers.Put(own[k])
	}
	err := workers.Each(len(own), len(curves), func(k, i int) (err error) {
		filled[i], err = curves[i].fill(own[k])
		return err
	})
	return filled, err
}

// within gives the numbers of a list of marked buckets that belong to a part of
// the column: those between its first and its last bucket, and what lies before
// the first or behind the last of all.
func (b *bucketed) within(marked []uint64, part stretch) []uint64 {
	if part.from == 0 && part.to == len(b.indexes) {
		return marked
	}
	var kept []uint64
	for _, i := range marked {
		after := part.from == 0 || i > b.indexes[part.from-1]
		before := part.to == len(b.indexes) || i <= b.indexes[part.to-1]
		if after && before {
			kept = append(kept, i)
		}
	}
	return kept
}

// bucketPage puts curves on one axis and cuts the page that a token names. The
// token of the next page carries the axis.
func (s *Service) bucketPage(
	curves []curve, buckets, across, size *int64, token *string,
) (a axis, filled []bucketed, page []stretch, next *string, err error) {
	a, curves, place, err := pagedAxis(curves, buckets, across, token)
	if err != nil {
		return a, nil, nil, nil, err
	}
	filled, err = fillAll(a, curves)
	if err != nil {
		return a, nil, nil, nil, s.failed(err)
	}
	list := make([]pageable, len(curves))
	for i, c := range curves {
		list[i] = pageable{c.id(), len(filled[i].indexes)}
	}
	page, next, err = pointPage(list, size, maxBucketsPage, place)
	return a, filled, page, a.token(next), err
}
