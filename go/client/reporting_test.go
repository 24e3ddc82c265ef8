package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/wire/pb/views"
)

// reports answers ReportDelivery as a test says.
type reports struct {
	mu     sync.Mutex
	taken  []*views.ReportDeliveryRequest
	answer func(context.Context) error
}

func (r *reports) serve(s *server) {
	s.grpc.Stop()
	s.services = append(s.services, &grpc.ServiceDesc{
		ServiceName: views.ViewsService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "ReportDelivery", Handler: func(
			_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
		) (any, error) {
			request := &views.ReportDeliveryRequest{}
			if err := decode(request); err != nil {
				return nil, err
			}
			r.mu.Lock()
			r.taken = append(r.taken, request)
			answer := r.answer
			r.mu.Unlock()
			if answer != nil {
				return nil, answer(ctx)
			}
			return &views.ReportDeliveryResponse{}, nil
		}}},
	})
	s.start()
}

func (r *reports) all() []*views.ReportDeliveryRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*views.ReportDeliveryRequest(nil), r.taken...)
}

func reportingTo(t *testing.T, answer func(context.Context) error, f func(t *testing.T, s *server, r *reports)) {
	t.Helper()
	inBubble(t, func(t *testing.T, s *server) {
		r := &reports{answer: answer}
		r.serve(s)
		f(t, s, r)
	})
}

func TestWhatIsCountedIsReportedWhileItChangesAndAtTheEnd(t *testing.T) {
	reportingTo(t, nil, func(t *testing.T, s *server, r *reports) {
		l := opened(t, testOptions(s))
		log(t, l, seriesOf(t, l, "loss"), 1, 2, 3)
		time.Sleep(time.Minute) // fake
		synctest.Wait()
		taken := r.all()
		wantEqual(t, "reports while nothing changes", len(taken), 1)
		wantEqual(t, "run", string(taken[0].GetRunId()), "run")
		wantEqual(t, "logger", taken[0].GetLoggerId(), 7)
		wantText(t, "points", taken[0].GetDelivery().GetFloatPoints(), &views.DeliveryCounts{Added: 3, Enqueued: 3, Sent: 3})
		log(t, l, seriesOf(t, l, "loss"), 4)
		time.Sleep(2 * reportInterval)
		synctest.Wait()
		wantEqual(t, "reports after one more point", len(r.all()), 2)
		log(t, l, seriesOf(t, l, "loss"), 5)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		taken = r.all()
		wantEqual(t, "reports after the end", len(taken), 3)
		last := taken[2].GetDelivery()
		wantText(t, "points at the end", last.GetFloatPoints(), &views.DeliveryCounts{Added: 5, Enqueued: 5, Sent: 5})
		c := checkBalance(t, l)
		wantEqual(t, "requests", last.GetRequestsSent(), c.RequestsSent)
		wantEqual(t, "connections", last.GetConnectionAttempts(), c.ConnectionAttempts)
	})
}

func TestAServerWithoutTheServiceIsAskedOnce(t *testing.T) {
	missing := func(context.Context) error { return status.Error(codes.Unimplemented, "no such service") }
	reportingTo(t, missing, func(t *testing.T, s *server, r *reports) {
		// The second stream must not ask again, either.
		s.scripts = []script{acknowledgeThen(3, errUnavailable)}
		l := opened(t, testOptions(s))
		for range 10 {
			log(t, l, seriesOf(t, l, "loss"), 1)
			time.Sleep(2 * reportInterval)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "streams", s.streamCount(), 2)
		wantEqual(t, "reports", len(r.all()), 1)
		wantEqual(t, "points sent", checkBalance(t, l).Sent[FloatPoints], 10)
	})
}

func TestAReportThatFailsIsMadeAgain(t *testing.T) {
	failing := func(context.Context) error { return errUnavailable }
	reportingTo(t, failing, func(t *testing.T, s *server, r *reports) {
		l := opened(t, testOptions(s))
		log(t, l, seriesOf(t, l, "loss"), 1)
		time.Sleep(3*reportInterval + time.Second)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "reports", len(r.all()), 4)
		events := l.ClosingEvents()
		wantText(t, "what the user hears", events, Events{})
		wantEqual(t, "errors", l.Counters().SendErrors+l.Counters().ErrorsReported, 0)
	})
}

// A server that takes no answer to a report holds up closing for a second, and
// not past the time it was given; what is delivered is no loss.
func TestAReportHoldsUpClosingForASecondAtMost(t *testing.T) {
	f := func(timeout, want time.Duration) {
		t.Helper()
		hanging := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		reportingTo(t, hanging, func(t *testing.T, s *server, r *reports) {
			l := opened(t, testOptions(s))
			log(t, l, seriesOf(t, l, "loss"), 1)
			flush(t, l)
			began := time.Now()
			if err := closeLogger(l, timeout); err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "closing took", time.Since(began), want)
			wantEqual(t, "reports", len(r.all()), 1)
		})
	}
	f(time.Minute, time.Second)
	f(300*time.Millisecond, 300*time.Millisecond)
}

// A web server that knows nothing of gRPC answers 404, which is no service, too.
func TestReportingToAWebServerEndsAtOnce(t *testing.T) {
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.Protocols = new(http.Protocols)
	web.Config.Protocols.SetUnencryptedHTTP2(true)
	web.Start()
	defer web.Close()
	o := Options{URL: web.URL, LoggerID: 1, ConnectTimeout: 5 * time.Second}
	l := &Logger{options: o, scalars: &steps{}}
	l.events = newEvents(o.Errors, func(bool) {})
	conn, err := l.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	l.counters.requestsSent.Add(1)
	r := &reporter{l: l}
	r.report(t.Context(), conn, time.Minute)
	wantEqual(t, "mute", r.mute.Load(), true)
}
