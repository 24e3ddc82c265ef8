package client

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/wire/pb/views"
)

const (
	reportInterval = 10 * time.Second
	// lastReportLimit is how long closing waits for its report at most.
	lastReportLimit = time.Second
)

// reporter tells the server what the logger counted, so that what was dropped
// here can be seen there. A report that fails is not missed: the next one says
// all of it again.
type reporter struct {
	l     *Logger
	runID []byte
	// mute is set for good when the server has no such service.
	mute atomic.Bool
	// reported is what the server has acknowledged.
	reported Counters
}

// run reports over one connection until ctx ends.
func (r *reporter) run(ctx context.Context, conn grpc.ClientConnInterface) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for !r.mute.Load() {
		select {
		case <-ticker.C:
			r.report(ctx, conn, reportInterval)
		case <-ctx.Done():
			return
		}
	}
}

// report says what is counted unless the server knows it. No two may run at
// the same time.
func (r *reporter) report(ctx context.Context, conn grpc.ClientConnInterface, limit time.Duration) {
	counted := r.l.Counters()
	counted.RequestsInFlight = 0 // of the moment, no count
	if r.mute.Load() || counted == r.reported {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request := &views.ReportDeliveryRequest{RunId: r.runID, LoggerId: r.l.options.LoggerID, Delivery: deliveryOf(&counted)}
	err := conn.Invoke(ctx, views.ViewsService_ReportDelivery_FullMethodName, request, &views.ReportDeliveryResponse{})
	switch status.Code(err) {
	case codes.OK:
		r.reported = counted
	case codes.Unimplemented:
		r.mute.Store(true)
	}
}

func deliveryOf(c *Counters) *views.Delivery {
	of := func(kind Kind) *views.DeliveryCounts {
		return &views.DeliveryCounts{Added: c.Added[kind], Enqueued: c.Enqueued[kind], Sent: c.Sent[kind], Dropped: c.Dropped[kind]}
	}
	return &views.Delivery{
		FloatPoints:         of(FloatPoints),
		RlFloatPoints:       of(RLFloatPoints),
		AttributeUpdates:    of(AttributeUpdates),
		EnvAttributeUpdates: of(EnvAttributeUpdates),
		ConnectionAttempts:  c.ConnectionAttempts,
		RequestsSent:        c.RequestsSent,
		RequestsResent:      c.RequestsResent,
		SendErrors:          c.SendErrors,
		ErrorsReported:      c.ErrorsReported,
		ErrorsEvicted:       c.ErrorsEvicted,
	}
}
