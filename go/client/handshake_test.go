package client

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
)

type answerFunc = func(*ingestion.InitializeRunLoggingResponse) error

// initialized opens a run against one answer and returns how that went.
func initialized(t *testing.T, s *server, o Options) (*Logger, InitResult, error) {
	t.Helper()
	l, err := New(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-l.Ready()
	result, err := l.Init()
	return l, result, err
}

func TestWhoMayLogToARunThatExists(t *testing.T) {
	f := func(created bool, id *string, resume bool, want InitErrorKind, fails bool) {
		t.Helper()
		inBubble(t, func(t *testing.T, s *server) {
			s.init = []initScript{func(answer answerFunc) error {
				return answerRun(answer, &ingestion.InitializeRunLoggingResponse_InitializedRun{
					Created: created, RunId: []byte("run"), OrchestrationIdentifier: id,
				})
			}}
			o := testOptions(s)
			o.Resume = resume
			l, result, err := initialized(t, s, o)
			wantEqual(t, "fails", err != nil, fails)
			wantEqual(t, "created", result.Created, created)
			var refused *InitError
			if errors.As(err, &refused) {
				wantEqual(t, "kind", refused.Kind, want)
				if !strings.Contains(err.Error(), "w/p/r") {
					t.Fatalf("the text does not name the run: %v", err)
				}
			}
			if err := closeLogger(l, time.Minute); err != nil {
				t.Fatal(err)
			}
		})
	}
	own, other, empty := "job", "another", ""
	f(true, nil, false, 0, false)
	f(true, &other, false, 0, false)
	f(false, &other, true, 0, false)
	f(false, nil, true, 0, false)
	f(false, &own, false, 0, false)
	f(false, &other, false, InitOtherJob, true)
	f(false, &empty, false, InitOtherJob, true)
	f(false, nil, false, InitRunExists, true)
}

func TestHandshakeErrorsAreFinalOrTriedAgain(t *testing.T) {
	f := func(code codes.Code, final bool) {
		t.Helper()
		inBubble(t, func(t *testing.T, s *server) {
			refuse := func(answerFunc) error { return status.Error(code, "the text") }
			s.init = []initScript{refuse, refuse, refuse}
			l, _, err := initialized(t, s, testOptions(s))
			wantEqual(t, "fails", err != nil, final)
			wantEqual(t, "calls", len(s.inits), map[bool]int{true: 1, false: 4}[final])
			if final && !strings.Contains(err.Error(), code.String()+": the text") {
				t.Fatalf("the error is %v", err)
			}
			if err := closeLogger(l, time.Minute); err != nil {
				t.Fatal(err)
			}
		})
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		switch code {
		case codes.Unauthenticated, codes.PermissionDenied, codes.InvalidArgument, codes.AlreadyExists:
			f(code, true)
		default:
			f(code, false)
		}
	}
}

func TestTheHandshakeGivesUpInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.refuseConnections(errors.New("connection refused"))
		begin := time.Now()
		l, _, err := initialized(t, s, testOptions(s))
		wantEqual(t, "seconds", time.Since(begin), 2*time.Minute)
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Fatalf("the error is %v", err)
		}
		warnings := l.Events().Warnings
		wantText(t, "said once", warnings, "[no server at http://127.0.0.1:1; start one with `metrana server`]")
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnAnswerWithoutItsEndIsAskedForAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.init = []initScript{func(answerFunc) error { return nil }}
		begin := time.Now()
		l, _, err := initialized(t, s, testOptions(s))
		if err != nil || len(s.inits) != 2 || time.Since(begin) > 100*time.Millisecond {
			t.Fatalf("%v after %d calls and %v", err, len(s.inits), time.Since(begin))
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestClosingDuringTheHandshakeEndsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.refuseConnections(errors.New("connection refused"))
		l, err := New(testOptions(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Init(); err == nil {
			t.Fatal("the handshake ended well")
		}
	})
}

