package views

import (
	"context"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// TailProject tells that runs of a project, or of all, became different.
func (s *Service) TailProject(
	ctx context.Context, request *connect.Request[pb.TailProjectRequest], stream *connect.ServerStream[pb.TailProjectResponse],
) error {
	closed, err := s.openTail()
	if err != nil {
		return err
	}
	defer closed()
	workspace, project := request.Msg.GetWorkspace(), request.Msg.GetProject()
	if (workspace == "") != (project == "") {
		return invalid("workspace %q and project %q: name both, or none for all projects", workspace, project)
	}
	news := make(chan struct{}, 1)
	defer s.catalog.NotifyOfRuns(workspace, project, news)()
	running := -1 // as told
	return pace(ctx, news, func(beat bool) (bool, error) {
		// That a run counts as crashed comes with time alone.
		now := s.countRunning(workspace, project)
		changed := !beat || now != running
		running = now
		return true, stream.Send(&pb.TailProjectResponse{Changed: changed})
	})
}

// countRunning counts the runs of a project, or of all, that are logged to.
func (s *Service) countRunning(workspace, project string) (running int) {
	if project == "" {
		for _, w := range s.catalog.Workspaces() {
			projects, _ := s.catalog.Projects(w.Name) // none: it was deleted meanwhile
			for _, p := range projects {
				running += s.countRunning(w.Name, p.Name)
			}
		}
		return running
	}
	runs, _ := s.catalog.Runs(workspace, project) // none: it is not there, or not yet
	for _, run := range runs {
		if run.Status() == catalog.StatusRunning {
			running++
		}
	}
	return running
}
