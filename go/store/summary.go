package store

import "github.com/metrana/metrana/go/point"

// SeriesInfo sums up a series.
type SeriesInfo struct {
	No       uint32
	Key      point.Series
	Identity string // of Key, by which series are listed
	Ordering point.Ordering
	Standard bool // has standard points, which the fields below sum up
	RL       bool // has RL points in any environment, or in the one asked for

	Count               uint64 // as logged; unordered points written twice count twice
	FirstStep, LastStep uint64 // lowest and highest
	LastTime            int64  // Unix milliseconds, at LastStep
	Late                uint64 // refused because their step was not above the last
	Summary             Summary

	// HasOther holds when a value was NaN or infinite, the first at FirstOther.
	HasOther   bool
	FirstOther uint64 // step

	RLCount uint64 // RL points, those that restarts discarded included
}

// Ordered tells whether the series is one whose steps only grow.
func (i SeriesInfo) Ordered() bool { return i.Ordering != point.Unordered }

// Summary sums up values as they were logged: one that was overwritten counts as
// well. Those that are not finite count nowhere but as First and Last.
type Summary struct {
	First, Last float64 // at the lowest and at the highest step
	Finite      uint64  // the fields below sum up these
	Sum         float64
	Min, Max    float64
	Mean, M2    float64 // M2: sum of the squared distances from the mean
}

// Join takes in the summary of other values, all but First and Last, which only who
// knows the steps can tell (Chan, Golub and LeVeque 1979).
func (s *Summary) Join(more *Summary) {
	if more.Finite == 0 {
		return
	}
	if s.Finite == 0 {
		s.Finite, s.Sum, s.Min, s.Max, s.Mean, s.M2 = more.Finite, more.Sum, more.Min, more.Max, more.Mean, more.M2
		return
	}
	before, n, delta := float64(s.Finite), float64(more.Finite), more.Mean-s.Mean
	s.Finite += more.Finite
	all := float64(s.Finite)
	s.M2 += more.M2 + delta*delta*before*n/all
	s.Mean += delta * n / all
	s.Sum += more.Sum
	s.Min, s.Max = min(s.Min, more.Min), max(s.Max, more.Max)
}

// EnvInfo sums up an environment over all series.
type EnvInfo struct {
	No     uint32
	ID     string
	Points uint64 // 0: it was only named, and has no LastRLStep
	// LastRLStep is the highest rl_step of any point; 0 while there is none.
	LastRLStep uint64
	// LastEpisode is the highest episode of points that name one, and holds when
	// HasEpisode; LastMinorEpisode is that of points of EPISODE scale, where it
	// is the minor step.
	HasEpisode       bool
	LastEpisode      uint64
	HasMinorEpisode  bool
	LastMinorEpisode uint64
}

// RunStats counts what a run has been sent.
type RunStats struct {
	Points     uint64 // stored
	Late       uint64 // standard points refused by the step rules
	Duplicates uint64 // RL points that were stored already
	Refused    uint64 // points whose position no axis can hold
	Series     int
	Segments   int
	FileBytes  uint64 // of segments that are files
	HeadBytes  int    // memory taken by points that are in the journal only
}

func (s *series) info() SeriesInfo {
	info := SeriesInfo{No: s.no, Key: s.key, Identity: s.identity, Ordering: s.ordering}
	if s.std != nil {
		std := &s.std.std
		info.Standard = std.count > 0
		info.Count, info.FirstStep, info.LastStep = std.count, std.first, std.last
		info.LastTime, info.Late = std.lastTime, std.late
		m := &std.moments
		info.Summary = m.Summary
		info.HasOther, info.FirstOther = m.firstOther > 0, max(m.firstOther, 1)-1
	}
	info.RLCount = s.rlCount()
	info.RL = info.RLCount > 0
	return info
}

// rlCount is how many RL points the series ever got.
func (s *series) rlCount() (n uint64) {
	for _, c := range s.envs {
		if c != nil {
			n += c.rl.count
		}
	}
	return n
}

// SeriesInfos lists the series of the run by number.
func (r *Run) SeriesInfos() []SeriesInfo {
	r.readLock()
	defer r.mu.RUnlock()
	infos := make([]SeriesInfo, len(r.series))
	for i, s := range r.series {
		infos[i] = s.info()
	}
	return infos
}

// SeriesFrom names the series of the run by number, but for the first n.
func (r *Run) SeriesFrom(n int) []point.Series {
	r.readLock()
	defer r.mu.RUnlock()
	var keys []point.Series
	for _, s := range r.series[min(n, len(r.series)):] {
		keys = append(keys, s.key)
	}
	return keys
}

// EnvSeries lists the series that have points in an environment, by number.
// RLCount counts those of the environment.
func (r *Run) EnvSeries(env uint32) []SeriesInfo {
	r.readLock()
	defer r.mu.RUnlock()
	var infos []SeriesInfo
	for _, s := range r.series {
		if c := r.lookup(s.no, env); env != 0 && c != nil && c.rl.count > 0 {
			info := s.info()
			info.RLCount = c.rl.count
			infos = append(infos, info)
		}
	}
	return infos
}

// Environments lists the environments of the run by number.
func (r *Run) Environments() []EnvInfo {
	r.readLock()
	defer r.mu.RUnlock()
	infos := make([]EnvInfo, len(r.environments))
	for i, e := range r.environments {
		infos[i] = e.info()
	}
	return infos
}

func (e *environment) info() EnvInfo {
	return EnvInfo{
		No: e.no, ID: e.id, Points: e.points, LastRLStep: e.lastRLStep,
		HasEpisode: e.lastEpisode > 0, LastEpisode: max(e.lastEpisode, 1) - 1,
		HasMinorEpisode: e.lastMinorEpisode > 0, LastMinorEpisode: max(e.lastMinorEpisode, 1) - 1,
	}
}

// FindSeries gives the number of a series.
func (r *Run) FindSeries(key point.Series) (no uint32, found bool) {
	r.readLock()
	defer r.mu.RUnlock()
	s, found := r.byKey[key.Key()]
	if !found {
		return 0, false
	}
	return s.no, true
}

// FindEnvironment gives the number of an environment.
func (r *Run) FindEnvironment(id string) (no uint32, found bool) {
	r.readLock()
	defer r.mu.RUnlock()
	e, found := r.byID[id]
	if !found {
		return 0, false
	}
	return e.no, true
}

// Stats counts the points of the run.
func (r *Run) Stats() RunStats {
	r.readLock()
	defer r.mu.RUnlock()
	stats := RunStats{
		Points: r.points, Duplicates: r.duplicates, Refused: r.refused,
		Series: len(r.series), Segments: len(r.segments), HeadBytes: r.headBytes,
	}
	for _, s := range r.segments {
		if !s.inline {
			stats.FileBytes += s.size
		}
	}
	for _, s := range r.series {
		if s.std != nil {
			stats.Late += s.std.std.late
		}
	}
	return stats
}
