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

func TestAServerThatRefusesReportsForGoodIsAskedOnce(t *testing.T) {
	for _, code := range []codes.Code{codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument} {
		t.Run(code.String(), func(t *testing.T) {
			asked, said := reportsToARefusal(t, code)
			wantEqual(t, "times it was asked", asked, 1)
			if code == codes.Unimplemented { // nothing is wrong
				wantText(t, "what it says", said, []string(nil))
				return
			}
			wantText(t, "what it says", said, []string{
				"the server refuses reports of what was delivered, so the run's page will lack them; logging goes on: " + code.String() + ": no reports",
			})
		})
	}
}

func TestAReportIsTriedAgainAfterPassingErrors(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.Internal, codes.ResourceExhausted, codes.DeadlineExceeded, codes.NotFound} {
		t.Run(code.String(), func(t *testing.T) {
			asked, said := reportsToARefusal(t, code)
			wantEqual(t, "times it was asked", asked, 7)
			wantText(t, "what it says", said, []string(nil))
		})
	}
}

// reportsToARefusal logs for 60 seconds to a server that refuses reports: it returns how
// often it was asked, and what the program hears of it.
func reportsToARefusal(t *testing.T, code codes.Code) (asked int, said []string) {
	inBubble(t, func(t *testing.T, s *server) {
		s.report = func(context.Context, *views.ReportDeliveryRequest) error {
			asked++
			return status.Error(code, "no reports")
		}
		l := opened(t, testOptions(s))
		loss := seriesOf(t, l, "loss")
		for range 3 {
			log(t, l, loss, 1)
			time.Sleep(2 * reportEvery)
			said = append(said, l.Events().Warnings...)
		}
		time.Sleep(reportEvery / 2) // behind the sixth
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		said = append(said, l.ClosingEvents().Warnings...)
		wantEqual(t, "points sent", checkBalance(t, l).Sent[FloatPoints], 3)
	})
	return asked, said
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
