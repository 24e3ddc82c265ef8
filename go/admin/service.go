// Package admin is what an operator does with a server's data: archive, delete,
// retain, back up.
package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/admin"
)

// Service implements AdminService on an open data directory.
type Service struct {
	db      *store.DB
	catalog *catalog.Catalog
	videos  *renderings.Files
	log     *slog.Logger
}

// New makes the service of a directory.
func New(db *store.DB, index *catalog.Catalog, videos *renderings.Files, log *slog.Logger) *Service {
	return &Service{db, index, videos, log}
}

func invalid(format string, values ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, values...))
}

// failed finds the status of an error.
func failed(err error) error {
	switch {
	case errors.Is(err, store.ErrDeleted), errors.Is(err, catalog.ErrNoRun), errors.Is(err, catalog.ErrNoProject), errors.Is(err, catalog.ErrNoWorkspace):
		return connect.NewError(connect.CodeNotFound, err)
	case errors.Is(err, catalog.ErrDeleting):
		return connect.NewError(connect.CodeUnavailable, err)
	}
	return connect.NewError(connect.CodeInternal, err)
}

// runsOf finds the run or the runs of the project that a target names.
func (s *Service) runsOf(t *pb.Target) ([]*catalog.Run, error) {
	if t.GetWorkspace() == "" || t.GetProject() == "" {
		return nil, invalid("a target has a workspace and a project, not %q and %q", t.GetWorkspace(), t.GetProject())
	}
	if t.Run != nil {
		run, found := s.catalog.FindRun(t.GetWorkspace(), t.GetProject(), t.GetRun())
		if !found {
			return nil, failed(fmt.Errorf("%w: %q in project %q of workspace %q", catalog.ErrNoRun, t.GetRun(), t.GetProject(), t.GetWorkspace()))
		}
		return []*catalog.Run{run}, nil
	}
	runs, found := s.catalog.Runs(t.GetWorkspace(), t.GetProject())
	if !found {
		return nil, failed(fmt.Errorf("%w: %q in workspace %q", catalog.ErrNoProject, t.GetProject(), t.GetWorkspace()))
	}
	return runs, nil
}

// SetArchived archives runs, or takes them back.
func (s *Service) SetArchived(_ context.Context, request *connect.Request[pb.SetArchivedRequest]) (*connect.Response[pb.SetArchivedResponse], error) {
	runs, err := s.runsOf(request.Msg.GetTarget())
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if err := run.SetArchived(request.Msg.GetArchived()); err != nil {
			return nil, failed(err)
		}
	}
	return connect.NewResponse(&pb.SetArchivedResponse{Runs: int64(len(runs))}), nil
}

// EditRun changes the tags and the description of a run.
func (s *Service) EditRun(_ context.Context, request *connect.Request[pb.EditRunRequest]) (*connect.Response[pb.EditRunResponse], error) {
	r := request.Msg
	if r.GetTarget().Run == nil {
		return nil, invalid("target names no run")
	}
	if slices.Contains(r.GetAddTags(), "") {
		return nil, invalid("add_tags: a tag is not empty")
	}
	runs, err := s.runsOf(r.GetTarget())
	if err != nil {
		return nil, err
	}
	if err := editRun(runs[0], r); err != nil {
		return nil, failed(err)
	}
	answer := &pb.EditRunResponse{}
	if tags := runs[0].Attribute("sys/tags"); tags != nil {
		answer.Tags = tags.Set
	}
	if description := runs[0].Attribute("sys/description"); description != nil {
		answer.Description = description.Str
	}
	return connect.NewResponse(answer), nil
}

// editRun returns when the change is on the disk.
func editRun(run *catalog.Run, r *pb.EditRunRequest) error {
	var updates []catalog.Update
	if len(r.GetAddTags())+len(r.GetRemoveTags()) > 0 {
		updates = append(updates, catalog.Update{Path: "sys/tags", Delta: &catalog.Delta{Added: r.GetAddTags(), Removed: r.GetRemoveTags()}})
	}
	if r.Description != nil {
		update := catalog.Update{Path: "sys/description"} // cleared
		if text := r.GetDescription(); text != "" {
			value := catalog.Text(text)
			update.Value = &value
		}
		updates = append(updates, update)
	}
	edit, err := run.Begin()
	if err != nil {
		return err
	}
	defer edit.Abort()
	edit.Attributes(updates)
	pending, err := edit.Commit(time.Now())
	if err != nil {
		return err
	}
	return pending.Wait()
}

