package store

import (
	"math"
	"math/rand/v2"
	"testing"
)

// summedInTurn adds one value after the other.
func summedInTurn(sum float64, values []float64) float64 {
	for _, v := range values {
		sum += v
	}
	return sum
}

func requireSameSum(t *testing.T, sum float64, values []float64) {
	t.Helper()
	want, got := summedInTurn(sum, values), gridSum(sum, values)
	if math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Fatalf("%x and %d values %x come to %x, want %x", sum, len(values), values, got, want)
	}
}

// Whatever is added, a sum has the bits that adding in turn comes to.
func TestSumsAbreastAreSumsInTurn(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	kinds := map[string]func() float64{
		"float32":    func() float64 { return float64(float32(random.NormFloat64())) },
		"float64":    random.NormFloat64,
		"whole":      func() float64 { return float64(random.IntN(1000) - 500) },
		"sparse":     func() float64 { return float64(random.IntN(20) / 19) },
		"minus zero": func() float64 { return math.Copysign(0, -1) },
		"cancelling": func() float64 { return math.Ldexp(float64(1-2*random.IntN(2)), random.IntN(120)-60) },
		"any bits":   func() float64 { return math.Float64frombits(random.Uint64()) },
		"subnormal":  func() float64 { return math.Float64frombits(random.Uint64() >> 14) },
		"not finite": func() float64 { return []float64{1, math.Inf(1), math.Inf(-1), math.NaN()}[min(random.IntN(60), 3)] },
		// One ulp apart at the very edge of what fits.
		"edge": func() float64 { return 4096 + math.Ldexp(float64(random.IntN(4)), -38-random.IntN(3)) },
	}
	for name, value := range kinds {
		t.Run(name, func(t *testing.T) {
			for range 2000 {
				values := make([]float64, random.IntN(130))
				for i := range values {
					values[i] = value()
				}
				requireSameSum(t, 0, values)
				requireSameSum(t, summedInTurn(0, []float64{value(), value(), value()}), values)
				requireSameSum(t, random.NormFloat64(), values) // on no grid of theirs
			}
		})
	}
}

// A sum that grows past what the grid of its first value fits is rounded as in turn.
func TestSumsThatOutgrowTheirGrid(t *testing.T) {
	for power := range 60 {
		values := make([]float64, 64)
		values[0] = 1 + math.Ldexp(1, -37)
		for i := 1; i < len(values); i++ {
			values[i] = math.Ldexp(1, power) + math.Ldexp(float64(i), -36)
		}
		requireSameSum(t, 0, values)
		requireSameSum(t, math.Ldexp(1, -power), values)
		requireSameSum(t, math.Ldexp(-1, power), values)
	}
}

func BenchmarkSumsOfStretches(b *testing.B) {
	values := make([]float64, 100)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range values {
		values[i] = float64(float32(random.NormFloat64()))
	}
	b.Run("abreast", func(b *testing.B) {
		for b.Loop() {
			gridSum(0, values)
		}
	})
	b.Run("in turn", func(b *testing.B) {
		for b.Loop() {
			summedInTurn(0, values)
		}
	})
}
