package views

import (
	"maps"
	"math"
	"slices"

	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

// maxScales is how many scales a request may give.
const maxScales = 10_000

func parseNormalisation(n *pb.Normalisation, unit pb.SampleUnit) (*pb.Normalisation, error) {
	if n == nil {
		return nil, nil //nolint:nilnil // no normalisation, no error
	}
	kinds := 0
	for _, chosen := range []bool{n.GetByEnvironment(), n.GetByRunAttribute() != "", n.GetByEnvironmentAttribute() != ""} {
		if chosen {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return nil, invalid("normalisation is by one of environments, an attribute of runs, and one of environments")
	case n.GetByEnvironment() && unit != pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT:
		return nil, invalid("normalisation.by_environment needs the unit ENVIRONMENT")
	case kinds > 0 && (n.Low != nil || n.High != nil):
		return nil, invalid("normalisation has scales of its own for environments or tasks, and so neither low nor high")
	case kinds == 0 && len(n.GetScales()) > 0:
		return nil, invalid("normalisation has scales, but none of the fields that say of what")
	case len(n.GetScales()) > maxScales:
		return nil, invalid("normalisation has %d scales; at most %d may be", len(n.GetScales()), maxScales)
	}
	return n, parseScales(n)
}

func parseScales(n *pb.Normalisation) error {
	if err := parseEnds("normalisation", n.Low, n.High); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, scale := range n.GetScales() {
		if seen[scale.GetOf()] {
			return invalid("normalisation has two scales of %q", scale.GetOf())
		}
		seen[scale.GetOf()] = true
		if err := parseEnds("the scale of "+scale.GetOf(), scale.Low, scale.High); err != nil {
			return err
		}
	}
	return nil
}

func parseEnds(of string, low, high *float64) error {
	for _, limit := range []*float64{low, high} {
		if limit != nil && !finite(*limit) {
			return invalid("%s goes to %v, which is not finite", of, *limit)
		}
	}
	if low != nil && high != nil && *low >= *high {
		return invalid("%s goes from %v to %v", of, *low, *high)
	}
	return nil
}

// span is the least and the greatest value of samples.
type span struct{ low, high float64 }

func (s *span) widen(values []float64) {
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
}

// set puts ends where they are given.
func (s *span) set(low, high *float64) {
	if low != nil {
		s.low = *low
	}
	if high != nil {
		s.high = *high
	}
}

func (s *span) normalise(values []float64) {
	for i, v := range values {
		if values[i] = 0; s.high > s.low {
			// Halves keep the greatest numbers from overflowing.
			values[i] = (v/2 - s.low/2) / (s.high/2 - s.low/2)
		}
	}
}

// normalise puts the samples of all groups on their scales; it says on which.
func (st statistics) normalise(groups [][]sample) *pb.Normalisation {
	if st.scale == nil {
		return nil
	}
	spans := make(map[string]*span)
	for _, samples := range groups {
		for _, s := range samples {
			if spans[s.scale] == nil {
				spans[s.scale] = &span{math.Inf(1), math.Inf(-1)}
			}
			spans[s.scale].widen(s.values)
		}
	}
	resolved := resolve(st.scale, spans)
	for _, samples := range groups {
		for _, s := range samples {
			spans[s.scale].normalise(s.values)
		}
	}
	return resolved
}

// resolve sets the spans of samples to what is given of them, and says what all came to.
func resolve(n *pb.Normalisation, spans map[string]*span) *pb.Normalisation {
	resolved := proto.CloneOf(n)
	if oneScale(n) {
		if all := spans[""]; all != nil {
			all.set(n.Low, n.High)
			resolved.Low, resolved.High = &all.low, &all.high
		}
		return resolved
	}
	for _, given := range n.GetScales() {
		if of := spans[given.GetOf()]; of != nil {
			of.set(given.Low, given.High)
		}
	}
	resolved.Scales = nil
	for _, name := range slices.Sorted(maps.Keys(spans)) {
		resolved.Scales = append(resolved.Scales, &pb.Scale{Of: name, Low: &spans[name].low, High: &spans[name].high})
	}
	return resolved
}

func oneScale(n *pb.Normalisation) bool {
	return !n.GetByEnvironment() && n.GetByRunAttribute() == "" && n.GetByEnvironmentAttribute() == ""
}

// curvesOf gives each sample at all grid points.
func curvesOf(samples []sample, grid []float64) []*pb.SampleCurve {
	var curves []*pb.SampleCurve
	for _, s := range samples {
		values := make([]float64, len(grid))
		for i, x := range grid {
			values[i] = s.at(x)
		}
		curves = append(curves, &pb.SampleCurve{Run: s.run, Environment: s.environment, Values: floatColumn(values)})
	}
	return curves
}
