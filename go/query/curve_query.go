package query

import (
	"math"
	"sync/atomic"

	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/workers"
)

// Along is the axis that curves go along.
type Along int

// The axes. RL points have all but the first, standard points the first and times.
const (
	AlongSteps Along = iota
	AlongRLSteps
	AlongEpisodes
	AlongEnvSteps     // within an episode
	AlongTotalSteps   // of the environment, over all episodes
	AlongRelativeTime // milliseconds since the run was created
	AlongTime         // milliseconds since 1970
)

func (a Along) ofTime() bool { return a == AlongRelativeTime || a == AlongTime }

// number gives an x of this axis as what it stands for.
func (a Along) number(x uint64) float64 {
	if a.ofTime() {
		return float64(int64(x ^ signBit))
	}
	return float64(x)
}

// CurveQuery selects series of runs as curves, for services beside this one.
type CurveQuery struct {
	Workspace, Project string
	Runs               []string
	Series             []string // queries; without a scale they mean every one, or ML_STEP where standard points are meant, too
	// Environments gives each environment a curve of its own; without, all
	// environments of a run make up one.
	Environments    []string
	EachEnvironment bool // every environment has a curve of its own
	Inherited       bool // puts what a forked run inherits before its own
	Along           Along
	From, To        *int64 // along the axis; both ends belong to it
	// Points are what RL points must lie in.
	Points store.RLRange
	// KeepsBuckets leaves the first buckets of curves out of an answer that goes on from another, where they are as they were.
	KeepsBuckets bool
}

// Curves are those that a query selected, by run and series as the queries of
// QueryService give them, then by environment as named.
type Curves struct {
	along Along
	list  []curve
}

// Len is how many there are.
func (c Curves) Len() int { return len(c.list) }

// Curves selects curves. Those without points in the range are left out.
func (s *Service) Curves(q CurveQuery) (Curves, error) {
	list, err := s.curvesAlong(q)
	if err != nil {
		return Curves{}, s.failed(err)
	}
	return Curves{q.Along, list}, nil
}

func (s *Service) curvesAlong(q CurveQuery) ([]curve, error) {
	within, err := q.within()
	if err != nil {
		return nil, err
	}
	if q.Along == AlongSteps {
		if q.byEnvironment() {
			return nil, invalid("environments have no points along steps; ask along rl_steps, episodes, env steps or time")
		}
		return s.selectCurves(curveRequest{q, within})
	}
	p, err := s.parsePoints(curveRequest{q, stepCut{to: math.MaxUint64}})
	if err != nil {
		return nil, err
	}
	var curves []curve
	reading := &curveReading{CurveQuery: q, within: within, memory: &s.pooled}
	reading.room.Store(s.keptPoints)
	for _, run := range p.runs {
		if q.Along.ofTime() && !q.byEnvironment() {
			columns, err := s.readRun(run, p)
			if err != nil {
				return nil, err
			}
			for _, c := range columns {
				if c = within.apply(c.alongTime(q.start(run))); len(c.xs) > 0 {
					curves = append(curves, c)
				}
			}
		}
		ofRL, err := run.rlCurves(reading, p.selected)
		if err != nil {
			return nil, err
		}
		curves = append(curves, ofRL...)
	}
	return curves, nil
}

func (q CurveQuery) byEnvironment() bool { return q.EachEnvironment || len(q.Environments) > 0 }

// start is the time from which times of a run count.
func (q CurveQuery) start(run runPoints) int64 {
	if q.Along == AlongRelativeTime {
		return run.Created.UnixMilli()
	}
	return 0
}

func (q CurveQuery) within() (stepCut, error) {
	cut := stepCut{to: math.MaxUint64}
	if q.From != nil && q.To != nil && *q.From > *q.To {
		return cut, invalid("the range goes from %d to %d", *q.From, *q.To)
	}
	place := func(x int64) uint64 { return uint64(max(x, 0)) }
	if q.Along.ofTime() {
		place = func(x int64) uint64 { return uint64(x) ^ signBit }
	} else if q.To != nil && *q.To < 0 {
		return cut, invalid("the range ends at %d, before the axis begins", *q.To)
	}
	if q.From != nil {
		cut.from = place(*q.From)
	}
	if q.To != nil {
		cut.to = place(*q.To)
	}
	return cut, nil
}

// curveRequest asks as requests for standard points do.
type curveRequest struct {
	CurveQuery

	cut stepCut
}

func (r curveRequest) GetWorkspace() string       { return r.Workspace }
func (r curveRequest) GetProject() string         { return r.Project }
func (r curveRequest) GetRunNames() []string      { return r.Runs }
func (r curveRequest) GetSeriesQueries() []string { return r.Series }
func (r curveRequest) GetIncludeInherited() bool  { return r.Inherited }
func (r curveRequest) GetStepSelection() *pb.StepSelection {
	return &pb.StepSelection{Selection: &pb.StepSelection_StepRange{
		StepRange: &pb.StepRange{FromStep: &r.cut.from, ToStep: &r.cut.to},
	}}
}

// curveReading is a question about curves while it is answered.
type curveReading struct {
	CurveQuery

	within stepCut
	room   atomic.Int64 // for points
	memory *pooledMemory
}

