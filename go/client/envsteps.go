package client

// rlSeries is where the points of one series stand in each environment. All
// of it is indexed by environment number, so that a call with a thousand
// environments allocates nothing.
//
// The env-step axis runs through an episode: it has a counter of its own for
// each (environment, episode), and one without end for points that name no
// episode. The counter at hand is the current episode's; those of earlier
// episodes are put aside and taken up again when an episode comes back.
//
// A counter is flat when this logger logged the episode's first point itself:
// then it knows each point's step within the episode and sends that. Else it
// counts from the start of the current rl_step, and the server, which knows
// the rest, adds what came before.
type rlSeries struct {
	current  []envCounter
	rlSteps  []uint64 // highest, plus one
	episodes []uint64 // the next automatic episode of log_rl_episode

	endless []envCounter             // of points that name no episode
	aside   [asideSlots][]envCounter // rings of counters put aside: slot by slot, so that environments in step lie together
	more    map[episodeKey]envCounter
	turns   []uint32 // by environment: how often a counter was put aside
	highest []uint64 // by environment: the highest episode so far, plus one
	dropped []uint64 // by environment: the highest episode whose counter was dropped, plus one
	swept   uint64   // the rl_step at which more was last gone through
	emptied uint64   // the rl_step, plus one, at which more was last emptied
}

type episodeKey struct {
	environment uint32
	episode     uint64
}

// asideSlots is how many counters of earlier episodes are kept at hand for each
// environment. Those of the current rl_step that do not fit go to a map; the
// others are dropped: when such an episode comes back, counting from the start
// of the new rl_step is right again.
const asideSlots = 4

// mostMore bounds the map, for trainings that never change their rl_step. What
// then comes back to an episode that is no longer known cannot be numbered and
// counts as late.
const mostMore = 1 << 18

type envCounter struct {
	episode uint64
	rlStep  uint64
	next    uint64 // step, within the episode where flat, else relative to rlStep
	started bool
	flat    bool
}

func (r *rlSeries) grow(environments []*environment) {
	if missing := len(environments) - len(r.current); missing > 0 {
		r.current = append(r.current, make([]envCounter, missing)...)
		r.rlSteps = append(r.rlSteps, make([]uint64, missing)...)
		r.episodes = append(r.episodes, make([]uint64, missing)...)
		r.endless = append(r.endless, make([]envCounter, missing)...)
		for i := range r.aside {
			r.aside[i] = append(r.aside[i], make([]envCounter, missing)...)
		}
		r.turns = append(r.turns, make([]uint32, missing)...)
		r.highest = append(r.highest, make([]uint64, missing)...)
		r.dropped = append(r.dropped, make([]uint64, missing)...)
	}
}

// isLower says whether the environment was at a higher rl_step before.
func (r *rlSeries) isLower(environment uint32, rlStep uint64) bool {
	if rlStep+1 < r.rlSteps[environment] {
		return true
	}
	r.rlSteps[environment] = rlStep + 1
	return false
}

// envSteps takes n steps of an episode. It returns the first and whether it is
// counted within the episode or within the rl_step. Late steps cannot be told
// from ones that were logged before: relative to an rl_step that is over, the
// first of them would even look as if the episode began anew.
func (r *rlSeries) envSteps(
	e *environment, episode uint64, has bool, rlStep, n uint64,
) (first uint64, flat, late bool) {
	c := &r.current[e.number]
	if !has {
		c = &r.endless[e.number]
	}
	if !c.started || c.episode != episode {
		if has && r.isForgotten(e.number, episode, rlStep) {
			return 0, false, true
		}
		r.turn(c, e, episode, has, rlStep)
	}
	switch {
	case c.flat:
		c.rlStep = max(c.rlStep, rlStep)
	case rlStep > c.rlStep:
		c.rlStep, c.next = rlStep, 0
	case rlStep < c.rlStep:
		return 0, false, true
	}
	first = c.next
	c.next += n
	return first, c.flat, false
}

