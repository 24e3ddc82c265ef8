package views

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// maxBatch is how many charts may be asked for at once.
const maxBatch = 100

// BatchBucketSeries does what BucketSeries does for several charts at once: a page of a hundred
// charts that follow a run asks once instead of a hundred times.
func (s *Service) BatchBucketSeries(
	ctx context.Context, request *connect.Request[pb.BatchBucketSeriesRequest],
) (*connect.Response[pb.BatchBucketSeriesResponse], error) {
	requests := request.Msg.GetRequests()
	if n := len(requests); n < 1 || n > maxBatch {
		return nil, invalid("%d requests are not within 1 and %d", n, maxBatch)
	}
	outcomes := make([]*pb.BucketSeriesOutcome, len(requests))
	err := workers.Each(workers.Count(), len(requests), func(_, i int) error {
		if err := ctx.Err(); err != nil {
			return connect.NewError(connect.CodeCanceled, err)
		}
		began := time.Now()
		outcomes[i] = outcomeOf(s.bucketSeries(requests[i]))
		outcomes[i].TookMillis = uint32(min(time.Since(began).Milliseconds(), math.MaxUint32))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.BatchBucketSeriesResponse{Outcomes: outcomes}), nil
}

func outcomeOf(answer *pb.BucketSeriesResponse, err error) *pb.BucketSeriesOutcome {
	if err == nil {
		return &pb.BucketSeriesOutcome{Outcome: &pb.BucketSeriesOutcome_Response{Response: answer}}
	}
	failure := err.Error()
	if told := new(connect.Error); errors.As(err, &told) {
		failure = fmt.Sprintf("[%v] %s", told.Code(), told.Message())
	}
	return &pb.BucketSeriesOutcome{Outcome: &pb.BucketSeriesOutcome_Failure{Failure: failure}}
}
