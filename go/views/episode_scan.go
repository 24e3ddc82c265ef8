package views

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// maxScanned is how many metrics are worked out for every episode on the way.
const maxScanned = 4

// episodeRow is one episode of an environment, of all RL series together.
type episodeRow struct {
	rank                    int // of the environment among all by id
	env                     uint32
	episode                 uint64
	firstRLStep, lastRLStep uint64
	envSteps, totalEnvSteps uint64 // of the environment so far, when the scan has totals
	firstTime, lastTime     int64
	restarts                uint64
	values                  [maxScanned]float64 // of the scan's metrics
}

func (r *episodeRow) add(s store.EpisodeSum) {
	r.firstRLStep, r.lastRLStep = min(r.firstRLStep, s.FirstRLStep), max(r.lastRLStep, s.LastRLStep)
	r.envSteps = max(r.envSteps, s.EnvSteps)
	r.firstTime, r.lastTime = min(r.firstTime, s.FirstTime), max(r.lastTime, s.LastTime)
	r.restarts = max(r.restarts, s.Attempt)
}

// episodeScan goes over the episodes of a run, some environments at a time, so
// that they are never all in memory.
type episodeScan struct {
	points   query.RLPoints
	envs     environments
	only     []uint32 // numbers of environments; nil: all
	episodes store.Range
	rlSteps  store.Range
	totals   bool             // rows have the env steps of the environment so far
	metrics  []*episodeMetric // worked out for each row
	ranges   []numberRange
}

// numberRange is where a row's number of a metric has to lie.
type numberRange struct {
	limits

	metric int // among the scan's
}

// limits are a stretch of numbers; both ends belong to it, NaN lies in none.
type limits struct{ from, to float64 }

// parseLimits reads the limits of a field of a request; nil is no limit.
func parseLimits(field string, from, to *float64) (limits, error) {
	l := limits{math.Inf(-1), math.Inf(1)}
	if from != nil {
		l.from = *from
	}
	if to != nil {
		l.to = *to
	}
	if !(l.from <= l.to) {
		return l, invalid("%s goes from %v to %v", field, l.from, l.to)
	}
	return l, nil
}

func (l limits) hold(v float64) bool { return v >= l.from && v <= l.to }

// use has a metric worked out for each row; its place among the row's values comes back.
func (s *episodeScan) use(m *episodeMetric) (int, error) {
	if place := slices.Index(s.metrics, m); place >= 0 {
		return place, nil
	}
	if len(s.metrics) == maxScanned {
		return 0, invalid("episodes are ordered or chosen by more than %d metrics", maxScanned)
	}
	s.metrics = append(s.metrics, m)
	return len(s.metrics) - 1, nil
}

// within keeps the episodes whose metrics lie in all ranges.
func (s *episodeScan) within(ranges []*pb.MetricRange, metrics []episodeMetric) error {
	for _, r := range ranges {
		if int(r.GetMetric()) >= len(metrics) {
			return invalid("metric_ranges: metric %d is none of the %d metrics", r.GetMetric(), len(metrics))
		}
		place, err := s.use(&metrics[r.GetMetric()])
		if err != nil {
			return err
		}
		limits, err := parseLimits("metric_ranges", r.From, r.To)
		if err != nil {
			return err
		}
		s.ranges = append(s.ranges, numberRange{limits, place})
	}
	return nil
}

// passes tells whether a row is one of those asked for.
func (s *episodeScan) passes(r *episodeRow) bool {
	for _, within := range s.ranges {
		if !within.hold(r.values[within.metric]) {
			return false
		}
	}
	return r.episode >= s.episodes.From && r.lastRLStep >= s.rlSteps.From && r.firstRLStep <= s.rlSteps.To
}

// scanned are the episodes that are gone over; those before the ones asked for are
// only where totals count them.
func (s *episodeScan) scanned() store.Range {
	if s.totals {
		return store.Range{To: s.episodes.To}
	}
	return s.episodes
}

// parts cuts the environments into stretches of numbers.
func (s *episodeScan) parts() [][2]uint32 {
	var parts [][2]uint32
	if s.only != nil {
		for _, no := range s.only {
			parts = append(parts, [2]uint32{no, no})
		}
		return parts
	}
	const most = 64
	n := uint32(len(s.envs.ids))
	size := min(max(n/uint32(4*workers.Count()), 1), most)
	for from := uint32(1); from <= n; from += size {
		parts = append(parts, [2]uint32{from, min(from+size-1, n)})
	}
	return parts
}

// rowRoom is memory of rows that were visited, for those of the next environments: a million rows are 120 MB.
type rowRoom struct{ free [][]episodeRow }

// take gives room for n rows.
func (r *rowRoom) take(n int) []episodeRow {
	last := len(r.free) - 1
	if last < 0 || cap(r.free[last]) < n {
		return make([]episodeRow, 0, n)
	}
	rows := r.free[last]
	r.free = r.free[:last]
	return rows
}

