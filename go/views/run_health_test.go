package views

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

func TestTheHealthOfARunCountsWhatArrived(t *testing.T) {
	w := newWorld(t)
	loss := point.Series{Name: "loss", Scale: point.ScaleMLStep, Labels: []point.Label{{Key: "split", Value: "train"}}}
	run := w.run("r", func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		no := tx.Series(loss, point.Ordered)
		tx.Append(no, 1, point.Batch{Times: point.Times{Millis: 5000}, Values: []float64{1, math.Inf(-1), math.NaN()}})
		tx.Append(no, 1, point.Batch{Times: point.Times{Millis: 9000}, Values: []float64{1, 2}})
		batch := point.RLBatch{RLStep: 4, Episode: 2, HasEpisode: true, Times: point.Times{Millis: 7000}, Values: []float64{1, math.NaN()}}
		tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("env-0"), batch, true)
		tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("env-0"), batch, false)
		tx.AppendRL(tx.Series(value, point.Ordered), tx.Environment("env-0"), point.RLBatch{
			Episode: math.MaxUint64, HasEpisode: true, Values: []float64{1, 2, 3},
		}, true)
		edit.CountNotStored("histograms", 3)
		edit.CountNotStored("scatters", 1)
	})
	answer := ask(w, w.client.GetRunHealth, &pb.GetRunHealthRequest{Run: named("r"), IncludeNonFinite: true})
	counts := []uint64{answer.PointsStored, answer.PointsLate, answer.PointsDuplicate, answer.PointsRefused}
	if !slices.Equal(counts, []uint64{5, 2, 2, 3}) {
		t.Errorf("stored, late, duplicate, refused: %v", counts)
	}
	if got := fmt.Sprint(answer.NotStored); got != fmt.Sprint([]*pb.NotStored{{Kind: "histograms", Count: 3}, {Kind: "scatters", Count: 1}}) {
		t.Errorf("not stored: %v", got)
	}
	if !answer.LastReceived.AsTime().Equal(run.Modified()) || answer.NewestPoint.AsTime().UnixMilli() != 7000 ||
		answer.GetIngestLagMillis() != run.Modified().UnixMilli()-7000 {
		t.Errorf("%v %v %v", answer.LastReceived, answer.NewestPoint, answer.GetIngestLagMillis())
	}
	low, nan, episode := math.Inf(-1), math.NaN(), uint64(2)
	want := []*pb.NonFinitePoint{
		{MetricName: "loss", Scale: point.ScaleMLStep, Labels: map[string]string{"split": "train"}, Step: 1, Value: &low},
		{MetricName: "reward", Scale: point.ScaleEnvironmentStep, Step: 4, Value: &nan, Environment: "env-0", Episode: &episode, EnvStep: 1},
	}
	if !slices.EqualFunc(answer.NonFinite, want, func(a, b *pb.NonFinitePoint) bool { return proto.Equal(a, b) }) || answer.MoreNonFinite {
		t.Errorf("%v, want %v", answer.NonFinite, want)
	}
	losses := ask(w, w.client.CountLosses, &pb.CountLossesRequest{Workspace: "w", Project: "p", Runs: []string{"r"}}).Runs
	if len(losses) != 1 || losses[0].PointsRefused != 2+3 || losses[0].PointsDropped != 0 {
		t.Errorf("losses %v", losses)
	}
	if answer = ask(w, w.client.GetRunHealth, &pb.GetRunHealthRequest{Run: named("r")}); len(answer.NonFinite) > 0 {
		t.Errorf("%v was not asked for", answer.NonFinite)
	}
	refused(w, w.client.GetRunHealth, &pb.GetRunHealthRequest{Run: named("x")}, connect.CodeNotFound, `no run "x"`)
}