// Delete deletes a run or a project.
func (s *Service) Delete(_ context.Context, request *connect.Request[pb.DeleteRequest]) (*connect.Response[pb.DeleteResponse], error) {
	t := request.Msg.GetTarget()
	if _, err := s.runsOf(t); err != nil {
		return nil, err
	}
	runs := 1
	var err error
	if t.Run != nil {
		err = s.catalog.DeleteRun(t.GetWorkspace(), t.GetProject(), t.GetRun())
	} else {
		runs, err = s.catalog.DeleteProject(t.GetWorkspace(), t.GetProject())
	}
	s.removeVideos()
	if err != nil {
		return nil, failed(err)
	}
	s.log.Info("deleted", "workspace", t.GetWorkspace(), "project", t.GetProject(), "run", t.GetRun(), "runs", runs)
	return connect.NewResponse(&pb.DeleteResponse{Runs: int64(runs)}), nil
}

// removeVideos gives the space of the videos of deleted runs back.
func (s *Service) removeVideos() {
	if err := s.videos.Tidy(); err != nil {
		// It is tried again each hour.
		s.log.Error("videos of deleted runs stay", "error", err)
	}
}

// Backup copies the data directory.
func (s *Service) Backup(ctx context.Context, request *connect.Request[pb.BackupRequest]) (*connect.Response[pb.BackupResponse], error) {
	to := request.Msg.GetDirectory()
	if !filepath.IsAbs(to) {
		return nil, invalid("directory %q is not an absolute path", to)
	}
	start := time.Now()
	if err := s.db.Backup(ctx, filepath.Clean(to)); err != nil {
		return nil, failed(err)
	}
	s.log.Info("backed up", "to", to, "seconds", time.Since(start).Seconds())
	return connect.NewResponse(&pb.BackupResponse{}), nil
}

// Retain deletes runs that ended before a time.
func (s *Service) Retain(_ context.Context, request *connect.Request[pb.RetainRequest]) (*connect.Response[pb.RetainResponse], error) {
	r := request.Msg
	if !r.GetEndedBefore().IsValid() {
		return nil, invalid("ended_before: %w", r.GetEndedBefore().CheckValid())
	}
	if r.Project != nil && r.Workspace == nil {
		return nil, invalid("project %q without a workspace", r.GetProject())
	}
	answer := &pb.RetainResponse{}
	defer s.removeVideos()
	for _, run := range s.ended(r.GetEndedBefore().AsTime(), r.Workspace, r.Project) {
		if !r.GetDryRun() {
			if err := s.deleteEnded(run); err != nil {
				return nil, failed(err)
			}
		}
		answer.Runs = append(answer.Runs, &pb.Target{Workspace: run.Workspace, Project: run.Project, Run: &run.Name})
	}
	return connect.NewResponse(answer), nil
}

// RetainEvery deletes, now and each hour until ctx is done, runs that ended longer
// ago than this.
func (s *Service) RetainEvery(ctx context.Context, longest time.Duration) {
	each := time.NewTicker(time.Hour)
	defer each.Stop()
	for {
		for _, run := range s.ended(time.Now().Add(-longest), nil, nil) {
			if ctx.Err() != nil {
				return
			}
			if err := s.deleteEnded(run); err != nil {
				s.log.Error("deleting a run that ended long ago", "run", run.Name, "error", err)
			}
		}
		s.removeVideos()
		select {
		case <-ctx.Done():
			return
		case <-each.C:
		}
	}
}

func (s *Service) deleteEnded(run *catalog.Run) error {
	if err := s.catalog.DeleteRun(run.Workspace, run.Project, run.Name); err != nil {
		return err
	}
	s.log.Info("deleted, it ended long ago", "workspace", run.Workspace, "project", run.Project, "run", run.Name)
	return nil
}

// ended lists runs that ended before a time, but for those that others, which
// stay, are forked from.
func (s *Service) ended(before time.Time, workspace, project *string) []*catalog.Run {
	var list []*catalog.Run
	for _, w := range s.catalog.Workspaces() {
		if workspace != nil && w.Name != *workspace {
			continue
		}
		projects, _ := s.catalog.Projects(w.Name)
		for _, p := range projects {
			if project == nil || p.Name == *project {
				runs, _ := s.catalog.Runs(w.Name, p.Name)
				list = append(list, endedOf(runs, before)...)
			}
		}
	}
	return list
}

func endedOf(runs []*catalog.Run, before time.Time) []*catalog.Run {
	kept := make(map[*catalog.Run]bool)
	for _, run := range runs {
		if run.Status() != catalog.StatusRunning && run.Modified().Before(before) {
			continue
		}
		for found := true; found && !kept[run]; run, found = run.Parent() { // with all that it inherits from
			kept[run] = true
		}
	}
	runs = slices.DeleteFunc(slices.Clone(runs), func(run *catalog.Run) bool { return kept[run] })
	slices.SortFunc(runs, func(a, b *catalog.Run) int { return cmp.Compare(a.Name, b.Name) })
	return runs
}
