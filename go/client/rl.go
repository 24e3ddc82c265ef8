package client

import (
	"sync"
	"time"
)

// Shape says how many values an argument of an RLPoints has.
type Shape int

// The shapes of episodes and times for values [M, T].
const (
	None     Shape = iota // not given
	One                   // one for all
	PerRow                // [M]: one for each environment
	PerPoint              // [M, T]
)

// Size is how many values there are for a block [m, t], -1 for no known shape.
func (s Shape) Size(m, t int) int {
	switch s {
	case None:
		return 0
	case One:
		return 1
	case PerRow:
		return m
	case PerPoint:
		return m * t
	default:
		return -1
	}
}

// RLPoints is one call that logs a block of values [M, T]: a row for each of M
// environments. The memory is the caller's; it is only read during the call.
type RLPoints struct {
	Series       uint32
	Environments []uint32 // M numbers
	Values       []float64
	RLStep       uint64
	// OfEpisodes says that the points belong to whole episodes, else they
	// belong to steps within episodes.
	OfEpisodes   bool
	Episodes     []uint64
	EpisodeShape Shape
	Times        []int64
	TimeShape    Shape // not None
}

// rlCall is an RLPoints on its way: one piece for each stretch that becomes a
// batch.
type rlCall struct {
	rlStep       uint64
	environments []*environment // by number
	pieces       []piece
	values       []float64
	minors       []uint64 // of all points, nil where consecutive in each piece
	times        []int64  // of all points, nil where each piece has one
}

// rlCalls are used again: their pieces are as many as a call has environments.
var rlCalls = sync.Pool{New: func() any { return new(rlCall) }}

func newRLCall(rlStep uint64) *rlCall {
	call := rlCalls.Get().(*rlCall)
	*call = rlCall{rlStep: rlStep, pieces: call.pieces[:0]}
	return call
}

// piece is a stretch of points of one environment within one episode.
type piece struct {
	from, n     uint32
	environment uint32
	hasEpisode  bool
	flat        bool
	episode     uint64
	first       uint64 // minor step
	millis      int64
}

func (p *RLPoints) columns() int { return len(p.Values) / max(1, len(p.Environments)) }

func (p *RLPoints) check() error {
	m, n := len(p.Environments), len(p.Values)
	if m == 0 || n%m != 0 {
		return invalid("%d values cannot be spread over %d environments", n, m)
	}
	if uint64(n) > 1<<31 {
		return invalid("%d values are too many for one call", n)
	}
	if p.RLStep > maxStep {
		return invalid("invalid rl_step %d: it is above %d", p.RLStep, uint64(maxStep))
	}
	if len(p.Episodes) != p.EpisodeShape.Size(m, n/m) {
		return invalid("there are %d episodes for %d environments with %d values each", len(p.Episodes), m, n/m)
	}
	if p.TimeShape == None || len(p.Times) != p.TimeShape.Size(m, n/m) {
		return invalid("there are %d timestamps for %d environments with %d values each", len(p.Times), m, n/m)
	}
	if err := checkSteps("episode", p.Episodes); err != nil {
		return err
	}
	if p.OfEpisodes && p.EpisodeShape != PerPoint {
		for _, episode := range p.Episodes {
			if err := checkRange("episode", episode, n/m); err != nil {
				return err
			}
		}
	}
	return nil
}

// RLPoints logs points of environments. For waited see Points.
func (l *Logger) RLPoints(p *RLPoints, waited time.Duration) error {
	if len(p.Values) == 0 {
		return nil
	}
	if err := p.check(); err != nil {
		return err
	}
	if err := l.usable(); err != nil {
		return err
	}
	bytes := int64(8 * len(p.Values))
	if p.TimeShape == PerPoint {
		bytes *= 2
	}
	shed, err := l.takeRoom(bytes, waited)
	if err != nil {
		return err
	}
	it := &item{calls: 1, bytes: bytes, rl: newRLCall(p.RLStep)}
	if !shed {
		l.copyRL(it, p)
	}
	return l.placeRL(it, p, shed)
}

func (l *Logger) copyRL(it *item, p *RLPoints) {
	n := len(p.Values)
	it.memory[0] = l.chunks.get(n)
	it.rl.values = it.memory[0].floats()
	l.options.Copy(it.rl.values, p.Values)
	if p.TimeShape == PerPoint {
		it.memory[1] = l.chunks.get(n)
		it.rl.times = it.memory[1].ints()
		copy(it.rl.times, p.Times)
	}
	if p.OfEpisodes && p.EpisodeShape == PerPoint {
		it.memory[2] = l.chunks.get(n)
		copy(it.memory[2], p.Episodes)
		it.rl.minors = it.memory[2]
	}
}