func TestAHundredSeriesThatAreNotFinite(t *testing.T) {
	w := newWorld(t)
	log := func(from, to int) {
		w.run("r", func(tx *store.Tx, _ *catalog.Edit) {
			for i := from; i < to; i++ {
				tx.Append(tx.Series(point.Series{Name: fmt.Sprintf("m%03d", i), Scale: "S"}, point.Ordered), 1, point.Batch{Values: []float64{math.NaN()}})
			}
		})
	}
	for _, n := range []int{100, 101} {
		log(0, n)
		answer := ask(w, w.client.GetRunHealth, &pb.GetRunHealthRequest{Run: named("r"), IncludeNonFinite: true})
		if len(answer.NonFinite) != 100 || answer.MoreNonFinite != (n > 100) || answer.NonFinite[99].MetricName != "m099" {
			t.Errorf("%d, %v", len(answer.NonFinite), answer.MoreNonFinite)
		}
	}
	empty := ask(w, w.client.GetRunHealth, &pb.GetRunHealthRequest{Run: named(w.run("empty", func(*store.Tx, *catalog.Edit) {}).Name)})
	if empty.NewestPoint != nil || empty.IngestLagMillis != nil {
		t.Errorf("%v", empty)
	}
}

// What clients report is shown, the last of each logger, also after a restart.
func TestReportsOfClients(t *testing.T) {
	dir := t.TempDir()
	var id []byte
	first := &pb.Delivery{
		FloatPoints: &pb.DeliveryCounts{Added: 1, Enqueued: 2, Sent: 3, Dropped: 4}, RlFloatPoints: &pb.DeliveryCounts{Added: 5, Enqueued: 6, Sent: 7, Dropped: 8},
		AttributeUpdates: &pb.DeliveryCounts{Added: 9, Enqueued: 10, Sent: 11, Dropped: 12}, EnvAttributeUpdates: &pb.DeliveryCounts{Added: 13, Enqueued: 14, Sent: 15, Dropped: 16},
		ConnectionAttempts: 17, RequestsSent: 18, RequestsResent: 19, SendErrors: 20, ErrorsReported: 21, ErrorsEvicted: math.MaxUint64,
	}
	second := proto.CloneOf(first)
	second.FloatPoints.Added = 100
	check := func(w *world) {
		t.Helper()
		got := ask(w, w.client.GetRunHealth, &pb.GetRunHealthRequest{Run: named("r")}).Deliveries
		if len(got) != 2 || got[0].LoggerId != 3 || got[1].LoggerId != 1<<63 || !proto.Equal(got[0].Delivery, second) || !proto.Equal(got[1].Delivery, first) {
			t.Fatalf("%v", got)
		}
		if age := time.Since(got[0].Reported.AsTime()); age < 0 || age > time.Minute {
			t.Fatalf("reported %v ago", age)
		}
	}
	t.Run("kept", func(t *testing.T) {
		w := worldOn(t, dir)
		run := w.run("r", func(*store.Tx, *catalog.Edit) {})
		id = run.ID[:]
		for _, r := range []*pb.ReportDeliveryRequest{{LoggerId: 3, Delivery: first}, {LoggerId: 1 << 63, Delivery: first}, {LoggerId: 3, Delivery: second}} {
			r.RunId = id
			ask(w, w.client.ReportDelivery, r)
		}
		check(w)
		lost := ask(w, w.client.CountLosses, &pb.CountLossesRequest{Workspace: "w", Project: "p", Runs: []string{"gone", "r"}}).Runs
		if len(lost) != 2 || lost[0].PointsDropped != 0 || lost[1].PointsDropped != 2*(4+8) || lost[1].PointsRefused != 0 {
			t.Errorf("lost %v", lost)
		}
		many := &pb.CountLossesRequest{Runs: make([]string, 1001)}
		refused(w, w.client.CountLosses, many, connect.CodeInvalidArgument, "1001 runs; at most 1000 may be")
	})
	t.Run("after a restart", func(t *testing.T) {
		w := worldOn(t, dir)
		check(w)
		refused(w, w.client.ReportDelivery, &pb.ReportDeliveryRequest{RunId: []byte("x"), LoggerId: 1, Delivery: first}, connect.CodeNotFound, "no run has the id 78")
		refused(w, w.client.ReportDelivery, &pb.ReportDeliveryRequest{RunId: id, Delivery: first}, connect.CodeInvalidArgument, "not 0")
		if err := w.catalog.DeleteRun("w", "p", "r"); err != nil {
			t.Fatal(err)
		}
		refused(w, w.client.ReportDelivery, &pb.ReportDeliveryRequest{RunId: id, LoggerId: 1, Delivery: first}, connect.CodeNotFound, "no run")
	})
}
