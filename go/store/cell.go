package store

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store/chunk"
)

// cellID names the points that are stored and read together: those of one
// series, or, for RL points, of one series in one environment.
type cellID struct {
	series uint32
	env    uint32 // 0: standard points
}

func (id cellID) rl() bool { return id.env != 0 }

func (id cellID) less(other cellID) bool {
	return id.series < other.series || id.series == other.series && id.env < other.env
}

// Columns of integers of a cell. The numbers are on disk.
const (
	colStep   = 0 // standard points
	colTime   = 1
	colLogger = 2
	stdCols   = 3

	colRLStep  = 0 // RL points
	colRLTime  = 1
	colEpisode = 2 // the episode plus one; 0 for none
	colMinor   = 3 // the minor step as it came, times two, plus one when flat (never of EPISODE scale)
	colEnvStep = 4
	colAttempt = 5 // how often the episode was restarted before this point
	colOrigin  = 6 // total step at which env step 0 lies, wrapping around: the point's own is this plus its env step
	rlCols     = 7
)

// columns holds points of one cell in the order they were logged.
type columns struct {
	ints   [rlCols]chunk.Runs
	values []float64
}

func colsOf(rl bool) int {
	if rl {
		return rlCols
	}
	return stdCols
}

func (c *columns) add(more *held) {
	for k := range c.ints {
		c.ints[k] = c.ints[k].AppendRuns(more.ints[k])
	}
	c.values = more.appendValues(c.values, 0, more.len())
}

// takeValues adds values, which are not copied where they are the only ones.
func (c *columns) takeValues(values []float64) {
	if len(c.values) == 0 {
		c.values = slices.Clip(values)
		return
	}
	c.values = append(c.values, values...)
}

// cursors walk all columns from their front.
func (c *columns) cursors() [rlCols]chunk.Cursor {
	var cursors [rlCols]chunk.Cursor
	for k, runs := range c.ints {
		cursors[k] = runs.Cursor()
	}
	return cursors
}

// cell is the state of one cell: what the step rules need to know of the
// points so far, and the points that are not in blocks yet.
type cell struct {
	id       cellID
	episodic bool   // of EPISODE scale: the minor step is the episode
	clock    *clock // nil unless the rules count its env steps
	rl       rlState
	sums     stretches // of the head, of RL points only
	head     held      // journalled, not rolled
	std      stdState
	frozen   held      // being rolled
	rolled   stretches // of what is frozen
	spare    spare     // for the next head
}

// count is how many points the cell ever got.
func (c *cell) count() uint64 {
	if c.id.rl() {
		return c.rl.count
	}
	return c.std.count
}

// stdState sums up the standard points of a series.
type stdState struct {
	count    uint64
	first    uint64 // lowest step
	last     uint64 // highest step
	lastTime int64
	late     uint64 // points refused because their step was not above last
	moments  moments
}

func (s *stdState) observe(step uint64, time int64, value float64) {
	if s.count == 0 || step < s.first {
		s.first, s.moments.First = step, value
	}
	if s.count == 0 || step >= s.last {
		s.last, s.lastTime, s.moments.Last = step, time, value
	}
	s.count++
}

// observeAll takes in columns that the step rules have let through.
func (s *stdState) observeAll(c *columns) {
	if others := s.moments.observe(c.values); others > 0 {
		s.observeOthers(c)
	}
	steps := c.ints[colStep].Cursor()
	times := c.ints[colTime].Cursor()
	if len(c.ints[colStep]) == 1 && c.ints[colStep][0].Delta <= 1 {
		// One run: its ends say everything.
		run := c.ints[colStep][0]
		n := len(c.values)
		times.Skip(n - 1)
		s.observe(run.First, int64(c.ints[colTime][0].First), c.values[0])
		if n > 1 {
			s.observe(run.First+run.Delta*uint64(n-1), int64(times.Next()), c.values[n-1])
			s.count += uint64(n) - 2 // the others
		}
		return
	}
	for _, value := range c.values {
		step, time := steps.Next(), times.Next()
		s.observe(step, int64(time), value)
	}
}

// observeOthers finds the lowest step of a value that is not finite.
func (s *stdState) observeOthers(c *columns) {
	steps := c.ints[colStep].Cursor()
	for _, v := range c.values {
		step := steps.Next()
		if !finite(v) && (s.moments.firstOther == 0 || step < s.moments.firstOther-1) {
			s.moments.firstOther = endAfter(step)
		}
	}
}

