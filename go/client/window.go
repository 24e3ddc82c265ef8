package client

import (
	"sync"

	"github.com/metrana/metrana/go/wire"
)

// request is one encoded UpdateRunRequest, or a barrier that is passed when
// all before it is settled.
type request struct {
	frame        []byte
	memory       chunk // of the frame
	counts       counts
	declarations []wire.Declaration
	sends        int
	last         bool // nothing comes after it
	barrier      chan struct{}
}

// window holds the requests that are not acknowledged, in order. The sender
// adds and sends them; the receiver of the stream acknowledges them.
//
//	acknowledged │ sent on this stream │ to be sent
//	             0                     sent
type window struct {
	mu       sync.Mutex
	requests []*request
	sent     int
	frames   int // requests that are no barriers
	changed  chan struct{}
	finished bool // the last request was acknowledged, or passed where it is a barrier
}

func newWindow() *window { return &window{changed: make(chan struct{}, 1)} }

func (w *window) add(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r)
	if r.barrier == nil {
		w.frames++
	}
	w.passBarriers()
}

// full says whether limit requests wait for their acknowledgement.
func (w *window) full(limit int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frames >= limit
}

// next returns the next request to be sent, and counts it as sent.
func (w *window) next() *request {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.sent < len(w.requests) {
		r := w.requests[w.sent]
		w.sent++
		if r.barrier == nil {
			r.sends++
			return r
		}
	}
	return nil
}

// acknowledge takes out the oldest sent request, nil when there is none, and counts it
// before anybody is told that it has arrived.
func (w *window) acknowledge(count func(*request)) *request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent == 0 {
		return nil
	}
	r := w.pop()
	count(r)
	w.finished = w.finished || r.last
	w.passBarriers()
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return r
}

// rewind makes all requests to be sent again, on a new stream.
func (w *window) rewind() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = 0
	w.passBarriers()
}

// drop takes out the requests that were sent on this stream, or all, and counts each
// before a barrier behind it is passed.
func (w *window) drop(all bool, count func(*request)) []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.sent
	if all {
		n = len(w.requests)
	}
	var dropped []*request
	for range n {
		r := w.pop()
		if r.barrier != nil {
			w.pass(r)
			continue
		}
		count(r)
		dropped = append(dropped, r)
	}
	w.passBarriers()
	return dropped
}

func (w *window) isFinished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.finished
}

func (w *window) pop() *request {
	r := w.requests[0]
	w.requests[0] = nil
	w.requests = w.requests[1:]
	w.sent = max(0, w.sent-1)
	if r.barrier == nil {
		w.frames--
	}
	return r
}

func (w *window) passBarriers() {
	for len(w.requests) > 0 && w.requests[0].barrier != nil {
		w.pass(w.pop())
	}
}

func (w *window) pass(barrier *request) {
	close(barrier.barrier)
	w.finished = w.finished || barrier.last
}
