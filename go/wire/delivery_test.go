package wire

import (
	"testing"

	"github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

func TestDeliveryIsWhatTheGeneratedCodeReads(t *testing.T) {
	counts := func(n uint64) DeliveryCounts { return DeliveryCounts{n, n + 1, n + 2, 0} }
	sent := Delivery{
		RunID: []byte("0123456789abcdef"), LoggerID: 1 << 63,
		Points: counts(10), RLPoints: counts(20), Attributes: counts(30), EnvAttributes: counts(1 << 40),
		ConnectionAttempts: 1, RequestsSent: 2, RequestsResent: 3, SendErrors: 4, ErrorsReported: 5, ErrorsEvicted: 6,
	}
	expanded := func(c DeliveryCounts) *views.DeliveryCounts {
		return &views.DeliveryCounts{Added: c.Added, Enqueued: c.Enqueued, Sent: c.Sent, Dropped: c.Dropped}
	}
	want := &views.ReportDeliveryRequest{RunId: sent.RunID, LoggerId: sent.LoggerID, Delivery: &views.Delivery{
		FloatPoints: expanded(sent.Points), RlFloatPoints: expanded(sent.RLPoints),
		AttributeUpdates: expanded(sent.Attributes), EnvAttributeUpdates: expanded(sent.EnvAttributes),
		ConnectionAttempts: 1, RequestsSent: 2, RequestsResent: 3, SendErrors: 4, ErrorsReported: 5, ErrorsEvicted: 6,
	}}
	got := &views.ReportDeliveryRequest{}
	if err := proto.Unmarshal(sent.Append(nil), got); err != nil || !proto.Equal(got, want) {
		t.Errorf("%v, want %v (%v)", got, want, err)
	}
}
