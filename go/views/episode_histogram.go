package views

import (
	"context"
	"math"
	"slices"

	"connectrpc.com/connect"

	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// Limits of histograms.
const (
	defaultBins = 64
	maxBins     = 512
)

// GetEpisodeHistogram tells how the episodes of a run are spread over one or two of
// their numbers, and what the second comes to along the first.
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
	return connect.NewResponse(h.answer(spread)), nil
}

// histogram is a request, read.
type histogram struct {
	estimates

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
	if h.estimates, err = parseEstimates(r.GetEstimators(), r.GetPercentiles()); err != nil {
		return h, err
	}
	if r.GetY() == nil && !h.none() {
		return h, invalid("estimators and percentiles are of the numbers upwards, but there is no y")
	}
	return h, h.scan.within(r.GetMetricRanges(), metrics)
}

// histogramAxis is what episodes are counted by; without a number it has one bin.
type histogramAxis struct {
	number func(r *episodeRow) float64
	limits limits
	bins   int
	whole  bool // bins begin at whole numbers, if all numbers are
	robust bool // bins leave out what is far away
}

// leavesOut tells of a number that lies outside the limits; one that is none does not.
func (a histogramAxis) leavesOut(v float64) bool {
	return a.number != nil && !math.IsNaN(v) && !a.limits.hold(v)
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

	pb.EpisodeColumn_EPISODE_COLUMN_TOTAL_ENV_STEPS: func(r *episodeRow) float64 { return float64(r.totalEnvSteps) },
}

func (h *histogram) parseAxis(field string, a *pb.EpisodeAxis, metrics []episodeMetric) (axis histogramAxis, err error) {
	if a == nil {
		return axis, invalid("%s is missing", field)
	}
	axis.whole, axis.robust = a.GetWhole(), a.GetRobust()
	if axis.limits, err = parseLimits(field, a.From, a.To); err != nil {
		return axis, err
	}
	if axis.bins = int(a.GetBins()); axis.bins == 0 {
		axis.bins = defaultBins
	}
	if axis.bins > maxBins {
		return axis, invalid("%s.bins %d is above %d", field, axis.bins, maxBins)
	}
	if a.GetColumn() != pb.EpisodeColumn_EPISODE_COLUMN_METRIC {
		h.scan.totals = h.scan.totals || a.GetColumn() == pb.EpisodeColumn_EPISODE_COLUMN_TOTAL_ENV_STEPS
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
	parts := make([]spread, workers.Count())
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
	if h.x.leavesOut(x) || h.y.leavesOut(y) {
		return
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

func (h *histogram) answer(s spread) *pb.GetEpisodeHistogramResponse {
	answer := &pb.GetEpisodeHistogramResponse{TotalCount: uint64(len(s.xs)), NotFiniteCount: s.notFinite}
	if len(s.xs) == 0 {
		return answer
	}
	across, upwards := widthsOf(s.xs, h.x), widths{count: 1}
	if s.ys != nil {
		upwards = widthsOf(s.ys, h.y)
	}
	counts := make([]uint64, across.count*upwards.count)
	for i, v := range s.xs {
		column, row := across.of(v), 0
		if s.ys != nil {
			row = upwards.of(s.ys[i])
		}
		if column == beyond || row == beyond {
			answer.BeyondCount++
			continue
		}
		counts[row*across.count+column]++
	}
	answer.FirstX, answer.LastX, answer.XBins = across.first, across.last, uint32(across.count)
	answer.FirstY, answer.LastY, answer.YBins = upwards.first, upwards.last, uint32(upwards.count)
	answer.XWhole, answer.YWhole = across.whole > 0, upwards.whole > 0
	answer.Counts = column(counts, itself)
	if !h.none() {
		answer.Estimators, answer.Percentiles = h.encode(h.along(across, s))
	}
	return answer
}

// along are the estimates of the numbers upwards in each bin across.
func (h *histogram) along(across widths, s spread) estimateCurves {
	members := make([][]float64, across.count)
	for i, x := range s.xs {
		if bin := across.of(x); bin != beyond {
			members[bin] = append(members[bin], s.ys[i])
		}
	}
	curves := h.curves(across.count)
	for bin, of := range members {
		h.fill(curves, bin, sorted(of))
	}
	return curves
}

// widths cut a stretch of numbers into bins that are equally wide.
type widths struct {
	first, last float64
	count       int
	whole       float64 // how many whole numbers a bin holds; 0: bins begin anywhere
}

func widthsOf(values []float64, axis histogramAxis) widths {
	w := widths{first: math.Inf(1), last: math.Inf(-1), count: axis.bins}
	for _, v := range values {
		w.first, w.last = min(w.first, v), max(w.last, v)
	}
	if axis.robust {
		ascending := sorted(slices.Clone(values))
		low, high := percentile(ascending, 2), percentile(ascending, 98)
		w.first, w.last = max(w.first, low-(high-low)), min(w.last, high+(high-low))
	}
	switch {
	case axis.whole && !slices.ContainsFunc(values, broken):
		w.first = math.Ceil(w.first)
		numbers := math.Floor(w.last) - w.first + 1
		w.whole = math.Ceil(numbers / float64(axis.bins))
		w.count = int(math.Ceil(numbers / w.whole))
		w.last = w.first + float64(w.count)*w.whole
	case w.first == w.last:
		w.count = 1
	}
	return w
}

// broken tells of a number that it is not whole, or so great that the next ones are not
// numbers of their own.
func broken(v float64) bool { return v != math.Trunc(v) || math.Abs(v) >= 1<<53 }

// beyond is no bin: the number is too far away for a robust axis.
const beyond = -1

// of is the bin of a number. Halves keep the greatest numbers from overflowing.
func (w widths) of(v float64) int {
	switch {
	case v < w.first || v > w.last || w.whole > 0 && v == w.last:
		return beyond
	case w.count == 1:
		return 0
	case w.whole > 0:
		return int((v - w.first) / w.whole)
	}
	part := (v/2 - w.first/2) / (w.last/2 - w.first/2)
	return min(int(part*float64(w.count)), w.count-1)
}
