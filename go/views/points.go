package views

import (
	"context"
	"fmt"
	"math"
	"sort"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Limits of a page of points.
const (
	defaultPoints = 250_000
	maxPoints     = 1_000_000
)

// ListPoints gives every point of a run, a page at a time.
func (s *Service) ListPoints(
	_ context.Context, request *connect.Request[pb.ListPointsRequest],
) (*connect.Response[pb.ListPointsResponse], error) {
	r := request.Msg
	run, err := s.findRun(r.GetRun())
	if err != nil {
		return nil, err
	}
	at, err := parsePointsPlace(r.ResumeToken)
	if err != nil {
		return nil, err
	}
	page := pointsPage{points: run.points, left: defaultPoints}
	if r.GetMaxPoints() > 0 {
		page.left = min(int(r.GetMaxPoints()), maxPoints)
	}
	next, err := page.fill(at)
	if err != nil {
		return nil, s.queries.Status(err)
	}
	answer := &pb.ListPointsResponse{Series: page.series}
	if next != nil {
		token := next.token()
		answer.ResumeToken = &token
	}
	return connect.NewResponse(answer), nil
}

// pointsPlace is where a page begins: in a series, or one in an environment, behind
// some of its points at one step. Points that come meanwhile do not move it.
type pointsPlace struct {
	series int    // how many are before it
	env    uint32 // 0: ordinary points
	step   uint64 // rl_step in an environment; 0 of a series whose steps only grow
	skip   int    // points at that step; of a series whose steps only grow: all before
}

const pointsToken = "%d.%d.%d.%d"

func (p pointsPlace) token() string { return fmt.Sprintf(pointsToken, p.series, p.env, p.step, p.skip) }

func parsePointsPlace(token *string) (p pointsPlace, err error) {
	if token == nil {
		return p, nil
	}
	_, err = fmt.Sscanf(*token, pointsToken, &p.series, &p.env, &p.step, &p.skip)
	if err != nil || p.series < 0 || p.skip < 0 || p.token() != *token {
		return p, invalid("resume_token %q was not given by this server", *token)
	}
	return p, nil
}

// pointsPage is a page that is being filled.
type pointsPage struct {
	points *store.Run
	left   int // room for so many points
	series []*pb.PointsOfSeries
}

// fill takes points from a place on; next is where the page behind begins.
func (p *pointsPage) fill(at pointsPlace) (next *pointsPlace, err error) {
	infos, envs := p.points.SeriesInfos(), p.points.Environments()
	for ; at.series < len(infos); at = (pointsPlace{series: at.series + 1}) {
		info := infos[at.series]
		if at.env == 0 && info.Standard {
			if next, err = p.ordinary(info, at); next != nil || err != nil {
				return next, err
			}
		}
		if at.env == 0 {
			at = pointsPlace{series: at.series, env: 1}
		}
		for ; info.RL && int(at.env) <= len(envs); at = (pointsPlace{series: at.series, env: at.env + 1}) {
			if next, err = p.inEnvironment(info, envs[at.env-1], at); next != nil || err != nil {
				return next, err
			}
		}
	}
	return nil, nil //nolint:nilnil // no page behind, no error
}

func (p *pointsPage) ordinary(info store.SeriesInfo, at pointsPlace) (next *pointsPlace, err error) {
	if info.Ordered() {
		return p.ordered(info, at)
	}
	points, err := p.points.Points(info.No, at.step, math.MaxUint64)
	if err != nil {
		return nil, err
	}
	from, to, next := p.cut(points.Steps, at)
	p.addOrdinary(info, points, from, to)
	return next, nil
}

// ordered reads no more of a series than the page has room for.
func (p *pointsPage) ordered(info store.SeriesInfo, at pointsPlace) (next *pointsPlace, err error) {
	var points store.Columns
	end := uint64(at.skip + p.left)
	if err := p.points.PointsAt(&points, info.No, uint64(at.skip), end, true); err != nil {
		return nil, err
	}
	p.addOrdinary(info, points, 0, len(points.Steps))
	if end < info.Count {
		at.skip = int(end)
		return &at, nil
	}
	return nil, nil //nolint:nilnil // it ends here, no error
}

func (p *pointsPage) inEnvironment(info store.SeriesInfo, env store.EnvInfo, at pointsPlace) (next *pointsPlace, err error) {
	points, err := p.points.RLPoints(info.No, env.No, store.RLRange{RLStep: &store.Range{From: at.step, To: math.MaxUint64}})
	if err != nil {
		return nil, err
	}
	from, to, next := p.cut(points.RLSteps, at)
	if from == to {
		return next, nil
	}
	of := p.add(info, points.EnvSteps[from:to], points.Values[from:to], points.Times[from:to])
	of.Environment = &env.ID
	of.RlSteps, of.Episodes = column(points.RLSteps[from:to], itself), column(points.Episodes[from:to], itself)
	if points.HasEpisode != nil {
		of.HasEpisode = flagColumn(points.HasEpisode[from:to])
	}
	return next, nil
}

// cut says which points behind a place the page has room for, and where it goes on when
// that is not all. They are by ascending step, and begin with those at that of the place.
func (p *pointsPage) cut(steps []uint64, at pointsPlace) (from, to int, next *pointsPlace) {
	from = min(at.skip, stepsUpTo(steps, at.step))
	to = min(len(steps), from+p.left)
	if to == len(steps) {
		return from, to, nil
	}
	at.step = steps[to]
	at.skip = to - sort.Search(to, func(i int) bool { return steps[i] >= at.step })
	return from, to, &at
}

func stepsUpTo(steps []uint64, step uint64) int {
	return sort.Search(len(steps), func(i int) bool { return steps[i] > step })
}

func (p *pointsPage) addOrdinary(info store.SeriesInfo, points store.Columns, from, to int) {
	if from < to {
		p.add(info, points.Steps[from:to], points.Values[from:to], points.Times[from:to])
	}
}

func (p *pointsPage) add(info store.SeriesInfo, steps []uint64, values []float64, times []int64) *pb.PointsOfSeries {
	of := &pb.PointsOfSeries{
		MetricName: info.Key.Name, Scale: info.Key.Scale, Labels: labelsOf(info.Key),
		Steps: column(steps, itself), Values: floatColumn(values), Timestamps: column(times, func(t int64) int64 { return t }),
	}
	p.series = append(p.series, of)
	p.left -= len(values)
	return of
}
