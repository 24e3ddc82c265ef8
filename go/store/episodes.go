package store

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store/chunk"
)

// EpisodeSum sums up the points of a series in one episode of an environment. What
// a restart of the episode discarded does not count.
type EpisodeSum struct {
	Episode                 uint64
	Attempt                 uint64 // how often the episode was restarted
	FirstRLStep, LastRLStep uint64 // lowest and highest
	EnvSteps                uint64 // highest env step plus one; of EPISODE scale 0
	FirstEnvStep            uint64 // of the first point at FirstRLStep
	FirstTime, LastTime     int64  // earliest and latest, Unix milliseconds
	Points                  uint64

	// Of the values, when they were asked for; Last is at the highest env step, and
	// there at the highest rl_step, the others sum up those that are finite.
	Finite              uint64
	Sum, Min, Max, Last float64

	lastRLStep uint64 // of Last
}

// EnvEpisodes are those of one environment, ascending.
type EnvEpisodes struct {
	Env      uint32
	Episodes []EpisodeSum
}

// episodeRooms are memory that was given back: the sums of a million episodes are 120 MB a series.
var episodeRooms sync.Pool

// episodeRoom is for n sums.
func episodeRoom(n int) []EpisodeSum {
	if room, _ := episodeRooms.Get().(*[]EpisodeSum); room != nil && cap(*room) >= n {
		return *room
	}
	return make([]EpisodeSum, 0, n)
}

// ReleaseEpisodes gives back the memory of sums that nobody looks at any more.
func ReleaseEpisodes(envs []EnvEpisodes) {
	for _, of := range envs {
		room := of.Episodes[:0]
		episodeRooms.Put(&room)
	}
}

// EpisodeQuery says which episodes are summed up, and how much of them.
type EpisodeQuery struct {
	FirstEnv, LastEnv uint32 // by number; LastEnv 0: every environment
	Within            Range  // of episodes
	RLSteps           *Range // only points at these; nil: all
	Values            bool   // read values, too, which takes several times as long
}

// EpisodeSums sums up the points of a series in each episode of each environment,
// by number of the environment. Points without an episode are in none. The numbers
// are the same, bit for bit, wherever the points lie.
func (r *Run) EpisodeSums(no uint32, q EpisodeQuery) ([]EnvEpisodes, error) {
	for {
		s, err := r.newEpisodeSummation(no, q)
		if s == nil || err != nil {
			return nil, err
		}
		err = s.read()
		r.reading.Add(-1)
		if err == nil {
			return s.sums(), nil
		}
		if !r.outdated(s.view, err) {
			return nil, err
		}
	}
}

// episodeSummation goes over the points of a series, segment after segment and
// then those in memory.
type episodeSummation struct {
	view
	EpisodeQuery

	run         *Run
	no          uint32
	first, last uint32 // environments
	envs        []envEpisodes
	values      []float64 // scratch
}

// envEpisodes are those of one environment so far: rows as they were logged, an
// episode that was gone back to has several.
type envEpisodes struct {
	memory [2]held
	room   uint64 // how many rows are expected
	rows   []EpisodeSum
}

// newEpisodeSummation takes along what it needs from under the lock; nil when there
// is nothing.
func (r *Run) newEpisodeSummation(no uint32, q EpisodeQuery) (*episodeSummation, error) {
	r.readLock()
	defer r.mu.RUnlock()
	if no == 0 || int(no) > len(r.series) || r.broken != nil {
		return nil, r.broken
	}
	of := r.series[no-1]
	s := &episodeSummation{EpisodeQuery: q, run: r, no: no, first: 1, last: uint32(len(of.envs))}
	if q.LastEnv > 0 {
		s.first, s.last = max(q.FirstEnv, 1), min(q.LastEnv, s.last)
	}
	if s.first > s.last {
		return nil, nil //nolint:nilnil // no environment, no error
	}
	s.segments, s.generation = r.segments, r.generation
	s.envs = make([]envEpisodes, s.last-s.first+1)
	for i := range s.envs {
		if c := of.envs[int(s.first)-1+i]; c != nil {
			s.episodic = c.episodic
			s.envs[i].memory = [2]held{c.frozen.snapshot(), c.head.snapshot()}
			// Numbers of episodes may be anything, so there is room for many at most.
			s.envs[i].room = min(c.rl.count, c.rl.maxEpisode-min(c.rl.maxEpisode, q.Within.From), endAfter(q.Within.To-q.Within.From), 1<<14)
		}
	}
	r.reading.Add(1)
	return s, nil
}

