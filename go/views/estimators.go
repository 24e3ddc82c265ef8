package views

import (
	"math"
	"slices"

	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// estimator makes one number of samples, which ascend; there is one at least.
type estimator func(sorted []float64) float64

var estimators = map[pb.Estimator]estimator{
	pb.Estimator_ESTIMATOR_MEAN:   mean,
	pb.Estimator_ESTIMATOR_MEDIAN: func(sorted []float64) float64 { return percentile(sorted, 50) },
	pb.Estimator_ESTIMATOR_IQM:    interquartileMean,
	pb.Estimator_ESTIMATOR_STD:    deviation,
	pb.Estimator_ESTIMATOR_SEM: func(sorted []float64) float64 {
		return deviation(sorted) / math.Sqrt(float64(len(sorted)))
	},
	pb.Estimator_ESTIMATOR_MIN: func(sorted []float64) float64 { return sorted[0] },
	pb.Estimator_ESTIMATOR_MAX: func(sorted []float64) float64 { return sorted[len(sorted)-1] },
}

// ordered tells the estimators that need their samples to ascend.
func ordered(e pb.Estimator) bool {
	return e != pb.Estimator_ESTIMATOR_MEAN && e != pb.Estimator_ESTIMATOR_STD && e != pb.Estimator_ESTIMATOR_SEM
}

func mean(samples []float64) float64 {
	sum := 0.0
	for _, v := range samples {
		sum += v
	}
	return sum / float64(len(samples))
}

// deviation is that of a sample, with n - 1.
func deviation(samples []float64) float64 {
	if len(samples) < 2 {
		return math.NaN()
	}
	m, squares := mean(samples), 0.0
	for _, v := range samples {
		squares += (v - m) * (v - m)
	}
	return math.Sqrt(squares / float64(len(samples)-1))
}

// interquartileMean cuts a quarter of the samples from either end; one that a cut
// goes through counts in part.
func interquartileMean(sorted []float64) float64 {
	n := float64(len(sorted))
	low, high := n/4, n-n/4
	sum := 0.0
	for i := int(low); i < len(sorted) && float64(i) < high; i++ {
		weight := min(float64(i+1), high) - max(float64(i), low)
		sum += weight * sorted[i]
	}
	return sum / (high - low)
}

// percentile is linear between samples.
func percentile(sorted []float64, p float64) float64 {
	at := p / 100 * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	k := min(i+1, len(sorted)-1)
	return sorted[i] + (sorted[k]-sorted[i])*(at-float64(i))
}

func sorted(samples []float64) []float64 {
	slices.Sort(samples)
	return samples
}
