package client

import "sync"

// Scalar is one point that came in by the fast path. The layout is shared
// with C: four words.
type Scalar struct {
	Step   uint64
	Value  float64
	Millis int64
	Series uint32
	_      uint32
}

// Scalars is where plain numbers enter without a call into the engine, and
// where the steps of standard series are counted, because both ways of
// logging take steps of the same series.
//
// In the shared library it is a ring in C memory; a Logger without one gets
// the same in Go. All methods may be called from any goroutine.
type Scalars interface {
	// Register makes a series known; next is its next automatic step, 0 when
	// nothing was logged.
	Register(series uint32, next uint64)
	// Claim takes steps of a series: n automatic ones, or all up to end-1
	// where end is not 0. It returns the next automatic step as it was, and a
	// mark: what was pushed before the claim lies below it.
	Claim(series uint32, n, end uint64) (next, mark uint64)
	// Next returns the next automatic step, 0 when nothing was logged.
	Next(series uint32) uint64
	// Pushed counts what came in by the fast path.
	Pushed() uint64
	// Drain hands over what was pushed below the mark and not yet drained, in
	// order. Only one goroutine may drain at a time. The memory is valid
	// during the call of take only.
	Drain(mark uint64, take func([]Scalar))
	// Attend tells the fast path to refuse, so that the ordinary one is taken
	// and can surface what happened.
	Attend(attention Attention)
	// Used is the count of calls in the ring and the queue together.
	Used() *int64
}

// Attention is why the fast path refuses.
type Attention uint32

// The reasons, as bits.
const (
	AttendEvents Attention = 1 << iota
	AttendClosed
)

// steps implements Scalars where there is no fast path.
type steps struct {
	mu   sync.Mutex
	next []uint64 // by series number
	used int64
}

func (s *steps) Register(series uint32, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.next) <= int(series) {
		s.next = append(s.next, 0)
	}
	s.next[series] = next
}

func (s *steps) Claim(series uint32, n, end uint64) (next, mark uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = s.next[series]
	if end == 0 {
		end = next + n
	}
	s.next[series] = max(next, end)
	return next, 0
}

func (s *steps) Next(series uint32) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next[series]
}

func (s *steps) Pushed() uint64 { return 0 }

func (s *steps) Drain(uint64, func([]Scalar)) {}

func (s *steps) Attend(Attention) {}

func (s *steps) Used() *int64 { return &s.used }
