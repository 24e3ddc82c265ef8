package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Logger logs to one run. See the package comment.
//
// Its states: opening (until the handshake has ended), open, closing, closed;
// and dead, once the server has refused it for good.
type Logger struct {
	options  Options
	scalars  Scalars
	counters counters
	events   *events
	queue    *queue
	chunks   chunks
	random   *rand.Rand // of the handshake's goroutine, then of the sender's

	// mu orders what takes steps with its way into the queue, and guards
	// registry. It is held while scalars are drained, never while waiting.
	mu       sync.Mutex
	registry *registry
	created  bool // this logger created the run

	state     atomic.Int32
	attention struct {
		sync.Mutex
		word Attention
	}

	cancel     context.CancelFunc // ends everything
	ready      chan struct{}      // closed when the handshake has ended
	initResult InitResult
	initErr    error
	sender     *sender       // written before ready is closed; nil when the handshake failed
	senderDone chan struct{} // closed when it has ended
	goroutines sync.WaitGroup

	closeOnce sync.Once
	abort     chan struct{} // closed to give up what is unsent
	abortOnce sync.Once
	closed    chan struct{} // closed when closing has ended
	closeErr  error

	deadMu sync.Mutex
	dead   error
}

const (
	stateOpening int32 = iota
	stateOpen
	stateClosing
	stateClosed
)

