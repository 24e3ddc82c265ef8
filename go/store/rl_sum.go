package store

import "math"

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
	sum, lost := 0.0, 0.0
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, v := range values {
		next, off := twoSum(sum, v)
		sum = next
		lost += math.Abs(off)
		order := orderOf(v)
		low, high = min(low, order), max(high, order)
	}
	if !finite(sum) {
		return false
	}
	s.count, s.low, s.high = uint64(len(values)), low, high
	if lost == 0 && math.Abs(sum) < largeSum { // as of float32 values it is, mostly
		s.sum.high = sum
		return true
	}
	for _, v := range values {
		s.sum.add(v)
	}
	return true
}

// setOne makes an empty sum that of a value.
func (s *rlSum) setOne(v float64) {
	if !finite(v) {
		s.countOther(v)
		return
	}
	order := orderOf(v)
	s.count, s.low, s.high = 1, order, order
	s.sum.add(v)
}

// setLast says which of the points summed up is the last one.
func (s *rlSum) setLast(v float64, at lastPlace, time int64) {
	s.last, s.lastAt, s.lastTime = v, at, time
}

func (s *rlSum) join(other *rlSum) {
	s.nans += other.nans
	s.infinities += other.infinities
	s.negatives += other.negatives
	switch {
	case other.count == 0:
		return
	case s.count == 0:
		s.low, s.high = other.low, other.high
		s.setLast(other.last, other.lastAt, other.lastTime)
	default:
		s.low, s.high = min(s.low, other.low), max(s.high, other.high)
		if s.lastAt.before(&other.lastAt) {
			s.setLast(other.last, other.lastAt, other.lastTime)
		}
	}
	s.count += other.count
	s.sum.join(&other.sum)
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
