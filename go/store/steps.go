package store

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store/chunk"
)

// The step rules: which of the points that arrive are kept, and where they lie.
// README.md states them in words.

// keepStandard writes the points of a batch that are kept into out and returns
// how many came late.
func keepStandard(s *stdState, ordered bool, logger uint64, b point.Batch, out *columns) (late uint64) {
	if excess := beyondLast(b); excess > 0 {
		late += uint64(excess)
		b.Values = b.Values[:len(b.Values)-excess]
	}
	if !ordered {
		out.ints[colStep] = appendSteps(out.ints[colStep], b.Steps, 0, len(b.Values))
		out.ints[colTime] = appendTimes(out.ints[colTime], b.Times, 0, len(b.Values))
		out.ints[colLogger] = out.ints[colLogger].Append(logger, 0, len(b.Values))
		out.takeValues(b.Values)
		return late
	}
	next, open := uint64(0), true // the lowest step that may come
	if s.count > 0 {
		next, open = s.last+1, s.last < math.MaxUint64
	}
	if b.Steps.List == nil {
		return late + keepConsecutive(next, open, logger, b, out)
	}
	for i, step := range b.Steps.List {
		if !open || step < next {
			late++
			continue
		}
		appendOne(out, step, b.Times.At(i), logger, b.Values[i])
		next, open = step+1, step < math.MaxUint64
	}
	return late
}

// beyondLast counts the points whose consecutive steps would pass the highest
// step there is.
func beyondLast(b point.Batch) int {
	n := len(b.Values)
	if b.Steps.List != nil || n == 0 || uint64(n-1) <= math.MaxUint64-b.Steps.First {
		return 0
	}
	return n - 1 - int(math.MaxUint64-b.Steps.First)
}

func keepConsecutive(next uint64, open bool, logger uint64, b point.Batch, out *columns) (late uint64) {
	n := len(b.Values)
	from := 0
	if !open {
		from = n
	} else if b.Steps.First < next {
		from = int(min(next-b.Steps.First, uint64(n)))
	}
	out.ints[colStep] = appendSteps(out.ints[colStep], b.Steps, from, n)
	out.ints[colTime] = appendTimes(out.ints[colTime], b.Times, from, n)
	out.ints[colLogger] = out.ints[colLogger].Append(logger, 0, n-from)
	out.takeValues(b.Values[from:])
	return uint64(from)
}

func appendOne(out *columns, step uint64, time int64, logger uint64, value float64) {
	out.ints[colStep] = out.ints[colStep].AppendOne(step)
	out.ints[colTime] = out.ints[colTime].AppendOne(uint64(time))
	out.ints[colLogger] = out.ints[colLogger].AppendOne(logger)
	out.values = append(out.values, value)
}

func appendSteps(runs chunk.Runs, s point.Steps, from, to int) chunk.Runs {
	if s.List == nil {
		return runs.Append(s.First+uint64(from), 1, to-from)
	}
	for _, step := range s.List[from:to] {
		runs = runs.AppendOne(step)
	}
	return runs
}

func appendTimes(runs chunk.Runs, t point.Times, from, to int) chunk.Runs {
	if t.List == nil {
		return runs.Append(uint64(t.Millis), 0, to-from)
	}
	for _, time := range t.List[from:to] {
		runs = runs.AppendOne(uint64(time))
	}
	return runs
}

// storedPoints finds the stored points of a cell at one episode (plus one; 0
// for none) and, unless nil, one rl_step, in logged order.
type storedPoints func(episode uint64, rlStep *uint64) (columns, error)

// rlKeeper applies the rules of RL points to one batch.
type rlKeeper struct {
	state    *rlState
	episodic bool
	stored   storedPoints
	clock    *clock                      // unless episodic
	endOf    func(episode uint64) uint64 // if episodic: the total step at its end
}

