package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
)

// maxWaiting is how many requests of one stream may be applied but not durable.
const maxWaiting = 64

type updateStream = connect.BidiStream[update, ingestion.UpdateRunResponse]

// update is a request and the memory of its points.
type update struct {
	ingestion.UpdateRunRequest

	memory *wire.RequestMemory // nil: its own
}

var memories = sync.Pool{New: func() any { return new(wire.RequestMemory) }}

func (u *update) unmarshal(data []byte) error {
	u.memory = memories.Get().(*wire.RequestMemory)
	return u.memory.Unmarshal(data, &u.UpdateRunRequest)
}

// applied gives the memory back: the store has copies of what it keeps.
func (u *update) applied() {
	if u.memory != nil {
		u.memory.Reset()
		memories.Put(u.memory)
		u.memory = nil
	}
}

// declaration is what a stream has said of one of its series.
type declaration struct {
	key      point.Series
	ordering point.Ordering
}

func (d declaration) String() string {
	return fmt.Sprintf("%q (scale %s, labels %q, ordering %d)", d.key.Name, d.key.Scale, d.key.FlatLabels(), d.ordering)
}

// updateRunStream is UpdateRunStream: it applies requests in the order in which they come and
// acknowledges each, in that order, when it is durable. The reader applies the
// next requests while the acknowledger waits for the disk, so that one sync
// serves many.
//
// When the server stops, what was applied is still acknowledged, and the client
// is told to come again.
func (s *Service) updateRunStream(ctx context.Context, stream *updateStream) error {
	// Headers at once: clients send nothing before they have them.
	if err := stream.Send(nil); err != nil {
		return err
	}
	left := make(chan struct{}) // closed when this handler returns
	defer close(left)
	requests := receive(stream, left)
	waiting := make(chan store.Pending, maxWaiting)
	acknowledged := make(chan error, 1)
	go func() { acknowledged <- acknowledge(stream, waiting) }()
	applied := s.applyAll(ctx, requests, waiting)
	close(waiting)
	// What was applied is acknowledged even when a later request is refused.
	if err := <-acknowledged; err != nil && applied == nil {
		return err
	}
	return applied
}

type received struct {
	request *update
	err     error
}

// receive reads the stream until it ends. Its goroutine outlives the handler by
// no more than the moment in which the server closes the request's body.
func receive(stream *updateStream, left <-chan struct{}) <-chan received {
	requests := make(chan received)
	go func() {
		for {
			request, err := stream.Receive()
			select {
			case requests <- received{request, err}:
			case <-left:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return requests
}

func (s *Service) applyAll(ctx context.Context, requests <-chan received, waiting chan<- store.Pending) error {
	declared := make(map[uint64]declaration)
	var attached attachments
	defer attached.leave()
	for {
		select {
		case <-ctx.Done():
			return connect.NewError(connect.CodeUnavailable, errors.New("the server is stopping"))
		case next := <-requests:
			if errors.Is(next.err, io.EOF) {
				return nil
			}
			if next.err != nil {
				return next.err
			}
			pending, err := s.applySafely(declared, &next.request.UpdateRunRequest)
			if err != nil {
				return err
			}
			next.request.applied()
			waiting <- pending
			attached.attach(s.catalog, next.request.GetRunId())
		}
	}
}

// attachments are the runs that a stream has brought something of: one, as a rule.
type attachments map[string]func()

func (a *attachments) attach(c *catalog.Catalog, id []byte) {
	if _, known := (*a)[string(id)]; known {
		return
	}
	if run, found := c.Run(id); found {
		if *a == nil {
			*a = make(attachments)
		}
		(*a)[string(id)] = run.Attach()
	}
}

func (a attachments) leave() {
	for _, left := range a {
		left()
	}
}

// acknowledge answers each request when it is durable. After an error it goes on
// waiting for the rest, so that nothing is left pending.
func acknowledge(stream *updateStream, waiting <-chan store.Pending) error {
	var failed error
	for pending := range waiting {
		if err := pending.Wait(); err != nil && failed == nil {
			failed = connect.NewError(connect.CodeUnavailable, err)
		}
		if failed == nil {
			failed = stream.Send(&ingestion.UpdateRunResponse{})
		}
	}
	return failed
}

// applySafely turns a panic, which is a bug of ours, into an error that the
// client retries, and keeps the process alive.
func (s *Service) applySafely(declared map[uint64]declaration, request *ingestion.UpdateRunRequest) (pending store.Pending, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			s.log.Error("BUG: applying a request panicked", "reason", reason, "stack", string(debug.Stack()))
			err = connect.NewError(connect.CodeInternal, fmt.Errorf("the server failed on this request: %v", reason))
		}
	}()
	return s.apply(declared, request)
}
