package store

import (
	"errors"
	"math"
	"slices"

	"github.com/metrana/metrana/go/workers"
)

// PooledReach is how far a curve goes in all environments together.
type PooledReach struct {
	Range

	Points uint64
	Taken  []uint64 // how many points each environment had got, by number - 1
}

// PooledReach looks at the points of a curve in all environments. It reads no values, and no
// points of segments whose pools say how far these go.
func (r *Run) PooledReach(q RLCurve) (reach PooledReach, err error) {
	err = r.walkPooled(q, nil, func(p *pooledWalk) error {
		reach = PooledReach{Range: nothing, Taken: make([]uint64, p.envs)}
		for _, s := range p.pooled {
			if s.from < s.to {
				reach.include(s.reach.From - p.since())
				reach.include(s.reach.To - p.since())
				reach.Points += s.points
			}
		}
		found := make([]RLReach, p.envs)
		err := p.eachEnvironment(func(_ int, w *curveWalk) (err error) {
			found[w.id.env-1], err = w.reach()
			return err
		})
		for i, of := range found {
			reach.Taken[i] = of.Taken
			if of.Points > 0 {
				reach.include(of.From)
				reach.include(of.To)
				reach.Points += of.Points
			}
		}
		return err
	})
	return reach, err
}

// AppendPooledBuckets is AppendRLBuckets of all environments together. Where several have a
// point farthest along the axis, the last is that of the one with the highest number. It reads
// the slots of pools in place of points where buckets begin with slots.
func (r *Run) AppendPooledBuckets(dst []Bucket, q RLCurve, axis Axis) ([]Bucket, error) {
	if len(axis.Starts) == 0 {
		return dst, nil
	}
	q.Within = axis.within(q.Within)
	err := r.walkPooled(q, &axis, func(p *pooledWalk) error {
		summers := make([]*rlSummer, workers.Count())
		for k := range summers {
			summers[k] = rlSummers.Get().(*rlSummer)
			defer rlSummers.Put(summers[k])
			summers[k].begin(axis)
		}
		err := p.eachEnvironment(func(k int, w *curveWalk) error { return summers[k].takeAll(w) })
		all := summers[0]
		for _, s := range summers[1:] {
			for i := range s.sums {
				all.sums[i].join(&s.sums[i])
			}
		}
		p.takeSlots(all)
		if err == nil {
			dst = appendBuckets(dst, all.sums)
		}
		return err
	})
	return dst, err
}

// pooledWalk goes over the points of a series in all environments, but for those that pools
// have summed up.
type pooledWalk struct {
	RLCurve

	run        *Run
	axis       *Axis // whose buckets are asked for, if any are
	segments   []segmentInfo
	generation uint64
	envs       int
	restarted  []uint32                 // environments in which an episode started over
	looked     map[uint32]uint64        // points that each of them had when it was looked at
	pooled     map[uint64]pooledSegment // by number
}

// pooledSegment is a segment whose slots are taken in place of its points, but for those in
// gaps.
type pooledSegment struct {
	*poolAxis

	from, to int     // of the slots, those that are taken
	gaps     []Range // along the curve
}

// errRepool says that pools were taken of what is stored in another way by now.
var errRepool = errors.New("segments changed meanwhile")

func (r *Run) walkPooled(q RLCurve, axis *Axis, visit func(p *pooledWalk) error) error {
	for {
		p, err := r.newPooledWalk(q.onAxis(), axis)
		if p == nil || err != nil {
			return err
		}
		if err = p.findPools(); err == nil {
			err = visit(p)
		}
		r.reading.Add(-1)
		if err == nil || !errors.Is(err, errRepool) && !r.outdated(view{generation: p.generation}, err) {
			return err
		}
	}
}

// newPooledWalk gives nil where a series has no points.
func (r *Run) newPooledWalk(q RLCurve, axis *Axis) (*pooledWalk, error) {
	r.readLock()
	defer r.mu.RUnlock()
	if q.Series == 0 || int(q.Series) > len(r.series) || r.broken != nil {
		return nil, r.broken
	}
	cells := r.series[q.Series-1].envs
	p := &pooledWalk{RLCurve: q, run: r, axis: axis, segments: r.segments, generation: r.generation, envs: len(cells)}
	for i, c := range cells {
		if c != nil && c.rl.restarted {
			p.restarted = append(p.restarted, uint32(i+1))
		}
	}
	r.reading.Add(1)
	return p, nil
}

