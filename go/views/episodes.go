package views

import (
	"context"
	"math"
	"slices"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// Limits of listings of episodes.
const (
	defaultEpisodes = 100
	maxEpisodes     = 1000
	maxMetrics      = 32
)

// ListEpisodes gives a page of the episodes of a run.
func (s *Service) ListEpisodes(
	_ context.Context, request *connect.Request[pb.ListEpisodesRequest],
) (*connect.Response[pb.ListEpisodesResponse], error) {
	r := request.Msg
	l, err := s.parseListing(r)
	if err != nil {
		return nil, err
	}
	page, more, err := l.page()
	if err != nil {
		return nil, s.queries.Status(err)
	}
	answer, err := l.encode(page)
	if err != nil {
		return nil, s.queries.Status(err)
	}
	if more {
		last := page.rows[len(page.rows)-1]
		answer.NextPageToken = episodeToken(r, last, l.scan.envs.ids[last.rank])
	}
	return connect.NewResponse(answer), nil
}

// episodeListing is a request for a page, read.
type episodeListing struct {
	run     rlRun
	paths   []string // of attributes
	scan    episodeScan
	metrics []episodeMetric
	order   episodeOrder
	after   *episodePlace
	limit   int
}

func (s *Service) parseListing(r *pb.ListEpisodesRequest) (*episodeListing, error) {
	run, err := s.findRLRun(r.GetRun(), r.GetIncludeInherited())
	if err != nil {
		return nil, err
	}
	l := &episodeListing{run: run, paths: r.GetAttributePaths(), limit: int(r.GetLimit())}
	if l.limit == 0 {
		l.limit = defaultEpisodes
	}
	if l.limit > maxEpisodes {
		return nil, invalid("limit %d is above %d", r.GetLimit(), maxEpisodes)
	}
	if l.metrics, err = parseEpisodeMetrics(run.points, r.GetMetrics(), maxMetrics); err != nil {
		return nil, err
	}
	if l.scan, err = parseScan(run, r.GetEnvironments(), r.GetEpisodes(), r.GetRlSteps()); err != nil {
		return nil, err
	}
	if l.order, err = parseEpisodeOrder(r.GetOrder(), len(l.metrics)); err != nil {
		return nil, err
	}
	l.scan.totals = l.order.column == pb.EpisodeColumn_EPISODE_COLUMN_TOTAL_ENV_STEPS
	if l.order.byMetric() { // rows are ordered by the first value
		l.scan.metrics = []*episodeMetric{&l.metrics[r.GetOrder().GetMetric()]}
	}
	if err = l.scan.within(r.GetMetricRanges(), l.metrics); err != nil {
		return nil, err
	}
	l.after, err = l.order.placeOf(r, l.scan.envs)
	return l, err
}

func parseScan(run rlRun, ids []string, episodes, rlSteps *pb.IndexRange) (scan episodeScan, err error) {
	scan = episodeScan{points: run.points, envs: environmentsOf(run.points)}
	if len(ids) > 0 {
		if scan.only, err = scan.envs.named(run.run.Name, ids); err != nil {
			return scan, err
		}
	}
	if scan.episodes, err = rangeOf("episodes", episodes); err != nil {
		return scan, err
	}
	scan.rlSteps, err = rangeOf("rl_steps", rlSteps)
	return scan, err
}

func rangeOf(field string, r *pb.IndexRange) (store.Range, error) {
	within := store.Range{From: r.GetFrom(), To: math.MaxUint64}
	if r != nil && r.To != nil {
		within.To = r.GetTo()
	}
	if within.From > within.To {
		return within, invalid("%s goes from %d to %d", field, within.From, within.To)
	}
	return within, nil
}

// page finds the rows of the page, and whether there are more behind.
func (l *episodeListing) page() (page firstRows, more bool, err error) {
	parts := make([]firstRows, workers.Count())
	for i := range parts {
		parts[i] = firstRows{order: l.order, after: l.after, limit: l.limit + 1}
	}
	err = l.scan.each(func(worker int, rows []episodeRow) { parts[worker].take(rows) })
	if err != nil {
		return page, false, err
	}
	page = joinFirst(parts)
	if more = len(page.rows) > l.limit; more {
		page.rows = page.rows[:l.limit]
	}
	return page, more, nil
}

func (l *episodeListing) encode(page firstRows) (*pb.ListEpisodesResponse, error) {
	rows := page.rows
	answer := &pb.ListEpisodesResponse{
		Episodes:     column(rows, func(r placedRow) uint64 { return r.row.episode }),
		FirstRlSteps: column(rows, func(r placedRow) uint64 { return r.row.firstRLStep }),
		LastRlSteps:  column(rows, func(r placedRow) uint64 { return r.row.lastRLStep }),
		EnvSteps:     column(rows, func(r placedRow) uint64 { return r.row.envSteps }),
		FirstTimes:   column(rows, func(r placedRow) int64 { return r.row.firstTime }),
		LastTimes:    column(rows, func(r placedRow) int64 { return r.row.lastTime }),
		Restarts:     column(rows, func(r placedRow) uint64 { return r.row.restarts }),
		TotalCount:   page.total,
	}
	var ranks []int
	for _, r := range rows {
		ranks = append(ranks, r.rank)
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	for _, rank := range ranks {
		answer.Environments = append(answer.Environments, l.scan.envs.ids[rank])
	}
	answer.EnvironmentIndexes = column(rows, func(r placedRow) uint64 {
		i, _ := slices.BinarySearch(ranks, r.rank)
		return uint64(i)
	})
	for i := range l.metrics {
		found, err := l.numbersOf(&l.metrics[i], rows)
		if err != nil {
			return nil, err
		}
		answer.Metrics = append(answer.Metrics, floatColumn(found.values))
		answer.LoggedNans = append(answer.LoggedNans, found.loggedNaNs)
	}
	return answer, l.encodeAttributes(answer, rows)
}

func (l *episodeListing) encodeAttributes(answer *pb.ListEpisodesResponse, rows []placedRow) error {
	if len(l.paths) == 0 {
		return nil
	}
	envs := l.run.points.Environments() // by number
	for _, r := range rows {
		attributes, err := query.EpisodeAttributesOf(l.run.run, l.run.points, envs[r.row.env-1], r.row.episode, l.paths)
		if err != nil {
			return err
		}
		answer.Attributes = append(answer.Attributes, &pb.EpisodeAttributes{Attributes: attributes})
	}
	return nil
}

// metricNumbers are the numbers of a metric of the rows of a page.
type metricNumbers struct {
	values     []float64
	loggedNaNs []byte // 1 where the value is NaN though the metric has points in the episode
}

// numbersOf reads the numbers of a metric of the rows of a page: what the scan has not
// worked out yet, and of what came to NaN, why.
func (l *episodeListing) numbersOf(m *episodeMetric, rows []placedRow) (metricNumbers, error) {
	found := metricNumbers{make([]float64, len(rows)), make([]byte, len(rows))}
	known := slices.Index(l.scan.metrics, m)
	var byEnv []int
	for i, r := range rows {
		if known >= 0 {
			found.values[i] = r.row.values[known]
		}
		if known < 0 || math.IsNaN(found.values[i]) {
			byEnv = append(byEnv, i)
		}
	}
	slices.SortFunc(byEnv, func(a, b int) int {
		return episodePlace{0, rows[a].rank, rows[a].episode}.compare(episodePlace{0, rows[b].rank, rows[b].episode})
	})
	var groups [][]int
	for len(byEnv) > 0 {
		n := besideEachOther(rows, byEnv)
		groups, byEnv = append(groups, byEnv[:n]), byEnv[n:]
	}
	return found, workers.Each(workers.Count(), len(groups), func(_, i int) error {
		return m.read(l.scan.points, rows, groups[i], found)
	})
}

// besideEachOther counts the rows of one environment whose episodes are so close
// that they are read together.
func besideEachOther(rows []placedRow, order []int) int {
	const near = 8
	n := 1
	for ; n < len(order); n++ {
		last, next := rows[order[n-1]], rows[order[n]]
		if next.rank != last.rank || next.episode-last.episode > near {
			break
		}
	}
	return n
}

// read gives some rows of one environment, by ascending episode, their numbers.
func (m *episodeMetric) read(points query.RLPoints, rows []placedRow, which []int, numbers metricNumbers) error {
	first, last := &rows[which[0]].row, &rows[which[len(which)-1]].row
	q := store.EpisodeQuery{FirstEnv: first.env, LastEnv: first.env, Within: store.Range{From: first.episode, To: last.episode}}
	found, err := m.values(points, q)
	if err != nil {
		return err
	}
	filled := make([]episodeRow, len(which))
	for i, at := range which {
		filled[i] = rows[at].row
	}
	m.fill(filled, 0, found[0])
	for i, at := range which {
		numbers.values[at] = filled[i].values[0]
		if math.IsNaN(numbers.values[at]) && hasEpisode(found[0], filled[i].episode) {
			numbers.loggedNaNs[at] = 1
		}
	}
	return nil
}
