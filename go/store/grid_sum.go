package store

import (
	"math"
	"unsafe"
)

// gridSum adds values to a sum, which comes to the bits that adding one after the other
// comes to. Eight abreast it does so where no order of adding rounds: where the sum and all of
// them are multiples of one power of two, the grid, and their sizes together no more of it than
// a float64 has digits for. Values of float32 precision that are of like size mostly are.
func gridSum(sum float64, values []float64) float64 {
	if n := len(values) &^ 7; eights && n > 0 {
		if center, limit, ok := gridOf(sum, values[0]); ok && (sum+center)-center == sum {
			added, size, off := addEights(unsafe.SliceData(values), n, center)
			if !off && size+math.Abs(sum) < limit {
				sum, values = sum+added, values[n:]
			}
		}
	}
	for _, v := range values {
		sum += v
	}
	return sum
}

// How far the grid lies below the larger of a sum and the first value, and how far above it
// sizes may come to, in powers of two.
const (
	gridBelow   = 38
	gridAbove   = floatDigits - 2 - gridBelow // a number that moves another into place must not round itself
	floatDigits = 53
	floatBias   = 1023
	floatShift  = floatDigits - 1 // of the exponent
)

// gridOf chooses a grid. What is added to its center and taken away again is rounded to the
// grid, below the limit. There is none for the largest and the smallest numbers.
func gridOf(sum, value float64) (center, limit float64, ok bool) {
	size := max(math.Abs(sum), math.Abs(value))
	if size == 0 {
		size = 1
	}
	exponent := math.Float64bits(size) >> floatShift
	if exponent <= gridBelow || exponent >= 2*floatBias-gridAbove {
		return 0, 0, false
	}
	limit = math.Float64frombits((exponent + gridAbove) << floatShift)
	return 3 * limit, limit, true
}