// rlState sums up the points of a series in one environment.
type rlState struct {
	count      uint64
	maxEpisode uint64 // highest episode plus one; 0 while none came
	restarted  bool   // any episode ever
	total      uint64 // lowest total step above all
	lead       lead
	// episode is the state of one episode, the one written last; that of others
	// is found again from their points. endless is that of the points without
	// an episode, and of a series of EPISODE scale.
	episode, endless episodeState
}

// episodeState is what numbering the next env step of an episode needs.
type episodeState struct {
	episode uint64 // plus one; 0 for points without
	started bool
	flat    bool   // all points at rlStep came with flat minors
	attempt uint64 // restarts so far
	first   uint64 // rl_step of the first point of this attempt
	rlStep  uint64 // highest rl_step
	base    uint64 // env step of relative minor 0 at rlStep, unless all are flat
	next    uint64 // lowest relative minor above all at rlStep
	total   uint64 // lowest env step above all
	origin  uint64 // of the points that total is above
}

func (e *episodeState) observe(rlStep, minor, envStep, attempt, origin uint64) {
	flat := minor&1 == 1
	minor >>= 1
	if attempt > e.attempt {
		*e = episodeState{episode: e.episode, attempt: attempt}
	}
	if !e.started {
		e.started, e.first = true, rlStep
		e.rlStep, e.flat = rlStep, true
	}
	if rlStep > e.rlStep {
		e.rlStep, e.flat, e.next = rlStep, true, 0
	}
	if rlStep == e.rlStep && !flat {
		e.flat, e.base = false, envStep-minor
		e.next = max(e.next, minor+1)
	}
	if envStep >= e.total {
		e.total, e.origin = envStep+1, origin
	}
}

// observeAll takes in columns that the step rules have let through. All are of
// one rl_step, episode and attempt, as one batch is.
func (s *rlState) observeAll(c *columns, episodic bool) {
	s.restarted = s.restarted || c.ints[colAttempt][0].First > 0
	if state := s.stateOf(c.ints[colEpisode][0].First, episodic); state != nil {
		state.observeAll(c)
	}
	for i := range c.ints[colEpisode] {
		run := &c.ints[colEpisode][i]
		s.maxEpisode = max(s.maxEpisode, run.First, run.Last())
	}
	s.count += uint64(len(c.values))
}

// stateOf picks the state that a batch of the episode belongs to. An older
// episode than the one at hand has none here: that happens when a journal is
// replayed, and the step rules will find the state again from the points.
func (s *rlState) stateOf(episode uint64, episodic bool) *episodeState {
	switch {
	case episodic || episode == 0:
		return &s.endless
	case s.episode.episode == episode:
	case episode > s.maxEpisode:
		s.episode = episodeState{episode: episode}
	default:
		s.episode = episodeState{}
		return nil
	}
	return &s.episode
}

func (e *episodeState) observeAll(c *columns) {
	rlStep, attempt := c.ints[colRLStep][0].First, c.ints[colAttempt][0].First
	minors, envSteps, origins := c.ints[colMinor], c.ints[colEnvStep], c.ints[colOrigin]
	if len(minors) == 1 && len(envSteps) == 1 && len(origins) == 1 && origins[0].Delta == 0 {
		e.observe(rlStep, minors[0].First, envSteps[0].First, attempt, origins[0].First)
		e.observe(rlStep, minors[0].Last(), envSteps[0].Last(), attempt, origins[0].First)
		return
	}
	m, s, o := minors.Cursor(), envSteps.Cursor(), origins.Cursor()
	for range c.values {
		e.observe(rlStep, m.Next(), s.Next(), attempt, o.Next())
	}
}

// maxMinor bounds minor steps, so that twice one fits, and env steps far below
// where adding them up could wrap around.
const maxMinor = math.MaxInt64 >> 1

// series is one series of a run with its cells.
type series struct {
	no       uint32
	key      point.Series
	identity string
	labels   string // as Identity has them
	ordering point.Ordering
	std      *cell
	envs     []*cell // by environment number - 1; nil where it has no points
	changed  uint64  // revision in which points came last
}

func (s *series) ordered() bool { return s.ordering != point.Unordered }

// environment sums up one environment over all series.
type environment struct {
	no          uint32
	id          string
	points      uint64
	lastRLStep  uint64
	lastEpisode uint64 // plus one; 0 for none
	// lastMinorEpisode is that of points of EPISODE scale, plus one.
	lastMinorEpisode uint64
	clocks           map[string]*clock // by labels of series
	changed          uint64            // revision in which points came last
}
