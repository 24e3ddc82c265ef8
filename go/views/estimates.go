package views

import (
	"math"

	pb "github.com/metrana/metrana/go/wire/pb/views"
)

const maxPercentiles = 32

// estimates are what is asked for of samples.
type estimates struct {
	estimators  []pb.Estimator
	percentiles []float64
}

func parseEstimates(of []pb.Estimator, percentiles []float64) (estimates, error) {
	for _, e := range of {
		if estimators[e] == nil {
			return estimates{}, invalid("estimator %d is none", e)
		}
	}
	if len(percentiles) > maxPercentiles {
		return estimates{}, invalid("%d percentiles; at most %d may be", len(percentiles), maxPercentiles)
	}
	for _, p := range percentiles {
		if !(p >= 0 && p <= 100) {
			return estimates{}, invalid("percentile %v is not within 0 and 100", p)
		}
	}
	return estimates{of, percentiles}, nil
}

func (e estimates) none() bool { return len(e.estimators)+len(e.percentiles) == 0 }

// estimateCurves have a number at each of n places for each estimator and percentile.
type estimateCurves struct {
	values, percentiles [][]float64
}

func (e estimates) curves(n int) estimateCurves {
	return estimateCurves{table(len(e.estimators), n), table(len(e.percentiles), n)}
}

func table(rows, columns int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, columns)
	}
	return out
}

// fill works everything out at a place, of samples that ascend; NaN of none.
func (e estimates) fill(c estimateCurves, place int, sorted []float64) {
	estimate := func(of estimator) float64 {
		if len(sorted) == 0 {
			return math.NaN()
		}
		return of(sorted)
	}
	for k, which := range e.estimators {
		c.values[k][place] = estimate(estimators[which])
	}
	for k, p := range e.percentiles {
		c.percentiles[k][place] = estimate(func(sorted []float64) float64 { return percentile(sorted, p) })
	}
}

func (e estimates) encode(c estimateCurves) (curves []*pb.EstimatorCurve, percentiles []*pb.PercentileCurve) {
	for k, which := range e.estimators {
		curves = append(curves, &pb.EstimatorCurve{Estimator: which, Values: floatColumn(c.values[k])})
	}
	for k, p := range e.percentiles {
		percentiles = append(percentiles, &pb.PercentileCurve{Percentile: p, Values: floatColumn(c.percentiles[k])})
	}
	return curves, percentiles
}
