package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/metrana/metrana/go/ingest"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

var localMode = ingest.Options{CreateWorkspaces: true}

// Clients stop reading at the page of environments that is the last.
func TestHandshakeEndsWithTheEnvironments(t *testing.T) {
	f := start(t, localMode)
	messages, err := f.handshake(initRequest("r"))
	f.must(err)
	if len(messages) != 3 {
		t.Fatalf("%d messages, want run, steps and environments", len(messages))
	}
	opened := messages[0].GetInitializedRun()
	if !opened.GetCreated() || len(opened.GetRunId()) != 16 || opened.GetOrchestrationIdentifier() != "job-1" || opened.GetCreationTime() == nil {
		t.Errorf("initialized_run: %v", opened)
	}
	if steps := messages[1].GetLastLoggedSteps(); steps == nil || !steps.GetIsLast() || len(steps.GetSeries()) != 0 {
		t.Errorf("last_logged_steps: %v", steps)
	}
	if envs := messages[2].GetEnvStatuses(); envs == nil || !envs.GetIsLast() || len(envs.GetEnvs()) != 0 {
		t.Errorf("env_statuses: %v", envs)
	}
}

func TestHandshakeSeedsInPages(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	const series, environments = 2500, 1001
	request := &ingestion.UpdateRunRequest{}
	for id := uint64(1); id <= series; id++ {
		d := declare(id, fmt.Sprintf("m%04d", id), "ML_STEP", ordered)
		d.Labels = map[string]string{"b": "2", "a": "1"}
		request.SeriesDeclarations = append(request.SeriesDeclarations, d)
		request.Series = append(request.Series, floats(id, id, 1, 2)...)
	}
	request.SeriesDeclarations = append(request.SeriesDeclarations, declare(series+1, "reward", "ENVIRONMENT_STEP", ordered))
	for e := range uint64(environments) {
		request.RlSeries = append(request.RlSeries, &types.StreamingRLSeriesUpdate{
			SeriesId: series + 1, EnvironmentId: fmt.Sprintf("env-%d", e), RlStepBatches: []*types.RlStepBatch{rlBatch(e, 2*e, 0, 1)},
		})
	}
	u.send(request)
	u.acknowledged(1)
	u.end()

	messages, err := f.handshake(initRequest("r"))
	f.must(err)
	if opened := messages[0].GetInitializedRun(); opened.GetCreated() || string(opened.GetRunId()) != string(run) {
		t.Errorf("resumed run: %v", opened)
	}
	checkSeeds(t, messages[1:], series, environments)
}

func checkSeeds(t *testing.T, messages []*ingestion.InitializeRunLoggingResponse, series, environments int) {
	t.Helper()
	var seeds []*ingestion.InitializeRunLoggingResponse_LastLoggedSteps_SeriesInfo
	var envs []*ingestion.InitializeRunLoggingResponse_EnvStatuses_EnvState
	for i, m := range messages {
		if steps := m.GetLastLoggedSteps(); steps != nil {
			if len(envs) > 0 {
				t.Error("steps after environments: clients do not read them")
			}
			seeds = append(seeds, steps.GetSeries()...)
			if steps.GetIsLast() != (len(seeds) == series) {
				t.Errorf("page of steps %d: is_last %v after %d series", i, steps.GetIsLast(), len(seeds))
			}
		}
		if page := m.GetEnvStatuses(); page != nil {
			envs = append(envs, page.GetEnvs()...)
			if page.GetIsLast() != (i == len(messages)-1) {
				t.Errorf("page of environments %d of %d: is_last %v", i, len(messages), page.GetIsLast())
			}
		}
	}
	if len(seeds) != series || len(envs) != environments {
		t.Fatalf("%d series and %d environments, want %d and %d", len(seeds), len(envs), series, environments)
	}
	if s := seeds[41]; s.GetMetricName() != "m0042" || s.GetScale() != "ML_STEP" || s.GetFlatLabels() != "a=1&b=2" ||
		s.GetOrdering() != ordered || s.GetLastStep() != 43 {
		t.Errorf("series 42: %v", s)
	}
	if e := envs[40]; e.GetEnvName() != "env-40" || e.GetLastRlStep() != 40 || e.GetLastEpisode() != 80 {
		t.Errorf("environment 40: %v", e)
	}
}

func TestResumingKeepsWhatTheFirstJobSaid(t *testing.T) {
	f := start(t, localMode)
	f.run("r")
	request := initRequest("r")
	other := "job-2"
	request.Run.OrchestrationIdentifier = &other
	messages, err := f.handshake(request)
	f.must(err)
	if opened := messages[0].GetInitializedRun(); opened.GetCreated() || opened.GetOrchestrationIdentifier() != "job-1" {
		t.Errorf("got %v: whether to go on is the client's decision, by the stored id", opened)
	}
}

