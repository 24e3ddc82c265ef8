package client

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/wire/pb/views"
)

// reports collects what a logger says of itself.
type reports struct {
	mu   sync.Mutex
	list []*views.ReportDeliveryRequest
}

func (r *reports) collect(_ context.Context, request *views.ReportDeliveryRequest) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, request)
	return nil
}

func (r *reports) all() []*views.ReportDeliveryRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list
}

func TestCountersAreReportedWhileTheyChangeAndInTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		var got reports
		s.report = got.collect
		l := opened(t, testOptions(s))
		loss := seriesOf(t, l, "loss")
		log(t, l, loss, 1, 2, 3)
		time.Sleep(3*reportEvery + reportEvery/2) // between two looks
		wantEqual(t, "reports of one change", len(got.all()), 1)
		log(t, l, loss, 4)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "reports", len(got.all()), 2)
		last := got.all()[1]
		points := last.GetDelivery().GetFloatPoints()
		if string(last.GetRunId()) != "run" || last.GetLoggerId() != l.options.LoggerID {
			t.Errorf("the report is of run %q, logger %d", last.GetRunId(), last.GetLoggerId())
		}
		if points.GetAdded() != 4 || points.GetSent() != 4 || points.GetDropped() != 0 || last.GetDelivery().GetRequestsSent() != 2 {
			t.Errorf("the last report says %v", last.GetDelivery())
		}
	})
}

func TestAServerThatHasNoPlaceForReportsIsAskedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		asked := 0
		s.report = func(context.Context, *views.ReportDeliveryRequest) error {
			asked++
			return status.Error(codes.Unimplemented, "unknown service")
		}
		l := opened(t, testOptions(s))
		loss := seriesOf(t, l, "loss")
		for range 3 {
			log(t, l, loss, 1)
			time.Sleep(2*reportEvery + reportEvery/2)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "times it was asked", asked, 1)
	})
}

// A report that is not answered delays closing by a second, and is nobody's error.
func TestReportsThatStallHoldNobodyUp(t *testing.T) {
	for _, limit := range []time.Duration{time.Minute, lastReportTime / 2} {
		inBubble(t, func(t *testing.T, s *server) {
			s.report = func(ctx context.Context, _ *views.ReportDeliveryRequest) error {
				<-ctx.Done()
				return ctx.Err()
			}
			l := opened(t, testOptions(s))
			log(t, l, seriesOf(t, l, "loss"), 1, 2, 3)
			start := time.Now()
			if err := closeLogger(l, limit); err != nil {
				t.Errorf("closing within %v: %v", limit, err)
			}
			if taken := time.Since(start); taken > min(limit, lastReportTime) {
				t.Errorf("closing took %v", taken)
			}
			c := checkBalance(t, l)
			wantEqual(t, "points sent", c.Sent[FloatPoints], 3)
		})
	}
}
