package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/views"
)

// server is an IngestService that does what a test says. Each stream is served
// by the next of its scripts, and by acknowledge when there are none left.
type server struct {
	t        *testing.T
	grpc     *grpc.Server
	listener *bufconn.Listener

	mu       sync.Mutex
	refuse   error // of dialling
	dials    []time.Time
	init     []initScript
	inits    []*ingestion.InitializeRunLoggingRequest
	scripts  []script
	streams  []*peer
	metadata []metadata.MD
	report   func(context.Context, *views.ReportDeliveryRequest) error // nil: no such service
}

type (
	script     func(p *peer) error
	initScript func(answer func(*ingestion.InitializeRunLoggingResponse) error) error
)

// peer is the server's side of one stream.
type peer struct {
	stream grpc.ServerStream
	mu     sync.Mutex
	frames [][]byte
}

// rawCodec reads frames as they are and protobuf messages as such.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, err := proto.Marshal(v.(proto.Message))
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*[]byte); ok {
		*raw = data.Materialize()
		return nil
	}
	return proto.Unmarshal(data.Materialize(), v.(proto.Message))
}

func newServer(t *testing.T) *server {
	s := &server{t: t}
	s.start()
	return s
}

// start listens, again after grpc.Stop.
func (s *server) start() {
	listener := bufconn.Listen(1 << 16)
	s.grpc = grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.MaxRecvMsgSize(math.MaxInt32))
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: ingestion.IngestService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "InitializeRunLogging", ServerStreams: true, Handler: s.serveInit},
			{StreamName: "UpdateRunStream", ServerStreams: true, ClientStreams: true, Handler: s.serveStream},
		},
	}, s)
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: views.ViewsService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "ReportDelivery", Handler: s.serveReport}},
	}, s)
	s.mu.Lock()
	s.listener, s.refuse = listener, nil
	s.mu.Unlock()
	go s.grpc.Serve(listener) //nolint:errcheck // ends with Stop
}

func (s *server) dial(ctx context.Context, _ string) (net.Conn, error) {
	s.mu.Lock()
	s.dials = append(s.dials, time.Now())
	refused, listener := s.refuse, s.listener
	s.mu.Unlock()
	if refused != nil {
		return nil, refused
	}
	return listener.DialContext(ctx)
}

// dialled returns when it was tried to connect.
func (s *server) dialled() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dials)
}

func (s *server) refuseConnections(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// created answers a handshake: a new run without any data.
func created(answer func(*ingestion.InitializeRunLoggingResponse) error) error {
	return answerRun(answer, &ingestion.InitializeRunLoggingResponse_InitializedRun{Created: true, RunId: []byte("run")})
}

func answerRun(
	answer func(*ingestion.InitializeRunLoggingResponse) error,
	run *ingestion.InitializeRunLoggingResponse_InitializedRun,
) error {
	if err := answer(&ingestion.InitializeRunLoggingResponse{
		Msg: &ingestion.InitializeRunLoggingResponse_InitializedRun_{InitializedRun: run},
	}); err != nil {
		return err
	}
	return answer(terminator())
}

func terminator(
	envs ...*ingestion.InitializeRunLoggingResponse_EnvStatuses_EnvState,
) *ingestion.InitializeRunLoggingResponse {
	return &ingestion.InitializeRunLoggingResponse{Msg: &ingestion.InitializeRunLoggingResponse_EnvStatuses_{
		EnvStatuses: &ingestion.InitializeRunLoggingResponse_EnvStatuses{Envs: envs, IsLast: true},
	}}
}

func (s *server) serveInit(_ any, stream grpc.ServerStream) error {
	request := &ingestion.InitializeRunLoggingRequest{}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	md, _ := metadata.FromIncomingContext(stream.Context())
	s.mu.Lock()
	s.inits = append(s.inits, request)
	s.metadata = append(s.metadata, md)
	next := initScript(created)
	if len(s.init) > 0 {
		next, s.init = s.init[0], s.init[1:]
	}
	s.mu.Unlock()
	return next(func(m *ingestion.InitializeRunLoggingResponse) error { return stream.SendMsg(m) })
}

func (s *server) serveReport(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // as grpc has it
	request := &views.ReportDeliveryRequest{}
	if err := decode(request); err != nil {
		return nil, err
	}
	s.mu.Lock()
	report := s.report
	s.mu.Unlock()
	if report == nil {
		return nil, status.Error(codes.Unimplemented, "unknown service")
	}
	return &views.ReportDeliveryResponse{}, report(ctx, request)
}

func (s *server) serveStream(_ any, stream grpc.ServerStream) error {
	p := &peer{stream: stream}
	s.mu.Lock()
	s.streams = append(s.streams, p)
	next := script(acknowledge)
	if len(s.scripts) > 0 {
		next, s.scripts = s.scripts[0], s.scripts[1:]
	}
	s.mu.Unlock()
	return next(p)
}

func (p *peer) receive() error {
	var frame []byte
	if err := p.stream.RecvMsg(&frame); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = append(p.frames, frame)
	return nil
}

func (p *peer) ack() error { return p.stream.SendMsg(&ingestion.UpdateRunResponse{}) }

// acknowledge answers each message at once until the stream ends.
func acknowledge(p *peer) error { return acknowledgeThen(math.MaxInt, nil)(p) }

// acknowledgeThen answers n messages, receives as many as come until the
// bubble is idle, and then ends the stream with err, or hangs where it is nil.
func acknowledgeThen(n int, err error) script {
	return func(p *peer) error {
		for range n {
			if e := p.receive(); e != nil {
				return ignoreEOF(e)
			}
			if e := p.ack(); e != nil {
				return e
			}
		}
		return swallow(p, err)
	}
}

// swallow receives without answering. With an error it ends the stream a
// second later.
func swallow(p *peer, err error) error {
	ended := make(chan error, 1)
	go func() {
		for {
			if e := p.receive(); e != nil {
				ended <- e
				return
			}
		}
	}()
	var end <-chan time.Time
	if err != nil {
		end = time.After(time.Second)
	}
	select {
	case e := <-ended:
		return ignoreEOF(e)
	case <-end:
		return err
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// frames returns what the n-th stream has received.
func (s *server) frames(n int) [][]byte {
	s.mu.Lock()
	if n >= len(s.streams) {
		s.mu.Unlock()
		s.t.Fatalf("there is no stream %d", n)
	}
	p := s.streams[n]
	s.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]byte(nil), p.frames...)
}

func (s *server) streamCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

func parse(t *testing.T, frame []byte) *ingestion.UpdateRunRequest {
	t.Helper()
	request := &ingestion.UpdateRunRequest{}
	if err := proto.Unmarshal(frame, request); err != nil {
		t.Fatal(err)
	}
	return request
}

// messages returns the parsed requests of the n-th stream.
func (s *server) messages(n int) (parsed []*ingestion.UpdateRunRequest) {
	for _, frame := range s.frames(n) {
		parsed = append(parsed, parse(s.t, frame))
	}
	return parsed
}

// inBubble runs a test against a server in fake time. All goroutines must have
// ended when it returns.
func inBubble(t *testing.T, f func(t *testing.T, s *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		defer func() { s.grpc.Stop() }() // the one that runs then
		f(t, s)
	})
}

