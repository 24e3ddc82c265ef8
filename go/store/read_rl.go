package store

import (
	"cmp"
	"slices"
)

// RLColumns are points of a series in one environment by ascending rl_step,
// those of one rl_step as they were logged.
type RLColumns struct {
	RLSteps    []uint64
	Episodes   []uint64 // of EPISODE scale: the minor step
	HasEpisode []bool   // whether Episodes holds; nil when it holds for all
	EnvSteps   []uint64 // step within the episode, from what the rl_steps add up to
	TotalSteps []uint64 // env steps of the environment before; of EPISODE scale: at the end of the episode
	Minors     []uint64 // as they were sent
	Values     []float64
	Times      []int64 // Unix milliseconds
}

// RLRange selects RL points; nil selects all.
type RLRange struct {
	RLStep  *Range
	Episode *Range // points without an episode are left out
}

// RLPoints reads the points of a series in an environment. What a restart of an
// episode discarded does not appear.
func (r *Run) RLPoints(no, env uint32, sel RLRange) (RLColumns, error) {
	if env == 0 {
		return RLColumns{}, nil
	}
	var out RLColumns
	err := r.look(no, env, func(v view) error {
		// A restart in one block discards points of another, so then all are read.
		all, err := r.gather(cellID{no, env}, v, func(b blockInfo) bool { return v.restarted || sel.passes(b) })
		if err == nil {
			out = all.pick(sel, v).sorted()
		}
		return err
	})
	return out, err
}

func (sel RLRange) passes(b blockInfo) bool {
	if sel.RLStep != nil && !b.steps.meets(*sel.RLStep) {
		return false
	}
	return sel.Episode == nil || b.episodes.meets(Range{sel.Episode.From + 1, endAfter(sel.Episode.To)})
}

// endAfter is the number behind one, or the highest.
func endAfter(v uint64) uint64 { return max(v, v+1) }

func (sel RLRange) holds(rlStep, episode uint64) bool {
	if sel.RLStep != nil && (rlStep < sel.RLStep.From || rlStep > sel.RLStep.To) {
		return false
	}
	if sel.Episode == nil {
		return true
	}
	return episode != 0 && episode-1 >= sel.Episode.From && episode-1 <= sel.Episode.To
}

// pick keeps the points of the selection that no restart has discarded.
func (c *columns) pick(sel RLRange, v view) RLColumns {
	if sel == (RLRange{}) && !v.restarted {
		return c.rlColumns()
	}
	n := len(c.values)
	rlSteps, episodes, times := c.numbers(colRLStep), c.numbers(colEpisode), c.times(colRLTime)
	minors, envSteps, origins := c.numbers(colMinor), c.numbers(colEnvStep), c.numbers(colOrigin)
	current := func(int) bool { return true }
	if v.restarted {
		current = currentAttempts(episodes, c.numbers(colAttempt))
	}
	out := RLColumns{
		RLSteps: make([]uint64, 0, n), Episodes: make([]uint64, 0, n), EnvSteps: make([]uint64, 0, n),
		TotalSteps: make([]uint64, 0, n), Minors: make([]uint64, 0, n), Values: make([]float64, 0, n), Times: make([]int64, 0, n),
	}
	for i, value := range c.values {
		if !sel.holds(rlSteps[i], episodes[i]) || !current(i) {
			continue
		}
		out.addEpisode(episodes[i])
		out.RLSteps = append(out.RLSteps, rlSteps[i])
		out.EnvSteps = append(out.EnvSteps, envSteps[i])
		out.TotalSteps = append(out.TotalSteps, origins[i]+envSteps[i])
		out.Minors = append(out.Minors, minors[i]>>1)
		out.Values = append(out.Values, value)
		out.Times = append(out.Times, times[i])
	}
	return out
}

// rlColumns gives all points.
func (c *columns) rlColumns() RLColumns {
	out := RLColumns{
		RLSteps: c.numbers(colRLStep), Episodes: make([]uint64, 0, len(c.values)), EnvSteps: c.numbers(colEnvStep),
		TotalSteps: c.numbers(colOrigin), Minors: c.numbers(colMinor), Values: slices.Clone(c.values), Times: c.times(colRLTime),
	}
	for i, envStep := range out.EnvSteps {
		out.TotalSteps[i] += envStep
	}
	for i := range out.Minors {
		out.Minors[i] >>= 1
	}
	for _, episode := range c.numbers(colEpisode) {
		out.addEpisode(episode)
	}
	return out
}

// addEpisode begins HasEpisode at the first point without one.
func (c *RLColumns) addEpisode(plusOne uint64) {
	if plusOne == 0 && c.HasEpisode == nil {
		c.HasEpisode = make([]bool, len(c.Episodes), cap(c.Episodes))
		for i := range c.HasEpisode {
			c.HasEpisode[i] = true
		}
	}
	if c.HasEpisode != nil {
		c.HasEpisode = append(c.HasEpisode, plusOne != 0)
	}
	c.Episodes = append(c.Episodes, max(plusOne, 1)-1)
}

func currentAttempts(episodes, attempts []uint64) func(int) bool {
	last := make(map[uint64]uint64)
	for i, episode := range episodes {
		last[episode] = max(last[episode], attempts[i])
	}
	return func(i int) bool { return attempts[i] == last[episodes[i]] }
}

func (c RLColumns) sorted() RLColumns {
	if slices.IsSorted(c.RLSteps) {
		return c
	}
	order := make([]int, len(c.RLSteps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.RLSteps[a], c.RLSteps[b]) })
	return RLColumns{
		RLSteps: permuted(c.RLSteps, order), Episodes: permuted(c.Episodes, order), HasEpisode: permuted(c.HasEpisode, order),
		EnvSteps: permuted(c.EnvSteps, order), TotalSteps: permuted(c.TotalSteps, order), Minors: permuted(c.Minors, order),
		Values: permuted(c.Values, order), Times: permuted(c.Times, order),
	}
}

func permuted[T any](column []T, order []int) []T {
	if column == nil {
		return nil
	}
	out := make([]T, len(order))
	for i, at := range order {
		out[i] = column[at]
	}
	return out
}

// storedAt finds the points of a cell at one episode (plus one; 0 for none) and,
// unless nil, one rl_step, in logged order. The caller holds the lock.
func (r *Run) storedAt(c *cell, episode uint64, rlStep *uint64) (columns, error) {
	v := view{segments: r.segments, frozen: c.frozen, head: c.head}
	all, err := r.gather(c.id, v, func(b blockInfo) bool {
		at := rlStep == nil || b.steps.meets(Range{*rlStep, *rlStep})
		return at && (c.episodic || b.episodes.meets(Range{episode, episode}))
	})
	if err != nil {
		return columns{}, err
	}
	return all.at(c.episodic, episode, rlStep), nil
}

func (c *columns) at(episodic bool, episode uint64, rlStep *uint64) columns {
	var out columns
	cursors := c.cursors()
	for _, value := range c.values {
		var row [rlCols]uint64
		for k := range row {
			row[k] = cursors[k].Next()
		}
		if !episodic && row[colEpisode] != episode || rlStep != nil && row[colRLStep] != *rlStep {
			continue
		}
		for k, v := range row {
			out.ints[k] = out.ints[k].AppendOne(v)
		}
		out.values = append(out.values, value)
	}
	return out
}
