package client

import (
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/metrana/metrana/go/point"
)

// waitSlice is how long one call waits for room at most. A caller that wants
// to wait on gets ErrAgain and calls again; in between it can be interrupted.
const waitSlice = 50 * time.Millisecond

// Points is one call that logs to a standard series. The memory is the
// caller's; it is only read during the call.
type Points struct {
	Series uint32
	Values []float64
	// First is the step of the first value where HasFirst, and Steps are the
	// steps of all where not nil. Otherwise steps go on from the last one.
	First    uint64
	HasFirst bool
	Steps    []uint64
	// Times are the times of all values where not nil, else Millis is the
	// time of all of them.
	Millis int64
	Times  []int64
}

// Points logs points of a standard series. waited is how long the caller has
// waited for room so far, in earlier calls that returned ErrAgain.
func (l *Logger) Points(p *Points, waited time.Duration) error {
	n := len(p.Values)
	if n == 0 {
		return nil
	}
	if err := p.check(); err != nil {
		return err
	}
	if err := l.usable(); err != nil {
		return err
	}
	bytes := int64(8 * (n + len(p.Steps) + len(p.Times)))
	shed, err := l.takeRoom(bytes, waited)
	if err != nil {
		return err
	}
	it := &item{calls: 1, bytes: bytes}
	if !shed {
		l.copyPoints(it, p)
	}
	return l.placePoints(it, p, shed)
}

func (p *Points) check() error {
	n := len(p.Values)
	if p.Steps != nil && len(p.Steps) != n {
		return invalid("there are %d steps for %d values", len(p.Steps), n)
	}
	if p.Times != nil && len(p.Times) != n {
		return invalid("there are %d timestamps for %d values", len(p.Times), n)
	}
	if p.HasFirst {
		return checkRange("step", p.First, n)
	}
	return checkSteps("step", p.Steps)
}

// takeRoom waits for room in the queue as the backpressure strategy says. It
// reports whether the call is to be shed instead.
func (l *Logger) takeRoom(bytes int64, waited time.Duration) (shed bool, err error) {
	if l.queue.take(bytes, 0) {
		return false, nil
	}
	wait, limit := waitSlice, l.options.EnqueueTimeout
	if l.options.Backpressure != Block {
		if l.queue.isVain() {
			return true, nil
		}
		wait = min(wait, max(0, limit-waited))
	}
	if l.queue.take(bytes, wait) {
		return false, nil
	}
	if l.options.Backpressure == Block || waited+wait < limit {
		return false, ErrAgain
	}
	l.queue.waitedInVain()
	return true, nil
}

func (l *Logger) copyPoints(it *item, p *Points) {
	n := len(p.Values)
	it.memory[0] = l.chunks.get(n)
	it.batch.Values = it.memory[0].floats()
	l.options.Copy(it.batch.Values, p.Values)
	if p.Steps != nil {
		it.memory[1] = l.chunks.get(n)
		copy(it.memory[1], p.Steps)
		it.batch.Steps.List = it.memory[1]
	}
	it.batch.Times.Millis = p.Millis
	if p.Times != nil {
		it.memory[2] = l.chunks.get(n)
		it.batch.Times.List = it.memory[2].ints()
		copy(it.batch.Times.List, p.Times)
	}
}

// placePoints takes the steps and puts the item in the queue.
func (l *Logger) placePoints(it *item, p *Points, shed bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.registry.numbered(p.Series)
	if err == nil {
		err = l.usable()
	}
	n := uint64(len(p.Values))
	if err == nil && !p.HasFirst && p.Steps == nil {
		err = checkRange("step", l.scalars.Next(s.number), int(n))
	}
	if err != nil {
		if !shed {
			l.forget(it)
		}
		return err
	}
	next, mark := l.scalars.Claim(s.number, n, p.end())
	if shed {
		l.counters.added[FloatPoints].Add(n)
		l.counters.dropped[FloatPoints].Add(n)
		if l.options.Backpressure == Raise {
			return ErrQueueFull
		}
		return nil
	}
	late := l.number(it, p, s, next)
	l.counters.added[FloatPoints].Add(n)
	l.counters.dropped[FloatPoints].Add(late)
	if late == n {
		l.forget(it)
		return nil
	}
	it.series, it.counts[FloatPoints] = s, n-late
	l.drainTo(mark)
	l.enqueue(it)
	return nil
}

