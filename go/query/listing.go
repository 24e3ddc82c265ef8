package query

import (
	"context"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	common "github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// Most that a page of an offset-style listing has.
const (
	maxProjectsPage = 500
	maxRunsPage     = 1000
)

// ListWorkspaces lists all workspaces by name.
func (s *Service) ListWorkspaces(
	context.Context, *connect.Request[pb.ListWorkspacesRequest],
) (*connect.Response[pb.ListWorkspacesResponse], error) {
	answer := &pb.ListWorkspacesResponse{}
	for _, w := range s.catalog.Workspaces() {
		answer.Workspaces = append(answer.Workspaces, &pb.ListWorkspacesResponse_Workspace{
			Name: w.Name, ProjectsCount: int64(w.Projects),
		})
	}
	return connect.NewResponse(answer), nil
}

// ListProjects lists the projects of a workspace; newest first unless asked
// otherwise.
func (s *Service) ListProjects(
	_ context.Context, request *connect.Request[pb.ListProjectsRequest],
) (*connect.Response[pb.ListProjectsResponse], error) {
	r := request.Msg
	projects, found := s.catalog.Projects(r.GetWorkspace())
	if !found {
		return nil, notFound("no workspace %q", r.GetWorkspace())
	}
	things := make([]listed[catalog.Project], 0, len(projects))
	for _, p := range projects {
		things = append(things, listed[catalog.Project]{item: p, subject: subject{attributes: projectAttributes(p)}})
	}
	things, err := filterAndSort(things, r.Filter, orNewest(r.OrderBy))
	if err != nil {
		return nil, s.failed(err)
	}
	page, err := offsetPage(things, r.Limit, r.Offset, maxProjectsPage)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListProjectsResponse{TotalCount: int64(len(things))}
	for _, t := range page {
		answer.Projects = append(answer.Projects, &pb.ListProjectsResponse_Project{
			Name: t.item.Name, RunsCount: int64(t.item.Runs), ExperimentsCount: int64(t.item.Experiments),
			Attributes: pickAttributes(t.attributes, r.GetAttributePaths()),
		})
	}
	return connect.NewResponse(answer), nil
}

func orNewest(order *string) *string {
	if order != nil {
		return order
	}
	newest := "attr(sys/creation_time) DESC"
	return &newest
}

func projectAttributes(p catalog.Project) []catalog.Attribute {
	return []catalog.Attribute{
		{Path: "sys/creation_time", Value: catalog.Moment(p.Created)},
		{Path: "sys/modification_time", Value: catalog.Moment(p.Modified)},
		{Path: "sys/name", Value: catalog.Text(p.Name)},
		{Path: "sys/pinned", Value: catalog.Truth(p.Pinned)},
	}
}

// ListRuns lists the runs of a project or of one of its experiments; newest
// first unless asked otherwise.
func (s *Service) ListRuns(
	_ context.Context, request *connect.Request[pb.ListRunsRequest],
) (*connect.Response[pb.ListRunsResponse], error) {
	r := request.Msg
	runs, err := s.projectRuns(r.GetWorkspace(), r.GetProject())
	if err != nil {
		return nil, err
	}
	var things []listed[*catalog.Run]
	for _, run := range runs {
		if !inExperiment(run, r.Experiment) || !inDirectory(run, r.DirectoryPath) {
			continue
		}
		things = append(things, s.listRun(run))
	}
	if things, err = filterAndSort(things, r.Filter, orNewest(r.OrderBy)); err != nil {
		return nil, s.failed(err)
	}
	page, err := offsetPage(things, r.Limit, r.Offset, maxRunsPage)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListRunsResponse{TotalCount: int64(len(things))}
	for _, t := range page {
		summaries, err := summaryColumns(r.GetSeriesSummaries(), t.sum)
		if err != nil {
			return nil, s.failed(err)
		}
		answer.Runs = append(answer.Runs, &pb.ListRunsResponse_Run{
			Name: t.item.Name, Experiment: t.item.Experiment,
			Attributes: runAttributesAt(t.item, r.GetAttributePaths()), SeriesSummaries: summaries,
		})
	}
	return connect.NewResponse(answer), nil
}

// runAttributesAt gives those of the attributes of a run that have these paths.
func runAttributesAt(run *catalog.Run, paths []string) []*common.Attribute {
	var picked []*common.Attribute
	for _, path := range paths {
		if value := run.Attribute(path); value != nil {
			picked = append(picked, encodeAttribute(catalog.Attribute{Path: path, Value: *value}))
		}
	}
	return picked
}

// listRun makes a run one of a list; its points are opened when something asks for
// them, which for most runs of a long list is never.
func (s *Service) listRun(run *catalog.Run) listed[*catalog.Run] {
	item := sync.OnceValue(func() runPoints { return s.pointsOf(run) })
	sum := func(q grammar.Series) (summary, error) { return s.summariser(item())(q) }
	return listed[*catalog.Run]{item: run, subject: subject{find: run.Attribute, sum: sum}}
}

func inExperiment(run *catalog.Run, name *string) bool {
	return name == nil || run.Experiment != nil && *run.Experiment == *name
}

// inDirectory tells whether a run lies in a directory or below it.
func inDirectory(run *catalog.Run, path *string) bool {
	if path == nil || *path == "" {
		return true
	}
	return run.Directory != nil && (*run.Directory == *path || strings.HasPrefix(*run.Directory, *path+"/"))
}
