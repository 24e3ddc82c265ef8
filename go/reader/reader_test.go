package reader

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/wire/pb/views"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers as its fields say.
type server struct {
	pb.UnimplementedQueryServiceServer
	views.UnimplementedViewsServiceServer

	calls  atomic.Int64
	keys   atomic.Value
	series func(call int64, r *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error)
	runs   func(r *pb.ListRunsRequest) *pb.ListRunsResponse
	envs   func(r *views.ListEnvironmentsRequest) *views.ListEnvironmentsResponse
}

func (s *server) ListFloatSeries(ctx context.Context, r *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
	m, _ := metadata.FromIncomingContext(ctx)
	s.keys.Store(strings.Join(m.Get("authorization"), "|"))
	return s.series(s.calls.Add(1), r)
}

func (s *server) ListRuns(_ context.Context, r *pb.ListRunsRequest) (*pb.ListRunsResponse, error) {
	s.calls.Add(1)
	return s.runs(r), nil
}

func (s *server) ListEnvironments(_ context.Context, r *views.ListEnvironmentsRequest) (*views.ListEnvironmentsResponse, error) {
	return s.envs(r), nil
}

func serve(t *testing.T, s *server) *Reader {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	pb.RegisterQueryServiceServer(g, s)
	views.RegisterViewsServiceServer(g, s)
	served := make(chan error, 1)
	go func() { served <- g.Serve(listener) }()
	r, err := Open(Options{URL: "http://" + listener.Addr().String(), Key: "secret"})
	if err != nil || !r.Ready(time.Minute) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// all takes every page.
func all(t *testing.T, c *Call) (pages []*Page, err error) {
	t.Helper()
	defer c.End()
	for {
		answer, err := c.Next(time.Minute)
		if errors.Is(err, io.EOF) {
			return pages, nil
		}
		if err != nil {
			return pages, err
		}
		page, err := NewPage(answer)
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
}

func begin(t *testing.T, r *Reader, method, request string, most int64) *Call {
	t.Helper()
	c, err := r.Begin(method, []byte(request), most)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func points(values ...float64) *pb.ListFloatSeriesResponse {
	steps := make([]uint64, len(values))
	for i := range steps {
		steps[i] = math.MaxUint64 - uint64(i)
	}
	return &pb.ListFloatSeriesResponse{RunPoints: []*pb.ListFloatSeriesResponse_RunPoints{{
		Run: "r\"\n<ä", Series: []*pb.SeriesPoints{{Points: &common.FloatSeriesPoints{Steps: steps, Values: values}}},
	}}}
}

func TestPagesFollowTheirTokensAndColumnsLieBesideTheTree(t *testing.T) {
	s := &server{series: func(_ int64, r *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
		answer := points(1.5, math.NaN(), math.Inf(-1))
		if r.GetResumeToken() == "" {
			next := "next"
			answer.ResumeToken = &next
		}
		return answer, nil
	}}
	r := serve(t, s)
	pages, err := all(t, begin(t, r, "ListFloatSeries", `{"workspace":"w"}`, 0))
	if err != nil || len(pages) != 2 || s.calls.Load() != 2 {
		t.Fatalf("%d pages in %d calls, %v", len(pages), s.calls.Load(), err)
	}
	if s.keys.Load() != "Bearer secret" {
		t.Errorf("authorization %q", s.keys.Load())
	}
	total, _, begins := pages[0].Size()
	memory := make([]byte, total)
	if err := pages[0].Write(memory); err != nil {
		t.Fatal(err)
	}
	var tree struct {
		RunPoints []struct {
			Run    string
			Series []struct {
				Points struct {
					Steps, Values struct {
						Column []any `json:"$column"`
					}
				}
			}
		} `json:"run_points"`
	}
	if err := json.Unmarshal(memory[begins:], &tree); err != nil {
		t.Fatal(err)
	}
	columns := tree.RunPoints[0].Series[0].Points
	if tree.RunPoints[0].Run != "r\"\n<ä" ||
		!slices.Equal(columns.Steps.Column, []any{0., 0., 3., "u8"}) || !slices.Equal(columns.Values.Column, []any{0., 24., 3., "f8"}) {
		t.Errorf("%+v", tree)
	}
	if binary.LittleEndian.Uint64(memory[8:]) != math.MaxUint64-1 || math.Float64frombits(binary.LittleEndian.Uint64(memory[24:])) != 1.5 {
		t.Errorf("%x", memory[:48])
	}
}

func TestEmptyPageWithATokenIsAnError(t *testing.T) {
	next := "next"
	r := serve(t, &server{series: func(int64, *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
		return &pb.ListFloatSeriesResponse{ResumeToken: &next}, nil
	}})
	_, err := all(t, begin(t, r, "ListFloatSeries", `{}`, 0))
	var refused *RPCError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "empty page") {
		t.Errorf("got %v", err)
	}
}

func TestPagesByOffset(t *testing.T) {
	const total = 2500
	var asked [][2]int64
	ask := func(offset, limit int64) (n int64) {
		asked = append(asked, [2]int64{offset, limit})
		return min(limit, total-offset)
	}
	s := &server{
		runs: func(r *pb.ListRunsRequest) *pb.ListRunsResponse {
			n := ask(r.GetOffset(), r.GetLimit())
			return &pb.ListRunsResponse{Runs: make([]*pb.ListRunsResponse_Run, n), TotalCount: total}
		},
		// Its numbers are of other types, and it has other lists beside the first.
		envs: func(r *views.ListEnvironmentsRequest) *views.ListEnvironmentsResponse {
			n := ask(int64(r.GetOffset()), int64(r.GetLimit()))
			return &views.ListEnvironmentsResponse{Environments: make([]string, n), Metrics: [][]byte{{1}, {2}}, TotalCount: total}
		},
	}
	r := serve(t, s)
	for _, test := range []struct {
		request string
		most    int64
		want    [][2]int64
	}{
		{`{}`, 0, [][2]int64{{0, 1000}, {1000, 1000}, {2000, 1000}}},
		{`{}`, 1200, [][2]int64{{0, 1000}, {1000, 200}}},
		{`{}`, 1000, [][2]int64{{0, 1000}}},
		{`{"offset": 2400}`, 0, [][2]int64{{2400, 1000}}},
	} {
		for _, method := range []string{"ListRuns", "ListEnvironments"} {
			asked = nil
			if _, err := all(t, begin(t, r, method, test.request, test.most)); err != nil || !slices.Equal(asked, test.want) {
				t.Errorf("%s, %s, at most %d: asked for %v (%v)", method, test.request, test.most, asked, err)
			}
		}
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		code  codes.Code
		calls int64
		text  string
	}{
		{codes.Unavailable, maxAttempts, "UNAVAILABLE: no"},
		{codes.Internal, maxAttempts, "INTERNAL: no"},
		{codes.NotFound, 1, "NOT_FOUND: no"},
		{codes.InvalidArgument, 1, "INVALID_ARGUMENT: no"},
	} {
		s := &server{series: func(int64, *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
			return nil, status.Error(test.code, "no")
		}}
		_, err := all(t, begin(t, serve(t, s), "ListFloatSeries", `{}`, 0))
		if err == nil || err.Error() != test.text || s.calls.Load() != test.calls {
			t.Errorf("%s: %v after %d calls", test.code, err, s.calls.Load())
		}
		var transport *TransportError
		if errors.As(err, &transport) != (test.code == codes.Unavailable) {
			t.Errorf("%s became %T", test.code, err)
		}
	}
	s := &server{series: func(call int64, _ *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
		if call < maxAttempts {
			return nil, status.Error(codes.Unavailable, "not yet")
		}
		return points(1), nil
	}}
	if pages, err := all(t, begin(t, serve(t, s), "ListFloatSeries", `{}`, 0)); err != nil || len(pages) != 1 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
}

func TestEndAndCloseStopACall(t *testing.T) {
	var started atomic.Int64
	s := &server{}
	block := make(chan struct{})
	s.series = func(int64, *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
		started.Add(1)
		<-block
		return points(1), nil
	}
	r := serve(t, s)
	defer close(block)
	c := begin(t, r, "ListFloatSeries", `{}`, 0)
	if answer, err := c.Next(time.Millisecond); answer != nil || err != nil {
		t.Errorf("%v, %v before there is an answer", answer, err)
	}
	c.End()
	other := begin(t, r, "ListFloatSeries", `{}`, 0)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Next(time.Minute); !errors.Is(err, ErrClosed) && !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	if _, err := r.Begin("ListFloatSeries", []byte(`{}`), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestBadOptionsAndRequestsAreNamed(t *testing.T) {
	for _, url := range []string{"ftp://x", "http://", "127.0.0.1:7420", "http://u@x", "http://x/path", "http://x?q=1", "%"} {
		if _, err := Open(Options{URL: url}); err == nil || !strings.Contains(err.Error(), url) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for url, want := range map[string]string{"http://x": "x:80", "https://x/": "x:443", "http://[::1]:5": "[::1]:5"} {
		if address, secure, err := target(url); err != nil || address != want || secure != strings.HasPrefix(url, "https") {
			t.Errorf("%q: %q %t %v", url, address, secure, err)
		}
	}
}
