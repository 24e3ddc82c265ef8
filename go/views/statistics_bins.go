package views

import (
	"math"
	"sort"
)

func (st statistics) interpolation() string {
	if st.bins {
		return "linear between bin means"
	}
	return "linear"
}

// binGroups turns samples into the means of their points around each grid point.
func binGroups(groups [][]sample, grid []float64) {
	for _, samples := range groups {
		for i := range samples {
			samples[i] = samples[i].binned(grid)
		}
	}
}

// binned has one point at each grid point that some of the sample's are nearest to:
// their mean. One that lies in the middle belongs to the grid point above.
func (s sample) binned(grid []float64) sample {
	out := s
	out.xs, out.values = nil, nil
	from := 0
	for i, x := range grid {
		to := len(s.xs)
		if i+1 < len(grid) {
			middle := x + (grid[i+1]-x)/2
			to = sort.SearchFloat64s(s.xs, middle)
		}
		if to > from {
			out.xs, out.values = append(out.xs, x), append(out.values, meanWithin(s.values[from:to]))
		}
		from = to
	}
	return out
}

// meanWithin is a mean that rounding does not carry past the values.
func meanWithin(values []float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return min(max(mean(values), low), high)
}
