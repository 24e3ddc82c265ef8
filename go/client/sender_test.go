package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/point"
)

func TestNothingIsSentBeforeTheFirstAcknowledgement(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		release := make(chan struct{})
		s.scripts = []script{func(p *peer) error {
			if err := p.receive(); err != nil {
				return err
			}
			<-release
			if err := p.ack(); err != nil {
				return err
			}
			return acknowledge(p)
		}}
		l := opened(t, testOptions(s))
		log(t, l, seriesOf(t, l, "loss"), 1)
		time.Sleep(time.Minute) // fake: the batch is long due
		synctest.Wait()
		wantEqual(t, "requests on their way before the acknowledgement", l.Counters().RequestsInFlight, 0)
		wantEqual(t, "messages before the acknowledgement", len(s.frames(0)), 1)
		hello := s.messages(0)[0]
		wantText(t, "hello", hello, parse(t, []byte("\x0a\x03run\x10\x07")))
		close(release)
		flush(t, l)
		wantEqual(t, "messages after it", len(s.frames(0)), 2)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		checkBalance(t, l)
	})
}

func TestAWindowOfUnacknowledgedRequestsIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{acknowledgeThen(1, nil)}
		o := testOptions(s)
		o.MaxPendingRequests, o.BatchMaxAge = 3, 0
		l := opened(t, o)
		series := seriesOf(t, l, "loss")
		for i := range 10 {
			log(t, l, series, float64(i))
		}
		synctest.Wait()
		wantEqual(t, "requests on the wire", len(s.frames(0)), 1+3)
		wantEqual(t, "in flight", l.Counters().RequestsInFlight, 3)
		if err := closeLogger(l, 0); err != nil {
			t.Fatalf("closing with 0 raises nothing, but did: %v", err)
		}
		c := checkBalance(t, l)
		wantEqual(t, "dropped", c.Dropped[FloatPoints], 10)
	})
}

func TestWhatIsUnacknowledgedIsSentAgainByteForByte(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{acknowledgeThen(3, errUnavailable)}
		o := testOptions(s)
		o.BatchMaxAge = 0
		l := opened(t, o)
		a, b := seriesOf(t, l, "a"), seriesOf(t, l, "b")
		for i := range 8 {
			log(t, l, []uint32{a, b}[i%2], float64(i), float64(i))
			synctest.Wait()
		}
		flush(t, l)
		first, second := s.frames(0), s.frames(1)
		wantEqual(t, "on the first stream", len(first), 1+8)
		// hello, all declarations, then the six without acknowledgement
		wantEqual(t, "on the second stream", len(second), 1+1+6)
		again := s.messages(1)[1]
		wantEqual(t, "declared again", len(again.SeriesDeclarations), 2)
		wantEqual(t, "sequence number of declarations", again.SequenceNumber, 0)
		for i := range 6 {
			if !bytes.Equal(first[3+i], second[2+i]) {
				t.Fatalf("request %d is other bytes the second time", i)
			}
		}
		var last uint64
		for _, m := range s.messages(0)[1:] {
			if m.SequenceNumber <= last || m.SequenceNumber%256 != 0 || m.LoggerSessionId == 0 {
				t.Fatalf("sequence number %d after %d of session %d", m.SequenceNumber, last, m.LoggerSessionId)
			}
			last = m.SequenceNumber
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		c := checkBalance(t, l)
		wantEqual(t, "sent", c.Sent[FloatPoints], 16)
		wantEqual(t, "resent", c.RequestsResent, 6)
		wantEqual(t, "attempts", c.ConnectionAttempts, 2)
		wantEqual(t, "failures", c.SendErrors, 1)
	})
}

func TestSurplusAcknowledgementsAreIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{func(p *peer) error {
			if err := p.receive(); err != nil {
				return err
			}
			for range 5 {
				if err := p.ack(); err != nil {
					return err
				}
			}
			return acknowledge(p)
		}}
		o := testOptions(s)
		o.BatchMaxAge = 0
		l := opened(t, o)
		synctest.Wait() // the surplus is there before anything is sent
		log(t, l, seriesOf(t, l, "loss"), 1)
		flush(t, l)
		wantEqual(t, "sent", l.Counters().Sent[FloatPoints], 1)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

