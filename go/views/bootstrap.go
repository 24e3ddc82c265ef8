package views

import (
	"math"
	"math/bits"
	"math/rand/v2"

	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Limits of the bootstrap.
const (
	defaultResamples  = 1000
	maxResamples      = 10_000
	defaultConfidence = 0.95
)

// bootstrap makes confidence intervals of estimates by drawing samples with
// replacement: as many as there are, each the number of samples times the next of
// PCG(seed, group), as a fraction of 2⁶⁴, rounded down. All grid points of a group
// see the same draws, so that an interval does not jump from one to the next; a
// sample that has no value at a grid point drops out of its draws there.
type bootstrap struct {
	resamples  int
	seed       uint64
	confidence float64
}

func parseBootstrap(b *pb.Bootstrap) (*bootstrap, error) {
	if b == nil {
		return nil, nil //nolint:nilnil // no bootstrap, no error
	}
	out := &bootstrap{int(b.GetResamples()), b.GetSeed(), b.GetConfidence()}
	if out.resamples == 0 {
		out.resamples = defaultResamples
	}
	if out.resamples > maxResamples {
		return nil, invalid("bootstrap.resamples %d is above %d", out.resamples, maxResamples)
	}
	if out.confidence == 0 {
		out.confidence = defaultConfidence
	}
	if !(out.confidence > 0 && out.confidence < 1) {
		return nil, invalid("bootstrap.confidence %v is not between 0 and 1", out.confidence)
	}
	return out, nil
}

func (b *bootstrap) encode() *pb.Bootstrap {
	if b == nil {
		return nil
	}
	return &pb.Bootstrap{Resamples: uint32(b.resamples), Seed: b.seed, Confidence: b.confidence}
}

// interval is the confidence interval of an estimator.
type interval struct{ low, high float64 }

var noInterval = interval{math.NaN(), math.NaN()}

// intervals gives those of several estimators at a grid point, where a sample
// without a value is NaN.
func (b *bootstrap) intervals(group uint64, samples []float64, which []pb.Estimator) []interval {
	out := make([]interval, len(which))
	present, needOrder := 0, false
	for _, v := range samples {
		if !math.IsNaN(v) {
			present++
		}
	}
	estimates := make([][]float64, len(which))
	for i, e := range which {
		out[i] = noInterval
		estimates[i] = make([]float64, 0, b.resamples)
		needOrder = needOrder || ordered(e)
	}
	if present < 2 {
		return out
	}
	random := rand.NewPCG(b.seed, group)
	drawn := make([]float64, 0, len(samples))
	for range b.resamples {
		drawn = drawn[:0]
		for range samples {
			at, _ := bits.Mul64(random.Uint64(), uint64(len(samples)))
			if v := samples[at]; !math.IsNaN(v) {
				drawn = append(drawn, v)
			}
		}
		if len(drawn) == 0 {
			continue
		}
		if needOrder {
			sorted(drawn)
		}
		for i, e := range which {
			if v := estimators[e](drawn); !math.IsNaN(v) {
				estimates[i] = append(estimates[i], v)
			}
		}
	}
	tail := (1 - b.confidence) / 2 * 100
	for i, of := range estimates {
		if len(of) > 0 {
			sorted(of)
			out[i] = interval{percentile(of, tail), percentile(of, 100-tail)}
		}
	}
	return out
}
