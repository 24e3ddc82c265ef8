package ingest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// Where points lie does not depend on the order in which a request has its series;
// the points of one series keep theirs.
func TestTheOrderOfSeriesInARequestDoesNotMatter(t *testing.T) {
	f := start(t, localMode)
	want := map[string][]uint64{
		"return": {3, 5}, "length": {0, 3}, "reward": {0, 1, 2, 3, 4},
	}
	entries := func() []*types.StreamingRLSeriesUpdate {
		return slices.Concat(
			rl(1, "e", &types.RlStepBatch{MinorSteps: []uint64{0, 1}, Values: []float64{6, 7}}),
			rl(2, "e", rlBatch(0, 0, 0, 3), rlBatch(0, 1, 0, 2)),
			rl(3, "e", rlBatch(0, 0, 0, 1)), rl(3, "e", rlBatch(0, 0, 1, 1, 1), rlBatch(0, 1, 0, 1, 1)),
		)
	}
	for i, order := range [][]int{{0, 1, 2, 3}, {2, 3, 1, 0}, {1, 0, 2, 3}, {2, 0, 3, 1}} {
		run := f.run(fmt.Sprint(i))
		u := f.open(run)
		var mixed []*types.StreamingRLSeriesUpdate
		for _, k := range order {
			mixed = append(mixed, entries()[k])
		}
		u.send(&ingestion.UpdateRunRequest{RlSeries: mixed, SeriesDeclarations: []*types.SeriesDeclaration{
			declare(1, "return", "EPISODE", ordered), declare(2, "length", "ENVIRONMENT_STEP", ordered), declare(3, "reward", "ENVIRONMENT_STEP", ordered),
		}})
		u.acknowledged(1)
		u.end()
		points := f.points(run)
		for _, info := range points.SeriesInfos() {
			c, err := points.RLPoints(info.No, 1, store.RLRange{})
			f.must(err)
			if !slices.Equal(c.TotalSteps, want[info.Key.Name]) {
				t.Errorf("order %v: %s lies at %v, want %v", order, info.Key.Name, c.TotalSteps, want[info.Key.Name])
			}
		}
	}
}