// Pauses between attempts double from the initial one to the longest one, each
// with a little more at random, and begin anew after progress.
func TestPausesDoubleAndBeginAnewAfterProgress(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.InitialBackoff, o.MaxBackoff, o.MaxSendRetries, o.BatchMaxAge = 50*time.Millisecond, time.Second, -1, 0
		l := opened(t, o)
		synctest.Wait()
		check := func(want ...time.Duration) {
			t.Helper()
			s.refuseConnections(errors.New("connection refused"))
			s.grpc.Stop()
			begin, before := time.Now(), len(s.dialled())
			time.Sleep(10 * time.Second)
			attempts := append([]time.Time{begin}, s.dialled()[before:]...)
			for i, least := range want {
				pause := attempts[i+1].Sub(attempts[i])
				if pause < least || pause > least+least/16+time.Millisecond {
					t.Errorf("pause %d is %v, want %v and a sixteenth at most", i, pause, least)
				}
			}
		}
		ms := time.Millisecond
		check(50*ms, 100*ms, 200*ms, 400*ms, 800*ms, 1000*ms, 1000*ms)
		s.start()
		log(t, l, seriesOf(t, l, "loss"), 1)
		flush(t, l)
		check(50*ms, 100*ms, 200*ms)
		if err := closeLogger(l, 0); err != nil {
			t.Fatal(err)
		}
	})
}

// A server that comes back at its address gets what it did not acknowledge.
func TestARestartedServerGetsTheRest(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{acknowledgeThen(3, nil), acknowledgeThen(4, nil)}
		o := testOptions(s)
		o.MaxSendRetries, o.BatchMaxAge = -1, 0
		l := opened(t, o)
		series := seriesOf(t, l, "loss")
		for i := range 3 {
			for range 5 {
				log(t, l, series, float64(i))
				synctest.Wait()
			}
			if i < 2 {
				s.grpc.Stop()
				s.start()
			}
		}
		flush(t, l)
		c := checkBalance(t, l)
		wantEqual(t, "sent", c.Sent[FloatPoints], 15)
		wantText(t, "sent again", c.RequestsResent > 0, true)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

// At every moment nothing is sent or dropped that was not added before, and in
// the end each point is one or the other; while many threads log, the server
// fails, and the queue overflows.
func TestCountersBalanceAtEveryMoment(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		for range 10 { // each gets three requests over, and then fails beyond the limit
			s.scripts = append(s.scripts, acknowledgeThen(4, errUnavailable))
			for range 3 {
				s.scripts = append(s.scripts, acknowledgeThen(1, errUnavailable))
			}
		}
		o := testOptions(s)
		o.BatchMaxAge, o.QueueCapacity, o.MaxPendingRequests, o.MaxSendRetries = time.Millisecond, 20, 2, 3
		l := opened(t, o)
		var loggers sync.WaitGroup
		for thread := range 8 {
			series := seriesOf(t, l, fmt.Sprint("loss", thread))
			loggers.Go(func() {
				for i := range 300 {
					time.Sleep(time.Duration(i%40) * time.Millisecond)
					p := Points{Series: series, Values: make([]float64, 1+i%50), Millis: 1}
					for waited := time.Duration(0); ; waited += waitSlice {
						if err := l.Points(&p, waited); !errors.Is(err, ErrAgain) {
							break
						}
					}
				}
			})
		}
		logged := make(chan struct{})
		go func() {
			loggers.Wait()
			close(logged)
		}()
		for running := true; running; {
			select {
			case <-logged:
				running = false
			case <-time.After(time.Millisecond):
			}
			// Later counters are read first: they can only have grown meanwhile.
			sent, dropped := l.counters.sent.load(), l.counters.dropped.load()
			added := l.counters.added.load()
			if sent[FloatPoints]+dropped[FloatPoints] > added[FloatPoints] {
				t.Fatalf("sent %d, dropped %d, but added %d", sent[FloatPoints], dropped[FloatPoints], added[FloatPoints])
			}
		}
		_ = closeLogger(l, time.Hour) // says what was lost, which is counted
		c := checkBalance(t, l)
		wantEqual(t, "added", c.Added[FloatPoints], 8*300/50*(50*51/2))
		if c.Sent[FloatPoints] == 0 || c.Dropped[FloatPoints] == 0 || c.RequestsResent == 0 {
			t.Errorf("the test should send, drop and resend: %+v", c)
		}
	})
}

