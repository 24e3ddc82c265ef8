package views

import (
	"context"
	"math"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// Limits of small curves.
const (
	maxSparklines       = 200
	maxSparklineBuckets = 64
)

// GetSparklines gives small curves of series of many runs.
func (s *Service) GetSparklines(
	_ context.Context, request *connect.Request[pb.GetSparklinesRequest],
) (*connect.Response[pb.GetSparklinesResponse], error) {
	r := request.Msg
	if n := len(r.GetQueries()); n > maxSparklines {
		return nil, invalid("%d queries; at most %d may be", n, maxSparklines)
	}
	count := int(r.GetBuckets())
	if count == 0 {
		count = maxSparklineBuckets
	}
	if count > maxSparklineBuckets {
		return nil, invalid("buckets %d is above %d", count, maxSparklineBuckets)
	}
	lines := make([]*pb.Sparkline, len(r.GetQueries()))
	err := workers.Each(workers.Count(), len(lines), func(_, i int) (err error) {
		lines[i], err = s.sparkline(r, r.GetQueries()[i], count)
		return err
	})
	if err != nil {
		return nil, s.queries.Status(err)
	}
	return connect.NewResponse(&pb.GetSparklinesResponse{Sparklines: lines}), nil
}

func (s *Service) sparkline(r *pb.GetSparklinesRequest, q *pb.SparklineQuery, count int) (*pb.Sparkline, error) {
	run, err := s.findRun(&pb.RunName{Workspace: r.GetWorkspace(), Project: r.GetProject(), Run: q.GetRun()})
	if err != nil {
		return nil, err
	}
	selected, err := query.Select(point.ScaleMLStep, q.GetSeriesQuery())
	if err != nil {
		return nil, err
	}
	infos := selected.Of(run.points)
	switch {
	case len(infos) == 0:
		return &pb.Sparkline{}, nil
	case infos[0].Standard && infos[0].Ordered():
		return orderedLine(run.points, infos[0], count)
	case infos[0].Standard:
		points, err := run.points.Points(infos[0].No, 0, math.MaxUint64)
		return newLine(points.Steps, func(i int) (n uint64, sum float64) {
			if v := points.Values[i]; finite(v) {
				return 1, v
			}
			return 0, 0
		}, count), err
	}
	return s.rlLine(run, infos[0].No, count)
}

// rlLine takes all environments together; what it made is kept until points come.
func (s *Service) rlLine(run runPoints, no uint32, count int) (*pb.Sparkline, error) {
	name, changed := lineName{run.ID, no, count}, run.points.SeriesChanged(no)
	if line := s.lines.get(name, changed); line != nil {
		return line, nil
	}
	line, err := newRLLine(run.points, no, count)
	if err == nil {
		s.lines.put(name, keptLine{changed, line})
	}
	return line, err
}

// orderedLine sums up in the store, without reading most points.
func orderedLine(points *store.Run, info store.SeriesInfo, count int) (*pb.Sparkline, error) {
	b := binsFrom(info.FirstStep, info.LastStep, count)
	axis := store.Axis{Last: info.LastStep}
	for bin := range b.count {
		axis.Starts = append(axis.Starts, info.FirstStep+b.start(bin))
	}
	buckets, err := points.Buckets(info.No, axis)
	if err != nil {
		return nil, err
	}
	var means []float64
	var indexes []uint64
	for _, bucket := range buckets {
		if bucket.Count > 0 {
			means, indexes = append(means, bucket.Mean), append(indexes, uint64(bucket.Index))
		}
	}
	return &pb.Sparkline{
		Means: floatColumn(means), BucketIndexes: column(indexes, itself), BucketCount: uint32(b.count),
		FirstStep: info.FirstStep, LastStep: info.LastStep,
	}, nil
}

func newRLLine(points *store.Run, no uint32, count int) (*pb.Sparkline, error) {
	envs, err := points.RLSums(no, store.AlongRLSteps, store.Range{To: math.MaxUint64})
	if err != nil {
		return nil, err
	}
	var steps []uint64
	var sums []store.RLSum
	for _, of := range envs {
		for _, sum := range of.Sums {
			steps, sums = append(steps, sum.At), append(sums, sum)
		}
	}
	return newLine(steps, func(i int) (uint64, float64) { return sums[i].Count, sums[i].Sum }, count), nil
}

// newLine puts things at steps, in any order, into bins.
func newLine(steps []uint64, sumOf func(i int) (n uint64, sum float64), count int) *pb.Sparkline {
	first, last := uint64(math.MaxUint64), uint64(0)
	for _, step := range steps {
		first, last = min(first, step), max(last, step)
	}
	if first > last {
		return &pb.Sparkline{}
	}
	b := binsFrom(first, last, count)
	counts, sums := make([]uint64, b.count), make([]float64, b.count)
	for i, step := range steps {
		n, sum := sumOf(i)
		bin := b.of(step - first)
		counts[bin] += n
		sums[bin] += sum
	}
	line := &pb.Sparkline{BucketCount: uint32(b.count), FirstStep: first, LastStep: last}
	var means []float64
	var indexes []uint64
	for i, n := range counts {
		if n > 0 {
			means, indexes = append(means, sums[i]/float64(n)), append(indexes, uint64(i))
		}
	}
	line.Means, line.BucketIndexes = floatColumn(means), column(indexes, itself)
	return line
}
