package reader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// How often a page is asked for, and how long to pause in between; each pause is
// taken times a random factor from 0.5 to 1.
const (
	maxAttempts = 4
	firstPause  = 100 * time.Millisecond
	longestWait = 2 * time.Second
	maxAnswer   = 128 << 20
)

// Call is a question and its pages. Next, Gather and End are for one goroutine.
type Call struct {
	reader  *Reader
	method  string
	request protoreflect.Message
	answer  protoreflect.MessageType
	pages   chan result
	cancel  context.CancelFunc

	gathering gathering
}

type result struct {
	answer *Answer
	err    error
}

// Answer is one page as it came. Reading what page comes next takes a glance at it,
// so the server works on that one while this one is decoded.
type Answer struct {
	data mem.BufferSlice
	kind protoreflect.MessageType
}

// Free lets the memory of the message be used again.
func (a *Answer) Free() { a.data.Free() }

func (a *Answer) pieces() pieces {
	p := make(pieces, len(a.data))
	for i, buffer := range a.data {
		p[i] = buffer.ReadOnlyData()
	}
	return p
}

func (a *Answer) decode() (proto.Message, error) {
	message := a.kind.New().Interface()
	if err := proto.Unmarshal(a.pieces().joined(), message); err != nil {
		return nil, &RPCError{"INTERNAL: the server's answer is no " + string(a.kind.Descriptor().FullName()) + ": " + err.Error()}
	}
	return message, nil
}

// field finds a text or message among the fields of the answer itself, and tells
// whether there is any other of these.
func (a *Answer) field(number protowire.Number) (found []byte, others bool) {
	for in := a.pieces().input(); in.size > 0; {
		f, ok := in.next()
		if !ok {
			return nil, false // decoding it will tell
		}
		if f.kind != protowire.BytesType {
			continue
		}
		if f.number == number {
			found = append([]byte{}, f.bytes.joined()...)
		} else {
			others = true
		}
	}
	return found, others
}

// rawCodec leaves the decoding to others.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	encoded, err := proto.Marshal(v.(proto.Message))
	return mem.BufferSlice{mem.SliceBuffer(encoded)}, err
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	data.Ref()
	*v.(*mem.BufferSlice) = data
	return nil
}

// services are those whose methods may be called.
var services = []protoreflect.ServiceDescriptor{
	pb.File_metrana_protobuf_query_v1_svc_query_service_proto.Services().ByName("QueryService"),
	views.File_metrana_views_v1_views_service_proto.Services().ByName("ViewsService"),
}

func methodNamed(name string) (protoreflect.MethodDescriptor, error) {
	for _, service := range services {
		if m := service.Methods().ByName(protoreflect.Name(name)); m != nil {
			return m, nil
		}
	}
	return nil, &ConfigError{fmt.Sprintf("no service has a method %q", name)}
}

// Begin makes a call of a method of QueryService, or of ViewsService where that
// answers at once, with its request in JSON. An answer with a resume_token is followed by the page that the token asks for; of a
// request with limit and offset and an answer with a total_count, pages are asked for until
// all is there, or as many as most, if that is not 0.
func (r *Reader) Begin(method string, request []byte, most int64) (*Call, error) {
	m, err := methodNamed(method)
	if err != nil {
		return nil, err
	}
	asked, err := messageType(m.Input())
	if err != nil {
		return nil, err
	}
	answered, err := messageType(m.Output())
	if err != nil {
		return nil, err
	}
	message := asked.New()
	if err := protojson.Unmarshal(request, message.Interface()); err != nil {
		return nil, &ConfigError{fmt.Sprintf("%s: %v", method, err)}
	}
	if r.ctx.Err() != nil {
		return nil, ErrClosed
	}
	c := &Call{
		reader: r, method: "/" + string(m.Parent().FullName()) + "/" + method, request: message, answer: answered,
		pages: make(chan result, 1), // one ahead
	}
	ctx, cancel := context.WithCancel(r.ctx)
	c.cancel = cancel
	go c.run(ctx, most)
	return c, nil
}

func messageType(d protoreflect.MessageDescriptor) (protoreflect.MessageType, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", d.FullName(), err)
	}
	return t, nil
}

// Next gives the next page, io.EOF behind the last, or nil when there is none
// within the time.
func (c *Call) Next(within time.Duration) (*Answer, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case next, more := <-c.pages:
		if !more {
			return nil, io.EOF
		}
		return next.answer, next.err
	case <-timer.C:
		return nil, nil
	}
}

// End gives up what was not taken.
func (c *Call) End() {
	c.cancel()
	c.gathering.release()
}

func (c *Call) run(ctx context.Context, most int64) {
	defer close(c.pages)
	defer func() {
		if broken := recover(); broken != nil {
			c.pages <- result{err: fmt.Errorf("BUG: reading panicked: %v\n%s", broken, debug.Stack())}
		}
	}()
	follow := c.follower(most)
	for more := true; more; {
		answer, err := c.ask(ctx)
		if err == nil {
			more, err = follow(answer)
		}
		if err != nil {
			answer, more = nil, false
		}
		select {
		case c.pages <- result{answer, err}:
		case <-ctx.Done():
			return
		}
	}
}

// follower changes the request into that for the page behind an answer, and tells
// whether there is one.
func (c *Call) follower(most int64) func(answer *Answer) (more bool, err error) {
	if follow := c.byOffset(most); follow != nil {
		return follow
	}
	asked, given := c.request.Descriptor().Fields().ByName("resume_token"), c.answer.Descriptor().Fields().ByName("resume_token")
	return func(answer *Answer) (bool, error) {
		if asked == nil || given == nil {
			return false, nil
		}
		token, others := answer.field(given.Number())
		if token == nil {
			return false, nil
		}
		if !others {
			return false, &RPCError{"INTERNAL: the server sent an empty page and the token of another"}
		}
		c.request.Set(asked, protoreflect.ValueOfString(string(token)))
		return true, nil
	}
}

// ask gets one page, in several attempts if need be.
func (c *Call) ask(ctx context.Context) (*Answer, error) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		data, err := c.attempt(ctx)
		if err == nil {
			return &Answer{data, c.answer}, nil
		}
		code := status.Code(err)
		if ctx.Err() != nil || attempt == maxAttempts || code != codes.Unavailable && code != codes.Internal {
			return nil, named(err)
		}
		select {
		case <-time.After(time.Duration((0.5 + rand.Float64()/2) * float64(pause))):
		case <-ctx.Done():
			return nil, named(ctx.Err())
		}
		pause = min(2*pause, longestWait)
	}
}

func (c *Call) attempt(ctx context.Context) (data mem.BufferSlice, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.reader.options.CallTimeout)
	defer cancel()
	if key := c.reader.options.Key; key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
	}
	err = c.reader.conn.Invoke(ctx, c.method, c.request.Interface(), &data, grpc.MaxCallRecvMsgSize(maxAnswer), grpc.ForceCodecV2(rawCodec{}))
	return data, err
}

// named makes an error of ours out of one of the transport.
func named(err error) error {
	if errors.Is(err, context.Canceled) {
		return ErrClosed
	}
	s := status.Convert(err)
	if s.Code() == codes.Canceled {
		return ErrClosed
	}
	if s.Code() == codes.Unavailable {
		return &TransportError{"UNAVAILABLE: " + s.Message()}
	}
	return &RPCError{codeName(s.Code()) + ": " + s.Message()}
}

// codeName writes a code as the protocol does: NotFound as NOT_FOUND.
func codeName(code codes.Code) string {
	var b strings.Builder
	for i, c := range code.String() {
		if i > 0 && c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return strings.ToUpper(b.String())
}