func TestStatusClasses(t *testing.T) {
	f := func(code codes.Code, wantSent, wantDropped uint64, wantErrors int, wantDead bool) {
		t.Helper()
		inBubble(t, func(t *testing.T, s *server) {
			s.scripts = []script{acknowledgeThen(2, status.Error(code, "the text"))}
			o := testOptions(s)
			o.BatchMaxAge, o.Errors = 0, Silent
			l := opened(t, o)
			series := seriesOf(t, l, "loss")
			for range 6 { // one is acknowledged, five are in flight
				log(t, l, series, 1)
				synctest.Wait()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			c := checkBalance(t, l)
			wantEqual(t, "sent", c.Sent[FloatPoints], wantSent)
			wantEqual(t, "dropped", c.Dropped[FloatPoints], wantDropped)
			wantEqual(t, "errors to raise", len(l.Events().Errors), wantErrors)
			err := l.Points(&Points{Series: series, Values: []float64{1}}, 0)
			var dead *DeadError
			wantEqual(t, "dead", errors.As(err, &dead), wantDead)
			err = closeLogger(l, time.Minute)
			wantEqual(t, "closing raises", err != nil, wantDead)
			if wantDead && !strings.Contains(err.Error(), "the text") {
				t.Fatalf("closing does not say why: %v", err)
			}
			checkBalance(t, l)
		})
	}
	for _, code := range []codes.Code{
		codes.Unavailable, codes.Internal, codes.Unknown, codes.Aborted, codes.Canceled, codes.DeadlineExceeded,
		codes.ResourceExhausted, codes.FailedPrecondition, codes.AlreadyExists, codes.OutOfRange, codes.DataLoss,
	} {
		f(code, 6, 0, 0, false)
	}
	f(codes.InvalidArgument, 1, 5, 1, false)
	f(codes.NotFound, 1, 5, 1, false)
	f(codes.Unauthenticated, 1, 5, 0, true)
	f(codes.PermissionDenied, 1, 5, 0, true)
	f(codes.Unimplemented, 1, 5, 0, true)
}

// A server that has lost the run refuses each stream before anything is sent.
func TestARunThatIsRefusedIsReportedAndGivenUpLikeAServerThatIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		gone := acknowledgeThen(0, status.Error(codes.NotFound, "no such run"))
		s.scripts = []script{gone, gone, gone}
		o := testOptions(s)
		o.BatchMaxAge, o.MaxSendRetries = 0, 3
		l := opened(t, o)
		log(t, l, seriesOf(t, l, "loss"), 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantEqual(t, "dropped", checkBalance(t, l).Dropped[FloatPoints], 1)
		said := strings.Join(l.Events().Warnings, "\n")
		for _, part := range []string{"refuses the run", "1 buffered requests dropped"} {
			wantEqual(t, part, strings.Count(said, part), 1)
		}
		wantEqual(t, "the reason", strings.Count(said, "no such run"), 2)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAfterTheRetryLimitBufferedRequestsAreDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{acknowledgeThen(1, errUnavailable)}
		o := testOptions(s)
		o.BatchMaxAge, o.MaxSendRetries = 0, 3
		l := opened(t, o)
		series := seriesOf(t, l, "loss")
		log(t, l, series, 1)
		log(t, l, series, 2)
		synctest.Wait()
		s.refuseConnections(errors.New("connection refused"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c := l.Counters()
		wantEqual(t, "dropped", c.Dropped[FloatPoints], 2)
		losses := l.TakeLosses()
		if len(losses) == 0 || !strings.HasPrefix(losses[0], "2 buffered requests dropped, data lost, cause: ") {
			t.Fatalf("losses: %q", losses)
		}
		// The declaration was lost with them and must come again.
		s.refuseConnections(nil)
		log(t, l, series, 3)
		time.Sleep(time.Minute)
		flush(t, l)
		messages := s.messages(s.streamCount() - 1)
		wantEqual(t, "declared again", len(messages[1].SeriesDeclarations), 1)
		wantEqual(t, "step goes on", *messages[2].Series[0].PointBatches[0].FirstStep, 2)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		checkBalance(t, l)
	})
}

func TestWithoutLimitNothingIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{acknowledgeThen(1, errUnavailable)}
		o := testOptions(s)
		o.MaxSendRetries, o.BatchMaxAge = -1, 0
		l := opened(t, o)
		log(t, l, seriesOf(t, l, "loss"), 1)
		synctest.Wait()
		s.refuseConnections(errors.New("connection refused"))
		time.Sleep(time.Hour)
		s.refuseConnections(nil)
		flush(t, l)
		c := checkBalance(t, l)
		wantEqual(t, "sent", c.Sent[FloatPoints], 1)
		if c.SendErrors < 200 || c.SendErrors > 300 { // an hour of pauses of up to 15 s
			t.Fatalf("%d attempts in an hour", c.SendErrors)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCloseEndsInTimeAgainstABlackHole(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{func(p *peer) error { return swallow(p, nil) }}
		l := opened(t, testOptions(s))
		log(t, l, seriesOf(t, l, "loss"), 1, 2, 3)
		begin := time.Now()
		err := closeLogger(l, 15*time.Second)
		wantEqual(t, "seconds", time.Since(begin).Truncate(time.Second), 15*time.Second)
		var closing *ClosingError
		if !errors.As(err, &closing) || !strings.Contains(err.Error(), "3 points") {
			t.Fatalf("closing says %v", err)
		}
		wantEqual(t, "dropped", checkBalance(t, l).Dropped[FloatPoints], 3)
	})
}

