package views

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/metrana/metrana/go/query"
)

// sample is a curve with one value at each of its xs, which ascend.
type sample struct {
	xs, values       []float64
	run, environment string // an environment where each is a sample
	member           int    // of its group
	scale            string // that it is normalised on, of several
}

// newSample takes the mean of the finite points at each x of several curves.
func newSample(curves []query.Sums) sample {
	all := curves[0]
	if len(curves) > 1 {
		all = joined(curves)
	}
	var s sample
	for from := 0; from < len(all.Xs); {
		to, n, sum := from, uint64(0), 0.0
		for ; to < len(all.Xs) && all.Xs[to] == all.Xs[from]; to++ {
			n += all.Counts[to]
			sum += all.Sums[to]
		}
		s.xs, s.values = append(s.xs, all.Xs[from]), append(s.values, sum/float64(n))
		from = to
	}
	return s
}

// joined puts the sums of curves in one order.
func joined(curves []query.Sums) (all query.Sums) {
	type at struct {
		x, sum float64
		count  uint64
	}
	var list []at
	for _, c := range curves {
		for i, x := range c.Xs {
			list = append(list, at{x, c.Sums[i], c.Counts[i]})
		}
	}
	slices.SortStableFunc(list, func(a, b at) int { return cmp.Compare(a.x, b.x) })
	for _, of := range list {
		all.Xs, all.Sums, all.Counts = append(all.Xs, of.x), append(all.Sums, of.sum), append(all.Counts, of.count)
	}
	return all
}

// at is the value at an x: linear between points, NaN beyond the ends.
func (s sample) at(x float64) float64 {
	i := sort.SearchFloat64s(s.xs, x)
	switch {
	case i == len(s.xs) || i == 0 && s.xs[0] != x:
		return math.NaN()
	case s.xs[i] == x:
		return s.values[i]
	}
	left, right := s.values[i-1], s.values[i]
	return left + (right-left)*((x-s.xs[i-1])/(s.xs[i]-s.xs[i-1]))
}

// gridOf spans samples evenly; every whole x is a grid point where these are no
// more than count.
func gridOf(groups [][]sample, count int) []float64 {
	first, last := math.Inf(1), math.Inf(-1)
	for _, group := range groups {
		for _, s := range group {
			first, last = min(first, s.xs[0]), max(last, s.xs[len(s.xs)-1])
		}
	}
	if first > last {
		return nil
	}
	if count == 1 || first == last {
		return []float64{first}
	}
	width := (last - first) / float64(count-1)
	if last-first < float64(count) { // xs are whole
		count, width = int(last-first)+1, 1
	}
	grid := make([]float64, count)
	for i := range grid {
		grid[i] = first + float64(i)*width
	}
	grid[count-1] = last
	return grid
}

// finite tells whether a value is neither NaN nor an infinity.
func finite(v float64) bool { return v-v == 0 }