func TestForkPointIsStored(t *testing.T) {
	f := start(t, localMode)
	f.run("parent")
	request := initRequest("child")
	request.Run.ForkPoint = &types.ForkPoint{ParentRunName: "parent", ForkStep: 12}
	messages, err := f.handshake(request)
	f.must(err)
	run := messages[0].GetInitializedRun().GetRunId()
	parent, _ := f.attribute(run, "sys/forking/parent_run_name")
	step, _ := f.attribute(run, "sys/forking/step")
	if parent.Str != "parent" || step.Int != 12 {
		t.Errorf("forked from %q at %d", parent.Str, step.Int)
	}
}

func TestAForkedRunGoesOnWhereItsParentStoodAtTheFork(t *testing.T) {
	f := start(t, localMode)
	log := func(run []byte, declarations []*types.SeriesDeclaration, series []*types.StreamingSeriesUpdate) {
		t.Helper()
		u := f.open(run)
		u.send(&ingestion.UpdateRunRequest{RunId: run, LoggerId: 1})
		u.send(&ingestion.UpdateRunRequest{RunId: run, LoggerId: 1, SeriesDeclarations: declarations, Series: series})
		u.acknowledged(2)
		u.end()
	}
	fork := func(child, parent string, step uint64) (id []byte, seeds string) {
		t.Helper()
		request := initRequest(child)
		request.Run.ForkPoint = &types.ForkPoint{ParentRunName: parent, ForkStep: step}
		messages, err := f.handshake(request)
		f.must(err)
		for _, s := range messages[1].GetLastLoggedSteps().GetSeries() {
			seeds += fmt.Sprintf("%s %d, ", s.GetMetricName(), s.GetLastStep())
		}
		return messages[0].GetInitializedRun().GetRunId(), seeds
	}
	parent := f.run("parent")
	declarations := append(loss(1), declare(2, "short", "ML_STEP", ordered), declare(3, "later", "ML_STEP", ordered))
	log(parent, declarations, append(append(floats(1, 0, make([]float64, 30)...), floats(2, 0, 1, 2)...), floats(3, 20, 1)...))
	child, seeds := fork("child", "parent", 12)
	if want := "loss 12, short 1, "; seeds != want {
		t.Errorf("child: %s, want %s", seeds, want)
	}
	log(child, loss(1), floats(1, 13, 1, 2, 3))
	if _, seeds = fork("child", "parent", 12); seeds != "loss 15, short 1, " {
		t.Errorf("child after its own points: %s", seeds)
	}
	if _, seeds = fork("grandchild", "child", 14); seeds != "loss 14, short 1, " {
		t.Errorf("grandchild: %s", seeds)
	}
	if _, seeds = fork("early", "child", 5); seeds != "loss 5, short 1, " {
		t.Errorf("a fork before its parent's fork: %s", seeds)
	}
}

func TestHandshakeRefusals(t *testing.T) {
	f := start(t, ingest.Options{})
	local := start(t, localMode)
	refused := func(f *fixture, change func(*ingestion.InitializeRunLoggingRequest), code codes.Code, words ...string) {
		t.Helper()
		request := initRequest("r")
		change(request)
		_, err := f.handshake(request)
		if status.Code(err) != code {
			t.Fatalf("got %v, want %v", err, code)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v does not say %q", err, word)
			}
		}
	}
	// NOT_FOUND would let clients try again for two minutes.
	refused(f, func(*ingestion.InitializeRunLoggingRequest) {}, codes.PermissionDenied, `"w"`, "workspace")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) { r.CreateProjectIfMissing = false },
		codes.PermissionDenied, `"p"`, "create_project_if_missing")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) { r.Run.RunName = "" }, codes.InvalidArgument, "run name", "empty")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) { r.Run.Project = "a\nb" }, codes.InvalidArgument, "project name", "U+000A")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) { r.Run.Workspace = strings.Repeat("x", 2000) },
		codes.InvalidArgument, "workspace name", "1024")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) { r.Run = nil }, codes.InvalidArgument, "empty")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) { r.LoggerId = 0 }, codes.InvalidArgument, "logger_id")
	refused(local, func(r *ingestion.InitializeRunLoggingRequest) {
		r.Run.ForkPoint = &types.ForkPoint{ParentRunName: "nobody"}
	}, codes.InvalidArgument, `"nobody"`)
}

func TestNamesMayHoldWhatClientsLetPass(t *testing.T) {
	f := start(t, localMode)
	request := initRequest("a run/with? #%signs")
	request.Run.Project = "größe 1"
	messages, err := f.handshake(request)
	f.must(err)
	if !messages[0].GetInitializedRun().GetCreated() {
		t.Error("not created")
	}
}
