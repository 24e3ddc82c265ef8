package views

import (
	"cmp"
	"math"
	"slices"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// episodeMetric makes one number of what the series of a query have in an episode.
type episodeMetric struct {
	series    []store.SeriesInfo
	reduction pb.Reduction
}

func parseEpisodeMetric(points query.RLPoints, m *pb.EpisodeMetric) (episodeMetric, error) {
	if _, known := pb.Reduction_name[int32(m.GetReduction())]; !known {
		return episodeMetric{}, invalid("reduction %d is none", m.GetReduction())
	}
	selected, err := query.Select(point.ScaleEpisode, m.GetSeriesQuery())
	if err != nil {
		return episodeMetric{}, err
	}
	out := episodeMetric{reduction: m.GetReduction()}
	for _, info := range selected.Of(points) {
		if !info.RL {
			continue
		}
		out.series = append(out.series, info)
		if out.reduction == pb.Reduction_REDUCTION_UNSPECIFIED {
			out.reduction = pb.Reduction_REDUCTION_MEAN
			if info.Key.Scale == point.ScaleEpisode {
				out.reduction = pb.Reduction_REDUCTION_LAST
			}
		}
	}
	return out, nil
}

func parseEpisodeMetrics(points query.RLPoints, metrics []*pb.EpisodeMetric, most int) ([]episodeMetric, error) {
	if len(metrics) > most {
		return nil, invalid("%d metrics; at most %d may be", len(metrics), most)
	}
	out := make([]episodeMetric, len(metrics))
	for i, m := range metrics {
		var err error
		if out[i], err = parseEpisodeMetric(points, m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// takes tells whether a series is one of the metric's.
func (m *episodeMetric) takes(info store.SeriesInfo) bool {
	return slices.ContainsFunc(m.series, func(of store.SeriesInfo) bool { return of.No == info.No })
}

// episodeValue is what several series have in an episode.
type episodeValue struct {
	episode             uint64
	finite              uint64
	sum, min, max, last float64
}

func (m episodeMetric) of(v episodeValue) float64 {
	switch m.reduction {
	case pb.Reduction_REDUCTION_LAST:
		return v.last
	case pb.Reduction_REDUCTION_COUNT:
		return float64(v.finite)
	}
	if v.finite == 0 {
		return math.NaN()
	}
	switch m.reduction {
	case pb.Reduction_REDUCTION_SUM:
		return v.sum
	case pb.Reduction_REDUCTION_MIN:
		return v.min
	case pb.Reduction_REDUCTION_MAX:
		return v.max
	default:
		// Rounding must not carry the mean past the values.
		return min(max(v.sum/float64(v.finite), v.min), v.max)
	}
}

// hasEpisode tells whether values, by ascending episode, have one of an episode.
func hasEpisode(values []episodeValue, episode uint64) bool {
	_, found := slices.BinarySearchFunc(values, episode, func(v episodeValue, of uint64) int { return cmp.Compare(v.episode, of) })
	return found
}

// isLogged tells whether an environment has points of the metric in any episode.
func (m *episodeMetric) isLogged(points query.RLPoints, env uint32) (bool, error) {
	for _, info := range m.series {
		envs, err := points.EpisodeSums(info.No, store.EpisodeQuery{FirstEnv: env, LastEnv: env, Within: store.Range{To: math.MaxUint64}})
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(envs, func(of store.EnvEpisodes) bool { return len(of.Episodes) > 0 }) {
			return true, nil
		}
	}
	return false, nil
}

// values reads what environments have in episodes, by number of the environment
// less the first; episodes ascend.
func (m episodeMetric) values(points query.RLPoints, q store.EpisodeQuery) ([][]episodeValue, error) {
	out := make([][]episodeValue, q.LastEnv-q.FirstEnv+1)
	q.Values = true
	for _, info := range m.series {
		envs, err := points.EpisodeSums(info.No, q)
		if err != nil {
			return nil, err
		}
		for _, of := range envs {
			i := of.Env - q.FirstEnv
			out[i] = mergeValues(out[i], of.Episodes)
		}
	}
	return out, nil
}

// mergeValues adds the sums of another series to values; both ascend.
func mergeValues(values []episodeValue, sums []store.EpisodeSum) []episodeValue {
	out := make([]episodeValue, 0, max(len(values), len(sums)))
	for _, s := range sums {
		for len(values) > 0 && values[0].episode < s.Episode {
			out, values = append(out, values[0]), values[1:]
		}
		v := episodeValue{s.Episode, s.Finite, s.Sum, s.Min, s.Max, s.Last}
		if len(values) > 0 && values[0].episode == s.Episode {
			before := values[0]
			values = values[1:]
			v.finite += before.finite
			v.sum += before.sum
			v.min, v.max = min(v.min, before.min), max(v.max, before.max)
		}
		out = append(out, v)
	}
	return append(out, values...)
}
