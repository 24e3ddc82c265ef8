package query

import (
	"cmp"
	"context"
	"slices"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// signBit turns the order of signed numbers into that of unsigned ones.
const signBit = 1 << 63

// timeRequest has no selection of steps.
type timeRequest struct {
	*pb.ListFloatSeriesTimestampBucketsRequest
}

func (timeRequest) GetStepSelection() *pb.StepSelection { return nil }

// ListFloatSeriesTimestampBuckets gives series in buckets along the time at which
// points were logged, in milliseconds: since 1970, or, relative, since each run
// was created. All times of the answer are of that kind.
func (s *Service) ListFloatSeriesTimestampBuckets(
	_ context.Context, request *connect.Request[pb.ListFloatSeriesTimestampBucketsRequest],
) (*connect.Response[pb.ListFloatSeriesTimestampBucketsResponse], error) {
	r := request.Msg
	curves, err := s.selectTimed(r)
	if err != nil {
		return nil, s.failed(err)
	}
	a, filled, page, next, err := s.bucketPage(curves, r.BucketsCount, r.MaxBucketsAcrossSeries, r.MaxBucketsPerPage, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListFloatSeriesTimestampBucketsResponse{
		ResumeToken: next, RunSeries: timedSeries(a, filled, page),
	}), nil
}

func (s *Service) selectTimed(r *pb.ListFloatSeriesTimestampBucketsRequest) ([]curve, error) {
	p, err := s.parsePoints(timeRequest{r})
	if err != nil {
		return nil, err
	}
	within := stepCut{to: ^uint64(0)}
	if limits := r.GetTimestampRange(); limits != nil {
		if limits.FromTimestampMillis != nil {
			within.from = uint64(limits.GetFromTimestampMillis()) ^ signBit
		}
		if limits.ToTimestampMillis != nil {
			within.to = uint64(limits.GetToTimestampMillis()) ^ signBit
		}
		if within.from > within.to {
			return nil, invalid("timestamp_range goes from %d to %d", limits.GetFromTimestampMillis(), limits.GetToTimestampMillis())
		}
	}
	var curves []curve
	for _, run := range p.runs {
		columns, err := s.readRun(run, p)
		if err != nil {
			return nil, err
		}
		start := int64(0)
		if r.GetUseRelativeTimestamp() {
			start = run.Created.UnixMilli()
		}
		for _, c := range columns {
			if c = within.apply(c.alongTime(start)); len(c.xs) > 0 {
				curves = append(curves, c)
			}
		}
	}
	return curves, nil
}

// alongTime puts the times since start in the place of steps.
func (c column) alongTime(start int64) column {
	order := make([]int, len(c.xs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.times[a], c.times[b]) })
	out := column{run: c.run, key: c.key, reduction: c.reduction, steps: inOrder(c.xs, order), values: inOrder(c.values, order)}
	out.times = inOrder(c.times, order)
	out.xs = make([]uint64, len(order))
	for i := range out.times {
		out.times[i] -= start
		out.xs[i] = uint64(out.times[i]) ^ signBit
	}
	return out
}

func timedSeries(a axis, filled []bucketed, page []stretch) *pb.RunSeriesTimestampBuckets {
	out := &pb.RunSeriesTimestampBuckets{MillisPerBucket: a.width, BucketsCount: int64(a.count)}
	if a.count > 0 {
		out.FirstTimestampMillis, out.LastTimestampMillis = int64(a.first^signBit), int64(a.last^signBit)
	}
	for _, part := range page {
		b := &filled[part.column]
		out.Series = append(out.Series, &pb.RunSeriesTimestampBuckets_SingleSeries{
			Run: b.run, Definition: b.definition(),
			BucketIndexes: b.indexes[part.from:part.to], YValues: b.means[part.from:part.to], Counts: b.counts[part.from:part.to],
			MinValues: b.mins[part.from:part.to], MaxValues: b.maxs[part.from:part.to],
			LastTimestampMillis: b.lastTimes[part.from:part.to], LastSteps: b.lastSteps[part.from:part.to],
			BucketsWithNans: b.within(b.nans, part), BucketsWithInfs: b.within(b.infinities, part),
			BucketsWithNegInfs: b.within(b.negatives, part),
		})
	}
	return out
}
