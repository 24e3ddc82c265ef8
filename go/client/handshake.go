package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

const (
	firstInitBackoff = 50 * time.Millisecond
	maxInitBackoff   = 800 * time.Millisecond
)

// handshake is what one complete answer to InitializeRunLogging says.
type handshake struct {
	run          *ingestion.InitializeRunLoggingResponse_InitializedRun
	series       []*ingestion.InitializeRunLoggingResponse_LastLoggedSteps_SeriesInfo
	environments []*ingestion.InitializeRunLoggingResponse_EnvStatuses_EnvState
}

// shakeHands opens the run, trying again until it works, is refused for good,
// or takes too long.
func (l *Logger) shakeHands(ctx context.Context) (InitResult, error) {
	limited, cancel := context.WithTimeout(ctx, l.options.InitTimeout)
	defer cancel()
	absent := newAbsence(l)
	backoff := firstInitBackoff
	var last error
	for {
		answer, err := l.initialize(limited)
		if err == nil {
			return l.begin(answer)
		}
		if limited.Err() == nil {
			last = err
		}
		if refusedForGood(err) {
			return InitResult{}, &InitError{Text: fmt.Sprintf("the server refused the run %s: %s",
				l.options.path(), describeStatus(err))}
		}
		if status.Code(err) == codes.Unavailable {
			absent.note()
		}
		wait := backoff + time.Duration(l.random.Int64N(int64(backoff)/8))
		if errors.Is(err, io.ErrUnexpectedEOF) {
			wait = firstInitBackoff + 5*time.Millisecond
		} else {
			backoff = min(2*backoff, maxInitBackoff)
		}
		select {
		case <-time.After(wait):
		case <-limited.Done():
			return InitResult{}, l.initTimedOut(ctx, last)
		}
	}
}

func (l *Logger) initTimedOut(ctx context.Context, last error) error {
	if ctx.Err() != nil {
		return &InitError{Text: "closed before the server had answered"}
	}
	if last == nil {
		return &InitError{Text: fmt.Sprintf("%s accepted the connection but did not answer within %v",
			l.options.URL, l.options.InitTimeout)}
	}
	return &InitError{Text: fmt.Sprintf("timed out after %v opening the run %s at %s: %s",
		l.options.InitTimeout, l.options.path(), l.options.URL, describeStatus(last))}
}

// initialize makes the call once and reads its answer up to the terminator.
func (l *Logger) initialize(ctx context.Context) (*handshake, error) {
	conn, err := l.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // nothing was written that could be lost
	ctx, cancel := context.WithCancel(l.authorize(ctx))
	defer cancel()
	stream, err := ingestion.NewIngestServiceClient(conn).InitializeRunLogging(ctx, l.initRequest())
	if err != nil {
		return nil, err
	}
	answer := &handshake{run: &ingestion.InitializeRunLoggingResponse_InitializedRun{}}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the server ended its answer too early: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, err
		}
		if run := message.GetInitializedRun(); run != nil {
			answer.run = run
		}
		answer.series = append(answer.series, message.GetLastLoggedSteps().GetSeries()...)
		answer.environments = append(answer.environments, message.GetEnvStatuses().GetEnvs()...)
		if message.GetEnvStatuses().GetIsLast() {
			return answer, nil
		}
	}
}

func (l *Logger) initRequest() *ingestion.InitializeRunLoggingRequest {
	o := &l.options
	run := &types.Run{Workspace: o.Workspace, Project: o.Project, RunName: o.Run}
	run.OrchestrationIdentifier = &o.OrchestrationID
	if o.Experiment != "" {
		run.Experiment = &o.Experiment
	}
	if o.Fork != nil {
		run.ForkPoint = &types.ForkPoint{ParentRunName: o.Fork.Parent, ForkStep: o.Fork.Step}
	}
	policy := ingestion.ResumePolicy_RESUME_POLICY_NEVER
	if o.Resume {
		policy = ingestion.ResumePolicy_RESUME_POLICY_ALLOW
	}
	return &ingestion.InitializeRunLoggingRequest{
		Run: run, CreateProjectIfMissing: o.CreateProject, LoggerId: o.LoggerID, ResumePolicy: policy,
	}
}

func (l *Logger) authorize(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+l.options.APIKey)
}

// begin decides whether the run may be logged to, and takes over its seeds.
func (l *Logger) begin(answer *handshake) (InitResult, error) {
	run := answer.run
	result := InitResult{
		Created: run.GetCreated(), RunID: run.GetRunId(), OrchestrationID: run.GetOrchestrationIdentifier(),
	}
	if run.GetCreationTime() != nil {
		result.CreationTime = run.GetCreationTime().AsTime()
	}
	if !result.Created && !l.options.Resume {
		if run.OrchestrationIdentifier == nil {
			return result, &InitError{Kind: InitRunExists, Text: fmt.Sprintf(
				"the run %s exists and cannot be tied to this job: choose another run_name, "+
					`or continue it with resume_strategy="allow"`, l.options.path())}
		}
		if result.OrchestrationID != l.options.OrchestrationID {
			return result, l.otherJob(result)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.created = result.Created
	l.seed(answer)
	return result, nil
}

func (l *Logger) otherJob(result InitResult) error {
	created := ""
	if !result.CreationTime.IsZero() {
		created = " at " + result.CreationTime.UTC().Format(time.RFC3339)
	}
	return &InitError{Kind: InitOtherJob, Text: fmt.Sprintf(
		"the run %s was created%s by the job with orchestration_id %q, this one has %q: choose another "+
			`run_name, or continue it with resume_strategy="allow"`,
		l.options.path(), created, result.OrchestrationID, l.options.OrchestrationID)}
}

// seed registers what the run already holds.
func (l *Logger) seed(answer *handshake) {
	for _, info := range answer.series {
		identity := point.Series{
			Name: info.GetMetricName(), Scale: info.GetScale(), Labels: point.ParseFlatLabels(info.GetFlatLabels()),
		}
		s := l.registry.byIdentity[identity.Key()]
		if s == nil {
			s = l.registry.addSeries(identity, point.Ordering(info.GetOrdering()))
		}
		l.scalars.Register(s.number, info.GetLastStep()+1)
	}
	for _, state := range answer.environments {
		e := l.registry.byID[state.GetEnvName()]
		if e == nil {
			e = l.registry.addEnvironment(state.GetEnvName())
		}
		e.known, e.seedEpisode = true, state.GetLastEpisode()
		e.hasRLStep, e.rlStep = true, state.GetLastRlStep()
		e.hasEpisode, e.episode = true, state.GetLastEpisode()
	}
}

// absence tells once that no server listens on this machine.
type absence struct {
	l     *Logger
	since time.Time
	told  bool
}

func newAbsence(l *Logger) *absence { return &absence{l: l, since: time.Now()} }

func (a *absence) note() {
	address, _, err := a.l.options.target()
	if err != nil || a.told || time.Since(a.since) < a.l.options.ConnectTimeout {
		return
	}
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return
	}
	a.told = true
	a.l.events.notice(fmt.Sprintf("no server at %s; start one with `metrana server`", a.l.options.URL))
}
