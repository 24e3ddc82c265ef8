package client

import "sync/atomic"

// Kind tells apart what is counted.
type Kind int

// The kinds of data.
const (
	FloatPoints Kind = iota
	RLFloatPoints
	AttributeUpdates
	EnvAttributeUpdates
	kinds
)

// counts holds a number for each kind of data.
type counts [kinds]uint64

// Counters are the engine's numbers about itself. All but RequestsInFlight
// only grow.
type Counters struct {
	Added, Enqueued, Sent, Dropped [4]uint64

	ConnectionAttempts uint64
	RequestsSent       uint64
	RequestsInFlight   uint64
	RequestsResent     uint64
	SendErrors         uint64
	ErrorsReported     uint64
	ErrorsEvicted      uint64
}

type atomicCounts [kinds]atomic.Uint64

func (a *atomicCounts) add(c counts) {
	for kind, n := range c {
		if n > 0 {
			a[kind].Add(n)
		}
	}
}

func (a *atomicCounts) load() (c counts) {
	for kind := range a {
		c[kind] = a[kind].Load()
	}
	return c
}

// counters are written by whoever causes what they count.
type counters struct {
	added, enqueued, sent, dropped atomicCounts

	connectionAttempts atomic.Uint64
	requestsSent       atomic.Uint64
	requestsInFlight   atomic.Int64
	requestsResent     atomic.Uint64
	sendErrors         atomic.Uint64
}

// Counters returns the numbers of this moment. What has left is read before
// what came in, so that a snapshot never shows more sent than added.
func (l *Logger) Counters() Counters {
	c := &l.counters
	snapshot := Counters{
		Sent:               c.sent.load(),
		Dropped:            c.dropped.load(),
		RequestsSent:       c.requestsSent.Load(),
		RequestsInFlight:   uint64(max(0, c.requestsInFlight.Load())),
		RequestsResent:     c.requestsResent.Load(),
		ConnectionAttempts: c.connectionAttempts.Load(),
		SendErrors:         c.sendErrors.Load(),
	}
	snapshot.ErrorsReported, snapshot.ErrorsEvicted = l.events.counts()
	snapshot.Enqueued = c.enqueued.load()
	snapshot.Added = c.added.load()
	pushed := l.scalars.Pushed()
	snapshot.Added[FloatPoints] += pushed
	snapshot.Enqueued[FloatPoints] += pushed
	return snapshot
}
