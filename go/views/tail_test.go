package views

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/wire/pb/views/viewsconnect"
	"google.golang.org/protobuf/proto"
)

var loss = point.Series{Name: "loss", Scale: point.ScaleMLStep, Labels: []point.Label{{Key: "split", Value: "train"}}}

// logLoss logs a point of a run and says when that was done.
func (w *world) logLoss(run string, step uint64) time.Time {
	w.Helper()
	w.run(run, func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: step}, Values: []float64{1}})
	})
	return time.Now()
}

// follow opens a stream, which ends with the test or when stop is called.
func (w *world) follow(client viewsconnect.ViewsServiceClient, runs ...*pb.TailedRun) (next func() *pb.TailResponse, stop func()) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	stream, err := client.Tail(ctx, connect.NewRequest(&pb.TailRequest{Workspace: "w", Project: "p", Runs: runs}))
	if err != nil {
		w.Fatal(err)
	}
	next = func() *pb.TailResponse {
		w.Helper()
		if !stream.Receive() {
			w.Fatalf("the stream has ended: %v", stream.Err())
		}
		return stream.Msg()
	}
	stop = func() {
		cancel()
		_ = stream.Close() // it was cancelled
	}
	w.Cleanup(stop)
	return next, stop
}

// only gives the one change of a message.
func (w *world) only(m *pb.TailResponse) *pb.RunChange {
	w.Helper()
	if len(m.GetChanges()) != 1 {
		w.Fatalf("got %v, want one change", m)
	}
	return m.GetChanges()[0]
}

// wantChange compares all but the cursor.
func (w *world) wantChange(got, want *pb.RunChange) *pb.TailCursor {
	w.Helper()
	cursor := got.GetCursor()
	want.Cursor = cursor
	if !proto.Equal(got, want) {
		w.Fatalf("got %v\nwant %v", got, want)
	}
	return cursor
}

func lossChange(run string, points, last uint64) *pb.RunChange {
	return &pb.RunChange{Run: run, Status: "RUNNING", PointsStored: points, Series: []*pb.TailedSeries{
		{MetricName: "loss", Scale: point.ScaleMLStep, Labels: map[string]string{"split": "train"}, Points: points, LastStep: &last},
	}}
}

func TestOnlyWhatChangedIsTold(t *testing.T) {
	w := newWorld(t)
	w.logLoss("r", 3)
	w.run("quiet", func(*store.Tx, *catalog.Edit) {})
	next, _ := w.follow(w.client, &pb.TailedRun{Run: "r"}, &pb.TailedRun{Run: "quiet"})
	first := next()
	if len(first.GetChanges()) != 2 {
		t.Fatalf("got %v, want both runs", first)
	}
	want := lossChange("r", 1, 3)
	want.AttributesChanged, want.DeliveryChanged = true, true
	w.wantChange(first.GetChanges()[0], want)

	run := w.run("r", func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("env-0"), point.RLBatch{RLStep: 5, Episode: 2, HasEpisode: true, Values: []float64{1, 2}}, true)
	})
	two := uint64(2)
	w.wantChange(w.only(next()), &pb.RunChange{
		Run: "r", Status: "RUNNING", PointsStored: 3,
		Series:       []*pb.TailedSeries{{MetricName: "reward", Scale: point.ScaleEnvironmentStep, Points: 2}},
		Environments: []*pb.TailedEnvironment{{Environment: "env-0", Points: 2, LastRlStep: 5, LastEpisode: &two}},
	})
	w.run("r", func(_ *store.Tx, edit *catalog.Edit) {
		text := catalog.Text("a")
		edit.Attributes([]catalog.Update{{Path: "lr", Value: &text}})
	})
	w.wantChange(w.only(next()), &pb.RunChange{Run: "r", Status: "RUNNING", PointsStored: 3, AttributesChanged: true})
	ask(w, w.client.ReportDelivery, &pb.ReportDeliveryRequest{RunId: run.ID[:], LoggerId: 1, Delivery: &pb.Delivery{}})
	w.wantChange(w.only(next()), &pb.RunChange{Run: "r", Status: "RUNNING", PointsStored: 3, DeliveryChanged: true})
	w.run("r", func(_ *store.Tx, edit *catalog.Edit) { edit.Close(time.Now()) })
	w.wantChange(w.only(next()), &pb.RunChange{Run: "r", Status: "CLOSED", PointsStored: 3})
}

