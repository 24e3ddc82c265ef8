package ingest

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// The burst of a vectorised environment: 16 metrics of 1,024 environments, with
// one point each (a call per environment step) or a hundred (a call per rollout).
func BenchmarkRequest(b *testing.B) {
	for _, steps := range []int{1, 100} {
		b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) { benchmarkRequest(b, steps) })
	}
}

func benchmarkRequest(b *testing.B, steps int) {
	const environments = 1024
	db, err := store.Open("data", store.Options{FS: vfs.NewMem()}) // what the processor does, not the disk
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	index, err := catalog.Open(db)
	if err != nil {
		b.Fatal(err)
	}
	s := New(index, Options{CreateWorkspaces: true})
	run, _, err := index.InitRun(catalog.RunSpec{Workspace: "w", Project: "p", Run: "r", CreateProject: true, CreateWorkspace: true})
	if err != nil {
		b.Fatal(err)
	}
	declared := make(map[uint64]declaration)
	points := environments * steps
	var bytes []byte
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		bytes = burst(b, run.ID[:], environments, steps, i)
		b.StartTimer()
		request := new(update)
		if err := request.unmarshal(bytes); err != nil {
			b.Fatal(err)
		}
		pending, err := s.apply(declared, &request.UpdateRunRequest)
		request.applied()
		if err == nil {
			err = pending.Wait()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*points), "ns/point")
	b.ReportMetric(float64(len(bytes))/float64(points), "wireB/point")
}

// burst is the i-th request: one metric of all environments.
func burst(b *testing.B, run []byte, environments, steps, i int) []byte {
	b.Helper()
	metric, first, episode, at := uint64(i%16)+1, uint64(i/16*steps), uint64(1), int64(1700000000000+i)
	request := &ingestion.UpdateRunRequest{
		RunId: run, LoggerId: 1, LoggerSessionId: 1, SequenceNumber: uint64(i+1) * 256,
		SeriesDeclarations: []*types.SeriesDeclaration{{DeclarationId: metric, MetricName: fmt.Sprint("m", metric), Scale: "ENVIRONMENT_STEP", Ordering: 3}},
	}
	for e := range environments {
		values := make([]float64, steps)
		for k := range values {
			values[k] = float64((i*31+e*17+k)%1000) / 7
		}
		request.RlSeries = append(request.RlSeries, &types.StreamingRLSeriesUpdate{
			SeriesId: metric, EnvironmentId: fmt.Sprint("env-", e), RlStepBatches: []*types.RlStepBatch{{
				RlStep: 0, Episode: &episode, Values: values, FirstMinorStep: &first, TimestampMillis: &at,
			}},
		})
	}
	bytes, err := proto.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}