// rlCurves are the RL points of the selected series of a run.
func (r runPoints) rlCurves(q *curveReading, selected selector) ([]curve, error) {
	points, err := r.rlPoints(q.Inherited, q.Along == AlongTotalSteps)
	if err != nil {
		return nil, err
	}
	envs, err := curveEnvironments(r.Name, points, q.Environments)
	if err != nil || len(envs) == 0 {
		return nil, err
	}
	infos := selected.ofAnyScale
	if q.Along.ofTime() && !q.byEnvironment() { // beside standard points
		infos = selected.of
	}
	var curves []curve
	for _, info := range infos(points) {
		if !info.RL {
			continue
		}
		if selected.reduces() {
			return nil, invalid("series %q has RL points, which are not reduced over labels here", info.Key.Name)
		}
		of, err := r.curvesOf(q, points, info, envs)
		if err != nil {
			return nil, err
		}
		curves = append(curves, of...)
	}
	return curves, nil
}

// curvesOf are the curves of one series: of each environment, or of all together. What a
// fork inherits is put before its own points, which takes reading them; others stay in
// the store.
func (r runPoints) curvesOf(q *curveReading, points RLPoints, info store.SeriesInfo, envs []store.EnvInfo) (of []curve, err error) {
	if points == RLPoints(r.points) {
		if !q.byEnvironment() {
			return r.storedPool(q, info, envs)
		}
		return r.storedEnvironments(q, info, envs)
	}
	if of, err = r.readEnvironments(q, points, info, envs); q.byEnvironment() || len(of) == 0 {
		return of, err
	}
	return []curve{pooled{column: column{run: r.Name, key: info.Key}, members: of}}, err
}

// curveEnvironments are those named, or all by id.
func curveEnvironments(run string, points RLPoints, ids []string) ([]store.EnvInfo, error) {
	if len(ids) == 0 {
		return sortedByID(environmentsWithPoints(points)), nil
	}
	return pickEnvironments(run, points, ids)
}

// readEnvironments are a series in each environment, several read at a time; environments
// without points in the range are left out.
func (r runPoints) readEnvironments(q *curveReading, from RLPoints, info store.SeriesInfo, envs []store.EnvInfo) ([]curve, error) {
	return curveOfEach(envs, func(env store.EnvInfo) (curve, error) {
		read := func() (column, error) { return r.readEnvironment(q, from, info, env) }
		points, err := read()
		if err != nil || len(points.xs) == 0 {
			return nil, err
		}
		return keptOrRead(points, &q.room, read), nil
	})
}

// curveOfEach makes curves of environments, several at a time; those that are nil are left out.
func curveOfEach(envs []store.EnvInfo, of func(env store.EnvInfo) (curve, error)) ([]curve, error) {
	curves := make([]curve, len(envs))
	err := workers.Parts(workers.Count(), len(envs), func(_, first, last int) (err error) {
		for i := first; i < last && err == nil; i++ {
			curves[i], err = of(envs[i])
		}
		return err
	})
	return keep(curves, func(c curve) bool { return c != nil }), err
}

func (r runPoints) readEnvironment(q *curveReading, from RLPoints, info store.SeriesInfo, env store.EnvInfo) (column, error) {
	points, err := from.RLPoints(info.No, env.No, q.Points)
	c := column{run: r.Name, key: info.Key, env: env.ID}
	return q.within.apply(c.along(q.CurveQuery, r, points)), err
}

// along places RL points on an axis, in ascending order.
func (c column) along(q CurveQuery, r runPoints, points store.RLColumns) column {
	c.xs, c.values, c.times = points.RLSteps, points.Values, points.Times
	switch q.Along {
	case AlongEnvSteps:
		c.xs = points.EnvSteps
	case AlongTotalSteps:
		c.xs = points.TotalSteps
	case AlongEpisodes:
		c.xs = points.Episodes
		if points.HasEpisode != nil {
			c = c.only(points.HasEpisode)
		}
	case AlongRelativeTime, AlongTime:
		timed := c.alongTime(q.start(r))
		timed.env, timed.steps = c.env, nil
		return timed
	}
	return c.ascending()
}

// only keeps some points.
func (c column) only(wanted []bool) column {
	kept := column{run: c.run, key: c.key, env: c.env}
	for i, wants := range wanted {
		if wants {
			kept.xs, kept.values, kept.times = append(kept.xs, c.xs[i]), append(kept.values, c.values[i]), append(kept.times, c.times[i])
		}
	}
	return kept
}

// Points are a curve's, by x; several may have one x.
type Points struct {
	Identity

	Xs, Values []float64
}

// MostPoints is how many points the i-th curve may have, which does not read them.
func (c Curves) MostPoints(i int) uint64 { return c.list[i].most() }

// Points reads the points of the i-th curve.
func (c Curves) Points(i int) (Points, error) {
	of, err := c.list[i].points()
	if err != nil {
		return Points{}, err
	}
	xs := make([]float64, len(of.xs))
	for k, x := range of.xs {
		xs[k] = c.along.number(x)
	}
	return Points{of.identity(), xs, of.values}, nil
}

// Identity says what a curve is of.
type Identity struct {
	Run         string
	Environment string // empty: all, or none
	Definition  *common.SeriesDefinition
}

func (c column) identity() Identity { return Identity{c.run, c.env, c.definition()} }
