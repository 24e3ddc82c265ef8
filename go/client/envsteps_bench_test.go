package client

import (
	"fmt"
	"testing"
)

// BenchmarkNumbering numbers calls for 1,024 environments in turns over 16
// series, each call in new episodes: what the calling thread does beside the
// copy.
func BenchmarkNumbering(b *testing.B) {
	l := &Logger{registry: newRegistry()}
	p := &RLPoints{EpisodeShape: One, Episodes: []uint64{0}, TimeShape: One, Times: []int64{1}, Values: make([]float64, 1024*100)}
	for i := range 1024 {
		p.Environments = append(p.Environments, l.registry.addEnvironment(fmt.Sprint(i)).number)
	}
	all := make([]*series, 16)
	for i := range all {
		all[i] = &series{rl: &rlSeries{}}
		all[i].rl.grow(l.registry.environments)
	}
	n := 0
	for b.Loop() {
		for _, s := range all {
			call := newRLCall(p.RLStep)
			l.numberEnvSteps(call, p, s)
			rlCalls.Put(call)
			n++
		}
		p.RLStep++
		p.Episodes[0]++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/1024, "ns/environment")
}
