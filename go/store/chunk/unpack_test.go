package chunk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectorsUnpackTheSame compares what is done several values at a time, or for two
// streams at once, with what is done one by one.
func TestVectorsUnpackTheSame(t *testing.T) {
	if !vectors {
		t.Skip("this processor has none")
	}
	both := func(what string, unpack func() []float64) {
		t.Helper()
		defer func() { vectors = true }()
		vectors = true
		fast := unpack()
		vectors = false
		if slow := unpack(); !sameBits(fast, slow) {
			t.Fatalf("%s: %x, not %x", what, fast, slow)
		}
	}
	random := rand.New(rand.NewPCG(7, 8))
	for low := uint(0); low <= maxLow; low++ {
		v := &Values{directory: directory{low: low, dropped: random.UintN(65 - low), highs: []uint64{1 << 63, 0, 3 << 62}}}
		v.plan = joinPlanOf(v.dropped, low)
		bytes, symbols := make([]byte, (100*low+7)/8), make([]uint8, 100)
		for i := range bytes {
			bytes[i] = byte(random.Uint64())
		}
		for i := range symbols {
			symbols[i] = uint8(random.IntN(3))
		}
		for range 50 {
			from := random.IntN(100)
			n := random.IntN(100 - from)
			both(fmt.Sprint(n, " of ", low, " bits from ", from), func() []float64 {
				values := make([]float64, n)
				v.join(values, symbols[from:], bytes, from)
				return values
			})
		}
	}
	for _, n := range []int{200, 300, 513, 3000} {
		for name, values := range map[string][]float64{
			"walk": walk(n, true), "rare ones in a row": withRare(n), "few values": powers(n),
		} {
			head, pages := AppendValues(nil, nil, values)
			both(fmt.Sprint(n, " values, ", name), func() []float64 {
				v, _, err := ParseValues(head, n)
				if err != nil {
					t.Fatal(err)
				}
				decoded, err := v.Append(nil, pages, 0, n)
				if err != nil || !sameBits(decoded, values) {
					t.Fatalf("got %v, error %v", decoded, err)
				}
				return decoded
			})
		}
	}
}

// withRare gives values of one exponent and behind them, one in ten, of many others, whose
// codes are as long as any.
func withRare(n int) []float64 {
	random := rand.New(rand.NewPCG(9, 10))
	values := make([]float64, n)
	for i := range values {
		exponent := 0
		if i >= n-n/10 {
			exponent = 1 + random.IntN(100)
		}
		values[i] = math.Ldexp(1+random.Float64(), exponent)
	}
	return values
}

func powers(n int) []float64 {
	random := rand.New(rand.NewPCG(11, 12))
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Ldexp(1, random.IntN(4)*random.IntN(4))
	}
	return values
}