// placeRL numbers the points and puts the item in the queue.
func (l *Logger) placeRL(it *item, p *RLPoints, shed bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.registry.numbered(p.Series)
	if err == nil {
		err = l.checkEnvironments(p.Environments)
	}
	if err == nil {
		err = l.usable()
	}
	if err != nil {
		if !shed {
			l.forget(it)
		}
		return err
	}
	if s.rl == nil {
		s.rl = &rlSeries{}
	}
	s.rl.grow(l.registry.environments)
	it.rl.environments = l.registry.environments
	n, late := uint64(len(p.Values)), uint64(0)
	if p.OfEpisodes {
		l.numberEpisodes(it.rl, p, s)
	} else {
		late = l.numberEnvSteps(it.rl, p, s)
	}
	l.counters.added[RLFloatPoints].Add(n)
	if shed {
		l.counters.dropped[RLFloatPoints].Add(n)
		l.release(it)
		if l.options.Backpressure == Raise {
			return ErrQueueFull
		}
		return nil
	}
	l.counters.dropped[RLFloatPoints].Add(late)
	if late == n {
		l.forget(it)
		return nil
	}
	it.series, it.counts[RLFloatPoints] = s, n-late
	l.enqueue(it)
	return nil
}

func (l *Logger) checkEnvironments(numbers []uint32) error {
	known := uint32(len(l.registry.environments))
	for _, number := range numbers {
		if number >= known {
			return invalid("there is no environment number %d", number)
		}
	}
	return nil
}

// millis returns the time of a piece whose points share one.
func (p *RLPoints) millis(row int) int64 {
	switch p.TimeShape {
	case One:
		return p.Times[0]
	case PerRow:
		return p.Times[row]
	default:
		return 0
	}
}

// numberEnvSteps cuts the rows where the episode changes and numbers each
// piece on the axis of its episode. It leaves out late ones and returns how
// many points they have.
func (l *Logger) numberEnvSteps(call *rlCall, p *RLPoints, s *series) (late uint64) {
	columns := p.columns()
	lower := false
	for row, number := range p.Environments {
		e := l.registry.environments[number]
		lower = s.rl.isLower(number, p.RLStep) || lower
		e.sawRLStep(p.RLStep)
		from := row * columns
		for from < (row+1)*columns {
			episode, has, n := p.stretch(row, from, columns)
			first, flat, isLate := s.rl.envSteps(e, episode, has, p.RLStep, uint64(n))
			if has {
				e.sawEpisode(episode)
			}
			if isLate {
				late += uint64(n)
			} else {
				call.pieces = append(call.pieces, piece{
					from: uint32(from), n: uint32(n), environment: number, hasEpisode: has,
					flat: flat, episode: episode, first: first, millis: p.millis(row),
				})
			}
			from += n
		}
	}
	switch {
	case late > 0:
		l.reportLateEnvSteps(s, p.RLStep, late)
	case lower:
		l.warnLowerRLStep(s, p.RLStep)
	}
	return late
}

func (l *Logger) reportLateEnvSteps(s *series, rlStep, late uint64) {
	if s.late {
		return
	}
	s.late = true
	l.events.report(false, "%d points of %s came at rl_step %d, after their episode had gone on at a later one, "+
		"and were dropped: rl_step must not decrease; this is said once for each series",
		late, describe(s.identity), rlStep)
}

// stretch returns the episode at a point and how many points of the row share
// it from there on.
func (p *RLPoints) stretch(row, from, columns int) (episode uint64, has bool, n int) {
	end := (row + 1) * columns
	switch p.EpisodeShape {
	case One:
		return p.Episodes[0], true, end - from
	case PerRow:
		return p.Episodes[row], true, end - from
	case PerPoint:
		n = 1
		for from+n < end && p.Episodes[from+n] == p.Episodes[from] {
			n++
		}
		return p.Episodes[from], true, n
	default:
		return 0, false, end - from
	}
}

// numberEpisodes makes one piece of each row: the minor steps are episodes.
func (l *Logger) numberEpisodes(call *rlCall, p *RLPoints, s *series) {
	columns := p.columns()
	lower := false
	for row, number := range p.Environments {
		e := l.registry.environments[number]
		lower = s.rl.isLower(number, p.RLStep) || lower
		e.sawRLStep(p.RLStep)
		from := row * columns
		var first uint64
		switch p.EpisodeShape {
		case One:
			first = s.rl.explicitEpisodes(number, p.Episodes[0], uint64(columns))
		case PerRow:
			first = s.rl.explicitEpisodes(number, p.Episodes[row], uint64(columns))
		case PerPoint:
			for _, episode := range p.Episodes[from : from+columns] {
				s.rl.explicitEpisodes(number, episode, 1)
			}
		default:
			first = s.rl.nextEpisodes(e, uint64(columns))
		}
		call.pieces = append(call.pieces, piece{
			from: uint32(from), n: uint32(columns), environment: number, first: first, millis: p.millis(row),
		})
	}
	if lower {
		l.warnLowerRLStep(s, p.RLStep)
	}
}

func (l *Logger) warnLowerRLStep(s *series, rlStep uint64) {
	l.events.warn("rl_step %d of %s is lower than one logged before: rl_step must not decrease", rlStep, describe(s.identity))
}

func (e *environment) sawRLStep(rlStep uint64) {
	if !e.hasRLStep || rlStep > e.rlStep {
		e.hasRLStep, e.rlStep = true, rlStep
	}
}

func (e *environment) sawEpisode(episode uint64) {
	if !e.hasEpisode || episode > e.episode {
		e.hasEpisode, e.episode = true, episode
	}
}
