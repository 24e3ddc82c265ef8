package views

import (
	"maps"
	"slices"
)

// valueBins cut a stretch of values into bins: one for each value, or equally wide ones.
type valueBins struct {
	first, last float64
	count       int
	each        []float64 // the values, ascending, that have a bin each; nil: they are too many
}

// valueBinsOf cuts all values of curves into so many bins at most.
func valueBinsOf(curves []metricCurve, most int) valueBins {
	if len(curves) == 0 {
		return valueBins{}
	}
	b := valueBins{first: slices.Min(curves[0].xs), last: slices.Max(curves[0].xs), count: most}
	seen := make(map[float64]bool)
	for _, c := range curves {
		b.first, b.last = min(b.first, slices.Min(c.xs)), max(b.last, slices.Max(c.xs))
		for _, x := range c.xs {
			if len(seen) > most {
				break
			}
			seen[x] = true
		}
	}
	if len(seen) <= most {
		b.each, b.count = slices.Sorted(maps.Keys(seen)), len(seen)
	}
	return b
}

// of is the bin of a value.
func (b valueBins) of(x float64) int {
	if b.each != nil {
		at, _ := slices.BinarySearch(b.each, x)
		return at
	}
	// By halves, whose differences are no infinities.
	share := (x/2 - b.first/2) / (b.last/2 - b.first/2)
	return min(int(share*float64(b.count)), b.count-1)
}

// width is how wide bins are; 0 when each value has one.
func (b valueBins) width() float64 {
	if b.each != nil || b.count == 0 {
		return 0
	}
	count := float64(b.count)
	return b.last/count - b.first/count // the difference itself may be infinite
}

// start is the least value of a bin.
func (b valueBins) start(at int) float64 {
	if b.each != nil {
		return b.each[at]
	}
	share := float64(at) / float64(b.count)
	return b.first*(1-share) + b.last*share
}
