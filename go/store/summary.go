package store

import "github.com/metrana/metrana/go/point"

// SeriesInfo sums up one series of a run.
type SeriesInfo struct {
	No       uint32
	Key      point.Series
	Ordering point.Ordering

	// The standard points. Of an unordered series Count may count a point twice
	// that a client sent twice.
	Standard            bool
	Count               uint64
	FirstStep, LastStep uint64
	LastTime            int64 // Unix milliseconds
	LastValue           float64
	Late                uint64 // refused because their step was not above the last

	// The RL points, over all environments.
	RL      bool
	RLCount uint64
}

// EnvInfo sums up one environment of a run.
type EnvInfo struct {
	No          uint32
	ID          string
	Points      uint64
	LastRLStep  uint64
	HasEpisode  bool
	LastEpisode uint64
}

// RunStats counts what a run holds.
type RunStats struct {
	Series     int
	Points     uint64
	Late       uint64
	Duplicates uint64
}

// SeriesInfos lists the series of the run in order of their numbers.
func (r *Run) SeriesInfos() []SeriesInfo {
	r.mu.RLock()
	defer r.mu.RUnlock()
	infos := make([]SeriesInfo, len(r.series))
	for i, s := range r.series {
		infos[i] = s.info()
	}
	return infos
}

func (s *series) info() SeriesInfo {
	info := SeriesInfo{No: s.no, Key: s.key, Ordering: s.ordering}
	if s.std != nil {
		std := s.std.std
		info.Standard, info.Late = std.count > 0, std.late
		info.Count, info.FirstStep, info.LastStep = std.count, std.first, std.last
		info.LastTime, info.LastValue = std.lastTime, std.lastValue
	}
	for _, c := range s.envs {
		if c != nil {
			info.RLCount += c.rl.count
		}
	}
	info.RL = info.RLCount > 0
	return info
}

// EnvSeries lists the series that have points in an environment.
func (r *Run) EnvSeries(env uint32) []SeriesInfo {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var infos []SeriesInfo
	for _, s := range r.series {
		if env > 0 && int(env) <= len(s.envs) && s.envs[env-1] != nil && s.envs[env-1].rl.count > 0 {
			infos = append(infos, s.info())
		}
	}
	return infos
}

// Environments lists the environments of the run in order of their numbers.
func (r *Run) Environments() []EnvInfo {
	r.mu.RLock()
	defer r.mu.RUnlock()
	infos := make([]EnvInfo, len(r.environments))
	for i, e := range r.environments {
		infos[i] = EnvInfo{No: e.no, ID: e.id, Points: e.points, LastRLStep: e.lastRLStep}
		if e.lastEpisode > 0 {
			infos[i].HasEpisode, infos[i].LastEpisode = true, e.lastEpisode-1
		}
	}
	return infos
}

// Stats counts what the run holds.
func (r *Run) Stats() RunStats {
	r.mu.RLock()
	defer r.mu.RUnlock()
	stats := RunStats{Series: len(r.series), Points: r.points, Duplicates: r.duplicates}
	for _, s := range r.series {
		if s.std != nil {
			stats.Late += s.std.std.late
		}
	}
	return stats
}
