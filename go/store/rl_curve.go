package store

import (
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// RLCurve says which RL points of a series are wanted and what they are placed along.
type RLCurve struct {
	Series uint32
	Along  Along
	Since  int64   // Unix milliseconds from which times count
	Within Range   // along the axis
	Points RLRange // what else they must lie in
}

// onAxis leaves out what lies at no place of the axis.
func (q RLCurve) onAxis() RLCurve {
	if q.Along == AlongEpisodes {
		q.Within.To = min(q.Within.To, noEpisode-1)
	}
	return q
}

// RLCounts gives how many points a series got in each environment, by number - 1, those
// included that were discarded since. They only grow as long as loaded stays: that is another
// number when the run was read from disk anew.
func (r *Run) RLCounts(no uint32) (counts []uint64, loaded uint64) {
	r.readLock()
	defer r.mu.RUnlock()
	if no == 0 || int(no) > len(r.series) {
		return nil, r.loaded
	}
	envs := r.series[no-1].envs
	counts = make([]uint64, len(envs))
	for i, c := range envs {
		if c != nil {
			counts[i] = c.rl.count
		}
	}
	return counts, r.loaded
}

// RLReach is how far the points of a curve go that an environment has.
type RLReach struct {
	Range

	Points uint64
	Taken  uint64 // how many points the environment had got, as RLCounts gives them
	// Discards holds where some of the points looked at belong to an episode that had
	// started over: points before them may be discarded.
	Discards bool
}

// RLReach looks at the points behind the first so many that an environment got. It reads no
// values.
func (r *Run) RLReach(env uint32, q RLCurve, behind uint64) (reach RLReach, err error) {
	err = r.walkCurve(env, q, behind, func(w *curveWalk) (err error) {
		reach, err = w.reach()
		return err
	})
	return reach, err
}

func (w *curveWalk) reach() (RLReach, error) {
	reach := RLReach{Range: nothing, Taken: w.view.count, Discards: w.discards}
	err := w.eachSource(func(src *source) error {
		return w.each(src, func(places chunk.Run, _ int) error {
			reach.include(places.First)
			reach.include(places.Last())
			reach.Points += uint64(places.N)
			return nil
		})
	})
	return reach, err
}

// curveWalk goes over the points of an environment that a curve has, as they were logged.
// Their positions stay runs: a point costs little beside reading its value.
type curveWalk struct {
	RLCurve

	run      *Run
	id       cellID
	view     view
	behind   uint64                   // so many points of the environment are passed over
	pooled   map[uint64]pooledSegment // segments of which only the points in gaps are visited
	attempts map[uint64]uint64        // of episodes, the last; where some started over
	discards bool                     // some points behind are of such episodes
	apart    bool                     // the points of the source at hand are visited one by one
	skip     int                      // so many points of it are passed over
	room     struct {                 // for columns of a chunk
		ints   [rlCols]chunk.Runs
		places chunk.Runs
	}
}

// walkCurve lets visit walk over the points of an environment at one moment, behind the first
// so many that it got.
func (r *Run) walkCurve(env uint32, q RLCurve, behind uint64, visit func(w *curveWalk) error) error {
	if env == 0 {
		return nil
	}
	w := &curveWalk{RLCurve: q.onAxis(), run: r, id: cellID{q.Series, env}, behind: behind}
	return r.look(q.Series, env, func(v view) error {
		w.view, w.attempts, w.discards = v, nil, false
		if v.restarted {
			if err := w.findAttempts(); err != nil {
				return err
			}
		}
		return visit(w)
	})
}

// findAttempts looks up which attempts are the last.
func (w *curveWalk) findAttempts() error {
	attempts := make(map[uint64]uint64)
	err := w.eachSourceOf(stretchColumns, func(blockInfo) bool { return true }, func(src *source) error {
		behind := -w.skipped(src)
		eachStretch(&src.ints, src.n, func(at stretchPlace, n int) {
			attempts[at.episode] = max(attempts[at.episode], at.attempt)
			behind += n
			w.discards = w.discards || at.attempt > 0 && behind > 0
		})
		return nil
	})
	w.attempts = attempts
	return err
}

// eachSource visits what may have wanted points, with the columns that each looks at, rl_steps
// and times.
func (w *curveWalk) eachSource(visit func(src *source) error) error {
	columns := append(w.placeColumns(), colRLStep, colRLTime)
	if w.picks() {
		columns = append(columns, stretchColumns...)
	}
	return w.eachSourceOf(columns, w.wants, visit)
}

func (w *curveWalk) eachSourceOf(columns []int, wants func(blockInfo) bool, visit func(src *source) error) error {
	at := w.view.inSegments()
	for _, info := range w.view.segments {
		if w.behind >= at {
			break
		}
		if err := w.eachStored(info, columns, wants, visit); err != nil {
			return err
		}
	}
	for _, points := range []*held{&w.view.frozen, &w.view.head} {
		src := inMemory(at, points)
		if at += uint64(src.n); at > w.behind && src.n > 0 {
			if err := visit(&src); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachStored visits what a segment has.
func (w *curveWalk) eachStored(info segmentInfo, columns []int, wants func(blockInfo) bool, visit func(src *source) error) error {
	pool, pooled := w.pooled[info.number]
	if pooled && len(pool.gaps) == 0 {
		return nil
	}
	return w.run.eachChunkOf(info, w.id, wants, func(c storedChunk) error {
		src := source{ordinal: c.head.begins[c.at], n: c.len(), read: c.values}
		if src.ordinal+uint64(src.n) <= w.behind {
			return nil
		}
		for _, k := range columns {
			src.ints[k] = c.head.positionIn(&w.room.ints[k], c.at, k)
		}
		if !pooled {
			return visit(&src)
		}
		return w.eachGap(pool.gaps, func() error { return visit(&src) })
	})
}

// eachGap lets visit see no points but those in a gap, one gap after the other.
func (w *curveWalk) eachGap(gaps []Range, visit func() error) (err error) {
	within := w.Within
	for _, gap := range gaps {
		if w.Within = gap; err == nil {
			err = visit()
		}
	}
	w.Within = within
	return err
}

// skipped is how many points of a source are passed over.
func (w *curveWalk) skipped(src *source) int {
	return int(min(max(w.behind, src.ordinal)-src.ordinal, uint64(src.n)))
}

func (w *curveWalk) placeColumns() []int {
	switch w.Along {
	case AlongEpisodes:
		return []int{colEpisode}
	case AlongEnvSteps:
		return []int{colEnvStep}
	case AlongTotalSteps:
		return []int{colEnvStep, colOrigin}
	default:
		return nil // rl_steps and times are there anyway
	}
}

// picks tells whether some points may not be wanted, wherever they lie along the axis.
func (w *curveWalk) picks() bool { return w.attempts != nil || w.Points != RLRange{} }

// wants tells whether a block may have wanted points.
func (w *curveWalk) wants(b blockInfo) bool {
	within := RLRange{}
	switch w.Along {
	case AlongRLSteps:
		within.RLStep = &w.Within
	case AlongEpisodes:
		within.Episode = &w.Within
	}
	return w.Points.passes(b) && within.passes(b)
}

// each visits the wanted points of a source, in pieces whose places count up evenly and
// whose rl_steps do not descend, and the number of each piece's first point in the source.
func (w *curveWalk) each(src *source, visit func(places chunk.Run, from int) error) error {
	w.apart, w.skip = descends(src.ints[colRLStep]), w.skipped(src)
	places := w.places(&src.ints, src.n)
	if !w.picks() {
		return w.eachPiece(places, 0, visit)
	}
	cursor, from := places.Cursor(), 0
	var picked chunk.Runs
	var err error
	eachStretch(&src.ints, src.n, func(at stretchPlace, n int) {
		if err == nil && w.holds(at) {
			picked = cursor.AppendTo(picked[:0], n)
			err = w.eachPiece(picked, from, visit)
		} else {
			cursor.Skip(n)
		}
		from += n
	})
	return err
}

func descends(runs chunk.Runs) bool {
	before := uint64(0)
	return slices.ContainsFunc(runs, func(run chunk.Run) bool {
		last, ascends := lastOf(run.First, run.Delta, run.N)
		falls := run.First < before || !ascends
		before = last
		return falls
	})
}

func (w *curveWalk) holds(at stretchPlace) bool {
	return w.Points.holds(at.rlStep, at.episode) && (w.attempts == nil || w.attempts[at.episode] == at.attempt)
}

// places are where the points lie, but for what piece adds.
func (w *curveWalk) places(ints *[rlCols]chunk.Runs, n int) chunk.Runs {
	switch w.Along {
	case AlongRLSteps:
		return ints[colRLStep]
	case AlongEpisodes:
		return ints[colEpisode]
	case AlongEnvSteps:
		return ints[colEnvStep]
	case AlongTotalSteps:
		w.room.places = appendSums(w.room.places[:0], ints[colOrigin], ints[colEnvStep], n)
		return w.room.places
	default:
		return ints[colRLTime]
	}
}

// appendSums adds two columns of n numbers up.
func appendSums(dst, a, b chunk.Runs, n int) chunk.Runs {
	as, bs := a.Cursor(), b.Cursor()
	for n > 0 {
		x, y := as.Peek(), bs.Peek()
		level := min(int(x.N), int(y.N), n)
		dst = dst.Append(x.First+y.First, x.Delta+y.Delta, level)
		as.Skip(level)
		bs.Skip(level)
		n -= level
	}
	return dst
}

func (w *curveWalk) eachPiece(places chunk.Runs, from int, visit func(places chunk.Run, from int) error) error {
	for _, run := range places {
		n := int(run.N)
		run.First += w.shift()
		if passed := uint32(min(max(w.skip-from, 0), n)); passed > 0 {
			run.First += uint64(passed) * run.Delta
			run.N -= passed
			from, n = from+int(passed), n-int(passed)
		}
		if n == 0 {
			continue
		}
		var err error
		if _, ascends := lastOf(run.First, run.Delta, run.N); ascends && !w.apart {
			err = w.visitWithin(run, from, visit)
		} else {
			err = w.visitApart(run, from, visit)
		}
		if err != nil {
			return err
		}
		from += n
	}
	return nil
}

// shift is what lies between a column and the axis. Episodes are stored plus one: points
// without one come to lie at the very end, where none is wanted.
func (w *curveWalk) shift() uint64 {
	switch w.Along {
	case AlongEpisodes:
		return episodePlace
	case AlongTimes:
		return timeZero - uint64(w.Since)
	default:
		return 0
	}
}

// visitApart visits the points of a run one by one.
func (w *curveWalk) visitApart(run chunk.Run, from int, visit func(places chunk.Run, from int) error) error {
	for i := range run.N {
		one := chunk.Run{First: run.First + uint64(i)*run.Delta, N: 1}
		if err := w.visitWithin(one, from+int(i), visit); err != nil {
			return err
		}
	}
	return nil
}

// visitWithin visits what lies within the range of a run that does not descend.
func (w *curveWalk) visitWithin(run chunk.Run, from int, visit func(places chunk.Run, from int) error) error {
	if run.First > w.Within.To || run.Last() < w.Within.From {
		return nil
	}
	if run.First < w.Within.From {
		skipped := countBelow(run.First, run.Delta, w.Within.From)
		run.First += skipped * run.Delta
		run.N -= uint32(skipped)
		from += int(skipped)
	}
	if run.First > w.Within.To {
		return nil
	}
	if run.Last() > w.Within.To {
		run.N = uint32(countBelow(run.First, run.Delta, w.Within.To+1))
	}
	return visit(run, from)
}