func (r *rowRoom) give(rows []episodeRow) {
	if cap(rows) > 0 {
		r.free = append(r.free, rows[:0])
	}
}

// each gives the episodes of every environment that pass, several environments at
// a time: worker tells the calls apart that go side by side. The rows are the visitor's until it returns.
func (s *episodeScan) each(visit func(worker int, rows []episodeRow)) error {
	// In the order in which a metric takes its series together.
	series := slices.DeleteFunc(query.All().Of(s.points), func(info store.SeriesInfo) bool { return !info.RL })
	rooms := make([]rowRoom, workers.Count())
	return s.eachPart(func(worker int, q store.EpisodeQuery) error {
		return s.part(series, q, &rooms[worker], func(rows []episodeRow) { visit(worker, rows) })
	})
}

// eachPart asks about some environments after the other, several times side by side.
func (s *episodeScan) eachPart(ask func(worker int, q store.EpisodeQuery) error) error {
	parts := s.parts()
	return workers.Each(workers.Count(), len(parts), func(worker, i int) error {
		return ask(worker, store.EpisodeQuery{FirstEnv: parts[i][0], LastEnv: parts[i][1], Within: s.scanned()})
	})
}

func (s *episodeScan) part(series []store.SeriesInfo, q store.EpisodeQuery, room *rowRoom, visit func(rows []episodeRow)) error {
	rows := make([][]episodeRow, q.LastEnv-q.FirstEnv+1)
	values := make([][][]episodeValue, len(s.metrics)) // by metric and environment
	for k := range values {
		values[k] = make([][]episodeValue, len(rows))
	}
	for _, info := range series {
		takes := func(m *episodeMetric) bool { return m.takes(info) }
		q.Values = slices.ContainsFunc(s.metrics, takes)
		envs, err := s.points.EpisodeSums(info.No, q)
		if err != nil {
			return err
		}
		for _, of := range envs {
			i := of.Env - q.FirstEnv
			rows[i] = s.merge(rows[i], of, room)
			for k, m := range s.metrics {
				if m.takes(info) {
					values[k][i] = mergeValues(values[k][i], of.Episodes)
				}
			}
		}
		store.ReleaseEpisodes(envs)
	}
	for i, of := range rows {
		for k, m := range s.metrics {
			m.fill(of, k, values[k][i])
		}
		if s.totals {
			addUp(of)
		}
		visit(slices.DeleteFunc(of, func(r episodeRow) bool { return !s.passes(&r) }))
		room.give(of)
	}
	return nil
}

// addUp gives the rows of an environment their totals.
func addUp(rows []episodeRow) {
	total := uint64(0)
	for i := range rows {
		total += rows[i].envSteps
		rows[i].totalEnvSteps = total
	}
}

// merge adds the sums of another series to the rows of an environment; both ascend.
func (s *episodeScan) merge(rows []episodeRow, of store.EnvEpisodes, room *rowRoom) []episodeRow {
	if sameEpisodes(rows, of.Episodes) {
		for i, sum := range of.Episodes {
			rows[i].add(sum)
		}
		return rows
	}
	all := rows
	out := room.take(max(len(rows), len(of.Episodes)))
	for _, sum := range of.Episodes {
		for len(rows) > 0 && rows[0].episode < sum.Episode {
			out, rows = append(out, rows[0]), rows[1:]
		}
		row := episodeRow{
			rank: s.envs.rank[of.Env-1], env: of.Env, episode: sum.Episode,
			firstRLStep: math.MaxUint64, firstTime: math.MaxInt64, lastTime: math.MinInt64,
		}
		if len(rows) > 0 && rows[0].episode == sum.Episode {
			row, rows = rows[0], rows[1:]
		}
		row.add(sum)
		out = append(out, row)
	}
	out = append(out, rows...)
	room.give(all)
	return out
}

func sameEpisodes(rows []episodeRow, sums []store.EpisodeSum) bool {
	return slices.EqualFunc(rows, sums, func(r episodeRow, s store.EpisodeSum) bool { return r.episode == s.Episode })
}

// fill gives rows their value at a place; both ascend.
func (m *episodeMetric) fill(rows []episodeRow, place int, values []episodeValue) {
	for i := range rows {
		for len(values) > 0 && values[0].episode < rows[i].episode {
			values = values[1:]
		}
		rows[i].values[place] = m.none()
		if len(values) > 0 && values[0].episode == rows[i].episode {
			rows[i].values[place] = m.of(values[0])
		}
	}
}

// none is the number of an episode without points.
func (m *episodeMetric) none() float64 {
	if m.reduction == pb.Reduction_REDUCTION_COUNT {
		return 0
	}
	return math.NaN()
}
