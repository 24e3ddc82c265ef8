package ingest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/ingest"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a test that would otherwise hang; none waits for it.
const patience = 30 * time.Second

// fixture is the service on a port of its own, with a gRPC client.
type fixture struct {
	t       *testing.T
	db      *store.DB
	catalog *catalog.Catalog
	client  ingestion.IngestServiceClient
	stop    context.CancelFunc // what a stopping server does to its streams
}

func start(t *testing.T, o ingest.Options) *fixture { return startOn(t, vfs.NewMem(), o) }

func startOn(t *testing.T, disk vfs.FS, o ingest.Options) *fixture {
	t.Helper()
	f := &fixture{t: t}
	db, err := store.Open("data", store.Options{FS: disk})
	f.must(err)
	f.db = db
	f.catalog, err = catalog.Open(db)
	f.must(err)
	url := f.listen(o)
	conn, err := grpc.NewClient(url, grpc.WithTransportCredentials(insecure.NewCredentials()))
	f.must(err)
	t.Cleanup(func() { f.must(conn.Close()) })
	f.client = ingestion.NewIngestServiceClient(conn)
	return f
}

func (f *fixture) listen(o ingest.Options) (address string) {
	f.t.Helper()
	mux := http.NewServeMux()
	mux.Handle(ingest.NewHandler(ingest.New(f.catalog, o)))
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	streams, stop := context.WithCancel(f.t.Context())
	f.stop = stop
	s := &http.Server{Handler: mux, Protocols: &protocols, BaseContext: func(net.Listener) context.Context { return streams }}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	f.t.Cleanup(func() {
		stop()
		limit, done := context.WithTimeout(context.Background(), patience)
		defer done()
		f.must(s.Shutdown(limit))
		<-served
		f.must(f.db.Close())
	})
	return listener.Addr().String()
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) context() context.Context {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	f.t.Cleanup(cancel)
	return ctx
}

func initRequest(run string) *ingestion.InitializeRunLoggingRequest {
	job := "job-1"
	return &ingestion.InitializeRunLoggingRequest{
		Run:                    &types.Run{Workspace: "w", Project: "p", RunName: run, OrchestrationIdentifier: &job},
		CreateProjectIfMissing: true,
		LoggerId:               7,
	}
}

// handshake reads InitializeRunLogging to its end.
func (f *fixture) handshake(request *ingestion.InitializeRunLoggingRequest) ([]*ingestion.InitializeRunLoggingResponse, error) {
	f.t.Helper()
	stream, err := f.client.InitializeRunLogging(f.context(), request)
	f.must(err)
	var messages []*ingestion.InitializeRunLoggingResponse
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return messages, nil
		}
		if err != nil {
			return messages, err
		}
		messages = append(messages, message)
	}
}

// run makes a run and gives its id.
func (f *fixture) run(name string) []byte {
	f.t.Helper()
	messages, err := f.handshake(initRequest(name))
	f.must(err)
	return messages[0].GetInitializedRun().GetRunId()
}

// updates is an open UpdateRunStream whose first, empty request was acknowledged.
type updates struct {
	f      *fixture
	run    []byte
	stream ingestion.IngestService_UpdateRunStreamClient
}

func (f *fixture) open(run []byte) *updates {
	f.t.Helper()
	stream, err := f.client.UpdateRunStream(f.context())
	f.must(err)
	u := &updates{f, run, stream}
	u.send(&ingestion.UpdateRunRequest{})
	u.acknowledged(1)
	return u
}

func (u *updates) send(request *ingestion.UpdateRunRequest) {
	u.f.t.Helper()
	if request.RunId == nil {
		request.RunId = u.run
	}
	request.LoggerId = 7
	u.f.must(u.stream.Send(request))
}

func (u *updates) acknowledged(n int) {
	u.f.t.Helper()
	for range n {
		_, err := u.stream.Recv()
		u.f.must(err)
	}
}

// refused waits for the end of the stream and gives its status: OK when the
// server ended it without one.
func (u *updates) refused() *status.Status {
	u.f.t.Helper()
	for {
		_, err := u.stream.Recv()
		if errors.Is(err, io.EOF) {
			return status.New(codes.OK, "")
		}
		if err != nil {
			return status.Convert(err)
		}
	}
}

func (u *updates) end() {
	u.f.t.Helper()
	u.f.must(u.stream.CloseSend())
	if s := u.refused(); s.Code() != codes.OK {
		u.f.t.Fatalf("stream ended with %v", s)
	}
}

// points gives the store's side of a run.
func (f *fixture) points(run []byte) *store.Run {
	f.t.Helper()
	r, known := f.catalog.Run(run)
	if !known {
		f.t.Fatalf("no run %x", run)
	}
	points, err := r.Points()
	f.must(err)
	return points
}

func (f *fixture) attribute(run []byte, path string) (catalog.Value, bool) {
	r, _ := f.catalog.Run(run)
	for _, a := range r.Attributes() {
		if a.Path == path {
			return a.Value, true
		}
	}
	return catalog.Value{}, false
}

func declare(id uint64, name, scale string, ordering types.OrderingMode) *types.SeriesDeclaration {
	return &types.SeriesDeclaration{DeclarationId: id, MetricName: name, Scale: scale, Ordering: ordering}
}

const (
	ordered   = types.OrderingMode_ORDERING_MODE_ABSOLUTE_ORDERED
	unordered = types.OrderingMode_ORDERING_MODE_ABSOLUTE_UNORDERED
)

func loss(id uint64) []*types.SeriesDeclaration {
	return []*types.SeriesDeclaration{declare(id, "loss", "ML_STEP", ordered)}
}

func floats(id, first uint64, values ...float64) []*types.StreamingSeriesUpdate {
	return []*types.StreamingSeriesUpdate{{SeriesId: id, PointBatches: []*types.PointBatch{batch(first, values...)}}}
}

func batch(first uint64, values ...float64) *types.PointBatch {
	at := int64(1000)
	return &types.PointBatch{FirstStep: &first, Values: values, TimestampMillis: &at}
}

func rlBatch(rlStep, episode, first uint64, values ...float64) *types.RlStepBatch {
	return &types.RlStepBatch{RlStep: rlStep, Episode: &episode, FirstMinorStep: &first, Values: values}
}
