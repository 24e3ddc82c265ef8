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

	aside   map[asideKey]envCounter
	order   []asideKey        // in which they were put aside
	dropped map[uint32]uint64 // by environment: the highest episode whose counter was dropped
}

type asideKey struct {
	environment uint32
	hasEpisode  bool
	episode     uint64
}

type envCounter struct {
	started    bool
	hasEpisode bool
	flat       bool
	episode    uint64
	rlStep     uint64
	minor      uint64 // next, relative to rlStep
	step       uint64 // next, within the episode; where flat
}

// asideLimit bounds how many counters of earlier episodes are kept for each
// environment on average, beside those of the current rl_step.
const asideLimit = 8

const minAsideLimit = 4096

func (r *rlSeries) grow(environments []*environment) {
	if missing := len(environments) - len(r.current); missing > 0 {
		r.current = append(r.current, make([]envCounter, missing)...)
		r.rlSteps = append(r.rlSteps, make([]uint64, missing)...)
		r.episodes = append(r.episodes, make([]uint64, missing)...)
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
// counted within the episode or within the rl_step.
func (r *rlSeries) envSteps(e *environment, episode uint64, has bool, rlStep, n uint64) (first uint64, flat bool) {
	c := &r.current[e.number]
	if !c.started || c.hasEpisode != has || c.episode != episode {
		r.turn(c, e, episode, has, rlStep)
	}
	if c.flat {
		first = c.step
		c.step += n
		c.rlStep = max(c.rlStep, rlStep)
		return first, true
	}
	switch {
	case rlStep > c.rlStep:
		c.rlStep, c.minor = rlStep, n
		return 0, false
	case rlStep == c.rlStep:
		first = c.minor
		c.minor += n
		return first, false
	default:
		return 0, false
	}
}

// turn puts the current counter aside and takes up that of another episode.
func (r *rlSeries) turn(c *envCounter, e *environment, episode uint64, has bool, rlStep uint64) {
	if c.started {
		r.putAside(asideKey{e.number, c.hasEpisode, c.episode}, *c, rlStep)
	}
	key := asideKey{e.number, has, episode}
	if earlier, ok := r.aside[key]; ok {
		delete(r.aside, key)
		*c = earlier
		return
	}
	*c = envCounter{
		started: true, hasEpisode: has, episode: episode, rlStep: rlStep,
		flat: r.isFirst(e, episode, has),
	}
}

// isFirst says whether nobody can have logged to this episode before.
func (r *rlSeries) isFirst(e *environment, episode uint64, has bool) bool {
	if e.known && (!has || episode <= e.seedEpisode) {
		return false
	}
	highest, some := r.dropped[e.number]
	return !has || !some || episode > highest
}

// putAside keeps a counter for the return of its episode, and drops the oldest
// ones where there are too many. Only counters of an earlier rl_step are
// dropped: when such an episode comes back, counting from the start of the
// new rl_step is right again.
func (r *rlSeries) putAside(key asideKey, c envCounter, rlStep uint64) {
	if r.aside == nil {
		r.aside = map[asideKey]envCounter{}
	}
	r.aside[key] = c
	if !key.hasEpisode {
		return
	}
	r.order = append(r.order, key)
	limit := max(minAsideLimit, asideLimit*len(r.current))
	for len(r.order) > limit {
		oldest := r.order[0]
		counter, ok := r.aside[oldest]
		if ok && counter.rlStep >= rlStep {
			return
		}
		r.order = r.order[1:]
		if !ok {
			continue
		}
		delete(r.aside, oldest)
		if r.dropped == nil {
			r.dropped = map[uint32]uint64{}
		}
		r.dropped[oldest.environment] = max(r.dropped[oldest.environment], oldest.episode)
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
