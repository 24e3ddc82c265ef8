package store

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// summands are numbers of a kind: as of training, of any size, or such that cancel out.
func summands(random *rand.Rand, n, kind int) []float64 {
	values := make([]float64, n)
	for i := range values {
		switch kind {
		case 0:
			values[i] = float64(float32(random.NormFloat64()))
		case 1:
			values[i] = random.NormFloat64()
		case 2:
			values[i] = math.Ldexp(random.NormFloat64(), random.IntN(2000)-1050)
		default:
			values[i] = 1.7e308 * float64(1-2*min(random.IntN(20), 1))
			if i%3 == 0 {
				values[i] = math.Ldexp(random.NormFloat64(), -random.IntN(1074))
			}
		}
	}
	return values
}

// wholeSum adds numbers up without rounding.
func wholeSum(values []float64) *big.Float {
	sum := new(big.Float).SetPrec(4000)
	for _, v := range values {
		sum.Add(sum, new(big.Float).SetFloat64(v))
	}
	return sum
}

// sumInParts adds values up in any order, some together, some in sums of their own, some of
// these by their terms.
func sumInParts(random *rand.Rand, values []float64) (sum exactSum) {
	values = slices.Clone(values)
	random.Shuffle(len(values), func(i, k int) { values[i], values[k] = values[k], values[i] })
	for len(values) > 0 {
		part := values[:1+random.IntN(len(values))]
		values = values[len(part):]
		var own exactSum
		var of rlSum
		if of.setFinite(part) {
			own = of.sum
		} else {
			for _, v := range part {
				own.add(v)
			}
		}
		if random.IntN(2) == 0 {
			sum.join(&own)
			continue
		}
		tops, terms := own.terms(nil)
		sum.addTops(tops)
		for _, term := range terms {
			sum.add(term)
		}
	}
	return sum
}

func TestExactSumsDoNotDependOnTheOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		values := summands(random, 1+random.IntN(60), round%4)
		whole := wholeSum(values)
		want, _ := whole.Float64()
		sum := sumInParts(random, values)
		if got := sum.rounded(); got != want {
			t.Fatalf("round %d: the sum of %v is %v, want %v", round, values, got, want)
		}
		tops, terms := sum.terms(nil)
		got := wholeSum(terms)
		if got.Add(got, new(big.Float).SetMantExp(big.NewFloat(float64(tops)), 1023)); got.Cmp(whole) != 0 || len(terms) > sumDigitCount {
			t.Fatalf("round %d: the %d terms of %v come to %v, want %v", round, len(terms), values, got, whole)
		}
		mean, _ := new(big.Float).Quo(whole, big.NewFloat(float64(len(values)))).Float64()
		if got := sum.over(uint64(len(values))); math.Abs(got-mean) > 1e-15*math.Abs(mean) {
			t.Fatalf("round %d: the mean of %v is %v, want %v", round, values, got, mean)
		}
	}
}

// More additions than a digit has room for are carried on in time.
func TestDigitsOfSumsDoNotOverflow(t *testing.T) {
	var d, twice sumDigits
	for range 1000 {
		d.add(-math.MaxFloat64)
	}
	d.added = digitRoom - 1
	d.add(math.MaxFloat64)
	if d.added != 0 {
		t.Fatal("nothing was carried on")
	}
	twice.join(&d)
	twice.join(&d)
	want := new(big.Float).SetPrec(200).SetFloat64(-2 * 999)
	want.Mul(want, big.NewFloat(math.MaxFloat64))
	if got := twice.float(); got.Cmp(want) != 0 {
		t.Fatalf("%v, want %v", got, want)
	}
}

// Sums of four values at a time are those of one at a time, the extremes -0 and 0 included.
func TestPlainSumsOfFours(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 2000 {
		values := summands(random, 1+random.IntN(40), round%4)
		if sign := random.IntN(8) - 1; sign >= 0 { // zeros of both signs, or of one, and values on one side of them
			for i := range values {
				if values[i] = math.Copysign(values[i], float64(sign%2)-0.5); random.IntN(3) == 0 {
					values[i] = math.Copysign(0, float64(random.IntN(min(sign, 2)+1))-0.5)
				}
			}
		}
		got := plainSumOf(values)
		low, high := int64(math.MaxInt64), int64(math.MinInt64)
		for _, v := range values {
			low, high = min(low, orderOf(v)), max(high, orderOf(v))
		}
		if got.low != low || got.high != high {
			t.Fatalf("%v: from %v to %v, want %v to %v", values, inOrder(got.low), inOrder(got.high), inOrder(low), inOrder(high))
		}
		if want, _ := wholeSum(values).Float64(); got.lost == 0 && got.sum != want {
			t.Fatalf("%v: %v, and nothing lost; want %v", values, got.sum, want)
		}
	}
	if s := plainSumOf([]float64{1, 2, 3, math.NaN(), 5}); finite(s.sum) {
		t.Errorf("a NaN is lost: %v", s.sum)
	}
	if s := plainSumOf([]float64{1, 2, 3, math.Inf(-1)}); finite(s.sum) {
		t.Errorf("an infinity is lost: %v", s.sum)
	}
}
