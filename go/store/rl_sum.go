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
	plain := plainSumOf(values)
	if !finite(plain.sum) {
		return false
	}
	s.count, s.low, s.high = uint64(len(values)), plain.low, plain.high
	if plain.lost == 0 && math.Abs(plain.sum) < largeSum { // as of float32 values it is, mostly
		s.sum.high = plain.sum
		return true
	}
	for _, v := range values {
		s.sum.add(v)
	}
	return true
}

// plainSum sums up values in any order.
type plainSum struct {
	sum, lost float64 // lost is what rounding took from the sum, sizes added up
	low, high int64   // as orderOf gives them
}

func plainSumOf(values []float64) plainSum {
	s := plainSum{low: math.MaxInt64, high: math.MinInt64}
	if n := len(values) &^ 3; eights && n > 0 {
		sum, lost, least, greatest, some, all := sumFours(unsafe.SliceData(values), n)
		s.sum, s.lost = sum, lost
		// Where a zero is least none is below, and a sign that some have is that of a zero.
		s.low, s.high = orderOf(zeroSigned(least, some)), orderOf(zeroSigned(greatest, all))
		values = values[n:]
	}
	for _, v := range values {
		sum, lost := twoSum(s.sum, v)
		s.sum = sum
		s.lost += math.Abs(lost)
		order := orderOf(v)
		s.low, s.high = min(s.low, order), max(s.high, order)
	}
	return s
}

// zeroSigned gives a zero the sign of a pattern.
func zeroSigned(v float64, pattern uint64) float64 {
	if v == 0 {
		return math.Float64frombits(pattern &^ math.MaxInt64)
	}
	return v
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
	if other.others() > 0 {
		s.nans += other.nans
		s.infinities += other.infinities
		s.negatives += other.negatives
	}
	if other.count == 0 {
		return
	}
	if s.count == 0 {
		s.low, s.high = other.low, other.high
	}
	s.low, s.high = min(s.low, other.low), max(s.high, other.high)
	s.count += other.count
	if sum, lost := twoSum(s.sum.high, other.sum.high); lost == 0 && other.sum.fits() && math.Abs(sum) < largeSum {
		s.sum.high = sum // as it mostly is
		return
	}
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
