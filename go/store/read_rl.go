package store

import (
	"cmp"
	"slices"
)

// Range is a range of numbers, both ends included.
type Range struct{ From, To uint64 }

func (r *Range) holds(v uint64) bool { return r == nil || r.From <= v && v <= r.To }

// RLRange selects RL points; nil selects all.
type RLRange struct{ RLStep, Episode *Range }

// RLColumns are RL points in ascending order of rl_steps, in logged order
// within one.
type RLColumns struct {
	RLSteps    []uint64
	HasEpisode []bool
	Episodes   []uint64 // 0 where the point has none
	EnvSteps   []uint64 // within the episode; of EPISODE scale the episode
	Values     []float64
	Times      []int64 // Unix milliseconds
}

// RLPoints reads the selected points of a series in an environment. Unknown
// numbers have none.
func (r *Run) RLPoints(no, env uint32, selected RLRange) (RLColumns, error) {
	r.mu.RLock()
	c := r.rlCell(no, env)
	if c == nil {
		r.mu.RUnlock()
		return RLColumns{}, nil
	}
	snapshot := r.snapshot(c)
	r.mu.RUnlock()
	points, err := snapshot.read()
	if err != nil {
		return RLColumns{}, err
	}
	return selectRL(&points, selected), nil
}

func (r *Run) rlCell(no, env uint32) *cell {
	if no == 0 || int(no) > len(r.series) || env == 0 || int(env) > len(r.series[no-1].envs) {
		return nil
	}
	return r.series[no-1].envs[env-1]
}

// selectRL leaves out what was not asked for and the attempts of episodes that
// were restarted since.
func selectRL(points *columns, selected RLRange) RLColumns {
	valid := latestAttempts(points)
	var out RLColumns
	rlSteps, times := points.ints[colRLStep].Cursor(), points.ints[colRLTime].Cursor()
	episodes, envSteps := points.ints[colEpisode].Cursor(), points.ints[colEnvStep].Cursor()
	attempts := points.ints[colAttempt].Cursor()
	sorted := true
	for _, value := range points.values {
		rlStep, time, episode := rlSteps.Next(), times.Next(), episodes.Next()
		envStep, attempt := envSteps.Next(), attempts.Next()
		if attempt != valid[episode] || !selected.RLStep.holds(rlStep) {
			continue
		}
		if selected.Episode != nil && (episode == 0 || !selected.Episode.holds(episode-1)) {
			continue
		}
		if n := len(out.RLSteps); n > 0 && out.RLSteps[n-1] > rlStep {
			sorted = false
		}
		out.append(rlStep, episode, envStep, value, int64(time))
	}
	if !sorted {
		out.sort()
	}
	return out
}

// latestAttempts maps each restarted episode (plus one) to its last attempt.
func latestAttempts(points *columns) map[uint64]uint64 {
	latest := make(map[uint64]uint64)
	if attempts := points.ints[colAttempt]; len(attempts) == 1 && attempts[0].First == 0 && attempts[0].Delta == 0 {
		return latest
	}
	episodes, attempts := points.ints[colEpisode].Cursor(), points.ints[colAttempt].Cursor()
	for range points.values {
		episode, attempt := episodes.Next(), attempts.Next()
		if attempt > latest[episode] {
			latest[episode] = attempt
		}
	}
	return latest
}

func (c *RLColumns) append(rlStep, episode, envStep uint64, value float64, time int64) {
	c.RLSteps = append(c.RLSteps, rlStep)
	c.HasEpisode = append(c.HasEpisode, episode != 0)
	c.Episodes = append(c.Episodes, max(episode, 1)-1)
	c.EnvSteps = append(c.EnvSteps, envStep)
	c.Values = append(c.Values, value)
	c.Times = append(c.Times, time)
}

func (c *RLColumns) sort() {
	order := make([]int, len(c.RLSteps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.RLSteps[a], c.RLSteps[b]) })
	var out RLColumns
	for _, i := range order {
		episode := uint64(0)
		if c.HasEpisode[i] {
			episode = c.Episodes[i] + 1
		}
		out.append(c.RLSteps[i], episode, c.EnvSteps[i], c.Values[i], c.Times[i])
	}
	*c = out
}

// storedAt reads the points of a cell at one episode (plus one) and, unless
// nil, one rl_step, in logged order. The caller holds the lock.
func (r *Run) storedAt(c *cell, episode uint64, rlStep *uint64) (columns, error) {
	points, err := r.snapshot(c).read()
	if err != nil {
		return columns{}, err
	}
	var out columns
	var next [rlCols]func() uint64
	for k := range next {
		cursor := points.ints[k].Cursor()
		next[k] = cursor.Next
	}
	for _, value := range points.values {
		var position [rlCols]uint64
		for k := range position {
			position[k] = next[k]()
		}
		if !c.episodic && position[colEpisode] != episode || rlStep != nil && position[colRLStep] != *rlStep {
			continue
		}
		for k, v := range position {
			out.ints[k] = out.ints[k].AppendOne(v)
		}
		out.values = append(out.values, value)
	}
	return out, nil
}