func testOptions(s *server) Options {
	return Options{
		URL: "http://127.0.0.1:1", APIKey: "key", UserAgent: "metrana/test",
		Workspace: "w", Project: "p", Run: "r", OrchestrationID: "job", LoggerID: 7,
		QueueCapacity: 10_000, EnqueueTimeout: 100 * time.Millisecond,
		InitTimeout: 2 * time.Minute, ConnectTimeout: 5 * time.Second,
		MaxPendingRequests: 30, MaxSendRetries: 60,
		InitialBackoff: 50 * time.Millisecond, MaxBackoff: 15 * time.Second,
		BatchMaxAge: time.Second, MaxMessageSize: 1 << 20,
		dial: s.dial,
	}
}

// opened starts a logger and waits for the handshake.
func opened(t *testing.T, o Options) *Logger {
	t.Helper()
	l, err := New(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closeLogger(l, 0) }) // where the test has failed
	<-l.Ready()
	if _, err := l.Init(); err != nil {
		t.Fatal(err)
	}
	return l
}

// closeLogger closes and returns what Close has to say.
func closeLogger(l *Logger, timeout time.Duration) error {
	l.Close(timeout)
	<-l.Closed()
	return l.CloseErr()
}

func seriesOf(t *testing.T, l *Logger, name string) uint32 {
	t.Helper()
	number, err := l.Series(point.Series{Name: name, Scale: point.ScaleMLStep}, point.Ordered)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// log logs values with automatic steps and fails the test on an error.
func log(t *testing.T, l *Logger, series uint32, values ...float64) {
	t.Helper()
	if err := l.Points(&Points{Series: series, Values: values, Millis: 1}, 0); err != nil {
		t.Fatal(err)
	}
}

func flush(t *testing.T, l *Logger) {
	t.Helper()
	done, err := l.Flush()
	if err != nil {
		t.Fatal(err)
	}
	<-done
}

// checkBalance checks that nothing is unaccounted for when nothing waits.
func checkBalance(t *testing.T, l *Logger) Counters {
	t.Helper()
	c := l.Counters()
	for kind := range c.Added {
		if c.Added[kind] != c.Sent[kind]+c.Dropped[kind] {
			t.Fatalf("kind %d: added %d, sent %d, dropped %d", kind, c.Added[kind], c.Sent[kind], c.Dropped[kind])
		}
	}
	return c
}

var errUnavailable = status.Error(codes.Unavailable, "restarting")

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func wantText(t *testing.T, what string, got any, want any) {
	t.Helper()
	wantEqual(t, what, fmt.Sprint(got), fmt.Sprint(want))
}