func TestTheHandshakeSaysWhoAndWhat(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.Experiment, o.CreateProject, o.Resume = "exp", true, true
		o.Fork = &Fork{Parent: "parent", Step: 5}
		l := opened(t, o)
		request := s.inits[0]
		wantText(t, "run", []any{
			request.Run.Workspace, request.Run.Project, request.Run.RunName, request.Run.GetExperiment(),
			request.Run.GetOrchestrationIdentifier(), request.Run.ForkPoint.ParentRunName, request.Run.ForkPoint.ForkStep,
			request.CreateProjectIfMissing, request.LoggerId, request.ResumePolicy,
		}, "[w p r exp job parent 5 true 7 RESUME_POLICY_ALLOW]")
		wantText(t, "key", s.metadata[0].Get("authorization"), "[Bearer key]")
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSeedsGoOnWhereTheRunLeftOff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		s.init = []initScript{func(answer answerFunc) error {
			if err := answer(&ingestion.InitializeRunLoggingResponse{
				Msg: &ingestion.InitializeRunLoggingResponse_LastLoggedSteps_{
					LastLoggedSteps: &ingestion.InitializeRunLoggingResponse_LastLoggedSteps{
						Series: []*ingestion.InitializeRunLoggingResponse_LastLoggedSteps_SeriesInfo{
							{MetricName: "loss", Scale: "ML_STEP", FlatLabels: "b=2&a=1", Ordering: 3, LastStep: 41},
							{MetricName: "shared", Scale: "ML_STEP", Ordering: 2, LastStep: 7},
						},
					},
				},
			}); err != nil {
				return err
			}
			return created(answer)
		}}
		l := opened(t, testOptions(s))
		labelled := point.Series{
			Name: "loss", Scale: "ML_STEP", Labels: []point.Label{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}},
		}
		series := l.FindSeries(labelled)
		wantEqual(t, "number", series, 1)
		last, ok := l.LastStep(series)
		wantText(t, "last step", []any{last, ok}, "[41 true]")
		_, err := l.Series(point.Series{Name: "shared", Scale: "ML_STEP"}, point.Ordered)
		if err == nil {
			t.Fatal("an unordered series can be logged in order")
		}
		log(t, l, series, 1)
		flush(t, l)
		m := s.messages(0)[1]
		wantEqual(t, "step", m.Series[0].PointBatches[0].GetFirstStep(), 42)
		wantEqual(t, "declared", len(m.SeriesDeclarations), 1)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestImpossibleOptionsAreRefusedAtOnce(t *testing.T) {
	f := func(change func(*Options)) {
		t.Helper()
		o := Options{
			URL: "http://127.0.0.1:1", LoggerID: 1, QueueCapacity: 1, MaxPendingRequests: 1, MaxMessageSize: 1,
		}
		change(&o)
		if l, err := New(o, nil); err == nil {
			l.Close(0)
			t.Fatal("accepted")
		}
	}
	f(func(o *Options) { o.LoggerID = 0 })
	f(func(o *Options) { o.URL = "127.0.0.1:7420" })
	f(func(o *Options) { o.URL = "ftp://host" })
	f(func(o *Options) { o.URL = "http://" })
	f(func(o *Options) { o.APIKey = "key\n" })
	f(func(o *Options) { o.QueueCapacity = 0 })
	f(func(o *Options) { o.MaxPendingRequests = -1 })
	f(func(o *Options) { o.MaxMessageSize = 0 })
	f(func(o *Options) { o.QueueCapacity = 1 << 40 })
	f(func(o *Options) { o.Config = []Attribute{{Path: "config/ok"}, {Path: "config/not ok"}} })
}

func TestNamesThatCannotBe(t *testing.T) {
	f := func(err error, names string) {
		t.Helper()
		var invalid *ValidationError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), names) {
			t.Fatalf("got %v, should name %s", err, names)
		}
	}
	series := func(name, scale string, labels ...point.Label) error {
		return checkSeries(point.Series{Name: name, Scale: scale, Labels: labels})
	}
	for _, bad := range []string{"", "a b", "a\tb", "a\u2003b", "a\x00", "a(b", "x|y", ":x", "a\xff"} {
		f(series(bad, "ML_STEP"), "metric name")
		f(checkEnvironment(bad), "environment id")
		f(series("m", "ML_STEP", point.Label{Key: bad, Value: "v"}), "label key")
		if bad != "" {
			f(series("m", bad), "scale")
		}
	}
	f(series("m", "", point.Label{Key: "k&", Value: "v"}), `'&'`)
	f(series("m", "", point.Label{Key: "k", Value: "a=b"}), `'='`)
	for _, bad := range []string{"a/b", `a\b`, "a?", "a#", "a%20", "New", "CHARTS"} {
		f(checkEnvironment(bad), "environment id")
	}
	for _, good := range []string{"loss", "train/loss", "é", "last", "2024-01-02", strings.Repeat("x", 70_000)} {
		if err := series(good, good, point.Label{Key: good, Value: "any text, really: \"x\""}); err != nil {
			t.Fatal(err)
		}
	}
}
