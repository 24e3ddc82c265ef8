package views

import (
	"cmp"
	"context"
	"math"
	"slices"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/query"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// Limits of listings of environments.
const (
	defaultEnvironments = 100
	mostEnvironments    = 1000
)

// ListEnvironments gives a page of the environments of a run.
func (s *Service) ListEnvironments(
	_ context.Context, request *connect.Request[pb.ListEnvironmentsRequest],
) (*connect.Response[pb.ListEnvironmentsResponse], error) {
	r := request.Msg
	l, err := s.parseEnvironments(r)
	if err != nil {
		return nil, err
	}
	rows, err := l.rows()
	if err != nil {
		return nil, s.queries.Status(err)
	}
	answer := &pb.ListEnvironmentsResponse{TotalCount: uint64(len(rows))}
	from := min(r.GetOffset(), uint64(len(rows)))
	page := rows[from:min(from+uint64(l.limit), uint64(len(rows)))]
	if err := l.encode(answer, page); err != nil {
		return nil, s.queries.Status(err)
	}
	if paths := r.GetAttributePaths(); len(paths) > 0 {
		l.encodeAttributes(answer, page, paths)
	}
	return connect.NewResponse(answer), nil
}

// environmentListing is a request for a page, read.
type environmentListing struct {
	scan   episodeScan
	order  []query.ListedEnvironment // those that pass, in the order of an attribute, or by id
	column environmentKey
	down   bool
	limit  int
}

// environmentRow is what the episodes of an environment came to.
type environmentRow struct {
	id                    string
	env                   uint32
	place                 int // in the listing's order
	episodes, lastEpisode uint64
	envSteps              uint64
	restarts              uint64
	lastRLStep            uint64
	lastTime              int64
	numbers               [maxScanned]float64
}

// environmentKey orders rows. A nil one leaves them as they are.
type environmentKey func(r *environmentRow) float64

func (s *Service) parseEnvironments(r *pb.ListEnvironmentsRequest) (*environmentListing, error) {
	l := &environmentListing{limit: int(r.GetLimit()), down: r.GetOrder().GetDescending()}
	if l.limit == 0 {
		l.limit = defaultEnvironments
	}
	if l.limit > mostEnvironments {
		return nil, invalid("limit %d is above %d", l.limit, mostEnvironments)
	}
	run, err := s.findRLRun(r.GetRun(), r.GetIncludeInherited())
	if err != nil {
		return nil, err
	}
	if l.scan, err = parseScan(run, nil, nil, nil); err != nil {
		return nil, err
	}
	metrics, err := parseEpisodeMetrics(run.points, r.GetMetrics(), maxScanned)
	if err != nil {
		return nil, err
	}
	for i := range metrics {
		if _, err := l.scan.use(&metrics[i]); err != nil {
			return nil, err
		}
	}
	if err := l.parseOrder(r.GetOrder(), len(metrics)); err != nil {
		return nil, err
	}
	name, attribute := r.GetRun(), r.GetOrder().GetAttribute()
	byID := attribute == "" && r.GetOrder().GetColumn() <= pb.EnvironmentColumn_ENVIRONMENT_COLUMN_ENVIRONMENT
	if byID && l.down {
		attribute = "environment_id"
	}
	l.order, err = s.queries.ListEnvironments(query.EnvironmentListing{
		Workspace: name.GetWorkspace(), Project: name.GetProject(), Run: name.GetRun(),
		Filter: r.GetFilter(), Attribute: attribute, Descending: l.down, Inherited: r.GetIncludeInherited(),
	})
	return l, err
}

func (l *environmentListing) parseOrder(o *pb.EnvironmentOrder, metrics int) error {
	if o.GetAttribute() != "" {
		return nil
	}
	switch column := o.GetColumn(); column {
	case pb.EnvironmentColumn_ENVIRONMENT_COLUMN_METRIC:
		k := int(o.GetMetric())
		if k >= metrics {
			return invalid("order.metric %d is none of the %d metrics", o.GetMetric(), metrics)
		}
		l.column = func(r *environmentRow) float64 { return r.numbers[k] }
	case pb.EnvironmentColumn_ENVIRONMENT_COLUMN_UNSPECIFIED, pb.EnvironmentColumn_ENVIRONMENT_COLUMN_ENVIRONMENT:
	default:
		if l.column = environmentKeys[column]; l.column == nil {
			return invalid("order.column %d is none", column)
		}
	}
	return nil
}

// Counts and times are below 2⁵³ in practice; beyond, neighbours count as equal.
var environmentKeys = map[pb.EnvironmentColumn]environmentKey{
	pb.EnvironmentColumn_ENVIRONMENT_COLUMN_EPISODES:     func(r *environmentRow) float64 { return float64(r.episodes) },
	pb.EnvironmentColumn_ENVIRONMENT_COLUMN_LAST_EPISODE: func(r *environmentRow) float64 { return float64(r.lastEpisode) },
	pb.EnvironmentColumn_ENVIRONMENT_COLUMN_ENV_STEPS:    func(r *environmentRow) float64 { return float64(r.envSteps) },
	pb.EnvironmentColumn_ENVIRONMENT_COLUMN_RESTARTS:     func(r *environmentRow) float64 { return float64(r.restarts) },
	pb.EnvironmentColumn_ENVIRONMENT_COLUMN_LAST_RL_STEP: func(r *environmentRow) float64 { return float64(r.lastRLStep) },
	pb.EnvironmentColumn_ENVIRONMENT_COLUMN_LAST_TIME:    func(r *environmentRow) float64 { return float64(r.lastTime) },
}

// rows sums up all environments that pass and have episodes, in order.
func (l *environmentListing) rows() ([]environmentRow, error) {
	places := make(map[string]int, len(l.order))
	for i, env := range l.order {
		places[env.ID] = i
	}
	parts := make([][]environmentRow, workers.Count())
	err := l.scan.each(func(worker int, episodes []episodeRow) {
		if len(episodes) == 0 {
			return
		}
		id := l.scan.envs.ids[episodes[0].rank]
		if place, passes := places[id]; passes {
			parts[worker] = append(parts[worker], sumUp(id, place, episodes, len(l.scan.metrics)))
		}
	})
	rows := slices.Concat(parts...)
	slices.SortFunc(rows, l.compare)
	return rows, err
}

// sumUp makes one row of the episodes of an environment, which ascend.
func sumUp(id string, place int, episodes []episodeRow, metrics int) environmentRow {
	last := episodes[len(episodes)-1]
	row := environmentRow{
		id: id, env: last.env, place: place, episodes: uint64(len(episodes)), lastEpisode: last.episode, lastTime: math.MinInt64,
	}
	for i := range row.numbers {
		row.numbers[i] = math.NaN()
	}
	if metrics == 0 {
		row.envSteps = last.envSteps
	}
	for _, e := range episodes {
		row.restarts += e.restarts
		row.lastRLStep, row.lastTime = max(row.lastRLStep, e.lastRLStep), max(row.lastTime, e.lastTime)
		for k := range metrics {
			if v := e.values[k]; finite(v) {
				row.numbers[k] = v
				if k == 0 {
					row.envSteps = e.envSteps
				}
			}
		}
	}
	return row
}

func (l *environmentListing) compare(a, b environmentRow) int {
	if l.column != nil {
		x, y := l.column(&a), l.column(&b)
		switch {
		case math.IsNaN(x) || math.IsNaN(y): // last either way
			if order := boolOrder(math.IsNaN(x), math.IsNaN(y)); order != 0 {
				return order
			}
		case l.down && x != y:
			return cmp.Compare(y, x)
		case x != y:
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(a.place, b.place)
}

// boolOrder puts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (l *environmentListing) encode(answer *pb.ListEnvironmentsResponse, rows []environmentRow) error {
	for _, r := range rows {
		answer.Environments = append(answer.Environments, r.id)
	}
	answer.Episodes = column(rows, func(r environmentRow) uint64 { return r.episodes })
	answer.LastEpisodes = column(rows, func(r environmentRow) uint64 { return r.lastEpisode })
	answer.EnvSteps = column(rows, func(r environmentRow) uint64 { return r.envSteps })
	answer.Restarts = column(rows, func(r environmentRow) uint64 { return r.restarts })
	answer.LastRlSteps = column(rows, func(r environmentRow) uint64 { return r.lastRLStep })
	answer.LastTimes = column(rows, func(r environmentRow) int64 { return r.lastTime })
	for k := range l.scan.metrics {
		numbers := make([]float64, len(rows))
		for i, r := range rows {
			numbers[i] = r.numbers[k]
		}
		answer.Metrics = append(answer.Metrics, floatColumn(numbers))
		loggedNaNs, err := l.loggedNaNs(k, rows)
		if err != nil {
			return err
		}
		answer.LoggedNans = append(answer.LoggedNans, loggedNaNs)
	}
	return nil
}

// loggedNaNs has a 1 where the number of a metric is NaN though the environment has points of it.
func (l *environmentListing) loggedNaNs(metric int, rows []environmentRow) ([]byte, error) {
	found := make([]byte, len(rows))
	return found, workers.Each(workers.Count(), len(rows), func(_, i int) error {
		if !math.IsNaN(rows[i].numbers[metric]) {
			return nil
		}
		logged, err := l.scan.metrics[metric].isLogged(l.scan.points, rows[i].env)
		if logged {
			found[i] = 1
		}
		return err
	})
}

func (l *environmentListing) encodeAttributes(answer *pb.ListEnvironmentsResponse, rows []environmentRow, paths []string) {
	for _, r := range rows {
		answer.Attributes = append(answer.Attributes, &pb.EnvironmentAttributes{Attributes: l.order[r.place].Pick(paths)})
	}
}
