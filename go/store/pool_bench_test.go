package store

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkPoolOfAStretch is what summing up in a pool costs, by stretches of 100 points of
// 1,024 environments, whose values are float32.
func BenchmarkPoolOfAStretch(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	values := make([]float64, 1200)
	for i := range values {
		values[i] = float64(float32(random.NormFloat64()))
	}
	parts := make([]part, 1024)
	for env := range parts {
		parts[env] = part{id: cellID{1, uint32(env + 1)}, points: &held{long: values}}
		ints := &parts[env].points.ints
		for from := 0; from < len(values); from += 100 {
			episode, at := uint64(from/(200+env)), from%(200+env)
			ints[colRLStep] = ints[colRLStep].Append(uint64(from/100), 0, 100)
			ints[colRLTime] = ints[colRLTime].Append(uint64(1_700_000_000_000+from), 0, 100)
			ints[colEpisode] = ints[colEpisode].Append(episode+1, 0, 100)
			ints[colEnvStep] = ints[colEnvStep].Append(uint64(at), 1, 100)
			ints[colOrigin] = ints[colOrigin].Append(uint64(from-at), 0, 100)
		}
	}
	for b.Loop() {
		w := &poolWriter{limits: usualPools.of(1200*1024, 1024)}
		for _, p := range parts {
			w.take(p, values, nil)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1200*1024), "ns/point")
}