// isForgotten says whether an episode's counter of this rl_step was in the map
// when that was emptied.
func (r *rlSeries) isForgotten(environment uint32, episode, rlStep uint64) bool {
	if r.emptied != rlStep+1 || episode >= r.dropped[environment] {
		return false
	}
	for i := range r.aside {
		if slot := &r.aside[i][environment]; slot.started && slot.episode == episode {
			return false
		}
	}
	_, kept := r.more[episodeKey{environment, episode}]
	return !kept
}

// turn puts the current counter aside and takes up that of another episode. An
// episode above all before has none that would have to be looked for.
func (r *rlSeries) turn(c *envCounter, e *environment, episode uint64, has bool, rlStep uint64) {
	before := *c
	again := has && episode < r.highest[e.number] && r.takeBack(c, e.number, episode)
	if !again {
		*c = envCounter{started: true, episode: episode, rlStep: rlStep, flat: r.isFirst(e, episode, has)}
	}
	if has {
		r.highest[e.number] = max(r.highest[e.number], episode+1)
	}
	if before.started {
		r.putAside(e.number, before, rlStep)
	}
}

// isFirst says whether nobody can have logged to this episode before.
func (r *rlSeries) isFirst(e *environment, episode uint64, has bool) bool {
	if e.known && (!has || episode <= e.seedEpisode) {
		return false
	}
	return !has || episode >= r.dropped[e.number]
}

// takeBack takes up the counter of an episode that was put aside.
func (r *rlSeries) takeBack(c *envCounter, environment uint32, episode uint64) bool {
	for i := range r.aside {
		slot := &r.aside[i][environment]
		if slot.started && slot.episode == episode {
			*c, *slot = *slot, envCounter{}
			return true
		}
	}
	key := episodeKey{environment, episode}
	earlier, found := r.more[key]
	if found {
		delete(r.more, key)
		*c = earlier
	}
	return found
}

// putAside keeps a counter for the return of its episode, in place of the one
// that was put aside longest ago.
func (r *rlSeries) putAside(environment uint32, c envCounter, rlStep uint64) {
	slot := &r.aside[r.turns[environment]%asideSlots][environment]
	r.turns[environment]++
	evicted := *slot
	*slot = c
	if !evicted.started {
		return
	}
	if evicted.rlStep < rlStep {
		r.dropped[environment] = max(r.dropped[environment], evicted.episode+1)
		return
	}
	if r.more == nil {
		r.more = map[episodeKey]envCounter{}
	}
	r.sweep(rlStep)
	r.more[episodeKey{environment, evicted.episode}] = evicted
}

// sweep drops the counters in the map that are of an earlier rl_step, when
// there are many, and all of them when there are too many.
func (r *rlSeries) sweep(rlStep uint64) {
	if len(r.more) < max(1024, asideSlots*len(r.current)) {
		return
	}
	if r.swept != rlStep {
		r.swept = rlStep
		r.forget(func(c envCounter) bool { return c.rlStep < rlStep })
	}
	if len(r.more) >= mostMore {
		r.emptied = rlStep + 1
		r.forget(func(envCounter) bool { return true })
	}
}

// forget drops counters from the map.
func (r *rlSeries) forget(chosen func(envCounter) bool) {
	for key, counter := range r.more {
		if chosen(counter) {
			r.dropped[key.environment] = max(r.dropped[key.environment], key.episode+1)
			delete(r.more, key)
		}
	}
}

// nextEpisodes takes n automatic episodes of log_rl_episode and returns the
// first.
func (r *rlSeries) nextEpisodes(e *environment, n uint64) uint64 {
	next := &r.episodes[e.number]
	if e.known {
		*next = max(*next, e.seedEpisode+1)
	}
	first := *next
	*next += n
	return first
}

// explicitEpisodes notes that n episodes from first on were logged.
func (r *rlSeries) explicitEpisodes(environment uint32, first, n uint64) uint64 {
	r.episodes[environment] = max(r.episodes[environment], first+n)
	return first
}