// New starts a logger; the handshake goes on in the background, see Ready.
// Without scalars there is no fast path.
func New(o Options, scalars Scalars) (*Logger, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if scalars == nil {
		scalars = &steps{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Logger{
		options:    o,
		scalars:    scalars,
		queue:      newQueue(&o, scalars.Used()),
		registry:   newRegistry(),
		random:     newRandom(),
		cancel:     cancel,
		ready:      make(chan struct{}),
		senderDone: make(chan struct{}),
		abort:      make(chan struct{}),
		closed:     make(chan struct{}),
	}
	l.events = newEvents(o.Errors, func(on bool) { l.attend(AttendEvents, on) })
	scalars.Register(0, 0)
	l.start("handshake", func() { l.open(ctx) })
	return l, nil
}

// start runs f in a goroutine of its own. A panic there kills the logger and
// not the program.
func (l *Logger) start(name string, f func()) {
	l.goroutines.Go(func() { l.Guarded(name, f) })
}

// Guarded runs f; a panic there kills the logger and not the program.
func (l *Logger) Guarded(name string, f func()) {
	defer func() {
		if broken := recover(); broken != nil {
			l.die(fmt.Errorf("BUG: the %s panicked: %v\n%s", name, broken, debug.Stack()))
		}
	}()
	f()
}

// open shakes hands and starts batcher and sender.
func (l *Logger) open(ctx context.Context) {
	defer close(l.ready)
	l.initErr = &InitError{Text: "BUG: the handshake panicked"}
	result, err := l.shakeHands(ctx)
	l.initErr = err
	if err != nil {
		return
	}
	l.initResult = result
	requests := make(chan *request)
	s := newSender(l, requests, result.RunID)
	l.sender = s
	b := newBatcher(l, requests, result.RunID)
	l.start("sender", func() {
		defer close(l.senderDone)
		s.run(ctx)
	})
	l.start("batcher", func() { b.run(ctx) })
	l.state.CompareAndSwap(stateOpening, stateOpen)
}

// InitResult is what the server said about the run.
type InitResult struct {
	Created         bool
	RunID           []byte
	OrchestrationID string
	CreationTime    time.Time // when the run was created, zero when unknown
}

// Ready is closed when the handshake has ended, well or not.
func (l *Logger) Ready() <-chan struct{} { return l.ready }

// Init returns how the handshake ended. It may be called once Ready is closed.
func (l *Logger) Init() (InitResult, error) { return l.initResult, l.initErr }

// usable says why nothing can be logged, if so.
func (l *Logger) usable() error {
	switch l.state.Load() {
	case stateOpen:
		return nil
	case stateOpening:
		return ErrNotReady
	}
	if err := l.deadErr(); err != nil {
		return err
	}
	return ErrClosed
}

// die ends the logger for good: everything buffered is dropped.
func (l *Logger) die(cause error) {
	l.deadMu.Lock()
	if l.dead == nil {
		l.dead = &DeadError{Cause: cause}
	}
	l.deadMu.Unlock()
	l.state.CompareAndSwap(stateOpen, stateClosing)
	l.attend(AttendClosed, true)
	l.cancel()
	l.queue.close()
}

func (l *Logger) deadErr() error {
	l.deadMu.Lock()
	defer l.deadMu.Unlock()
	return l.dead
}

func (l *Logger) attend(bit Attention, on bool) {
	l.attention.Lock()
	defer l.attention.Unlock()
	if on {
		l.attention.word |= bit
	} else {
		l.attention.word &^= bit
	}
	l.scalars.Attend(l.attention.word)
}

// Events returns what is due to surface at a log call.
func (l *Logger) Events() Events { return l.events.take(false) }

// ClosingEvents returns what is due to surface when closing.
func (l *Logger) ClosingEvents() Events { return l.events.take(true) }

// HasEvents says whether Events would return any.
func (l *Logger) HasEvents() bool { return l.events.pending() }

// TakeLosses returns the losses that have not surfaced, as texts, and forgets
// them.
func (l *Logger) TakeLosses() []string { return l.events.takeLosses() }

// Flush returns a channel that is closed once everything logged so far is
// acknowledged or dropped.
func (l *Logger) Flush() (<-chan struct{}, error) {
	finished := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return nil, err
	}
	l.drain()
	if !l.queue.put(&item{finished: finished}) {
		return nil, l.usable()
	}
	return finished, nil
}

// Close lets nothing more in and starts delivering what is there, for at most
// timeout: then the rest is dropped, and counted. It returns at once; Closed
// says when it has ended. A later call can only shorten the time.
func (l *Logger) Close(timeout time.Duration) {
	if timeout <= 0 {
		l.abortOnce.Do(func() { close(l.abort) })
	}
	l.closeOnce.Do(func() {
		go l.Guarded("closing", func() { l.finish(timeout) })
	})
}

// Closed is closed when closing has ended; then CloseErr says how.
func (l *Logger) Closed() <-chan struct{} { return l.closed }

// CloseErr says what was lost, nil when everything arrived or was given up on
// purpose. It may be called once Closed is closed.
func (l *Logger) CloseErr() error { return l.closeErr }

// finish is the goroutine of Close.
func (l *Logger) finish(timeout time.Duration) {
	defer close(l.closed)
	end := time.Now().Add(timeout)
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	opening := l.state.Swap(stateClosing) == stateOpening
	l.attend(AttendClosed, true)
	if opening {
		l.cancel()
	}
	<-l.ready
	if l.sender == nil {
		l.cancel()
		l.goroutines.Wait()
		l.state.Store(stateClosed)
		return
	}
	l.mu.Lock()
	l.drain()
	l.mu.Unlock()
	l.queue.close()

	expired := false
	select {
	case <-l.senderDone:
		l.sender.hangUp(time.Until(end))
	case <-l.abort:
	case <-deadline.C:
		expired = timeout > 0
	}
	before := l.counters.dropped.load()
	l.cancel()
	l.settle()
	select {
	case <-l.senderDone: // by now, if not before
		l.sender.hangUp(0)
	default:
	}
	l.closeErr = l.verdict(expired, before)
	l.chunks.drop()
	l.state.Store(stateClosed)
}

// settleTime bounds how long goroutines that were told to end may take.
const settleTime = 2 * time.Second

func (l *Logger) settle() {
	settled := make(chan struct{})
	go l.Guarded("closing", func() {
		l.goroutines.Wait()
		close(settled)
	})
	select {
	case <-settled:
	case <-time.After(settleTime):
	}
}

// verdict says what close has to raise.
func (l *Logger) verdict(expired bool, before counts) error {
	select {
	case <-l.abort:
		return nil
	default:
	}
	if expired {
		var dropped uint64
		for kind, n := range l.counters.dropped.load() {
			dropped += n - before[kind]
		}
		return &ClosingError{fmt.Sprintf(
			"close timed out: %d points and attribute updates were not acknowledged and are dropped", dropped)}
	}
	if err := l.deadErr(); err != nil {
		var dead *DeadError
		errors.As(err, &dead)
		return &ClosingError{fmt.Sprintf("the logger had been closed by an error: %v", dead.Cause)}
	}
	return nil
}
