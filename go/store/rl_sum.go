package store

import (
	"math"
	"unsafe"
)

// rlSum sums up RL points that lie together along an axis. Others than finite ones are only
// counted. What it comes to does not depend on the order of adding.
type rlSum struct {
	count     uint64
	sum       exactSum
	low, high int64 // as orderOf gives them
	last      float64
	lastAt    lastPlace
	lastTime  int64

	otherCounts
}

// lastPlace is what the last of several points is told by: it lies farthest along the axis,
// of these its environment has the highest number, of these it has the highest rl_step, and of
// these it was logged last.
type lastPlace struct {
	along   uint64
	env     uint32
	rlStep  uint64
	ordinal uint64
}

func (p *lastPlace) before(other *lastPlace) bool {
	switch {
	case p.along != other.along:
		return p.along < other.along
	case p.env != other.env:
		return p.env < other.env
	case p.rlStep != other.rlStep:
		return p.rlStep < other.rlStep
	default:
		return p.ordinal < other.ordinal
	}
}

// points is how many there are, whatever their values.
func (s *rlSum) points() uint64 {
	return s.count + uint64(s.nans) + uint64(s.infinities) + uint64(s.negatives)
}

// setFinite makes an empty sum that of values, but for the last of them; false where their
// plain sum is not finite, as where one of them is not.
func (s *rlSum) setFinite(values []float64) bool {
	lanes := newSumLanes
	lanes.take(values)
	sum, exact := lanes.total()
	if !finite(sum) {
		return false
	}
	s.count, s.sum.high = uint64(len(values)), sum
	s.low, s.high = lanes.extremes()
	if !exact { // as it is of float32 values, mostly
		s.sum.high = 0
		for _, v := range values {
			s.sum.add(v)
		}
	}
	return true
}

// sumLanes are four sums side by side.
type sumLanes struct {
	sum, lost [4]float64 // lost is what rounding took from the sum, sizes added up
	low, high [4]int64   // as orderOf gives them
}

var newSumLanes = sumLanes{
	low:  [4]int64{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64},
	high: [4]int64{math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt64},
}

func (l *sumLanes) take(values []float64) {
	if n := len(values) &^ 3; eights && n > 0 {
		sumFours(l, unsafe.SliceData(values), n)
		values = values[n:]
	}
	sum, lost, low, high := l.sum[0], l.lost[0], l.low[0], l.high[0]
	for _, v := range values {
		next, off := twoSum(sum, v)
		sum = next
		lost += math.Abs(off)
		order := orderOf(v)
		low, high = min(low, order), max(high, order)
	}
	l.sum[0], l.lost[0], l.low[0], l.high[0] = sum, lost, low, high
}

func (l *sumLanes) extremes() (low, high int64) {
	return min(l.low[0], l.low[1], l.low[2], l.low[3]), max(l.high[0], l.high[1], l.high[2], l.high[3])
}

// total is the sum of all lanes, and whether it is exact.
func (l *sumLanes) total() (sum float64, exact bool) {
	first, lost0 := twoSum(l.sum[0], l.sum[1])
	second, lost1 := twoSum(l.sum[2], l.sum[3])
	sum, lost2 := twoSum(first, second)
	lost := l.lost[0] + l.lost[1] + l.lost[2] + l.lost[3] + math.Abs(lost0) + math.Abs(lost1) + math.Abs(lost2)
	return sum, lost == 0 && math.Abs(sum) < largeSum
}

// addOne adds a value, which the last one is yet to be told by; false where it is not finite,
// and so cannot be.
func (s *rlSum) addOne(v float64) bool {
	if !finite(v) {
		s.countOther(v)
		return false
	}
	order := orderOf(v)
	if s.count == 0 {
		s.low, s.high, s.lastAt = order, order, lastPlace{}
	}
	s.low, s.high = min(s.low, order), max(s.high, order)
	s.count++
	s.sum.add(v)
	return true
}

// setLast says which of the points summed up is the last one.
func (s *rlSum) setLast(v float64, at lastPlace, time int64) {
	s.last, s.lastAt, s.lastTime = v, at, time
}

// add adds other points, but does not tell which one of all is the last.
func (s *rlSum) add(other *rlSum) {
	s.nans += other.nans
	s.infinities += other.infinities
	s.negatives += other.negatives
	if other.count == 0 {
		return
	}
	if s.count == 0 {
		s.low, s.high = other.low, other.high
	}
	s.low, s.high = min(s.low, other.low), max(s.high, other.high)
	s.count += other.count
	s.sum.join(&other.sum)
}

func (s *rlSum) join(other *rlSum) {
	if other.count > 0 && (s.count == 0 || s.lastAt.before(&other.lastAt)) {
		s.setLast(other.last, other.lastAt, other.lastTime)
	}
	s.add(other)
}

// bucket is the sum as others see it.
func (s *rlSum) bucket(index int) Bucket {
	b := Bucket{Index: index, NaNs: s.nans, Infinities: s.infinities, NegativeInfinities: s.negatives}
	if s.count > 0 {
		b.Count, b.Sum, b.Min, b.Max = s.count, s.sum.rounded(), inOrder(s.low), inOrder(s.high)
		// Rounding must not carry the mean past the values.
		b.Mean = min(max(s.sum.over(s.count), b.Min), b.Max)
		b.Last, b.LastTime = s.last, s.lastTime
	}
	return b
}
