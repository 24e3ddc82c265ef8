package views

import (
	"context"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CountRuns counts the runs of each project by their status.
func (s *Service) CountRuns(_ context.Context, request *connect.Request[pb.CountRunsRequest]) (*connect.Response[pb.CountRunsResponse], error) {
	answer := &pb.CountRunsResponse{}
	known := request.Msg.Workspace == nil
	for _, workspace := range s.catalog.Workspaces() {
		if request.Msg.Workspace != nil && workspace.Name != request.Msg.GetWorkspace() {
			continue
		}
		known = true
		projects, _ := s.catalog.Projects(workspace.Name) // none: it was deleted meanwhile
		for _, project := range projects {
			answer.Projects = append(answer.Projects, s.countRuns(workspace.Name, project))
		}
	}
	if !known {
		return nil, notFound("no workspace %q", request.Msg.GetWorkspace())
	}
	return connect.NewResponse(answer), nil
}

func (s *Service) countRuns(workspace string, project catalog.Project) *pb.ProjectRuns {
	counts := &pb.ProjectRuns{
		Workspace: workspace, Project: project.Name, Modified: timestamppb.New(project.Modified), Pinned: project.Pinned,
	}
	runs, _ := s.catalog.Runs(workspace, project.Name) // none: it was deleted meanwhile
	for _, run := range runs {
		switch status := run.Status(); {
		case run.Archived():
			counts.Archived++
		case status == catalog.StatusRunning:
			counts.Running++
		case status == catalog.StatusClosed:
			counts.Closed++
		case status == catalog.StatusCrashed:
			counts.Crashed++
		}
	}
	return counts
}
