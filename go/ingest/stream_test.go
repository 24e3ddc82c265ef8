package ingest_test

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// Clients send nothing before they have the headers, and nothing more before the
// first, empty request is acknowledged.
func TestFirstEmptyRequestIsAcknowledged(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	stream, err := f.client.UpdateRunStream(f.context())
	f.must(err)
	if _, err := stream.Header(); err != nil { // nothing was sent yet
		t.Fatal(err)
	}
	u := &updates{f, run, stream}
	u.send(&ingestion.UpdateRunRequest{})
	u.acknowledged(1)
	u.end()
}

func TestPointsAreStoredBitForBit(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	values := []float64{0.1, math.NaN(), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, 5e-324}
	u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1), Series: floats(1, 10, values...)})
	narrow := batch(20)
	narrow.ValuesF32 = []float32{0.1}
	u.send(&ingestion.UpdateRunRequest{Series: []*types.StreamingSeriesUpdate{{SeriesId: 1, PointBatches: []*types.PointBatch{narrow}}}})
	u.acknowledged(2)
	u.end()
	got, err := f.points(run).Points(1, 0, math.MaxUint64)
	f.must(err)
	if !slices.Equal(got.Steps, []uint64{10, 11, 12, 13, 14, 15, 20}) {
		t.Fatalf("steps %v", got.Steps)
	}
	for i, want := range append(values, float64(float32(0.1))) {
		if math.Float64bits(got.Values[i]) != math.Float64bits(want) {
			t.Errorf("value %d is %v, want %v", i, got.Values[i], want)
		}
	}
}

func TestEveryRequestIsAcknowledgedOnceInOrder(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	const requests = 500
	sent := make(chan error, 1)
	go func() {
		for i := range uint64(requests) {
			request := &ingestion.UpdateRunRequest{RunId: run, LoggerId: 7, SeriesDeclarations: loss(3), Series: floats(3, i, float64(i))}
			if err := u.stream.Send(request); err != nil {
				sent <- err
				return
			}
		}
		sent <- u.stream.CloseSend()
	}()
	points := f.points(run)
	for i := range uint64(requests) {
		u.acknowledged(1)
		if stored := points.Stats().Points; stored < i+1 {
			t.Fatalf("acknowledgement %d while %d points are stored", i+1, stored)
		}
	}
	f.must(<-sent)
	if s := u.refused(); s.Code() != codes.OK {
		t.Fatalf("one answer too many, or %v", s)
	}
}

func TestNumberedRequestsAreAppliedOnce(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	numbered := func(sequence uint64) *ingestion.UpdateRunRequest {
		return &ingestion.UpdateRunRequest{
			LoggerSessionId: 99, SequenceNumber: sequence,
			SeriesDeclarations: []*types.SeriesDeclaration{declare(1, "reward", "ENVIRONMENT_STEP", ordered)},
			RlSeries: []*types.StreamingRLSeriesUpdate{{SeriesId: 1, EnvironmentId: "e", RlStepBatches: []*types.RlStepBatch{
				rlBatch(sequence, 0, 0, float64(sequence), 2), // each in the same episode
			}}},
		}
	}
	u := f.open(run)
	u.send(numbered(256))
	u.send(numbered(512))
	u.acknowledged(2)
	u.end()
	// The client missed the acknowledgements and comes again.
	u = f.open(run)
	u.send(numbered(256))
	u.send(numbered(512))
	u.send(numbered(768))
	u.acknowledged(3)
	u.end()
	got := rewards(f, run)
	if want := []float64{256, 2, 512, 2, 768, 2}; !slices.Equal(got.Values, want) {
		t.Errorf("values %v, want %v", got.Values, want)
	}
	if !slices.Equal(got.EnvSteps, []uint64{0, 1, 2, 3, 4, 5}) {
		t.Errorf("env steps %v", got.EnvSteps)
	}
	if d := f.points(run).Stats().Duplicates; d != 0 {
		t.Errorf("%d duplicates: known requests must not be applied at all", d)
	}
}

func rewards(f *fixture, run []byte) store.RLColumns {
	f.t.Helper()
	points := f.points(run)
	no, known := points.FindSeries(point.Series{Name: "reward", Scale: point.ScaleEnvironmentStep})
	env, there := points.FindEnvironment("e")
	if !known || !there {
		f.t.Fatal("no such series or environment")
	}
	got, err := points.RLPoints(no, env, store.RLRange{})
	f.must(err)
	return got
}

// A client that numbers nothing is made harmless by the step rules.
func TestResentRequestsWithoutNumbersAreHarmless(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	request := &ingestion.UpdateRunRequest{
		SeriesDeclarations: []*types.SeriesDeclaration{
			declare(1, "loss", "ML_STEP", ordered), declare(2, "free", "ML_STEP", unordered), declare(3, "reward", "ENVIRONMENT_STEP", ordered),
		},
		Series: append(floats(1, 5, 1, 2), floats(2, 5, 3, 4)...),
		RlSeries: []*types.StreamingRLSeriesUpdate{{SeriesId: 3, EnvironmentId: "e", RlStepBatches: []*types.RlStepBatch{
			rlBatch(0, 4, 0, 1, 2, 3),
		}}},
	}
	for range 3 {
		u := f.open(run)
		u.send(proto.CloneOf(request))
		u.acknowledged(1)
		u.end()
	}
	points := f.points(run)
	for no, want := range map[uint32][]float64{1: {1, 2}, 2: {3, 4}} {
		got, err := points.Points(no, 0, math.MaxUint64)
		f.must(err)
		if !slices.Equal(got.Values, want) {
			t.Errorf("series %d: %v, want %v", no, got.Values, want)
		}
	}
	if got := rewards(f, run); !slices.Equal(got.Values, []float64{1, 2, 3}) || !slices.Equal(got.EnvSteps, []uint64{0, 1, 2}) {
		t.Errorf("rewards %v at %v", got.Values, got.EnvSteps)
	}
}

