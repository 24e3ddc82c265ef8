package views

import (
	"context"
	"math"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Limits of histograms.
const (
	defaultBins = 64
	maxBins     = 512
)

// GetEpisodeHistogram tells how the episodes of a run are spread over one or two of
// their numbers.
func (s *Service) GetEpisodeHistogram(
	_ context.Context, request *connect.Request[pb.GetEpisodeHistogramRequest],
) (*connect.Response[pb.GetEpisodeHistogramResponse], error) {
	h, err := s.parseHistogram(request.Msg)
	if err != nil {
		return nil, err
	}
	spread, err := h.read()
	if err != nil {
		return nil, s.queries.Status(err)
	}
	return connect.NewResponse(spread.count(h.x, h.y)), nil
}

// histogram is a request, read.
type histogram struct {
	scan episodeScan
	x, y histogramAxis
}

func (s *Service) parseHistogram(r *pb.GetEpisodeHistogramRequest) (h histogram, err error) {
	run, err := s.findRLRun(r.GetRun(), r.GetIncludeInherited())
	if err != nil {
		return h, err
	}
	metrics, err := parseEpisodeMetrics(run.points, r.GetMetrics(), maxScanned)
	if err != nil {
		return h, err
	}
	if h.scan, err = parseScan(run, r.GetEnvironments(), r.GetEpisodes(), r.GetRlSteps()); err != nil {
		return h, err
	}
	if h.x, err = h.parseAxis("x", r.GetX(), metrics); err != nil {
		return h, err
	}
	if r.GetY() != nil {
		if h.y, err = h.parseAxis("y", r.GetY(), metrics); err != nil {
			return h, err
		}
	}
	return h, h.scan.within(r.GetMetricRanges(), metrics)
}

// histogramAxis is what episodes are counted by; without a number it has one bin.
type histogramAxis struct {
	number func(r *episodeRow) float64
	bins   int
}

// episodeNumbers are the columns that have numbers.
var episodeNumbers = map[pb.EpisodeColumn]func(r *episodeRow) float64{
	pb.EpisodeColumn_EPISODE_COLUMN_EPISODE:       func(r *episodeRow) float64 { return float64(r.episode) },
	pb.EpisodeColumn_EPISODE_COLUMN_FIRST_RL_STEP: func(r *episodeRow) float64 { return float64(r.firstRLStep) },
	pb.EpisodeColumn_EPISODE_COLUMN_LAST_RL_STEP:  func(r *episodeRow) float64 { return float64(r.lastRLStep) },
	pb.EpisodeColumn_EPISODE_COLUMN_ENV_STEPS:     func(r *episodeRow) float64 { return float64(r.envSteps) },
	pb.EpisodeColumn_EPISODE_COLUMN_FIRST_TIME:    func(r *episodeRow) float64 { return float64(r.firstTime) },
	pb.EpisodeColumn_EPISODE_COLUMN_LAST_TIME:     func(r *episodeRow) float64 { return float64(r.lastTime) },
	pb.EpisodeColumn_EPISODE_COLUMN_RESTARTS:      func(r *episodeRow) float64 { return float64(r.restarts) },
}

func (h *histogram) parseAxis(field string, a *pb.EpisodeAxis, metrics []episodeMetric) (axis histogramAxis, err error) {
	if axis.bins = int(a.GetBins()); axis.bins == 0 {
		axis.bins = defaultBins
	}
	if axis.bins > maxBins {
		return axis, invalid("%s.bins %d is above %d", field, axis.bins, maxBins)
	}
	if a.GetColumn() != pb.EpisodeColumn_EPISODE_COLUMN_METRIC {
		if axis.number = episodeNumbers[a.GetColumn()]; axis.number == nil {
			return axis, invalid("%s.column %d has no numbers", field, a.GetColumn())
		}
		return axis, nil
	}
	if int(a.GetMetric()) >= len(metrics) {
		return axis, invalid("%s.metric %d is none of the %d metrics", field, a.GetMetric(), len(metrics))
	}
	place, err := h.scan.use(&metrics[a.GetMetric()])
	axis.number = func(r *episodeRow) float64 { return r.values[place] }
	return axis, err
}

// spread is the numbers of episodes that have finite ones on all axes.
type spread struct {
	xs, ys    []float64 // no ys without such an axis
	notFinite uint64
}

func (h *histogram) read() (all spread, err error) {
	parts := make([]spread, workers())
	err = h.scan.each(func(worker int, rows []episodeRow) {
		for i := range rows {
			parts[worker].add(h, &rows[i])
		}
	})
	for _, part := range parts {
		all.xs, all.ys = append(all.xs, part.xs...), append(all.ys, part.ys...)
		all.notFinite += part.notFinite
	}
	return all, err
}

func (s *spread) add(h *histogram, r *episodeRow) {
	x, y := h.x.number(r), 0.0
	if h.y.number != nil {
		y = h.y.number(r)
	}
	if x-x != 0 || y-y != 0 {
		s.notFinite++
		return
	}
	s.xs = append(s.xs, x)
	if h.y.number != nil {
		s.ys = append(s.ys, y)
	}
}

func (s *spread) count(x, y histogramAxis) *pb.GetEpisodeHistogramResponse {
	answer := &pb.GetEpisodeHistogramResponse{TotalCount: uint64(len(s.xs)), NotFiniteCount: s.notFinite}
	if len(s.xs) == 0 {
		return answer
	}
	across, upwards := widthsOf(s.xs, x.bins), widths{count: 1}
	if s.ys != nil {
		upwards = widthsOf(s.ys, y.bins)
	}
	counts := make([]uint64, across.count*upwards.count)
	for i, v := range s.xs {
		row := 0
		if s.ys != nil {
			row = upwards.of(s.ys[i])
		}
		counts[row*across.count+across.of(v)]++
	}
	answer.FirstX, answer.LastX, answer.XBins = across.first, across.last, uint32(across.count)
	answer.FirstY, answer.LastY, answer.YBins = upwards.first, upwards.last, uint32(upwards.count)
	answer.Counts = column(counts, itself)
	return answer
}

// widths cut a stretch of numbers into bins that are equally wide.
type widths struct {
	first, last float64
	count       int
}

func widthsOf(values []float64, most int) widths {
	w := widths{math.Inf(1), math.Inf(-1), most}
	for _, v := range values {
		w.first, w.last = min(w.first, v), max(w.last, v)
	}
	if w.first == w.last {
		w.count = 1
	}
	return w
}

// of is the bin of a number. Halves keep the greatest numbers from overflowing.
func (w widths) of(v float64) int {
	if w.count == 1 {
		return 0
	}
	part := (v/2 - w.first/2) / (w.last/2 - w.first/2)
	return min(int(part*float64(w.count)), w.count-1)
}
