package views

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

// A batch has the answers that its requests get one by one; one that fails takes none along.
func TestABatchAnswersEachRequest(t *testing.T) {
	w := newWorld(t)
	w.logSteps("a", "loss", 0, 3, 2, 1)
	w.logSteps("b", "loss", 10, 5, 6)
	ask := func(run string) *pb.BucketSeriesRequest {
		return &pb.BucketSeriesRequest{
			Workspace: "w", Project: "p", Runs: []string{run}, SeriesQueries: []string{"loss()"}, Axis: pb.Axis_AXIS_STEP,
		}
	}
	single := func(r *pb.BucketSeriesRequest) *pb.BucketSeriesResponse {
		answer, err := w.client.BucketSeries(t.Context(), connect.NewRequest(r))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Msg
	}
	first, again := ask("a"), ask("b")
	again.Cursor = single(again).Cursor
	batch := &pb.BatchBucketSeriesRequest{Requests: []*pb.BucketSeriesRequest{first, ask("no-such-run"), again}}
	answer, err := w.client.BatchBucketSeries(t.Context(), connect.NewRequest(batch))
	if err != nil {
		t.Fatal(err)
	}
	outcomes := answer.Msg.GetOutcomes()
	if len(outcomes) != 3 {
		t.Fatalf("%d outcomes of 3 requests", len(outcomes))
	}
	for place, r := range map[int]*pb.BucketSeriesRequest{0: first, 2: again} {
		if got, want := outcomes[place].GetResponse(), single(r); !proto.Equal(got, want) {
			t.Errorf("request %d of a batch got\n%v\nalone\n%v", place, got, want)
		}
	}
	if unchanged := outcomes[2].GetResponse().GetUnchangedRuns(); len(unchanged) != 1 {
		t.Errorf("with a cursor %v are unchanged, want b", unchanged)
	}
	if failure := outcomes[1].GetFailure(); !strings.HasPrefix(failure, "[not_found] ") || !strings.Contains(failure, "no-such-run") {
		t.Errorf("a run that is none: %q", failure)
	}
}

func TestABatchHasSoManyRequests(t *testing.T) {
	w := newWorld(t)
	for _, n := range []int{0, maxBatch + 1} {
		batch := &pb.BatchBucketSeriesRequest{Requests: make([]*pb.BucketSeriesRequest, n)}
		for i := range batch.Requests {
			batch.Requests[i] = &pb.BucketSeriesRequest{}
		}
		_, err := w.client.BatchBucketSeries(t.Context(), connect.NewRequest(batch))
		if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "1 and 100") {
			t.Errorf("%d requests: %v", n, err)
		}
	}
}