// keep writes the points of a batch that are kept into out and returns how many
// were stored already.
func (k rlKeeper) keep(b point.RLBatch, mayRestart bool, out *columns) (duplicates uint64, err error) {
	episode := uint64(0)
	if b.HasEpisode && !k.episodic {
		episode = b.Episode + 1
	}
	state, err := k.find(episode)
	if err != nil {
		return 0, err
	}
	again := mayRestart && episode != 0 && restarts(state, b)
	if again {
		*state = episodeState{episode: episode, attempt: state.attempt + 1}
	}
	base, fresh := k.place(state, b)
	at := k.originsOf(state, b, again)
	if fresh {
		k.write(b, 0, len(b.Values), base, state, at, out)
		return 0, nil
	}
	return k.keepSome(state, b, base, at, out)
}

// originsOf says where the env steps of a batch lie among the total ones: behind all
// others of the series, unless the episode is the one that leads. What comes late
// lies with the rest of its episode.
func (k rlKeeper) originsOf(e *episodeState, b point.RLBatch, again bool) origins {
	s := k.state
	switch leads := s.lead.episode == e.episode; {
	case k.episodic:
		return origins{}
	case again && leads: // where it began before
		origin := s.lead.began - firstEnvStep(b)
		return origins{0, origin, origin}
	case e.started && leads:
		return origins{e.total, e.origin, e.origin}
	case e.started:
		return origins{e.total, e.origin, s.total - e.total}
	}
	first := firstEnvStep(b)
	origin := k.clock.lift(s.total-first, e.episode, e.attempt, first)
	return origins{0, origin, origin}
}

// firstEnvStep is the number that the first env step of an episode has.
func firstEnvStep(b point.RLBatch) uint64 {
	fromOne := b.Flat && b.FromOne && b.Minors.At(0) > 0 && (b.Minors.List == nil || slices.Min(b.Minors.List) > 0)
	return uint64(boolInt(fromOne))
}

// placeable tells whether positions of a batch are low enough to be added up.
func placeable(b point.RLBatch) bool {
	if b.HasEpisode && b.Episode == math.MaxUint64 {
		return false
	}
	if b.Minors.List == nil {
		return b.Minors.First <= maxMinor-uint64(len(b.Values))
	}
	return slices.Max(b.Minors.List) <= maxMinor
}

// restarts tells whether a batch logs the first env step of an episode again.
func restarts(e *episodeState, b point.RLBatch) bool {
	if !e.started || len(b.Values) == 0 {
		return false
	}
	first := b.Minors.At(0)
	if b.Flat {
		return first == 0 || first == 1 && b.FromOne
	}
	return b.RLStep == e.first && first == 0
}

// find gives the state of an episode, from its stored points when it is not
// the one at hand.
func (k rlKeeper) find(episode uint64) (*episodeState, error) {
	s := k.state
	if episode == 0 {
		return &s.endless, nil
	}
	if s.episode.episode == episode {
		return &s.episode, nil
	}
	found := episodeState{episode: episode}
	if episode <= s.maxEpisode {
		points, err := k.stored(episode, nil)
		if err != nil {
			return nil, err
		}
		rlSteps, minors := points.ints[colRLStep].Cursor(), points.ints[colMinor].Cursor()
		envSteps, attempts := points.ints[colEnvStep].Cursor(), points.ints[colAttempt].Cursor()
		origins := points.ints[colOrigin].Cursor()
		for range points.values {
			found.observe(rlSteps.Next(), minors.Next(), envSteps.Next(), attempts.Next(), origins.Next())
		}
	}
	s.episode = found
	return &s.episode, nil
}