func TestCloseSendsTheRestTogetherWithTheEndOfTheRun(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		log(t, l, seriesOf(t, l, "loss"), 1, 2, 3)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		messages := s.messages(0)
		wantEqual(t, "messages", len(messages), 2)
		last := messages[1]
		if last.CloseRun == nil || len(last.Series) != 1 || len(last.SeriesDeclarations) != 1 {
			t.Fatalf("the last message is %v", last)
		}
		c := checkBalance(t, l)
		wantEqual(t, "requests sent", c.RequestsSent, 1)
		if err := l.Points(&Points{Series: 1, Values: []float64{1}}, 0); !errors.Is(err, ErrClosed) {
			t.Fatalf("logging after Close says %v", err)
		}
	})
}

func TestALoggerThatLeavesTheRunOpenSendsNoEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.LeavesOpen = true
		l := opened(t, o)
		log(t, l, seriesOf(t, l, "loss"), 1)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "sent", checkBalance(t, l).Sent[FloatPoints], 1)
		messages := s.messages(0)
		wantEqual(t, "messages: the first, empty one and the point", len(messages), 2)
		for _, m := range messages {
			wantEqual(t, "close_run", m.CloseRun != nil, false)
		}
	})
}

func TestALoggerThatLeavesTheRunOpenEndsWhenItsDataIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{acknowledgeThen(1, errUnavailable)}
		o := testOptions(s)
		o.LeavesOpen, o.MaxSendRetries, o.BatchMaxAge = true, 1, 0
		l := opened(t, o)
		log(t, l, seriesOf(t, l, "loss"), 1)
		begin := time.Now()
		if err := closeLogger(l, time.Hour); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("closing took %v", took)
		}
		wantEqual(t, "dropped", checkBalance(t, l).Dropped[FloatPoints], 1)
	})
}

