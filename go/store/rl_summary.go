package store

// RLSummary sums up the RL points of a series over all environments, those left out
// that restarts discarded.
//
// First and Last are means over the environments: of the value that each has at its
// lowest rl_step and there logged first, and at its highest and there logged last. Of a
// metric of EPISODE scale Last is what the latest episodes came to, one of each
// environment. Environments whose value there is not finite are left out of it; where
// all are, it is NaN.
type RLSummary struct {
	Environments int    // that have points
	Points       uint64 // those included that are not finite
	LastStep     uint64 // highest rl_step
	LastTime     int64  // Unix milliseconds; the latest of the points that environments logged there last
	Summary
}

// RLSummary sums up the RL points of a series. The numbers are the same, bit for bit,
// wherever the points lie and whenever it was asked before.
//
// It is meant to be asked over and over. What it found is kept until points come, and
// then only these are looked at: nothing is summed up for it as points are written.
func (r *Run) RLSummary(no uint32) (RLSummary, error) {
	for {
		q, known, err := r.newTotalling(no)
		if q == nil || err != nil {
			return known, err
		}
		err = q.read()
		r.reading.Add(-1)
		known = q.finish(err == nil)
		if err == nil && q.stored {
			r.keepTotals(q.ticket)
		}
		if err == nil || !r.outdated(q.view, err) {
			return known, err
		}
	}
}

// hasRL finds the first environment with points, which nearly always is the first.
func (s *series) hasRL() bool {
	for _, c := range s.envs {
		if c != nil && c.rl.count > 0 {
			return true
		}
	}
	return false
}

// maxSumsBytes bounds what is kept of single environments: of a series without it all
// points are looked at when more have come.
const maxSumsBytes = 32 << 20

// seriesSums are the sums of the environments of a series, by number - 1.
type seriesSums struct {
	of   *total // of the run as it is in memory
	envs []environmentSums
}

func (s *seriesSums) bytes() int {
	const of, restarted = 176, 48
	n := of * cap(s.envs)
	for i := range s.envs {
		n += restarted * len(s.envs[i].attempts)
	}
	return n
}

// taken is how many points were looked at, as they were logged.
func (s *seriesSums) taken() (n uint64) {
	for i := range s.envs {
		n += s.envs[i].taken
	}
	return n
}

// summary puts the environments together, in the order of their numbers.
func (s *seriesSums) summary() RLSummary {
	var out RLSummary
	var firsts, lasts meanOfFinite
	for i := range s.envs {
		e := &s.envs[i]
		if e.points == 0 {
			continue
		}
		out.Environments++
		out.Points += e.points
		if out.Environments == 1 || e.lastAt > out.LastStep || e.lastAt == out.LastStep && e.lastTime > out.LastTime {
			out.LastStep, out.LastTime = e.lastAt, e.lastTime
		}
		all := e.summary()
		out.Join(&all)
		firsts.take(e.whole.First)
		lasts.take(e.whole.Last)
	}
	out.First, out.Last = firsts.mean(), lasts.mean()
	return out
}

type meanOfFinite struct{ sum, count float64 }

func (m *meanOfFinite) take(v float64) {
	if finite(v) {
		m.sum += v
		m.count++
	}
}

func (m *meanOfFinite) mean() float64 { return m.sum / m.count }
