package store

import (
	"math"
	"math/big"
	"math/bits"
)

// exactSum adds finite numbers up without rounding: it comes to the same whatever the order
// they are added in, and wherever the sums are that it is made of. Only what reads it rounds,
// once.
//
// Two floats hold the sum as a rule, the second what the first one's additions lost (Knuth,
// The Art of Computer Programming 2, 4.2.2, theorem B). What both lose goes into digits that
// hold any sum.
type exactSum struct {
	high, low float64
	digits    *sumDigits // nil while nothing is in them
}

// twoSum is a + b, rounded, and what the rounding lost, exactly.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	part := sum - a
	return sum, (a - (sum - part)) + (b - part)
}

// largeSum is where floats are kept away from: added up beyond they could overflow.
const largeSum = 0x1p1000

func (s *exactSum) add(v float64) {
	high, lost := twoSum(s.high, v)
	if lost == 0 && math.Abs(high) < largeSum { // as it mostly is
		s.high = high
		return
	}
	s.addLow(v)
}

func (s *exactSum) addLow(v float64) {
	high, lost := twoSum(s.high, v)
	if !(math.Abs(high) < largeSum && math.Abs(v) < largeSum) {
		s.exact().add(v)
		return
	}
	s.high = high
	if s.low, lost = twoSum(s.low, lost); lost != 0 {
		s.exact().add(lost)
	}
}

// fits tells whether the first float is the sum.
func (s *exactSum) fits() bool { return s.low == 0 && s.digits == nil }

func (s *exactSum) join(other *exactSum) {
	s.add(other.high)
	if other.low != 0 {
		s.add(other.low)
	}
	if other.digits != nil {
		s.exact().join(other.digits)
	}
}

func (s *exactSum) exact() *sumDigits {
	if s.digits == nil {
		s.digits = new(sumDigits)
	}
	return s.digits
}

// rounded is the float64 nearest to the sum; infinite beyond all of them.
func (s *exactSum) rounded() float64 {
	if s.digits == nil {
		return s.high + s.low
	}
	rounded, _ := s.whole().Float64()
	return rounded
}

// over is the sum divided by a count, which cannot overflow where the sum does.
func (s *exactSum) over(count uint64) float64 {
	if sum := s.rounded(); finite(sum) {
		return sum / float64(count)
	}
	whole := s.whole()
	mean, _ := whole.Quo(whole, new(big.Float).SetUint64(count)).Float64()
	return mean
}

// whole is the sum as a number of as many digits as it takes.
func (s *exactSum) whole() *big.Float {
	all := sumDigits{}
	if s.digits != nil {
		all.join(s.digits)
	}
	all.add(s.high)
	all.add(s.low)
	return all.float()
}

// terms are how often the sum holds 2¹⁰²³ and, behind dst, floats that come to the rest, each
// of them the nearest to what those before it leave. Sums that are equal have equal terms.
func (s *exactSum) terms(dst []float64) (tops int64, terms []float64) {
	if s.digits == nil {
		high, low := twoSum(s.high, s.low)
		return 0, append(dst, high, low)
	}
	left := s.whole()
	top := new(big.Float).SetMantExp(big.NewFloat(1), topBit)
	tops, _ = new(big.Float).SetPrec(sumBits).Quo(left, top).Int64()
	left.Sub(left, top.Mul(top.SetPrec(sumBits), new(big.Float).SetInt64(tops)))
	for left.Sign() != 0 {
		term, _ := left.Float64()
		dst = append(dst, term)
		left.Sub(left, new(big.Float).SetFloat64(term))
	}
	return tops, dst
}

// topBit is the highest that a float64 has.
const topBit = 1023

// sensibleTops tells whether a sum can hold 2¹⁰²³ so often.
func sensibleTops(tops int64) bool { return max(tops, -tops) < 1<<45 && tops != math.MinInt64 }

// addTops adds 2¹⁰²³ so often.
func (s *exactSum) addTops(tops int64) {
	if tops != 0 {
		const at = topBit - lowestBit
		s.exact().digits[at/digitBits] += tops << (at % digitBits)
		s.digits.count(1)
	}
}

// sumDigits is a number in digits of 32 bits, from the lowest bit that a float64 has on. A
// digit has room for the carries of 2³⁰ additions.
type sumDigits struct {
	digits [sumDigitCount]int64
	added  int // since carries were taken on
}

const (
	digitBits     = 32
	lowestBit     = -1074
	sumBits       = 1024 - lowestBit + 64 // of 2⁶⁴ of the greatest numbers
	sumDigitCount = sumBits/digitBits + 2
	digitRoom     = 1 << 30 // additions
)

func (d *sumDigits) add(v float64) {
	pattern := math.Float64bits(v)
	mantissa, exponent := pattern&(1<<52-1), int(pattern>>52&0x7ff)
	if exponent > 0 {
		mantissa |= 1 << 52
		exponent--
	}
	at, shift := exponent/digitBits, uint(exponent%digitBits)
	high, low := bits.Mul64(mantissa, 1<<shift)
	parts := [3]int64{int64(low & math.MaxUint32), int64(low >> digitBits), int64(high)}
	for i, part := range parts {
		if pattern>>63 == 1 {
			part = -part
		}
		d.digits[at+i] += part
	}
	d.count(1)
}

func (d *sumDigits) join(other *sumDigits) {
	for i, digit := range other.digits {
		d.digits[i] += digit
	}
	d.count(other.added + 1)
}

func (d *sumDigits) count(n int) {
	if d.added += n; d.added >= digitRoom {
		d.carry()
	}
}

// carry brings every digit but the highest within 0 and 2³²-1.
func (d *sumDigits) carry() {
	carry := int64(0)
	for i := range d.digits[:sumDigitCount-1] {
		v := d.digits[i] + carry
		carry = v >> digitBits
		d.digits[i] = v & math.MaxUint32
	}
	d.digits[sumDigitCount-1] += carry
	d.added = 0
}

func (d *sumDigits) float() *big.Float {
	d.carry()
	whole := big.NewInt(d.digits[sumDigitCount-1])
	for i := sumDigitCount - 2; i >= 0; i-- {
		whole.Lsh(whole, digitBits)
		whole.Add(whole, big.NewInt(d.digits[i]))
	}
	all := new(big.Float).SetPrec(sumBits + 2*digitBits).SetInt(whole)
	return all.SetMantExp(all, lowestBit)
}
