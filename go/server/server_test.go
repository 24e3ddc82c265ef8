package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/wire/pb/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a test that would otherwise hang; none waits for it.
const patience = 30 * time.Second

// running is a server on a port and a directory of its own.
type running struct {
	t       *testing.T
	url     string
	cfg     Config
	stop    context.CancelFunc
	stopped <-chan error
}

func start(t *testing.T) *running {
	t.Helper()
	return startIn(t, t.TempDir())
}

func startIn(t *testing.T, dir string) *running {
	t.Helper()
	ready := make(chan string, 1)
	stopped := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	cfg := Config{DataDir: dir, Listen: "127.0.0.1:0", RenderingsQuota: 100 << 20, Ready: func(url string) { ready <- url }}
	go func() { stopped <- Run(ctx, cfg) }()
	s := &running{t: t, cfg: cfg, stop: stop, stopped: stopped}
	t.Cleanup(stop)
	select {
	case s.url = <-ready:
	case err := <-stopped:
		t.Fatal(err)
	}
	t.Cleanup(s.ended)
	return s
}

// ended stops the server, and fails unless it ends well.
func (s *running) ended() {
	s.t.Helper()
	s.stop()
	if s.stopped == nil {
		return
	}
	if err := <-s.stopped; err != nil {
		s.t.Error(err)
	}
	s.stopped = nil
}

func (s *running) address() string { return strings.TrimPrefix(s.url, "http://") }

func (s *running) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *running) connect(options ...grpc.DialOption) *grpc.ClientConn {
	s.t.Helper()
	conn, err := grpc.NewClient(s.address(), append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return conn
}

// run makes a run over gRPC and gives its id.
func (s *running) run(conn *grpc.ClientConn) []byte {
	s.t.Helper()
	stream, err := ingestion.NewIngestServiceClient(conn).InitializeRunLogging(s.context(), &ingestion.InitializeRunLoggingRequest{
		Run: &types.Run{Workspace: "w", Project: "p", RunName: "r"}, CreateProjectIfMissing: true, LoggerId: 1,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var id []byte
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return id
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if opened := message.GetInitializedRun(); opened != nil {
			id = opened.GetRunId()
		}
	}
}

func (s *running) updates(conn *grpc.ClientConn, options ...grpc.CallOption) ingestion.IngestService_UpdateRunStreamClient {
	s.t.Helper()
	stream, err := ingestion.NewIngestServiceClient(conn).UpdateRunStream(s.context(), options...)
	if err != nil {
		s.t.Fatal(err)
	}
	return stream
}

func (s *running) exchange(stream ingestion.IngestService_UpdateRunStreamClient, request *ingestion.UpdateRunRequest) {
	s.t.Helper()
	if err := stream.Send(request); err != nil {
		s.t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		s.t.Fatal(err)
	}
}

// points is a request with n points from a step on.
func points(run []byte, first uint64, n int) *ingestion.UpdateRunRequest {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(i) * 1.1
	}
	return &ingestion.UpdateRunRequest{
		RunId: run, LoggerId: 1,
		SeriesDeclarations: []*types.SeriesDeclaration{{DeclarationId: 1, MetricName: "loss", Scale: "ML_STEP", Ordering: 3}},
		Series:             []*types.StreamingSeriesUpdate{{SeriesId: 1, PointBatches: []*types.PointBatch{{Values: values, FirstStep: &first}}}},
	}
}

func (s *running) healthy() {
	s.t.Helper()
	if code, body, _ := s.get("/healthz", ""); code != http.StatusOK || body != "ok\n" {
		s.t.Fatalf("/healthz: %d %q", code, body)
	}
}

func (s *running) get(path, host string) (code int, body string, header http.Header) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if host != "" {
		request.Host = host
	}
	return s.do(request)
}

func (s *running) do(request *http.Request) (code int, body string, header http.Header) {
	s.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

// A page elsewhere on the internet must not reach this server through a name of
// its own, and is told nothing that would let its scripts read an answer.
func TestHostMustBeLoopback(t *testing.T) {
	s := start(t)
	taken := func(host string, want int) {
		t.Helper()
		code, _, header := s.get("/healthz", host)
		if code != want {
			t.Errorf("Host %q: %d, want %d", host, code, want)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("Host %q: answered %s", host, name)
			}
		}
	}
	taken("localhost", 200)
	taken("LOCALHOST:1", 200)
	taken("127.0.0.1:7420", 200)
	taken("127.8.9.1", 200)
	taken("[::1]:7420", 200)
	taken("example.com", 403)
	taken("localhost.example.com", 403)
	taken("127.0.0.1.example.com:7420", 403)
	taken("10.0.0.1", 403)
	taken("localhost.", 403)

	conn := s.connect(grpc.WithAuthority("example.com"))
	_, err := query.NewQueryServiceClient(conn).ListWorkspaces(s.context(), &query.ListWorkspacesRequest{})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("gRPC with the authority example.com: %v", err)
	}
}

