package client

import (
	"github.com/metrana/metrana/go/point"
	"sync"
	"sync/atomic"
	"time"
)

// queue is what waits between the callers and the batcher.
//
// It is bounded twice: in calls, which the fast path shares, and in bytes of
// copied values. A caller takes room first and puts its item afterwards, so
// that put never waits.
type queue struct {
	capacity  int64  // calls
	calls     *int64 // in use, shared with the fast path; atomic
	limit     int64  // bytes
	wakeBytes int64  // from which on the batcher is woken before its time: a burst is over first
	immediate bool   // each item is to be taken at once

	wake chan struct{} // to the batcher: there is something new

	mu      sync.Mutex
	items   []*item
	bytes   int64 // taken by callers, until the batcher has encoded them
	queued  int64 // bytes of items
	timed   bool  // the batcher knows that there are items and comes by itself
	barrier bool  // an item wants all before it to be sent
	vain    bool  // a call waited for room as long as it may, and there has been none since
	closed  bool
	room    chan struct{} // closed when room was made, nil when nobody waits
}

// item is one call on its way to the batcher.
type item struct {
	calls  int64
	bytes  int64
	counts counts
	memory [3]chunk // what the parts below live in

	series   *series
	batch    point.Batch
	scalars  []Scalar
	rl       *rlCall
	attrs    *attributesCall
	finished chan struct{} // a barrier: closed when all before it is settled
}

// burstMessages is how many messages' worth of values wake the batcher before
// its time. One would be enough to send, but then it would compete with the
// caller in the middle of a burst.
const burstMessages = 16

func newQueue(o *Options, calls *int64) *queue {
	return &queue{
		capacity:  int64(o.QueueCapacity),
		calls:     calls,
		limit:     o.MemoryLimit,
		wakeBytes: burstMessages * int64(o.MaxMessageSize),
		immediate: o.BatchMaxAge <= 0,
		wake:      make(chan struct{}, 1),
	}
}

// take reserves room for one call of so many bytes, waiting for at most wait.
// It reports whether there was room. A call that is larger than the limit by
// itself fits when nothing else is there.
func (q *queue) take(bytes int64, wait time.Duration) bool {
	if q.tryTake(bytes) {
		return true
	}
	if wait <= 0 {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		q.mu.Lock()
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.signal()
		q.mu.Unlock()
		// Room made before the channel was in place would go unnoticed.
		if q.tryTake(bytes) {
			return true
		}
		select {
		case <-room:
		case <-timer.C:
			return false
		}
	}
}

func (q *queue) tryTake(bytes int64) bool {
	if atomic.AddInt64(q.calls, 1) > q.capacity {
		atomic.AddInt64(q.calls, -1)
		return false
	}
	q.mu.Lock()
	fits := q.closed || q.bytes == 0 || q.bytes+bytes <= q.limit
	if fits {
		q.bytes += bytes
	}
	q.mu.Unlock()
	if !fits {
		atomic.AddInt64(q.calls, -1)
	}
	return fits
}

// put adds an item whose room is taken. It reports false when the queue is
// closed; the room is given back then.
func (q *queue) put(it *item) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		q.giveCalls(it.calls)
		q.giveBytes(it.bytes)
		return false
	}
	q.items = append(q.items, it)
	q.queued += it.bytes
	q.barrier = q.barrier || it.finished != nil
	urgent := q.immediate || q.barrier || q.queued >= q.wakeBytes ||
		atomic.LoadInt64(q.calls) >= (q.capacity+1)/2
	if !q.timed || urgent {
		q.timed = true
		q.signal()
	}
	q.mu.Unlock()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// urgent says whether the batcher should take items before its time.
func (q *queue) urgent() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.barrier || q.immediate || q.room != nil || q.queued >= q.wakeBytes {
		return true
	}
	return atomic.LoadInt64(q.calls) >= (q.capacity+1)/2
}

// takeAll returns the items and leaves the emptied slice in their place. With
// timed false the batcher says that it wants to be woken by the next item.
func (q *queue) takeAll(empty []*item, timed bool) (items []*item, closed bool) {
	q.mu.Lock()
	items, closed = q.items, q.closed
	q.items, q.queued, q.timed, q.barrier = empty[:0], 0, timed, false
	q.mu.Unlock()
	var calls int64
	for _, it := range items {
		calls += it.calls
	}
	if calls > 0 {
		q.giveCalls(calls)
	}
	return items, closed
}

func (q *queue) giveCalls(n int64) {
	atomic.AddInt64(q.calls, -n)
	q.madeRoom(0)
}

func (q *queue) giveBytes(n int64) {
	if n > 0 {
		q.madeRoom(n)
	}
}

// waitedInVain notes that a call found no room in its time. Until room is made
// further calls need not wait as well: with a server that stalls, a loop would
// be held up by each of them.
func (q *queue) waitedInVain() {
	q.mu.Lock()
	q.vain = true
	q.mu.Unlock()
}

// isVain says whether waiting for room was in vain and nothing has changed.
func (q *queue) isVain() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.vain
}

func (q *queue) madeRoom(bytes int64) {
	q.mu.Lock()
	q.bytes -= bytes
	q.vain = false
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	q.mu.Unlock()
}

// close lets no more items in. What is inside can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.signal()
	q.mu.Unlock()
	q.madeRoom(0)
}