// place says where minor 0 of a batch lies in the episode, and whether none of
// the batch's keys can be stored yet.
func (k rlKeeper) place(e *episodeState, b point.RLBatch) (base uint64, fresh bool) {
	consecutive := b.Minors.List == nil
	first := b.Minors.First
	switch {
	case !e.started:
		return 0, consecutive
	case k.episodic:
		return 0, consecutive && (b.RLStep > e.rlStep || b.RLStep == e.rlStep && first >= e.next)
	case b.Flat:
		return 0, consecutive && first >= e.total
	case b.RLStep > e.rlStep:
		return e.total, consecutive
	case b.RLStep == e.rlStep && !e.flat:
		return e.base, consecutive && first >= e.next
	case b.RLStep == e.rlStep:
		return e.total, consecutive
	}
	return e.total, false
}

type rlKey struct {
	rlStep, minor uint64
}

// keepSome drops the points whose keys are stored already.
func (k rlKeeper) keepSome(e *episodeState, b point.RLBatch, base uint64, at origins, out *columns) (duplicates uint64, err error) {
	taken := make(map[rlKey]bool)
	if e.started {
		if base, err = k.collect(e, b, base, taken); err != nil {
			return 0, err
		}
	}
	for i := range b.Values {
		key := rlKey{b.RLStep, k.minor(b, i)}
		if taken[key] {
			duplicates++
			continue
		}
		taken[key] = true
		k.write(b, i, i+1, base, e, at, out)
	}
	return duplicates, nil
}

// collect gathers the keys stored at the batch's rl_step; it returns the base of
// the relative minors stored there, or else the one given.
func (k rlKeeper) collect(e *episodeState, b point.RLBatch, base uint64, taken map[rlKey]bool) (uint64, error) {
	points, err := k.stored(e.episode, &b.RLStep)
	if err != nil {
		return 0, err
	}
	minors, envSteps := points.ints[colMinor].Cursor(), points.ints[colEnvStep].Cursor()
	attempts := points.ints[colAttempt].Cursor()
	for range points.values {
		minor, envStep := minors.Next(), envSteps.Next()
		if attempts.Next() != e.attempt {
			continue
		}
		taken[rlKey{b.RLStep, minor}] = true
		if !b.Flat && minor&1 == 0 {
			base = envStep - minor>>1
		}
	}
	return base, nil
}

func (k rlKeeper) minor(b point.RLBatch, i int) uint64 {
	minor := b.Minors.At(i) << 1
	if b.Flat && !k.episodic {
		minor |= 1
	}
	return minor
}

// write adds the points from..to of a batch.
func (k rlKeeper) write(b point.RLBatch, from, to int, base uint64, e *episodeState, at origins, out *columns) {
	n := to - from
	if n == 0 {
		return
	}
	out.ints[colRLStep] = out.ints[colRLStep].Append(b.RLStep, 0, n)
	out.ints[colRLTime] = appendTimes(out.ints[colRLTime], b.Times, from, to)
	out.ints[colAttempt] = out.ints[colAttempt].Append(e.attempt, 0, n)
	out.takeValues(b.Values[from:to])
	if b.Minors.List == nil {
		first := k.minor(b, from)
		k.writePositions(first, 2, base+first>>1, n, e.episode, at, out)
		return
	}
	for i := from; i < to; i++ {
		minor := k.minor(b, i)
		k.writePositions(minor, 0, base+minor>>1, 1, e.episode, at, out)
	}
}

func (k rlKeeper) writePositions(minor, delta, envStep uint64, n int, episode uint64, at origins, out *columns) {
	out.ints[colMinor] = out.ints[colMinor].Append(minor, delta, n)
	out.ints[colEnvStep] = out.ints[colEnvStep].Append(envStep, 1, n)
	if !k.episodic {
		out.ints[colEpisode] = out.ints[colEpisode].Append(episode, 0, n)
		out.ints[colOrigin] = at.append(out.ints[colOrigin], envStep, n)
		return
	}
	out.ints[colEpisode] = out.ints[colEpisode].Append(envStep+1, 1, n)
	for episode := envStep; episode < envStep+uint64(n); episode++ {
		out.ints[colOrigin] = out.ints[colOrigin].AppendOne(k.endOf(episode+1) - episode)
	}
}