func TestListeningBeyondLoopbackIsRefused(t *testing.T) {
	refused := func(listen string) {
		t.Helper()
		err := Run(t.Context(), Config{DataDir: t.TempDir(), Listen: listen})
		if err == nil || !strings.Contains(err.Error(), "--insecure-allow-any-key") || !strings.Contains(err.Error(), listen) {
			t.Errorf("%s: %v", listen, err)
		}
	}
	refused("0.0.0.0:0")
	refused(":0")
	refused("[::]:0")
	refused("192.0.2.1:0")
	if err := Run(t.Context(), Config{DataDir: t.TempDir(), Listen: "nonsense"}); err == nil || !strings.Contains(err.Error(), "HOST:PORT") {
		t.Error(err)
	}
}

func TestSecondServerIsToldWhoIsThere(t *testing.T) {
	s := start(t)
	err := Run(t.Context(), Config{DataDir: s.cfg.DataDir, Listen: "127.0.0.1:0"})
	var locked *store.LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), s.url) || !strings.Contains(err.Error(), s.cfg.DataDir) {
		t.Errorf("same directory: %v", err)
	}
	err = Run(t.Context(), Config{DataDir: t.TempDir(), Listen: s.address()})
	var busy *BusyAddressError
	if !errors.As(err, &busy) || !strings.Contains(err.Error(), s.address()) {
		t.Errorf("same port: %v", err)
	}
	s.healthy()
}

// Every protocol reaches the same handlers.
func TestOnePortSpeaksAllProtocols(t *testing.T) {
	s := start(t)
	s.run(s.connect())
	const method = "/metrana_protobuf.query.v1.svc.QueryService/ListWorkspaces"
	post := func(method, contentType string, body []byte) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(s.context(), http.MethodPost, s.url+method, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		code, text, _ := s.do(request)
		return code, text
	}
	code, text := post(method, "application/json", []byte("{}"))
	var answer struct{ Workspaces []struct{ Name string } }
	if err := json.Unmarshal([]byte(text), &answer); code != 200 || err != nil || len(answer.Workspaces) != 1 || answer.Workspaces[0].Name != "w" {
		t.Errorf("Connect: %d %q %v", code, text, err)
	}
	code, text = post(method, "application/grpc-web+proto", make([]byte, 5))
	if code != 200 || len(text) < 5 || !strings.Contains(text, "grpc-status: 0") {
		t.Fatalf("gRPC-Web: %d %q", code, text)
	}
	var web query.ListWorkspacesResponse
	n := binary.BigEndian.Uint32([]byte(text[1:5]))
	if err := proto.Unmarshal([]byte(text[5:5+n]), &web); err != nil || len(web.GetWorkspaces()) != 1 {
		t.Errorf("gRPC-Web: %v %v", &web, err)
	}
	rpc, err := query.NewQueryServiceClient(s.connect()).ListWorkspaces(s.context(), &query.ListWorkspacesRequest{})
	if err != nil || !proto.Equal(rpc, &web) {
		t.Errorf("gRPC: %v %v", rpc, err)
	}
	code, text = post("/metrana.views.v1.ViewsService/ListEpisodes", "application/json", []byte("{}"))
	if code != 404 || !strings.Contains(text, "no run") {
		t.Errorf("views: %d %q", code, text)
	}
	if code, text, _ = s.get("/", ""); code != 200 || !strings.Contains(text, "<html") {
		t.Errorf("dashboard: %d %q", code, text)
	}
	s.healthy()
}

func TestAnyKeyIsTakenOnLoopback(t *testing.T) {
	s := start(t)
	s.run(s.connect(grpc.WithPerRPCCredentials(bearer("whatever"))))
}

type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}
func (b bearer) RequireTransportSecurity() bool { return false }

func TestLargeMessages(t *testing.T) {
	s := start(t)
	conn := s.connect(grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(1 << 30)))
	run := s.run(conn)
	stream := s.updates(conn)
	s.exchange(stream, points(run, 0, 1_000_000)) // as one log call may send them
	padded := points(run, 1_000_000, 1)
	padded.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 1000, protowire.BytesType), make([]byte, 130<<20)))
	s.exchange(stream, padded)
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	// One that says it is larger is refused before it is read.
	if code := s.rawCall([]byte{0, 0x10, 0, 0, 1}); code != strconv.Itoa(int(codes.ResourceExhausted)) {
		t.Errorf("256 MiB and one byte: grpc-status %s", code)
	}
	s.healthy()
}