func TestCompressedFramesArriveAsTheyWere(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		var written atomic.Int64
		o.Zstd = true
		o.dial = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := s.dial(ctx, address)
			return countingConn{conn, &written}, err
		}
		l := opened(t, o)
		log(t, l, seriesOf(t, l, "loss"), make([]float64, 10_000)...)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		batch := s.messages(0)[1].Series[0].PointBatches[0]
		wantEqual(t, "values", len(batch.Values), 10_000)
		wantEqual(t, "sent", checkBalance(t, l).Sent[FloatPoints], 10_000)
		if n := written.Load(); n > 8*10_000/10 {
			t.Errorf("%d bytes were written for 80,000 equal ones", n)
		}
	})
}

// countingConn counts the bytes that are written to it.
type countingConn struct {
	net.Conn
	written *atomic.Int64
}

func (c countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

func TestTheCallerOfADeadLoggerHearsWhy(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.scripts = []script{func(*peer) error { return status.Error(codes.PermissionDenied, "key revoked") }}
		l := opened(t, testOptions(s))
		synctest.Wait()
		_, err := l.Series(point.Series{Name: "loss", Scale: "ML_STEP"}, point.Ordered)
		wantText(t, "error", err, "logger is closed: PermissionDenied: key revoked")
		if err := closeLogger(l, time.Second); err == nil {
			t.Fatal("closing a dead logger raises nothing")
		}
	})
}

func TestAPanicKillsTheLoggerAndNotTheProgram(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		log(t, l, seriesOf(t, l, "loss"), 1)
		l.start("test", func() { panic("broken") })
		synctest.Wait()
		if err := l.usable(); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Fatalf("the logger says %v", err)
		}
		if err := closeLogger(l, time.Second); err == nil {
			t.Fatal("closing raises nothing")
		}
		wantEqual(t, "dropped", checkBalance(t, l).Dropped[FloatPoints], 1)
	})
}

func TestArraysAreSplitToFit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.MaxMessageSize = 10_000
		l := opened(t, o)
		values := make([]float64, 5000)
		for i := range values {
			values[i] = float64(i)
		}
		series := seriesOf(t, l, "loss")
		log(t, l, series, values...)
		steps := make([]uint64, 5000)
		for i := range steps {
			steps[i] = uint64(5000 + 3*i)
		}
		times := make([]int64, 5000)
		times[4999] = -1
		if err := l.Points(&Points{Series: series, Values: values, Steps: steps, Times: times}, 0); err != nil {
			t.Fatal(err)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		next := 0
		for i, frame := range s.frames(0) {
			if len(frame) > 10_000 {
				t.Fatalf("message %d has %d bytes", i, len(frame))
			}
			for _, group := range parse(t, frame).Series {
				for _, b := range group.PointBatches {
					for j, v := range b.Values {
						step := uint64(next)
						if next >= 5000 {
							step = steps[next-5000]
						}
						got := b.GetFirstStep() + uint64(j)
						if len(b.Steps) > 0 {
							got = b.Steps[j]
						}
						if got != step || v != values[next%5000] {
							t.Fatalf("point %d is %v at step %d", next, v, got)
						}
						next++
					}
				}
			}
		}
		wantEqual(t, "points", next, 10_000)
		if n := len(s.frames(0)); n > 18 {
			t.Fatalf("%d messages are many", n)
		}
	})
}

func TestScalarsOfOneSeriesBecomeOneBatch(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		a, b := seriesOf(t, l, "a"), seriesOf(t, l, "b")
		for i := range 50 {
			p := Points{Series: a, Values: []float64{float64(i)}, Millis: int64(i / 10)}
			if err := l.Points(&p, 0); err != nil {
				t.Fatal(err)
			}
			log(t, l, b, float64(i))
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		m := s.messages(0)[1]
		wantEqual(t, "groups", len(m.Series), 2)
		wantEqual(t, "batches", len(m.Series[0].PointBatches), 1)
		batch := m.Series[0].PointBatches[0]
		for i := range 50 {
			wantText(t, fmt.Sprint("point ", i), []any{batch.Values[i], batch.TimestampsMillis[i]}, []any{float64(i), i / 10})
		}
		wantEqual(t, "one time for all", len(m.Series[1].PointBatches[0].TimestampsMillis), 0)
	})
}
