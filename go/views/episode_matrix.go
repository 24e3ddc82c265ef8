package views

import (
	"context"
	"math"
	"slices"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// Limits of matrices.
const (
	defaultRows    = 256
	defaultColumns = 512
	maxSide        = 4096
)

// GetEpisodeMatrix gives a metric of all episodes of all environments as a matrix.
func (s *Service) GetEpisodeMatrix(
	_ context.Context, request *connect.Request[pb.GetEpisodeMatrixRequest],
) (*connect.Response[pb.GetEpisodeMatrixResponse], error) {
	r := request.Msg
	rows, err := sideOf("max_rows", r.GetMaxRows(), defaultRows)
	if err != nil {
		return nil, err
	}
	columns, err := sideOf("max_columns", r.GetMaxColumns(), defaultColumns)
	if err != nil {
		return nil, err
	}
	run, err := s.findRLRun(r.GetRun(), r.GetIncludeInherited())
	if err != nil {
		return nil, err
	}
	metric, err := parseEpisodeMetric(run.points, r.GetMetric())
	if err != nil {
		return nil, err
	}
	scan, err := parseScan(run, r.GetEnvironments(), r.GetEpisodes(), nil)
	if err != nil {
		return nil, err
	}
	lines, err := scan.lines(&metric)
	if err != nil {
		return nil, s.queries.Status(err)
	}
	return connect.NewResponse(newMatrix(lines, rows, columns).encode(scan.envs)), nil
}

func sideOf(field string, size uint32, usual int) (int, error) {
	if size > maxSide {
		return 0, invalid("%s %d is above %d", field, size, maxSide)
	}
	if size == 0 {
		return usual, nil
	}
	return int(size), nil
}

// line is the finite numbers of one environment by episode.
type line struct {
	rank     int
	episodes []uint64
	numbers  []float64
}

// lines reads the environments that have a finite number, by id.
func (s *episodeScan) lines(m *episodeMetric) ([]line, error) {
	parts := make([][]line, workers.Count())
	err := s.eachPart(func(worker int, q store.EpisodeQuery) error {
		values, err := m.values(s.points, q)
		for i, of := range values {
			l := line{rank: s.envs.rank[int(q.FirstEnv)-1+i]}
			for _, v := range of {
				if number := m.of(v); number-number == 0 {
					l.episodes, l.numbers = append(l.episodes, v.episode), append(l.numbers, number)
				}
			}
			if len(l.numbers) > 0 {
				parts[worker] = append(parts[worker], l)
			}
		}
		return err
	})
	lines := slices.Concat(parts...)
	slices.SortFunc(lines, func(a, b line) int { return a.rank - b.rank })
	return lines, err
}

// matrix is lines in bins.
type matrix struct {
	lines            []line
	first            uint64 // episode
	rows, columns    bins
	counts           []float64
	means, low, high []float64
}

func newMatrix(lines []line, rows, columns int) *matrix {
	m := &matrix{lines: lines}
	if len(lines) == 0 {
		return m
	}
	first, last := uint64(math.MaxUint64), uint64(0)
	for _, l := range lines {
		first, last = min(first, l.episodes[0]), max(last, l.episodes[len(l.episodes)-1])
	}
	m.first = first
	m.rows, m.columns = binsOf(uint64(len(lines)), rows), binsFrom(first, last, columns)
	cells := m.rows.count * m.columns.count
	m.counts = make([]float64, cells)
	nothing := slices.Repeat([]float64{math.NaN()}, cells)
	m.means, m.low, m.high = nothing, slices.Clone(nothing), slices.Clone(nothing)
	for i, l := range lines {
		m.add(m.rows.of(uint64(i)), l)
	}
	return m
}

func (m *matrix) add(row int, l line) {
	for k, episode := range l.episodes {
		at, v := row*m.columns.count+m.columns.of(episode-m.first), l.numbers[k]
		m.counts[at]++
		if n := m.counts[at]; n == 1 {
			m.means[at], m.low[at], m.high[at] = v, v, v
		} else {
			m.means[at] += v/n - m.means[at]/n
			m.low[at], m.high[at] = min(m.low[at], v), max(m.high[at], v)
		}
	}
}

func (m *matrix) encode(envs environments) *pb.GetEpisodeMatrixResponse {
	answer := &pb.GetEpisodeMatrixResponse{Means: floatColumn(m.means)}
	var counts, firsts []uint64
	for row := range m.rows.count {
		start := m.rows.start(row)
		answer.Environments = append(answer.Environments, envs.ids[m.lines[start].rank])
		counts = append(counts, m.rows.start(row+1)-start)
	}
	for column := range m.columns.count {
		firsts = append(firsts, m.first+m.columns.start(column))
	}
	answer.EnvironmentCounts, answer.FirstEpisodes = column(counts, itself), column(firsts, itself)
	if len(m.lines) > 0 {
		answer.LastEpisode = m.first + m.columns.n - 1
	}
	if uint64(m.rows.count) < m.rows.n || uint64(m.columns.count) < m.columns.n {
		answer.Minima, answer.Maxima = floatColumn(m.low), floatColumn(m.high)
	}
	return answer
}
