package views

import (
	"maps"
	"slices"
)

// valueBins cut a stretch of values into bins: one for each value, or equally wide ones.
type valueBins struct {
	first, last float64
	count       int
	single      bool      // each value has a bin
	each        []float64 // these values, ascending, while curves are put into bins

	// Where values ended, and how many bins there were, when these were cut: those that came
	// to lie behind are as wide.
	cut      float64
	cutCount int
}

// valueBinsOf cuts all values of curves into so many bins at most.
func valueBinsOf(curves []metricCurve, most int) valueBins {
	if len(curves) == 0 {
		return valueBins{}
	}
	b := valueBins{count: most}
	b.first, b.last = valuesExtent(curves)
	seen := make(map[float64]bool)
	for _, c := range curves {
		for _, x := range c.xs {
			if len(seen) > most {
				break
			}
			seen[x] = true
		}
	}
	if len(seen) <= most {
		b.single, b.each, b.count = true, slices.Sorted(maps.Keys(seen)), len(seen)
	}
	b.cut, b.cutCount = b.last, b.count
	return b
}

// valuesExtent is where the least and the greatest value of curves lie; none of them is empty.
func valuesExtent(curves []metricCurve) (first, last float64) {
	first, last = slices.Min(curves[0].xs), slices.Max(curves[0].xs)
	for _, c := range curves[1:] {
		first, last = min(first, slices.Min(c.xs)), max(last, slices.Max(c.xs))
	}
	return first, last
}

// upTo adds bins behind until they hold values up to one, at most so many in all.
func (b valueBins) upTo(last float64, most int) (longer valueBins, fits bool) {
	if last > b.last {
		b.last = last
		share := b.share(last) * float64(b.cutCount)
		if !(share < float64(most)) {
			return b, false
		}
		b.count = max(b.count, int(share)+1)
	}
	return b, finite(b.start(b.count - 1))
}

// of is the bin of a value.
func (b valueBins) of(x float64) int {
	if b.single {
		at, _ := slices.BinarySearch(b.each, x)
		return at
	}
	at := int(b.share(x) * float64(b.cutCount))
	if x <= b.cut { // the last bin that was cut holds where values ended, also when others follow
		return min(at, b.cutCount-1)
	}
	return min(at, b.count-1)
}

// share is how far a value lies from the first one to where values ended.
func (b valueBins) share(x float64) float64 {
	// By halves, whose differences are no infinities.
	if all := b.cut/2 - b.first/2; all > 0 {
		return (x/2 - b.first/2) / all
	}
	return 0 // they are the least floats there are
}

// width is how wide bins are; 0 when each value has one.
func (b valueBins) width() float64 {
	if b.single || b.count == 0 {
		return 0
	}
	count := float64(b.cutCount)
	return b.cut/count - b.first/count // the difference itself may be infinite
}

// start is the least value of a bin.
func (b valueBins) start(at int) float64 {
	if b.single {
		return b.each[at]
	}
	share := float64(at) / float64(b.cutCount)
	return b.first*(1-share) + b.cut*share
}