// findPools finds which segments need not be read.
func (p *pooledWalk) findPools() error {
	p.pooled, p.looked = make(map[uint64]pooledSegment), make(map[uint32]uint64)
	if (p.Points != RLRange{}) {
		return nil
	}
	for _, info := range p.segments {
		if err := p.findPool(info); err != nil {
			return err
		}
	}
	// What a restart discarded is in the pools.
	for _, env := range p.restarted {
		err := p.run.walkCurve(env, p.RLCurve, 0, func(w *curveWalk) error {
			p.looked[env] = w.view.count
			discarding, err := p.discarding(w)
			for _, number := range discarding {
				delete(p.pooled, number)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pooledWalk) findPool(info segmentInfo) error {
	return p.run.withIndex(info, func(s *segmentReader, index *segmentIndex) error {
		found, err := s.poolOf(index, p.Series)
		if errors.Is(err, ErrCorrupt) && !p.run.outdated(view{generation: p.generation}, err) {
			p.run.db.log.Error("points are read one by one where they were summed up", "run", p.run.id.String(), "error", err)
			return nil
		}
		if found == nil || err != nil {
			return err
		}
		if along := found.along(p.Along); along != nil {
			if of, ok := p.take(along); ok {
				p.pooled[info.number] = of
			}
		}
		return nil
	})
}

// since is what lies between the places of a curve and those of pools.
func (p *pooledWalk) since() uint64 {
	if p.Along == AlongTimes {
		return uint64(p.Since)
	}
	return 0
}

// inPools gives a place of the curve as pools have it; places beyond their ends are the ends.
func (p *pooledWalk) inPools(place uint64) uint64 {
	in := place + p.since()
	switch before := p.Along == AlongTimes && p.Since < 0; {
	case before && in > place:
		return 0
	case !before && in < place:
		return math.MaxUint64
	}
	return in
}

// take says what to take of a pool; ok is false where the points are to be read instead.
func (p *pooledWalk) take(a *poolAxis) (of pooledSegment, ok bool) {
	within := Range{p.inPools(p.Within.From), p.inPools(p.Within.To)}
	of.poolAxis = a
	switch {
	case a.points == 0 || !a.reach.meets(within):
		return of, true
	case p.axis == nil && (within.From > a.reach.From || a.reach.To > within.To):
		return of, false
	case p.axis != nil && !p.cutsAtSlots(a):
		return of, false
	}
	of.to = len(a.slots)
	wide := uint64(1)<<a.shift - 1
	if low := within.From; low > a.reach.From {
		if of.from = int(low>>a.shift - a.first); !a.beginsSlot(low) {
			of.from++
			of.gaps = p.appendGap(of.gaps, low, min(low|wide, within.To))
		}
	}
	if high := within.To; high < a.reach.To {
		if of.to = int(high>>a.shift-a.first) + 1; !a.beginsSlot(high + 1) {
			of.to--
			of.gaps = p.appendGap(of.gaps, max(high&^wide, within.From), high)
		}
	}
	if len(of.gaps) == 2 && of.from > of.to { // both ends lie in one slot
		of.gaps = of.gaps[:1]
	}
	return of, true
}

func (p *pooledWalk) appendGap(gaps []Range, from, to uint64) []Range {
	return append(gaps, Range{from - p.since(), to - p.since()})
}

// cutsAtSlots tells whether all buckets that points of a pool lie in begin where slots do.
func (p *pooledWalk) cutsAtSlots(a *poolAxis) bool {
	starts := p.axis.Starts[1:]
	first, _ := slices.BinarySearchFunc(starts, a.reach.From, func(start, from uint64) int {
		if p.inPools(start) <= from {
			return -1
		}
		return 1
	})
	for _, start := range starts[first:] {
		at := p.inPools(start)
		if at > a.reach.To {
			break
		}
		if !a.beginsSlot(at) {
			return false
		}
	}
	return true
}

// takeSlots adds what pools have summed up.
func (p *pooledWalk) takeSlots(to *rlSummer) {
	for _, s := range p.pooled {
		for i := s.from; i < s.to; i++ {
			if slot := s.slots[i]; slot.points() > 0 {
				place := max((s.first+uint64(i))<<s.shift, s.reach.From, p.inPools(p.Within.From)) - p.since()
				slot.lastAt.along -= p.since()
				to.sums[to.bucketOf(place)].join(&slot)
			}
		}
	}
}

// discarding lists the pooled segments that have points of an environment which were
// discarded when an episode started over.
func (p *pooledWalk) discarding(w *curveWalk) (numbers []uint64, err error) {
	if w.attempts == nil {
		return nil, nil
	}
	for _, info := range w.view.segments {
		if _, pooled := p.pooled[info.number]; !pooled {
			continue
		}
		discards := false
		err := p.run.eachChunkOf(info, w.id, func(blockInfo) bool { return true }, func(c storedChunk) error {
			ints := c.head.positions(c.at)
			eachStretch(&ints, c.len(), func(at stretchPlace, _ int) {
				discards = discards || w.attempts[at.episode] != at.attempt
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if discards {
			numbers = append(numbers, info.number)
		}
	}
	return numbers, nil
}

// eachEnvironment visits what is to be read of each environment, several side by side.
func (p *pooledWalk) eachEnvironment(visit func(worker int, w *curveWalk) error) error {
	return workers.Each(workers.Count(), p.envs, func(worker, i int) error {
		return p.once(uint32(i+1), func(w *curveWalk) error { return visit(worker, w) })
	})
}

// once visits an environment. What would begin again, because segments were merged away under
// its hands, has taken some points already.
func (p *pooledWalk) once(env uint32, visit func(w *curveWalk) error) error {
	begun := false
	return p.run.walkCurve(env, p.RLCurve, 0, func(w *curveWalk) error {
		if begun {
			return errRepool
		}
		begun = true
		if err := p.check(w); err != nil {
			return err
		}
		w.pooled = p.pooled
		return visit(w)
	})
}

// check sees to it that what an environment has now goes with the pools.
func (p *pooledWalk) check(w *curveWalk) error {
	if w.view.generation != p.generation {
		for number := range p.pooled {
			if !slices.ContainsFunc(w.view.segments, func(s segmentInfo) bool { return s.number == number }) {
				return errRepool
			}
		}
	}
	if w.attempts == nil || p.looked[w.id.env] == w.view.count {
		return nil
	}
	discarding, err := p.discarding(w)
	if err == nil && len(discarding) > 0 {
		err = errRepool
	}
	return err
}
