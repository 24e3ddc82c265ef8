package store

import "github.com/metrana/metrana/go/store/chunk"

// A clock counts the env steps of an environment, over the series that have the
// same labels. It places the episodes that a series begins: the one that is first
// to know of an episode says where it lies, and the others follow, also those that
// log few env steps or were not there from the start. README.md states the rules.
type clock struct {
	total   uint64 // lowest total step above all
	highest uint64 // episode plus one; 0 while none came
	newest  recentEpisode
	older   []recentEpisode // the few before, the oldest at next when there are as many as may be
	next    int
}

// olderEpisodes is how many a clock remembers besides the newest.
const olderEpisodes = 31

type recentEpisode struct {
	episode uint64 // plus one; 0 for points without
	attempt uint64
	begin   uint64 // origin that its first point got; 0 when that was not seen
	end     uint64 // lowest total step above all of its points
}

// later compares total steps, which may wrap around.
func later(a, b uint64) uint64 {
	if int64(a-b) > 0 {
		return a
	}
	return b
}

func (c *clock) find(episode uint64) *recentEpisode {
	if c.newest.episode == episode {
		return &c.newest
	}
	for i := range c.older {
		if c.older[i].episode == episode {
			return &c.older[i]
		}
	}
	return nil
}

// lift gives the origin of an episode that a series begins: the one that it would
// get by itself, or a later one that the clock knows. Where that does not know the
// episode any more, or there is none, it says nothing.
func (c *clock) lift(origin, episode, attempt, firstEnvStep uint64) uint64 {
	known := c.find(episode)
	switch {
	case episode > c.highest:
		return later(origin, c.total-firstEnvStep)
	case episode > 0 && known != nil && known.attempt == attempt:
		return later(origin, known.begin)
	}
	return origin
}

// end is the total step at the end of an episode, as far as the clock knows.
func (c *clock) end(episode uint64) uint64 {
	if known := c.find(episode); known != nil {
		return known.end
	}
	return c.total
}

// observe takes in points of one batch, which took the total of their series from
// before to after: back, when a restart discarded env steps.
func (c *clock) observe(points *columns, end, before, after uint64) {
	if later(before, after) != after && c.total == before {
		c.total = after
	}
	episode, attempt := points.ints[colEpisode][0].First, points.ints[colAttempt][0].First
	known := c.find(episode)
	switch {
	case known == nil:
		c.remember(recentEpisode{episode, attempt, 0, end}, points.ints[colOrigin][0].First)
	case attempt < known.attempt: // of a series that is behind
		return
	case attempt > known.attempt:
		*known = recentEpisode{episode, attempt, points.ints[colOrigin][0].First, end}
	default:
		known.end = later(known.end, end)
	}
	c.total = later(c.total, end)
	c.highest = max(c.highest, episode)
}

// remember adds an episode in the place of the oldest. One that is not above all may
// have begun before.
func (c *clock) remember(e recentEpisode, origin uint64) {
	if e.episode > c.highest {
		e.begin = origin
	}
	if len(c.older) < olderEpisodes {
		c.older = append(c.older, c.newest)
	} else {
		c.older[c.next] = c.newest
		c.next = (c.next + 1) % olderEpisodes
	}
	c.newest = e
}

// clockOf gives the clock of series with these labels, which is made when it is new.
func (e *environment) clockOf(labels string) *clock {
	c := e.clocks[labels]
	if c == nil {
		c = &clock{}
		if e.clocks == nil {
			e.clocks = make(map[string]*clock)
		}
		e.clocks[labels] = c
	}
	return c
}

// endOf is the total step at the end of an episode: by the clock of the labels, or
// else by the one that is furthest.
func (e *environment) endOf(labels string, episode uint64) uint64 {
	if c := e.clocks[labels]; c != nil {
		return c.end(episode)
	}
	end := uint64(0)
	for _, c := range e.clocks {
		end = later(end, c.end(episode))
	}
	return end
}

// lead is the episode of a series whose points were the last to take its total
// further.
type lead struct {
	episode uint64 // plus one; 0 for points without
	attempt uint64
	began   uint64 // the total before
}

// advance takes the total on to behind points of one batch.
func (s *rlState) advance(points *columns, end uint64) {
	episode, attempt := points.ints[colEpisode][0].First, points.ints[colAttempt][0].First
	if episode == s.lead.episode && attempt > s.lead.attempt {
		s.lead.attempt, s.total = attempt, s.lead.began
	}
	if later(end, s.total) == s.total {
		return
	}
	if episode != s.lead.episode {
		s.lead = lead{episode, attempt, s.total}
	}
	s.total = end
}

// totalEnd is the total step behind the highest of RL points.
func (c *columns) totalEnd() uint64 {
	envSteps, origins := c.ints[colEnvStep], c.ints[colOrigin]
	if len(envSteps) == 1 && len(origins) == 1 && origins[0].Delta == 0 {
		return origins[0].First + max(envSteps[0].First, envSteps[0].Last()) + 1
	}
	s, o := envSteps.Cursor(), origins.Cursor()
	end := s.Next() + o.Next() + 1
	for range len(c.values) - 1 {
		end = later(end, s.Next()+o.Next()+1)
	}
	return end
}

// origins say where env step 0 of an episode lies among the total steps of its
// series: for points before the end of the episode, and for those behind.
type origins struct {
	end            uint64 // of the episode, an env step
	before, behind uint64
}

func (o origins) of(envStep uint64) uint64 {
	switch {
	case envStep >= o.end:
		return o.behind
	case envStep == 0: // of an episode that counts from one
		return later(o.before, 0)
	}
	return o.before
}

// append writes those of n env steps in a row.
func (o origins) append(runs chunk.Runs, envStep uint64, n int) chunk.Runs {
	if o.before == o.behind {
		return runs.Append(o.behind, 0, n)
	}
	before := 0
	if envStep < o.end {
		before = int(min(o.end-envStep, uint64(n)))
	}
	return runs.Append(o.of(envStep), 0, before).Append(o.behind, 0, n-before)
}
