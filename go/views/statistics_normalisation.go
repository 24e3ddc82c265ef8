package views

import (
	"math"

	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

func parseNormalisation(n *pb.Normalisation, unit pb.SampleUnit) (*pb.Normalisation, error) {
	if n == nil {
		return nil, nil //nolint:nilnil // no normalisation, no error
	}
	for _, limit := range []*float64{n.Low, n.High} {
		if limit != nil && *limit-*limit != 0 {
			return nil, invalid("normalisation goes to %v, which is not finite", *limit)
		}
	}
	if n.Low != nil && n.High != nil && n.GetLow() >= n.GetHigh() {
		return nil, invalid("normalisation goes from %v to %v", n.GetLow(), n.GetHigh())
	}
	if n.GetByEnvironment() && (unit != pb.SampleUnit_SAMPLE_UNIT_ENVIRONMENT || n.Low != nil || n.High != nil) {
		return nil, invalid("normalisation.by_environment needs the unit ENVIRONMENT, and neither low nor high")
	}
	return n, nil
}

// span is the least and the greatest value of samples.
type span struct{ low, high float64 }

func (s *span) widen(values []float64) {
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
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

// normalise puts the samples of all groups on one scale, or those of each environment
// on its own; it says by what.
func (st statistics) normalise(groups [][]sample) *pb.Normalisation {
	if st.scale == nil {
		return nil
	}
	spans := make(map[string]*span)
	each := func(do func(of *span, s sample)) {
		for _, samples := range groups {
			for _, s := range samples {
				key := ""
				if st.scale.GetByEnvironment() {
					key = s.environment
				}
				if spans[key] == nil {
					spans[key] = &span{math.Inf(1), math.Inf(-1)}
				}
				do(spans[key], s)
			}
		}
	}
	each(func(of *span, s sample) { of.widen(s.values) })
	resolved := proto.CloneOf(st.scale)
	if all := spans[""]; all != nil && !st.scale.GetByEnvironment() {
		if resolved.Low == nil {
			resolved.Low = &all.low
		}
		if resolved.High == nil {
			resolved.High = &all.high
		}
		all.low, all.high = resolved.GetLow(), resolved.GetHigh()
	}
	each(func(of *span, s sample) { of.normalise(s.values) })
	return resolved
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
