package client

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/wire"
)

const (
	reportEvery = 10 * time.Second
	reportTime  = 5 * time.Second // for one report
	// lastReportTime is how long a logger that has delivered everything waits for the
	// report of it.
	lastReportTime = time.Second
)

// reporter tells the server what the logger counted, for the page that says whether
// everything arrived: while something changes, and in the end. A report that fails is
// nobody's loss; the next one says more. A server that has no place for it, or refuses it
// for good, is not asked again.
//
// It belongs to the sender's goroutine, or to one that the sender waits for.
type reporter struct {
	l       *Logger
	runID   []byte
	last    Counters // that the server has
	unasked bool     // the server does not want reports
}

// follow reports until the connection is given up.
func (r *reporter) follow(ctx context.Context, conn *grpc.ClientConn) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for !r.unasked {
		select {
		case <-tick.C:
			r.report(ctx, conn, reportTime)
		case <-ctx.Done():
			return
		}
	}
}

func (r *reporter) report(ctx context.Context, conn *grpc.ClientConn, limit time.Duration) {
	now := r.l.Counters()
	now.RequestsInFlight = 0 // of no interest later
	if r.unasked || now == r.last {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d := r.delivery(now)
	err := conn.Invoke(ctx, wire.ReportDeliveryMethod, d.Append(nil), &acknowledgement{}, grpc.ForceCodecV2(frameCodec{}))
	switch status.Code(err) {
	case codes.OK:
		r.last = now
	case codes.Unimplemented: // as public servers answer
		r.unasked = true
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument:
		r.unasked = true
		r.l.events.notice(fmt.Sprintf(
			"the server refuses reports of what was delivered, so the run's page will lack them; logging goes on: %s", describeStatus(err)))
	}
}

func (r *reporter) delivery(c Counters) wire.Delivery {
	of := func(kind Kind) wire.DeliveryCounts {
		return wire.DeliveryCounts{Added: c.Added[kind], Enqueued: c.Enqueued[kind], Sent: c.Sent[kind], Dropped: c.Dropped[kind]}
	}
	return wire.Delivery{
		RunID: r.runID, LoggerID: r.l.options.LoggerID,
		Points: of(FloatPoints), RLPoints: of(RLFloatPoints), Attributes: of(AttributeUpdates), EnvAttributes: of(EnvAttributeUpdates),
		ConnectionAttempts: c.ConnectionAttempts, RequestsSent: c.RequestsSent, RequestsResent: c.RequestsResent,
		SendErrors: c.SendErrors, ErrorsReported: c.ErrorsReported, ErrorsEvicted: c.ErrorsEvicted,
	}
}