func (s *episodeSummation) read() error {
	for _, info := range s.segments {
		if err := s.readSegment(info); err != nil {
			return err
		}
	}
	for i := range s.envs {
		e := &s.envs[i]
		for k := range e.memory {
			m := &e.memory[k]
			var values []float64
			if s.Values {
				values = m.values()
			}
			s.take(e, &m.ints, m.len(), values)
		}
	}
	return nil
}

func (s *episodeSummation) readSegment(info segmentInfo) error {
	return s.run.withIndex(info, func(reader *segmentReader, index *segmentIndex) error {
		// Blocks tell of episodes plus one.
		within := Range{endAfter(s.Within.From), endAfter(s.Within.To)}
		for _, b := range index.between(cellID{s.no, s.first}, cellID{s.no, s.last}) {
			if b.episodes.meets(within) {
				if err := s.readBlock(reader, b); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *episodeSummation) readBlock(reader *segmentReader, b blockInfo) error {
	head, err := reader.head(b)
	if err != nil {
		return err
	}
	from, _ := head.find(cellID{s.no, s.first})
	to, _ := head.find(cellID{s.no, s.last + 1})
	start := head.starts[from]
	if s.Values && from < to {
		if s.values, err = reader.values(s.values[:0], b, head, start, head.starts[to]); err != nil {
			return err
		}
	}
	cursors := head.cursorsAt(from)
	for i := from; i < to; i++ {
		begin, end := head.starts[i]-start, head.starts[i+1]-start
		var values []float64
		if s.Values {
			values = s.values[begin:end]
		}
		s.takeNext(&s.envs[head.ids[i].env-s.first], &cursors, end-begin, values)
	}
	return nil
}

// cursorsAt walk the columns of integers from a chunk on.
func (b *blockHead) cursorsAt(i int) (cursors [rlCols]chunk.Cursor) {
	for k := range cursors {
		cursors[k] = b.ints[k].Cursor()
		cursors[k].Skip(b.starts[i])
	}
	return cursors
}

func (s *episodeSummation) take(e *envEpisodes, ints *[rlCols]chunk.Runs, n int, values []float64) {
	var cursors [rlCols]chunk.Cursor
	for k, runs := range ints {
		cursors[k] = runs.Cursor()
	}
	s.takeNext(e, &cursors, n, values)
}

// takeNext adds n points of an environment, a stretch at a time that lies in one
// run of each column.
func (s *episodeSummation) takeNext(e *envEpisodes, cursors *[rlCols]chunk.Cursor, n int, values []float64) {
	for from := 0; from < n; {
		rlStep, episode, attempt := cursors[colRLStep].Peek(), cursors[colEpisode].Peek(), cursors[colAttempt].Peek()
		time, envStep := cursors[colRLTime].Peek(), cursors[colEnvStep].Peek()
		size := min(levelOf(rlStep), levelOf(episode), levelOf(attempt), int(time.N), int(envStep.N), n-from)
		for _, k := range []int{colRLStep, colEpisode, colAttempt, colRLTime, colEnvStep} {
			cursors[k].Skip(size)
		}
		time.N, envStep.N = uint32(size), uint32(size)
		if at := episode.First; at > 0 && at-1 >= s.Within.From && at-1 <= s.Within.To {
			row := e.row(at-1, attempt.First) // also one without points discards those of earlier attempts
			if s.RLSteps == nil || rlStep.First >= s.RLSteps.From && rlStep.First <= s.RLSteps.To {
				row.takePositions(rlStep.First, time, envStep)
				if s.Values {
					row.takeValues(values[from:from+size], rlStep.First, envStep)
				}
				row.EnvSteps = max(row.EnvSteps, envStep.First+1, envStep.Last()+1)
			}
		}
		from += size
	}
}

// row is the one that the next points belong to.
func (e *envEpisodes) row(episode, attempt uint64) *EpisodeSum {
	if e.rows == nil {
		e.rows = episodeRoom(int(e.room))
	}
	k := len(e.rows) - 1
	if k < 0 || e.rows[k].Episode != episode || e.rows[k].Attempt != attempt {
		e.rows = append(e.rows, EpisodeSum{
			Episode: episode, Attempt: attempt, FirstRLStep: math.MaxUint64, FirstTime: math.MaxInt64, LastTime: math.MinInt64,
			Min: math.Inf(1), Max: math.Inf(-1),
		})
		k++
	}
	return &e.rows[k]
}

func (e *EpisodeSum) takePositions(rlStep uint64, time, envStep chunk.Run) {
	if rlStep < e.FirstRLStep {
		e.FirstRLStep, e.FirstEnvStep = rlStep, envStep.First
	}
	e.LastRLStep = max(e.LastRLStep, rlStep)
	e.FirstTime = min(e.FirstTime, int64(time.First), int64(time.Last()))
	e.LastTime = max(e.LastTime, int64(time.First), int64(time.Last()))
	e.Points += uint64(envStep.N)
}

// takeValues adds values at env steps; EnvSteps tells of the points before.
func (e *EpisodeSum) takeValues(values []float64, rlStep uint64, envStep chunk.Run) {
	last, at := values[len(values)-1], envStep.Last()
	if envStep.First > at {
		last, at = values[0], envStep.First
	}
	e.takeLast(last, rlStep, at+1)
	for _, v := range values {
		if finite(v) {
			e.Finite++
			e.Sum += v
			e.Min, e.Max = min(e.Min, v), max(e.Max, v)
		}
	}
}

// takeLast takes a value that was logged later, at an env step less one.
func (e *EpisodeSum) takeLast(value float64, rlStep, envSteps uint64) {
	if envSteps > e.EnvSteps || envSteps == e.EnvSteps && rlStep >= e.lastRLStep {
		e.Last, e.lastRLStep = value, rlStep
	}
}

// add takes in a row of the same episode that was logged later.
func (e *EpisodeSum) add(later EpisodeSum) {
	if later.Attempt != e.Attempt {
		if later.Attempt > e.Attempt {
			*e = later
		}
		return
	}
	e.takeLast(later.Last, later.lastRLStep, later.EnvSteps)
	if later.FirstRLStep < e.FirstRLStep {
		e.FirstRLStep, e.FirstEnvStep = later.FirstRLStep, later.FirstEnvStep
	}
	e.LastRLStep = max(e.LastRLStep, later.LastRLStep)
	e.FirstTime, e.LastTime = min(e.FirstTime, later.FirstTime), max(e.LastTime, later.LastTime)
	e.EnvSteps = max(e.EnvSteps, later.EnvSteps)
	e.Points += later.Points
	e.Finite += later.Finite
	e.Sum += later.Sum
	e.Min, e.Max = min(e.Min, later.Min), max(e.Max, later.Max)
}

func (s *episodeSummation) sums() []EnvEpisodes {
	var out []EnvEpisodes
	for i := range s.envs {
		rows := s.envs[i].joined()
		if s.RLSteps != nil {
			rows = slices.DeleteFunc(rows, func(row EpisodeSum) bool { return row.Points == 0 })
		}
		if len(rows) > 0 {
			if s.episodic {
				for k := range rows {
					rows[k].EnvSteps = 0
				}
			}
			out = append(out, EnvEpisodes{s.first + uint32(i), rows})
		}
	}
	return out
}

// joined makes one row of each episode.
func (e *envEpisodes) joined() []EpisodeSum {
	if e.ascends() {
		return e.rows
	}
	ascending := func(a, b EpisodeSum) int { return cmp.Compare(a.Episode, b.Episode) }
	if !slices.IsSortedFunc(e.rows, ascending) {
		slices.SortStableFunc(e.rows, ascending)
	}
	out := e.rows[:0]
	for _, row := range e.rows {
		if k := len(out) - 1; k >= 0 && out[k].Episode == row.Episode {
			out[k].add(row)
			continue
		}
		out = append(out, row)
	}
	return out
}

// ascends tells whether there is one row of each episode, in order, already.
func (e *envEpisodes) ascends() bool {
	for i := 1; i < len(e.rows); i++ {
		if e.rows[i].Episode <= e.rows[i-1].Episode {
			return false
		}
	}
	return true
}
