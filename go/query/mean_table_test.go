package query

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// manyEnvironments logs two series that one expression selects, in environments that
// miss some rl_steps, so that a table of means has room to spare.
func manyEnvironments(w *world, random *rand.Rand) {
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		for env := range 12 + random.IntN(20) {
			for _, side := range []string{"left", "right"} {
				s := point.Series{Name: "force", Scale: point.ScaleEnvironmentStep, Labels: []point.Label{{Key: "side", Value: side}}}
				for rlStep := range uint64(30) {
					if random.IntN(8) == 0 {
						continue
					}
					values := make([]float64, 1+random.IntN(5))
					for i := range values {
						values[i] = math.Exp(20 * random.NormFloat64())
					}
					tx.AppendRL(tx.Series(s, point.Ordered), tx.Environment(fmt.Sprint("env-", env)), point.RLBatch{
						RLStep: rlStep, Episode: rlStep / 4, HasEpisode: true, Values: values,
					}, true)
				}
			}
		}
	})
}

// A group that all environments are in has the numbers, bit for bit, that all have
// without groups: these lie in a table, those of groups in a list. What a question left
// in memory says nothing to the next.
func TestTheGroupOfAllIsWhatAllAre(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 4))
		w := newWorld(t)
		manyEnvironments(w, random)
		for range 10 {
			buckets := int64(1 + random.IntN(40))
			r := &pb.AggregateRLEnvironmentSeriesRequest{
				Workspace: "w", Project: "p", Run: "r", BucketsCount: &buckets,
				SeriesExpression: []string{`force(scale="ENVIRONMENT_STEP")`, `force(scale="ENVIRONMENT_STEP", filter=(side="left"))`}[random.IntN(2)],
				Aggregations:     []pb.RLEnvironmentsAggregation{1, 2, 3, 4, 5, 6},
			}
			all := ask(w, w.client.AggregateRLEnvironmentSeries, r).GetSeries()
			r.Groupings = []string{"attr(none_has_it)"}
			grouped := ask(w, w.client.AggregateRLEnvironmentSeries, r).GetSeries()
			if len(all) != 1 || len(grouped) != 1 || len(all[0].GetFirstSteps()) == 0 {
				t.Fatalf("seed %d: %d and %d groups", seed, len(all), len(grouped))
			}
			same(t, "first steps", all[0].GetFirstSteps(), grouped[0].GetFirstSteps())
			same(t, "counts", all[0].GetCounts(), grouped[0].GetCounts())
			for k, values := range all[0].GetAggregations() {
				if want := grouped[0].GetAggregations()[k].GetValues(); !slices.Equal(values.GetValues(), want) {
					t.Fatalf("seed %d, %v:\n%v\nwant\n%v", seed, values.GetAggregation(), values.GetValues(), want)
				}
			}
		}
	}
}
