package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/metrana/metrana/go/wire"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
)

// sender delivers requests over one stream at a time.
//
// Each new stream starts with an empty request; nothing else is sent before
// that is acknowledged. Then the server is told all declarations that it may
// have lost with the earlier stream, then every unacknowledged request again,
// in order and byte for byte, then new ones.
//
// Its single goroutine owns all but the window, which it shares with the
// receiver of the stream.
type sender struct {
	l        *Logger
	in       <-chan *request
	runID    []byte
	window   *window
	declared []wire.Declaration // of requests that left the window or were sent

	reporter reporter
	conn     *grpc.ClientConn // over which all was delivered, for the last report; nil until then

	failures int  // in a row
	refused  bool // it was said that the server refuses the run; until there is progress
	progress atomic.Bool
}

func newSender(l *Logger, in <-chan *request, runID []byte) *sender {
	return &sender{l: l, in: in, runID: runID, window: newWindow(), reporter: reporter{l: l, runID: runID}}
}

// run delivers until the request that closes the run is acknowledged, the
// server refuses the logger, or ctx ends.
func (s *sender) run(ctx context.Context) {
	defer s.dropAll()
	for ctx.Err() == nil && !s.window.isFinished() {
		s.l.counters.connectionAttempts.Add(1)
		err := s.connectAndServe(ctx)
		s.l.counters.requestsInFlight.Store(0)
		if err == nil || ctx.Err() != nil || s.window.isFinished() {
			continue
		}
		if closing := s.failed(err); closing {
			return
		}
		s.pause(ctx)
	}
}

// dropAll counts what is left as dropped, when nothing is sent any more.
func (s *sender) dropAll() { s.window.drop(true, s.countDropped) }

func (s *sender) countDropped(r *request) {
	s.l.counters.dropped.add(r.counts)
	if r.sends == 0 {
		s.declared = append(s.declared, r.declarations...)
	}
}

// failed does what the end of a stream demands. It reports whether there is
// nothing left to do.
func (s *sender) failed(err error) (done bool) {
	s.l.counters.sendErrors.Add(1)
	if s.progress.Swap(false) {
		s.failures, s.refused = 0, false
	}
	s.failures++
	switch judge(err) {
	case fatal:
		s.l.die(errors.New(describeStatus(err)))
		return true
	case discard:
		dropped := s.window.drop(false, s.countDropped)
		if n := len(dropped); n > 0 {
			s.l.events.report(true, "%d buffered requests dropped, data lost, cause: %s", n, describeStatus(err))
		} else if !s.refused {
			s.refused = true
			s.l.events.warn("the server refuses the run, and is asked again: %s", describeStatus(err))
		}
		if s.gaveUpClosing(dropped, err) {
			return true
		}
	case resend:
	}
	limit := s.l.options.MaxSendRetries
	if limit < 0 || s.failures%max(1, limit) != 0 {
		return false
	}
	dropped := s.window.drop(true, s.countDropped)
	s.l.events.report(false, "%d buffered requests dropped, data lost, cause: %s", len(dropped), describeStatus(err))
	return s.gaveUpClosing(dropped, err)
}

// gaveUpClosing ends the logger when the request that closes the run is lost.
func (s *sender) gaveUpClosing(dropped []*request, err error) bool {
	for _, r := range dropped {
		if r.last {
			s.l.die(fmt.Errorf("the end of the run could not be delivered: %s", describeStatus(err)))
			return true
		}
	}
	return false
}

// pause waits before the next attempt, taking in requests meanwhile.
func (s *sender) pause(ctx context.Context) {
	o := &s.l.options
	wait := o.MaxBackoff
	if shift := s.failures - 1; shift < 40 && o.InitialBackoff<<shift < o.MaxBackoff && o.InitialBackoff<<shift > 0 {
		wait = o.InitialBackoff << shift
	}
	wait += time.Duration(s.l.random.Int64N(int64(wait)/16 + 1))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case r := <-s.acceptable():
			s.window.add(r)
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// acceptable is the channel of new requests while there is room for one.
func (s *sender) acceptable() <-chan *request {
	if s.window.full(s.l.options.MaxPendingRequests) {
		return nil
	}
	return s.in
}

// connectAndServe opens a stream and sends over it until it ends. The error
// is nil only when everything, the end of the run included, is acknowledged.
func (s *sender) connectAndServe(ctx context.Context) error {
	conn, err := s.l.dial()
	if err != nil {
		return err
	}
	if err = s.serveOn(s.l.authorize(ctx), conn); err == nil && ctx.Err() == nil {
		s.conn = conn
		return nil
	}
	_ = conn.Close() // what is not acknowledged is sent again
	return err
}

func (s *sender) serveOn(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := []grpc.CallOption{grpc.ForceCodecV2(frameCodec{})}
	if s.l.options.Zstd {
		options = append(options, grpc.UseCompressor(zstdName))
	}
	limit := time.AfterFunc(s.l.options.ConnectTimeout, cancel)
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, desc, ingestion.IngestService_UpdateRunStream_FullMethodName, options...)
	if !limit.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return err
	}
	c := &connection{s: s, stream: stream, failed: make(chan error, 1), opened: make(chan struct{})}
	received := make(chan struct{})
	s.l.start("receiver", func() {
		defer close(received)
		c.receive()
	})
	reported := make(chan struct{})
	s.l.start("reporter", func() {
		defer close(reported)
		select {
		case <-c.opened:
			s.reporter.follow(ctx, conn)
		case <-ctx.Done():
		}
	})
	err = c.serve(ctx)
	cancel()
	<-received
	<-reported
	return err
}

