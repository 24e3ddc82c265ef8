package views

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	pb "github.com/metrana/metrana/go/wire/pb/views"
)

func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || a == b || math.Abs(a-b) <= 1e-9*max(1, math.Abs(a))
}

// plainEstimate works an estimator out from its definition.
func plainEstimate(e pb.Estimator, samples []float64) float64 {
	ascending := slices.Sorted(slices.Values(samples))
	n := len(ascending)
	sum := 0.0
	for _, v := range ascending {
		sum += v
	}
	squares := 0.0
	for _, v := range ascending {
		squares += math.Pow(v-sum/float64(n), 2)
	}
	switch e {
	case pb.Estimator_ESTIMATOR_MEAN:
		return sum / float64(n)
	case pb.Estimator_ESTIMATOR_MEDIAN:
		return (ascending[(n-1)/2] + ascending[n/2]) / 2
	case pb.Estimator_ESTIMATOR_IQM:
		// Four of each sample: a quarter of these are n.
		total := 0.0
		for i := n; i < 3*n; i++ {
			total += ascending[i/4]
		}
		return total / float64(2*n)
	case pb.Estimator_ESTIMATOR_STD:
		return math.Sqrt(squares / float64(n-1))
	case pb.Estimator_ESTIMATOR_SEM:
		return math.Sqrt(squares / float64(n-1) / float64(n))
	case pb.Estimator_ESTIMATOR_MIN:
		return ascending[0]
	}
	return ascending[n-1]
}

func TestEstimatorsAgainstTheirDefinitions(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for n := 1; n < 40; n++ {
		samples := make([]float64, n)
		for i := range samples {
			samples[i] = random.NormFloat64() * 100
		}
		ascending := slices.Sorted(slices.Values(samples))
		for e, estimate := range estimators {
			if got, want := estimate(ascending), plainEstimate(e, samples); !near(got, want) {
				t.Errorf("%v of %v: %v, want %v", e, samples, got, want)
			}
		}
		if n == 1 {
			continue
		}
		for i, v := range ascending {
			if got := percentile(ascending, 100*float64(i)/float64(n-1)); !near(got, v) {
				t.Errorf("sample %d of %d is the percentile %v, want %v", i, n, got, v)
			}
		}
	}
	if got := percentile([]float64{1, 2, 10}, 60); !near(got, 3.6) { // numpy.percentile([1, 2, 10], 60)
		t.Errorf("percentile 60 of 1, 2, 10 is %v", got)
	}
	if got := interquartileMean([]float64{1, 2, 3, 4, 100}); !near(got, (0.75*2+3+0.75*4)/2.5) {
		t.Errorf("the interquartile mean of 1, 2, 3, 4, 100 is %v", got)
	}
}

// Intervals are reproducible, depend on the seed, and of a mean they are about as wide as
// the normal distribution says.
func TestIntervalsOfAMean(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 3))
	samples := make([]float64, 200)
	for i := range samples {
		samples[i] = random.NormFloat64()
	}
	which := []pb.Estimator{pb.Estimator_ESTIMATOR_MEAN, pb.Estimator_ESTIMATOR_MEDIAN}
	b := &bootstrap{resamples: 4000, confidence: 0.95}
	first, again := b.intervals(3, samples, which), b.intervals(3, samples, which)
	if !slices.Equal(first, again) {
		t.Fatalf("%v and %v", first, again)
	}
	if other := (&bootstrap{resamples: 4000, confidence: 0.95, seed: 1}).intervals(3, samples, which); slices.Equal(first, other) {
		t.Fatal("another seed gave the same")
	}
	ascending := slices.Sorted(slices.Values(samples))
	width := 2 * 1.96 * deviation(ascending) / math.Sqrt(200)
	if got := first[0].high - first[0].low; math.Abs(got-width) > 0.08*width {
		t.Errorf("the interval of the mean is %v wide, want about %v", got, width)
	}
	if m := mean(ascending); first[0].low > m || first[0].high < m {
		t.Errorf("%v without the mean %v", first[0], m)
	}
	if one := b.intervals(0, []float64{math.NaN(), 2}, which); !math.IsNaN(one[0].low) {
		t.Errorf("one sample has the interval %v", one)
	}
}
