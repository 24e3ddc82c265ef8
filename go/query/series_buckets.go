package query

import (
	"context"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// ListFloatSeriesBuckets gives series in buckets on one axis that spans them
// all. The axis is the same on all pages.
func (s *Service) ListFloatSeriesBuckets(
	_ context.Context, request *connect.Request[pb.ListFloatSeriesBucketsRequest],
) (*connect.Response[pb.ListFloatSeriesBucketsResponse], error) {
	r := request.Msg
	curves, err := s.selectCurves(r)
	if err != nil {
		return nil, s.failed(err)
	}
	a, filled, page, next, err := s.bucketPage(curves, r.BucketsCount, r.MaxBucketsAcrossSeries, r.MaxBucketsPerPage, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListFloatSeriesBucketsResponse{
		ResumeToken: next, FirstStep: a.first, LastStep: a.last, BucketStepWidth: a.width,
	}
	if r.GetUseColumnarOutput() {
		answer.RunSeries = runSeries(a, filled, page)
	} else {
		answer.RunPoints = runBuckets(a, filled, page)
	}
	return connect.NewResponse(answer), nil
}

func runSeries(a axis, filled []bucketed, page []stretch) *pb.RunSeriesBuckets {
	out := &pb.RunSeriesBuckets{FirstStep: a.first, LastStep: a.last, StepsPerBucket: a.width, BucketsCount: int64(a.count)}
	for _, part := range page {
		b := &filled[part.column]
		out.Series = append(out.Series, &pb.RunSeriesBuckets_SingleSeries{
			Run: b.run, Definition: b.definition(),
			BucketIndexes: b.indexes[part.from:part.to], YValues: b.means[part.from:part.to], Counts: b.counts[part.from:part.to],
			MinValues: b.mins[part.from:part.to], MaxValues: b.maxs[part.from:part.to],
			LastTimestampMillis: b.lastTimes[part.from:part.to],
			BucketsWithNans:     b.within(b.nans, part), BucketsWithInfs: b.within(b.infinities, part),
			BucketsWithNegInfs: b.within(b.negatives, part),
		})
	}
	return out
}

func runBuckets(a axis, filled []bucketed, page []stretch) []*pb.ListFloatSeriesBucketsResponse_RunPoints {
	var runs []*pb.ListFloatSeriesBucketsResponse_RunPoints
	for _, part := range page {
		b := &filled[part.column]
		last := len(runs) - 1
		if last < 0 || runs[last].GetRun() != b.run {
			runs = append(runs, &pb.ListFloatSeriesBucketsResponse_RunPoints{Run: b.run})
			last++
		}
		runs[last].Series = append(runs[last].Series, rowBuckets(a, b, part))
	}
	return runs
}

// rowBuckets writes one row a bucket of the axis; those without finite points
// are empty. A part of a series has the rows from its first bucket on.
func rowBuckets(a axis, b *bucketed, part stretch) *pb.SeriesBuckets {
	first, end := uint64(0), uint64(a.count)
	if part.from > 0 {
		first = b.indexes[part.from-1] + 1
	}
	if part.to < len(b.indexes) {
		end = b.indexes[part.to-1] + 1
	}
	rows := make([]*common.FloatSeriesBuckets_Bucket, end-first)
	for i := range rows {
		rows[i] = &common.FloatSeriesBuckets_Bucket{}
	}
	for k := part.from; k < part.to; k++ {
		rows[b.indexes[k]-first] = &common.FloatSeriesBuckets_Bucket{
			Y: &b.means[k],
			Stats: &common.FloatSeriesBuckets_BucketStats{
				Count: b.counts[k], Sum: b.sums[k], Min: b.mins[k], Max: b.maxs[k],
			},
		}
	}
	return &pb.SeriesBuckets{Definition: b.definition(), Buckets: &common.FloatSeriesBuckets{Buckets: rows}}
}