func TestFromNowLeavesOutWhatThereIs(t *testing.T) {
	w := newWorld(t)
	w.logLoss("r", 1)
	next, stop := w.follow(w.client, &pb.TailedRun{Run: "r", FromNow: true})
	cursor := w.wantChange(w.only(next()), &pb.RunChange{Run: "r", Status: "RUNNING", PointsStored: 1})
	w.logLoss("r", 7)
	w.wantChange(w.only(next()), lossChange("r", 2, 7))
	stop()
	next, _ = w.follow(w.client, &pb.TailedRun{Run: "r", FromNow: true, Cursor: cursor})
	w.wantChange(w.only(next()), lossChange("r", 2, 7))
}

func TestACursorGoesOnWhereAConnectionWasLost(t *testing.T) {
	dir := t.TempDir()
	var cursor *pb.TailCursor
	t.Run("the same server", func(t *testing.T) {
		w := worldOn(t, dir)
		w.logLoss("r", 1)
		next, stop := w.follow(w.client, &pb.TailedRun{Run: "r"})
		cursor = w.only(next()).GetCursor()
		stop()
		w.logLoss("r", 7)
		next, stop = w.follow(w.client, &pb.TailedRun{Run: "r", Cursor: cursor})
		cursor = w.wantChange(w.only(next()), lossChange("r", 2, 7))
		stop()
		next, _ = w.follow(w.client, &pb.TailedRun{Run: "r", Cursor: cursor})
		w.wantChange(w.only(next()), &pb.RunChange{Run: "r", Status: "RUNNING", PointsStored: 2})
	})
	t.Run("one started since", func(t *testing.T) {
		w := worldOn(t, dir)
		next, _ := w.follow(w.client, &pb.TailedRun{Run: "r", Cursor: cursor})
		want := lossChange("r", 2, 7)
		want.AttributesChanged, want.DeliveryChanged = true, true
		w.wantChange(w.only(next()), want)
	})
}

func TestAPointIsToldSoonAndAtMostTwiceASecond(t *testing.T) {
	w := newWorld(t)
	w.logLoss("r", 0)
	next, _ := w.follow(w.client, &pb.TailedRun{Run: "r"})
	next()
	began, messages := time.Now(), 0
	for step := uint64(1); step <= 300; {
		var logged time.Time
		for range 100 {
			logged = w.logLoss("r", step)
			step++
		}
		for told := uint64(0); told < step-1; messages++ {
			told = w.only(next()).GetSeries()[0].GetLastStep()
		}
		if late := time.Since(logged); late > 2*time.Second {
			t.Errorf("step %d was told after %v", step-1, late)
		}
	}
	if most := 1 + int(time.Since(began)/tailPeriod); messages > most {
		t.Errorf("%d messages in %v, want at most %d", messages, time.Since(began), most)
	}
}

func TestMuchIsToldInParts(t *testing.T) {
	w := newWorld(t)
	const series = 2*maxTailedSeries + 5
	w.run("r", func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		for i := range series {
			no := tx.Series(point.Series{Name: fmt.Sprint("m", i), Scale: point.ScaleMLStep}, point.Ordered)
			tx.Append(no, 1, point.Batch{Values: []float64{1}})
		}
	})
	next, _ := w.follow(w.client, &pb.TailedRun{Run: "r"})
	var names []string
	for len(names) < series {
		change := w.only(next())
		if n := len(change.GetSeries()); n > maxTailedSeries {
			t.Fatalf("a part has %d series", n)
		}
		for _, s := range change.GetSeries() {
			names = append(names, s.GetMetricName())
		}
		if last := len(names) == series; (change.GetCursor().GetPoints() > 0) != last || change.GetAttributesChanged() != last {
			t.Fatalf("after %d of %d series the cursor is %v", len(names), series, change.GetCursor())
		}
	}
	for i, name := range names {
		if name != fmt.Sprint("m", i) {
			t.Fatalf("series %d is %q", i, name)
		}
	}
}