// end returns the step after the highest explicit one, 0 where there is none.
func (p *Points) end() uint64 {
	switch {
	case p.HasFirst:
		return p.First + uint64(len(p.Values))
	case p.Steps != nil:
		return slices.Max(p.Steps) + 1
	default:
		return 0
	}
}

// number writes the steps into the item and cuts off what comes late on an
// ordered series. It returns how many points that were.
func (l *Logger) number(it *item, p *Points, s *series, next uint64) (late uint64) {
	b := &it.batch
	if p.Steps == nil && !p.HasFirst {
		b.Steps.First = next
		return 0
	}
	b.Steps.First = p.First
	if s.ordering == point.Unordered {
		return 0
	}
	if p.Steps != nil {
		late = keepAscending(b, next)
	} else if p.First < next {
		late = min(uint64(len(b.Values)), next-p.First)
		b.Steps.First += late
		b.Values = b.Values[late:]
		if b.Times.List != nil {
			b.Times.List = b.Times.List[late:]
		}
	}
	if late > 0 && !s.late {
		s.late = true
		l.events.report(false, "%d points of the ordered series %s came at or below its last step and were "+
			"dropped: log_distributed takes steps in any order; this is said once for each series",
			late, describe(s.identity))
	}
	return late
}

// keepAscending removes the points whose step is below next or not above the
// one kept before.
func keepAscending(b *point.Batch, next uint64) (late uint64) {
	kept := 0
	for i, step := range b.Steps.List {
		if step < next {
			continue
		}
		next = step + 1
		b.Steps.List[kept], b.Values[kept] = step, b.Values[i]
		if b.Times.List != nil {
			b.Times.List[kept] = b.Times.List[i]
		}
		kept++
	}
	late = uint64(len(b.Values) - kept)
	b.Steps.List, b.Values = b.Steps.List[:kept], b.Values[:kept]
	if b.Times.List != nil {
		b.Times.List = b.Times.List[:kept]
	}
	return late
}

// forget gives back what a call took that comes to nothing.
func (l *Logger) forget(it *item) {
	l.queue.giveCalls(it.calls)
	l.queue.giveBytes(it.bytes)
	l.release(it)
}

// release gives the item's memory back to the pools.
func (l *Logger) release(it *item) {
	for i, c := range it.memory {
		l.chunks.put(c)
		it.memory[i] = nil
	}
	if it.rl != nil {
		rlCalls.Put(it.rl)
		it.rl = nil
	}
}

// enqueue counts the item and puts it in the queue; in one that was closed
// meanwhile it is dropped.
func (l *Logger) enqueue(it *item) {
	if it.calls > 0 && it.scalars == nil {
		l.counters.enqueued.add(it.counts)
	}
	if !l.queue.put(it) {
		l.counters.dropped.add(it.counts)
		l.release(it)
	}
}

// Drain moves what came in by the fast path into the queue.
func (l *Logger) Drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drain()
}

func (l *Logger) drain() { l.drainTo(math.MaxUint64) }

func (l *Logger) drainTo(mark uint64) {
	l.scalars.Drain(mark, func(block []Scalar) {
		it := &item{calls: int64(len(block)), counts: counts{FloatPoints: uint64(len(block))}}
		it.memory[0] = l.chunks.get(scalarWords * len(block))
		it.scalars = unsafe.Slice((*Scalar)(unsafe.Pointer(unsafe.SliceData(it.memory[0]))), len(block))
		copy(it.scalars, block)
		l.enqueue(it)
	})
}

const scalarWords = int(unsafe.Sizeof(Scalar{}) / 8)