// hangUp reports what was delivered, if there is time for it, and closes the connection
// over which that was. The sender has ended.
func (s *sender) hangUp(limit time.Duration) {
	if s.conn == nil {
		return
	}
	if limit > 0 {
		s.reporter.report(s.l.authorize(context.Background()), s.conn, min(limit, lastReportTime))
	}
	_ = s.conn.Close() // everything is acknowledged
	s.conn = nil
}

// connection is one stream. The sender's goroutine sends on it, receive reads
// acknowledgements.
type connection struct {
	s      *sender
	stream grpc.ClientStream
	failed chan error    // why reading ended
	opened chan struct{} // closed by the first acknowledgement

	controls atomic.Int64 // unacknowledged requests outside the window, which come first
}

func (c *connection) serve(ctx context.Context) error {
	s := c.s
	hello := wire.Update{RunID: s.runID, LoggerID: s.l.options.LoggerID}
	c.controls.Store(1)
	if err := c.send(hello.Append(nil)); err != nil {
		return err
	}
	select {
	case <-c.opened:
	case err := <-c.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := c.redeclare(); err != nil {
		return err
	}
	s.window.rewind()
	for {
		if err := c.sendWindow(); err != nil {
			return err
		}
		if s.window.isFinished() {
			return c.stream.CloseSend()
		}
		select {
		case r := <-s.acceptable():
			s.window.add(r)
		case <-s.window.changed:
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// redeclare sends all declarations of earlier streams again.
func (c *connection) redeclare() error {
	s := c.s
	for rest := s.declared; len(rest) > 0; {
		u := wire.Update{RunID: s.runID, LoggerID: s.l.options.LoggerID}
		size := u.Size()
		n := 0
		for n < len(rest) && (n == 0 || size+rest[n].Size() <= s.l.options.MaxMessageSize) {
			size += rest[n].Size()
			n++
		}
		u.Declarations, rest = rest[:n], rest[n:]
		c.controls.Add(1)
		if err := c.send(u.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) sendWindow() error {
	s := c.s
	for r := s.window.next(); r != nil; r = s.window.next() {
		if r.sends == 1 {
			s.declared = append(s.declared, r.declarations...)
		} else {
			s.l.counters.requestsResent.Add(1)
		}
		s.l.counters.requestsInFlight.Add(1)
		if err := c.send(r.frame); err != nil {
			return err
		}
	}
	return nil
}

// send returns why the stream ended when it can take no more.
func (c *connection) send(frame []byte) error {
	err := c.stream.SendMsg(frame)
	if errors.Is(err, io.EOF) {
		return <-c.failed
	}
	return err
}

// receive counts acknowledgements until the stream ends.
func (c *connection) receive() {
	first := true
	for {
		if err := c.stream.RecvMsg(&acknowledgement{}); err != nil {
			c.failed <- err
			return
		}
		if first {
			first = false
			close(c.opened)
		}
		if c.controls.Load() > 0 {
			c.controls.Add(-1)
			continue
		}
		c.s.acknowledged()
	}
}

func (s *sender) acknowledged() {
	r := s.window.acknowledge(s.countSent)
	if r != nil && r.sends == 1 { // nil: more acknowledgements than requests
		s.l.chunks.put(r.memory) // else an earlier connection may still hold it
	}
}

func (s *sender) countSent(r *request) {
	s.progress.Store(true)
	s.l.counters.sent.add(r.counts)
	// In this order, sent and in flight together never exceed what was sent.
	s.l.counters.requestsInFlight.Add(-1)
	s.l.counters.requestsSent.Add(1)
}