func TestTwoLoggersOfOneSeries(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	a, b := f.open(run), f.open(run)
	request := func(logger uint64, value float64) *ingestion.UpdateRunRequest {
		return &ingestion.UpdateRunRequest{
			RunId: run, LoggerId: logger, LoggerSessionId: logger, SequenceNumber: 256,
			SeriesDeclarations: []*types.SeriesDeclaration{declare(logger, "free", "ML_STEP", unordered)}, // ids of their own
			Series:             floats(logger, 1, value),
		}
	}
	f.must(a.stream.Send(request(11, 1)))
	f.must(b.stream.Send(request(12, 2)))
	a.acknowledged(1)
	b.acknowledged(1)
	a.end()
	b.end()
	got, err := f.points(run).Points(1, 0, math.MaxUint64)
	f.must(err)
	if !slices.Equal(got.Loggers, []uint64{11, 12}) || !slices.Equal(got.Values, []float64{1, 2}) {
		t.Errorf("%v by %v", got.Values, got.Loggers)
	}
}

// slowDisk lets no sync end while it is held.
type slowDisk struct {
	vfs.FS
	hold sync.RWMutex
}

type slowFile struct {
	vfs.File
	disk *slowDisk
}

func (d *slowDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := d.FS.Create(name, category)
	return slowFile{file, d}, err
}

func (d *slowDisk) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := d.FS.ReuseForWrite(from, to, category)
	return slowFile{file, d}, err
}

func (f slowFile) Sync() error {
	f.disk.hold.RLock()
	defer f.disk.hold.RUnlock()
	return f.File.Sync()
}

func (f slowFile) SyncData() error {
	f.disk.hold.RLock()
	defer f.disk.hold.RUnlock()
	return f.File.SyncData()
}

func (f slowFile) SyncTo(length int64) (bool, error) {
	f.disk.hold.RLock()
	defer f.disk.hold.RUnlock()
	return f.File.SyncTo(length)
}

func TestAcknowledgedMeansDurable(t *testing.T) {
	disk := &slowDisk{FS: vfs.NewMem()}
	f := startOn(t, disk, localMode)
	run := f.run("r")
	u := f.open(run)
	disk.hold.Lock()
	for i := range uint64(5) {
		u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1), Series: floats(1, i, 1)})
	}
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		for range 5 {
			if _, err := u.stream.Recv(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	// All five are applied and visible while the disk has none of them: the
	// next requests are not kept waiting by the sync.
	points := f.points(run)
	for points.Stats().Points < 5 {
		runtime.Gosched()
	}
	select {
	case <-acknowledged:
		t.Error("acknowledged before the disk had it")
	default:
	}
	disk.hold.Unlock()
	<-acknowledged
	u.end()
}

// When the server stops, the client is told to come again, not that it is done.
func TestStoppingServerEndsStreamsAsUnavailable(t *testing.T) {
	f := start(t, localMode)
	u := f.open(f.run("r"))
	u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1), Series: floats(1, 0, 1)})
	u.acknowledged(1)
	f.stop()
	if s := u.refused(); s.Code() != codes.Unavailable {
		t.Errorf("got %v", s)
	}
}

func TestClosingAndComingBack(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	status := func() string {
		v, _ := f.attribute(run, "sys/status")
		return v.Str
	}
	u := f.open(run)
	u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1), Series: floats(1, 0, 1), CloseRun: &types.CloseRun{}})
	u.acknowledged(1)
	if _, has := f.attribute(run, "sys/close_time"); status() != "CLOSED" || !has {
		t.Errorf("status %q, close time %v", status(), has)
	}
	u.end()
	// Opening a stream and declaring is not coming back; a point is.
	u = f.open(run)
	u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1)})
	u.acknowledged(1)
	if status() != "CLOSED" {
		t.Errorf("status %q after a declaration", status())
	}
	// Nor is a numbered request without anything, such as a forked worker leaves with.
	before, _ := f.attribute(run, "sys/modification_time")
	u.send(&ingestion.UpdateRunRequest{LoggerSessionId: 9, SequenceNumber: 256})
	u.acknowledged(1)
	if after, _ := f.attribute(run, "sys/modification_time"); status() != "CLOSED" || !after.Time.Equal(before.Time) {
		t.Errorf("status %q after an empty request, modified %v, before it %v", status(), after.Time, before.Time)
	}
	u.send(&ingestion.UpdateRunRequest{Series: floats(1, 1, 1)})
	u.acknowledged(1)
	if _, has := f.attribute(run, "sys/close_time"); status() != "RUNNING" || has {
		t.Errorf("status %q, close time %v", status(), has)
	}
	u.end()
}
