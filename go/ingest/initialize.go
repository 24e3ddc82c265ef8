package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A message of the handshake carries so many series or environments, in so many
// bytes: gRPC clients refuse messages above 4 MiB.
const (
	seedPage      = 1000
	seedPageBytes = 1 << 20
)

type (
	initResponse = ingestion.InitializeRunLoggingResponse
	seriesInfo   = ingestion.InitializeRunLoggingResponse_LastLoggedSteps_SeriesInfo
	envState     = ingestion.InitializeRunLoggingResponse_EnvStatuses_EnvState
)

// InitializeRunLogging creates or finds a run and tells where its series and
// environments stand. Whether a run that was there before may be resumed is the
// client's decision. The page of environments with is_last ends the handshake.
func (s *Service) InitializeRunLogging(
	_ context.Context, request *connect.Request[ingestion.InitializeRunLoggingRequest], stream *connect.ServerStream[initResponse],
) error {
	spec := request.Msg
	if spec.GetLoggerId() == 0 {
		return connect.NewError(connect.CodeInvalidArgument, errors.New("logger_id must not be 0"))
	}
	if err := checkRun(spec.GetRun()); err != nil {
		return err
	}
	run, created, err := s.catalog.InitRun(s.runSpec(spec))
	if err != nil {
		return initError(err)
	}
	points, err := run.Points()
	if err != nil {
		s.log.Error("reading a run", "run", run.Name, "error", err)
		return connect.NewError(connect.CodeInternal, err)
	}
	s.log.Info("logger connected", "workspace", run.Workspace, "project", run.Project, "run", run.Name, "created", created)
	seeds, err := s.seedsOf(run, points)
	if err != nil {
		s.log.Error("reading the run that a run was forked from", "run", run.Name, "error", err)
		return connect.NewError(connect.CodeInternal, err)
	}
	for _, message := range handshake(run, created, seeds) {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

// checkRun refuses what could be stored but never be shown again.
func checkRun(run *types.Run) error {
	if at := run.GetCreationTime(); at != nil && !at.IsValid() {
		return invalid("creation_time: %w", at.CheckValid())
	}
	if step := run.GetForkPoint().GetForkStep(); step > math.MaxInt64 {
		return invalid("fork_step %d is above 2^63-1", step)
	}
	return nil
}

func (s *Service) runSpec(request *ingestion.InitializeRunLoggingRequest) catalog.RunSpec {
	run := request.GetRun()
	if run == nil {
		run = &types.Run{}
	}
	spec := catalog.RunSpec{
		Workspace: run.GetWorkspace(), Project: run.GetProject(), Run: run.GetRunName(),
		Experiment: run.Experiment, Directory: run.Directory, Orchestration: run.OrchestrationIdentifier,
		CreateProject: request.GetCreateProjectIfMissing(), CreateWorkspace: s.createWorkspaces,
	}
	if run.GetCreationTime() != nil {
		at := run.GetCreationTime().AsTime()
		spec.CreationTime = &at
	}
	if fork := run.GetForkPoint(); fork != nil {
		spec.Fork = &catalog.Fork{Parent: fork.GetParentRunName(), Step: fork.GetForkStep()}
	}
	return spec
}

// initError chooses codes that clients do not retry where the user should see at
// once what is wrong.
func initError(err error) error {
	var name *catalog.NameError
	var full *store.FullError
	switch {
	case errors.As(err, &name), errors.Is(err, catalog.ErrNoParent):
		return connect.NewError(connect.CodeInvalidArgument, err)
	case errors.Is(err, catalog.ErrNoWorkspace):
		return connect.NewError(connect.CodePermissionDenied, err)
	case errors.Is(err, catalog.ErrNoProject):
		return connect.NewError(connect.CodePermissionDenied, fmt.Errorf("%w; set create_project_if_missing to create it", err))
	}
	// These pass: clients try again.
	if errors.Is(err, catalog.ErrDeleting) || errors.As(err, &full) {
		return connect.NewError(connect.CodeUnavailable, err)
	}
	return connect.NewError(connect.CodeInternal, err)
}

func handshake(run *catalog.Run, created bool, seeds seeds) []*initResponse {
	messages := []*initResponse{{Msg: &ingestion.InitializeRunLoggingResponse_InitializedRun_{
		InitializedRun: &ingestion.InitializeRunLoggingResponse_InitializedRun{
			Created: created, RunId: run.ID[:], OrchestrationIdentifier: run.Orchestration,
			CreationTime: timestamppb.New(run.Created),
		},
	}}}
	series := pages(seeds.series)
	for i, page := range series {
		messages = append(messages, &initResponse{Msg: &ingestion.InitializeRunLoggingResponse_LastLoggedSteps_{
			LastLoggedSteps: &ingestion.InitializeRunLoggingResponse_LastLoggedSteps{Series: page, IsLast: i == len(series)-1},
		}})
	}
	envs := pages(seeds.envs)
	for i, page := range envs {
		messages = append(messages, &initResponse{Msg: &ingestion.InitializeRunLoggingResponse_EnvStatuses_{
			EnvStatuses: &ingestion.InitializeRunLoggingResponse_EnvStatuses{Envs: page, IsLast: i == len(envs)-1},
		}})
	}
	return messages
}

// pages cuts a list into pages; an empty list has one empty page.
func pages[T proto.Message](list []T) (cut [][]T) {
	start, size := 0, 0
	for i, item := range list {
		bytes := proto.Size(item)
		if i > start && (i-start == seedPage || size+bytes > seedPageBytes) {
			cut = append(cut, list[start:i])
			start, size = i, 0
		}
		size += bytes
	}
	return append(cut, list[start:])
}
