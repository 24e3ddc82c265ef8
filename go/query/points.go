package query

import (
	"context"
	"math"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// maxPointsPage is the most points that a page has.
const maxPointsPage = 1_000_000

// column is the points of one series that a request selects. One x may hold
// several points: those of different loggers.
type column struct {
	run    string
	key    point.Series
	env    string // of RL points
	xs     []uint64
	values []float64
	times  []int64
	// Of RL points only.
	rlSteps, episodes, envSteps []uint64
	steps                       []uint64   // where xs are times
	reduction                   *reduction // of series that several make up
}

// ListFloatSeries gives the points of series, a page at a time. Runs come as
// named, their series by identity, points by step.
func (s *Service) ListFloatSeries(
	_ context.Context, request *connect.Request[pb.ListFloatSeriesRequest],
) (*connect.Response[pb.ListFloatSeriesResponse], error) {
	page, err := s.pointsPage(request.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(page.ListFloatSeriesResponse), nil
}

// listFloatSeries is ListFloatSeries for a codec that gives the memory back.
func (s *Service) listFloatSeries(
	_ context.Context, request *connect.Request[pb.ListFloatSeriesRequest],
) (*connect.Response[pointsPage], error) {
	page, err := s.pointsPage(request.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(page), nil
}

// pointsPage is a page of points with the memory that its columns lie in.
type pointsPage struct {
	*pb.ListFloatSeriesResponse

	memory columnMemory
}

func (s *Service) pointsPage(r *pb.ListFloatSeriesRequest) (*pointsPage, error) {
	series, err := s.selectPages(r)
	if err != nil {
		return nil, s.failed(err)
	}
	list := make([]pageable, len(series))
	for i := range series {
		list[i] = pageable{series[i].id(), series[i].entries}
	}
	page, token, err := pointPage(list, r.MaxPointsPerPage, maxPointsPage, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pointsPage{ListFloatSeriesResponse: &pb.ListFloatSeriesResponse{ResumeToken: token}}
	for _, part := range page {
		c, err := series[part.column].load(&answer.memory, part.from, part.to)
		if err != nil {
			return nil, s.failed(err)
		}
		last := len(answer.RunPoints) - 1
		if last < 0 || answer.RunPoints[last].GetRun() != c.run {
			answer.RunPoints = append(answer.RunPoints, &pb.ListFloatSeriesResponse_RunPoints{Run: c.run})
			last++
		}
		whole := stretch{part.column, 0, len(c.xs)}
		answer.RunPoints[last].Series = append(answer.RunPoints[last].Series, c.encode(whole, r.GetIncludeTimestamps()))
	}
	return answer, nil
}

// pages is a column of which only what is on a page is read.
type pages struct {
	column  // without points
	entries int
	load    func(memory *columnMemory, from, to int) (column, error)
}

// selectPages finds the selected standard series of runs. What is simply a
// stretch of an ordered series is read when its page is written.
func (s *Service) selectPages(r *pb.ListFloatSeriesRequest) ([]pages, error) {
	p, err := s.parsePoints(r)
	if err != nil {
		return nil, err
	}
	p.times = r.GetIncludeTimestamps()
	var all []pages
	for _, run := range p.runs {
		whole := p.cut.from == 0 && p.cut.to == math.MaxUint64
		if !whole || p.inherited && run.Fork != nil || p.selected.reduces() {
			columns, err := s.readRun(run, p)
			if err != nil {
				return nil, err
			}
			for _, c := range columns {
				all = append(all, c.pages())
			}
			continue
		}
		found, err := run.pages(p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (c column) pages() pages {
	return pages{c, len(c.xs), func(_ *columnMemory, from, to int) (column, error) {
		c.xs, c.values, c.times = c.xs[from:to], c.values[from:to], c.times[from:to]
		return c, nil
	}}
}

func (r runPoints) pages(p pointsSelection) ([]pages, error) {
	var all []pages
	for _, info := range p.selected.of(r.points) {
		if !info.Standard {
			continue
		}
		if !info.Ordered() {
			c, err := r.readColumn(info)
			if err != nil {
				return nil, err
			}
			all = append(all, p.cut.apply(c).pages())
			continue
		}
		first, end := 0, int(info.Count)
		if p.cut.first > 0 {
			end = min(end, p.cut.first)
		}
		if p.cut.last > 0 {
			first = max(end-p.cut.last, 0)
		}
		identity := column{run: r.Name, key: info.Key}
		all = append(all, pages{identity, end - first, func(memory *columnMemory, from, to int) (column, error) {
			points := memory.take(to - from)
			err := r.points.PointsAt(points, info.No, uint64(first+from), uint64(first+to), p.times)
			return newColumn(r.Name, info, *points), err
		}})
	}
	return all, nil
}

func listOf(columns []column) []pageable {
	list := make([]pageable, len(columns))
	for i := range columns {
		list[i] = pageable{columns[i].id(), len(columns[i].xs)}
	}
	return list
}

func (c column) encode(part stretch, times bool) *pb.SeriesPoints {
	points := &common.FloatSeriesPoints{Steps: c.xs[part.from:part.to], Values: c.values[part.from:part.to]}
	if times {
		points.TimestampMillis = c.times[part.from:part.to]
	}
	return &pb.SeriesPoints{Definition: c.definition(), Points: points}
}

// pointsSelection is a request for standard points, read.
type pointsSelection struct {
	selected  selector
	cut       stepCut
	runs      []runPoints
	inherited bool
	times     bool // whether a stretch of an ordered series is read with them
}

func (s *Service) parsePoints(r pointsRequest) (p pointsSelection, err error) {
	if p.selected, err = parseSelector(r.GetSeriesQueries()); err != nil {
		return p, err
	}
	if len(r.GetSeriesQueries()) == 0 {
		return p, invalid("series_queries must name at least one series")
	}
	if p.cut, err = parseSteps(r.GetStepSelection()); err != nil {
		return p, err
	}
	p.inherited = r.GetIncludeInherited()
	p.runs, err = s.findRuns(r.GetWorkspace(), r.GetProject(), r.GetRunNames())
	return p, err
}

// readRun reads the selected points of a run: inherited ones put before, series
// reduced, and then cut.
func (s *Service) readRun(run runPoints, p pointsSelection) ([]column, error) {
	all, err := run.readAll(p)
	if err != nil {
		return nil, err
	}
	var columns []column
	for _, c := range p.selected.reduce(all, false) {
		if c = p.cut.apply(c); len(c.xs) > 0 {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

func (r runPoints) readAll(p pointsSelection) ([]column, error) {
	var columns []column
	for _, info := range p.selected.of(r.points) {
		c, err := r.readColumn(info)
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	if !p.inherited {
		return columns, nil
	}
	parent, exists, err := r.parent()
	if !exists || err != nil {
		return columns, err
	}
	before, err := parent.readAll(p)
	if err != nil {
		return nil, err
	}
	return inherit(r, before, columns), nil
}

func newColumn(run string, info store.SeriesInfo, points store.Columns) column {
	return column{run: run, key: info.Key, xs: points.Steps, values: points.Values, times: points.Times}
}

// inherit puts the parent's points up to the fork before a run's own behind them.
func inherit(run runPoints, parent, own []column) []column {
	var columns []column
	for _, c := range parent {
		c = stepCut{to: run.Fork.Step}.apply(c)
		c.run = run.Name
		for i, mine := range own {
			if compareKeys(mine.key, c.key) != 0 {
				continue
			}
			if n := len(c.xs); n > 0 {
				mine = stepCut{from: c.xs[n-1] + 1, to: math.MaxUint64}.apply(mine)
			}
			c.xs = append(c.xs[:len(c.xs):len(c.xs)], mine.xs...)
			c.values = append(c.values[:len(c.values):len(c.values)], mine.values...)
			c.times = append(c.times[:len(c.times):len(c.times)], mine.times...)
			own = append(own[:i:i], own[i+1:]...)
			break
		}
		columns = append(columns, c)
	}
	return append(columns, own...)
}

// stepCut keeps a range of steps, or so many points from one of the ends.
type stepCut struct {
	from, to    uint64
	first, last int // 0: no limit
}

func parseSteps(s *pb.StepSelection) (stepCut, error) {
	cut := stepCut{to: math.MaxUint64}
	switch selection := s.GetSelection().(type) {
	case *pb.StepSelection_StepRange:
		cut.from = selection.StepRange.GetFromStep()
		if selection.StepRange.GetToStep() < cut.from && selection.StepRange.ToStep != nil {
			return cut, invalid("step_range goes from %d to %d", cut.from, selection.StepRange.GetToStep())
		}
		if selection.StepRange != nil && selection.StepRange.ToStep != nil {
			cut.to = selection.StepRange.GetToStep()
		}
	case *pb.StepSelection_PerSeriesFromTheBeginning:
		cut.first = int(selection.PerSeriesFromTheBeginning)
		if cut.first <= 0 {
			return cut, invalid("per_series_from_the_beginning %d must be above 0", cut.first)
		}
	case *pb.StepSelection_PerSeriesFromTheEnd:
		cut.last = int(selection.PerSeriesFromTheEnd)
		if cut.last <= 0 {
			return cut, invalid("per_series_from_the_end %d must be above 0", cut.last)
		}
	}
	return cut, nil
}

// apply cuts a column whose xs ascend.
func (s stepCut) apply(c column) column {
	low, high := 0, len(c.xs)
	for low < high && c.xs[low] < s.from {
		low++
	}
	for high > low && c.xs[high-1] > s.to {
		high--
	}
	if s.first > 0 {
		high = min(high, low+s.first)
	}
	if s.last > 0 {
		low = max(low, high-s.last)
	}
	c.xs, c.values, c.times = c.xs[low:high], c.values[low:high], c.times[low:high]
	if c.steps != nil {
		c.steps = c.steps[low:high]
	}
	if c.rlSteps != nil {
		c.rlSteps, c.episodes, c.envSteps = c.rlSteps[low:high], c.episodes[low:high], c.envSteps[low:high]
	}
	return c
}