func TestCompressedStreams(t *testing.T) {
	s := start(t)
	conn := s.connect()
	run := s.run(conn)
	zipped := s.updates(conn, grpc.UseCompressor(gzip.Name))
	s.exchange(zipped, points(run, 0, 10000))
	packed := s.updates(conn, grpc.UseCompressor(zstdName))
	s.exchange(packed, points(run, 10000, 10000))
	s.exchange(packed, points(run, 20000, 1))
	for _, stream := range []ingestion.IngestService_UpdateRunStreamClient{zipped, packed} {
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
	if n := s.count(conn); n != 20001 {
		t.Errorf("%d points", n)
	}
}

// Published clients send zstd, take none, and give up for good when the answer
// announces it.
func TestAnswersToCompressedStreamsArePlain(t *testing.T) {
	s := start(t)
	request, err := proto.Marshal(points(s.run(s.connect()), 0, 1000))
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll(request, nil)
	body := append(binary.BigEndian.AppendUint32([]byte{1}, uint32(len(packed))), packed...)
	header, answer, code := s.call(body, http.Header{"Grpc-Encoding": {"zstd"}, "Grpc-Accept-Encoding": {"identity"}})
	if code != "0" || len(answer) < 5 || answer[0] != 0 || header.Get("Grpc-Encoding") != "" {
		t.Errorf("grpc-status %s, encoding %q, answer %x", code, header.Get("Grpc-Encoding"), answer)
	}
}

// count reads the one series back.
func (s *running) count(conn *grpc.ClientConn) (n int) {
	s.t.Helper()
	answer, err := query.NewQueryServiceClient(conn).ListFloatSeries(s.context(), &query.ListFloatSeriesRequest{
		Workspace: "w", Project: "p", RunNames: []string{"r"}, SeriesQueries: []string{"loss()"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, run := range answer.GetRunPoints() {
		for _, series := range run.GetSeries() {
			n += len(series.GetPoints().GetValues())
		}
	}
	return n
}

// No bytes kill the process, and what is stored stays.
func TestGarbageBytes(t *testing.T) {
	s := start(t)
	conn := s.connect()
	run := s.run(conn)
	s.exchange(s.updates(conn), points(run, 0, 3))
	noise := bytes.Repeat([]byte{0xff, 0x00, 0x7f, 0x0a}, 4096)
	raw := func(send ...[]byte) {
		t.Helper()
		c, err := net.Dial("tcp", s.address())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, b := range send {
			_, _ = c.Write(b) // the server may hang up at any byte
		}
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	raw(noise)
	raw([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n"), noise)
	raw([]byte(http2.ClientPreface), noise)
	raw([]byte(http2.ClientPreface), []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, noise)
	raw([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc}) // TLS

	for _, body := range [][]byte{
		noise, {}, {0, 0, 0, 0}, {0, 0, 0, 0, 5, 1}, {1, 0, 0, 0, 2, 0xff, 0xff}, {9, 0, 0, 0, 0}, {0, 0, 0, 0, 3, 0xff, 0xff, 0xff},
	} {
		// Only a stream without a single message ends well.
		if code := s.rawCall(body); (code == "0") != (len(body) == 0) {
			t.Errorf("%d bytes %.12x: grpc-status %s", len(body), body, code)
		}
	}
	s.healthy()
	if n := s.count(conn); n != 3 {
		t.Errorf("%d points", n)
	}
}

// rawCall sends bytes as a gRPC stream of updates and gives the status.
func (s *running) rawCall(body []byte) (code string) {
	s.t.Helper()
	_, _, code = s.call(body, nil)
	return code
}

func (s *running) call(body []byte, with http.Header) (header http.Header, answer []byte, code string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.context(), http.MethodPost,
		s.url+"/metrana_protobuf.ingestion.v1.svc.IngestService/UpdateRunStream", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	maps.Copy(request.Header, with)
	request.Header.Set("Content-Type", "application/grpc+proto")
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		s.t.Fatal(err)
	}
	code = response.Trailer.Get("Grpc-Status")
	if code == "" {
		code = response.Header.Get("Grpc-Status")
	}
	if code == "" {
		s.t.Fatalf("%d bytes %.12x: no grpc-status", len(body), body)
	}
	return response.Header, answer, code
}

// A stopping server does not wait for clients that keep their streams open, and
// loses nothing of what it acknowledged.
func TestStoppingWithOpenStreams(t *testing.T) {
	s := start(t)
	conn := s.connect()
	run := s.run(conn)
	stream := s.updates(conn)
	for i := range uint64(20) {
		s.exchange(stream, points(run, i, 1))
	}
	s.ended()
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the open stream ended with %v", err)
	}
	again := startIn(t, s.cfg.DataDir)
	if n := again.count(again.connect()); n != 20 {
		t.Errorf("%d points after the restart", n)
	}
}

// What was applied when the server stops is acknowledged or not at all, but what
// is acknowledged is there.
func TestStoppingInMidStream(t *testing.T) {
	s := start(t)
	conn := s.connect()
	run := s.run(conn)
	stream := s.updates(conn)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := uint64(0); stream.Send(points(run, i, 1)) == nil; i++ {
		}
	}()
	acknowledged := 0
	for {
		if _, err := stream.Recv(); err != nil {
			if status.Code(err) != codes.Unavailable {
				t.Error(err)
			}
			break
		}
		if acknowledged++; acknowledged == 100 {
			s.stop()
		}
	}
	<-sent
	s.ended()
	again := startIn(t, s.cfg.DataDir)
	if n := again.count(again.connect()); n < acknowledged {
		t.Errorf("%d points are there, %d were acknowledged", n, acknowledged)
	}
}
