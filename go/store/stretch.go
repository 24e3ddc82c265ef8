package store

import "github.com/metrana/metrana/go/store/chunk"

// A stretch is as many points of a cell in a row, as they were logged, that agree
// in rl_step, episode and attempt. The sums of stretches are kept as points come
// and go into the sheets of segments, so that a question about all environments
// reads no points. A sum is taken from the first point of its stretch to the last,
// across the rolls in between: it does not depend on where the points lie.
type stretch struct {
	stretchPlace

	count uint64 // of finite points
	sum   float64
	// continued holds where the stretch began in the segment before; count and sum
	// are of all of it.
	continued bool
}

// stretchPlace is what the points of a stretch agree in.
type stretchPlace struct {
	rlStep  uint64
	episode uint64 // plus one; 0 for points without
	attempt uint64
}

func (s *stretch) take(values []float64) {
	sum := gridSum(s.sum, values)
	if finite(sum) { // then all of them are
		s.sum = sum
		s.count += uint64(len(values))
		return
	}
	s.takeFinite(values)
}

func (s *stretch) takeFinite(values []float64) {
	for _, v := range values {
		if finite(v) {
			s.sum += v
			s.count++
		}
	}
}

// stretches are those of a cell in its head, or of the points that are rolled.
type stretches struct {
	list []stretch // without the last
	last stretch   // the next point may belong to it
	// begun holds when there is a last one.
	begun bool
	// carried holds while it has no points of this head: it only says how the next
	// may go on.
	carried bool
	// dropped holds when the list was given up because its stretches are hardly
	// longer than a point, and what it would save less than what it takes. Only the
	// last one is right then.
	dropped bool
}

// stretchBytes is what one takes in memory.
const stretchBytes = 48

// Stretches shorter than this on average, when there are many, are read point by
// point.
const (
	shortStretch = 8  // points
	manyOfCell   = 64 // stretches of one cell
	manyOfSheet  = 2048
)

// add takes in points behind those of the list.
func (s *stretches) add(c *columns) {
	from := 0
	eachStretch(&c.ints, len(c.values), func(at stretchPlace, n int) {
		s.extend(at, c.values[from:from+n])
		from += n
	})
}

func (s *stretches) extend(at stretchPlace, values []float64) {
	if !s.begun || s.last.stretchPlace != at {
		if s.begun && !s.carried && !s.dropped {
			s.list = append(s.list, s.last)
		}
		s.last, s.begun = stretch{stretchPlace: at}, true
	}
	s.carried = false
	s.last.take(values)
}

// trim gives the list up where it does not pay for the points of a head.
func (s *stretches) trim(points int) {
	if k := len(s.list); k >= manyOfCell && k*shortStretch > points {
		s.list, s.dropped = nil, true
	}
}

// carry is what the head behind begins with, in memory that is given.
func (s *stretches) carry(room []stretch) stretches {
	if !s.begun {
		return stretches{}
	}
	next := stretches{list: room, last: s.last, begun: true, carried: true}
	next.last.continued = true
	return next
}

// count is how many stretches have points of this head.
func (s *stretches) count() int {
	if !s.begun || s.carried {
		return 0
	}
	return len(s.list) + 1
}

// appendTo writes the stretches that have points of this head behind dst.
func (s *stretches) appendTo(dst []stretch) []stretch {
	if s.count() == 0 {
		return dst
	}
	return append(append(dst, s.list...), s.last)
}

// join adds the stretches of what was logged behind.
func (s *stretches) join(more stretches) {
	s.dropped = s.dropped || more.dropped
	if more.count() == 0 {
		return
	}
	rows := joinStretches(s.appendTo(nil), more.appendTo(nil))
	k := len(rows) - 1
	s.list, s.last, s.begun, s.carried = rows[:k], rows[k], true, false
	if s.dropped {
		s.list = nil
	}
}

func joinStretches(list, more []stretch) []stretch {
	if len(list) == 0 || len(more) == 0 || !more[0].continued {
		return append(list, more...)
	}
	k := len(list) - 1
	began := list[k].continued
	list[k] = more[0]
	list[k].continued = began
	return append(list, more[1:]...)
}

// eachStretch cuts n points where their rl_step, episode or attempt changes; it
// may cut more often.
//
// Here and where else points come in, runs are read where they lie: to copy one that
// was just written, the processor would wait until the writes before are done, those
// to memory that is not at hand included.
func eachStretch(ints *[rlCols]chunk.Runs, n int, visit func(at stretchPlace, n int)) {
	if isLevel(ints[colRLStep]) && isLevel(ints[colEpisode]) && isLevel(ints[colAttempt]) {
		visit(stretchPlace{ints[colRLStep][0].First, ints[colEpisode][0].First, ints[colAttempt][0].First}, n)
		return
	}
	rlSteps, episodes, attempts := ints[colRLStep].Cursor(), ints[colEpisode].Cursor(), ints[colAttempt].Cursor()
	for n > 0 {
		rlStep, episode, attempt := rlSteps.Peek(), episodes.Peek(), attempts.Peek()
		level := min(levelOf(rlStep), levelOf(episode), levelOf(attempt), n)
		rlSteps.Skip(level)
		episodes.Skip(level)
		attempts.Skip(level)
		visit(stretchPlace{rlStep.First, episode.First, attempt.First}, level)
		n -= level
	}
}

// isLevel tells whether all numbers are equal, where that shows at once.
func isLevel(runs chunk.Runs) bool { return len(runs) == 1 && runs[0].Delta == 0 }

// levelOf says how many numbers a run begins with that are equal.
func levelOf(r chunk.Run) int {
	if r.Delta == 0 {
		return int(r.N)
	}
	return 1
}
