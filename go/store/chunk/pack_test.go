package chunk

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectorsPackTheSame compares what is done several values at a time with what is done
// one by one.
func TestVectorsPackTheSame(t *testing.T) {
	if !vectors {
		t.Skip("this processor has none")
	}
	random := rand.New(rand.NewPCG(5, 6))
	both := func(what string, pack func() []byte) {
		t.Helper()
		defer func() { vectors = true }()
		vectors = true
		fast := pack()
		vectors = false
		if slow := pack(); !bytes.Equal(fast, slow) {
			t.Fatalf("%s: %x, not %x", what, fast, slow)
		}
	}
	for n := range 70 {
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Float64frombits(random.Uint64())
		}
		for low := uint(1); low <= maxLow; low++ {
			dropped := random.UintN(64 - low)
			both("low bits", func() []byte { return appendLow([]byte{7}, values, dropped, low) })
		}
		if n > 0 {
			both("survey", func() []byte {
				any, low, high := survey(values)
				return appendRaw(nil, []float64{math.Float64frombits(any), math.Float64frombits(low), math.Float64frombits(high)})
			})
		}
	}
	for _, n := range []int{1, 2, 3, 5, 100, 513, 3000} {
		both("column", func() []byte {
			head, pages := AppendValues(nil, nil, walk(n, n%2 == 0))
			return append(head, pages...)
		})
	}
}