func TestADeletedRunIsToldAndEndsTheStream(t *testing.T) {
	w := newWorld(t)
	w.logLoss("r", 0)
	stream, err := w.client.Tail(context.Background(), connect.NewRequest(&pb.TailRequest{
		Workspace: "w", Project: "p", Runs: []*pb.TailedRun{{Run: "r"}},
	}))
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	if err := w.catalog.DeleteRun("w", "p", "r"); err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() || !w.only(stream.Msg()).GetDeleted() {
		t.Fatalf("got %v, %v", stream.Msg(), stream.Err())
	}
	if stream.Receive() || stream.Err() != nil {
		t.Fatalf("the stream goes on: %v, %v", stream.Msg(), stream.Err())
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
}

// Of a hundred who follow, over each protocol, all hear of a point, and nothing is left
// of those that go: TestMain finds goroutines left behind.
func TestAHundredFollowAndGo(t *testing.T) {
	w := newWorld(t)
	run := w.run("r", func(*store.Tx, *catalog.Edit) {})
	url, http := w.server.URL, w.server.Client()
	clients := []viewsconnect.ViewsServiceClient{
		w.client,
		viewsconnect.NewViewsServiceClient(http, url, connect.WithGRPCWeb()),
		viewsconnect.NewViewsServiceClient(http, url, connect.WithProtoJSON()),
	}
	var nexts []func() *pb.TailResponse
	var stops []func()
	for i := range 100 {
		next, stop := w.follow(clients[i%len(clients)], &pb.TailedRun{Run: "r"})
		next()
		nexts, stops = append(nexts, next), append(stops, stop)
	}
	w.logLoss("r", 9)
	for _, next := range nexts {
		if got := w.only(next()); got.GetSeries()[0].GetLastStep() != 9 {
			t.Fatalf("got %v", got)
		}
	}
	for _, stop := range stops {
		stop()
	}
	for deadline := time.After(10 * time.Second); w.service.tails.Load() > 0; {
		select {
		case <-deadline:
			t.Fatalf("%d streams are left", w.service.tails.Load())
		case <-time.After(time.Millisecond):
		}
	}
	if n := run.Watchers(); n > 0 {
		t.Fatalf("%d are still told of the run", n)
	}
}

func TestWhatCannotBeFollowedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.logLoss("r", 0)
	for want, runs := range map[connect.Code][]*pb.TailedRun{
		connect.CodeInvalidArgument: {{Run: "r"}, {Run: "r"}},
		connect.CodeNotFound:        {{Run: "r"}, {Run: "none"}},
	} {
		stream, err := w.client.Tail(context.Background(), connect.NewRequest(&pb.TailRequest{Workspace: "w", Project: "p", Runs: runs}))
		if err != nil {
			t.Fatal(err)
		}
		if stream.Receive() || connect.CodeOf(stream.Err()) != want {
			t.Errorf("%v: got %v, want %v", runs, stream.Err(), want)
		}
		if err := stream.Close(); err != nil && !errors.Is(err, stream.Err()) {
			t.Error(err)
		}
	}
}

func TestSilenceIsInterruptedByHeartbeats(t *testing.T) {
	t.Parallel() // it waits for a heartbeat
	w := newWorld(t)
	w.logLoss("r", 0)
	next, _ := w.follow(w.client, &pb.TailedRun{Run: "r"})
	next()
	quiet := time.Now()
	if beat := next(); len(beat.GetChanges()) > 0 {
		t.Fatalf("got %v, want a heartbeat", beat)
	}
	if after := time.Since(quiet); after > tailHeartbeat+2*time.Second {
		t.Fatalf("the heartbeat came after %v", after)
	}
}
