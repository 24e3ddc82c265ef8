package query

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// runSet is runs that belong together: those of an experiment or directory.
type runSet struct {
	name              string
	project           string
	runs              int
	experiments       map[string]bool
	directories       map[string]bool // directly below
	created, modified time.Time
}

func (x *runSet) add(run *catalog.Run) {
	x.runs++
	x.project = run.Project
	if x.created.IsZero() || run.Created.Before(x.created) {
		x.created = run.Created
	}
	if modified := run.Modified(); modified.After(x.modified) {
		x.modified = modified
	}
	if run.Experiment != nil {
		x.experiments[*run.Experiment] = true
	}
}

func newRunSet(name string) *runSet {
	return &runSet{name: name, experiments: make(map[string]bool), directories: make(map[string]bool)}
}

// attributes sums the runs up: made with the first, changed with the last.
func (x *runSet) attributes() []catalog.Attribute {
	return []catalog.Attribute{
		{Path: "sys/creation_time", Value: catalog.Moment(x.created)},
		{Path: "sys/modification_time", Value: catalog.Moment(x.modified)},
		{Path: "sys/name", Value: catalog.Text(path.Base(x.name))},
		{Path: "sys/project/name", Value: catalog.Text(x.project)},
	}
}

// experiments lists the experiments of a project, or of one of its directories,
// by name.
func (s *Service) experiments(workspace, project string, directory *string) ([]*runSet, error) {
	runs, err := s.projectRuns(workspace, project)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*runSet)
	for _, run := range runs {
		if run.Experiment == nil || !inDirectory(run, directory) {
			continue
		}
		if byName[*run.Experiment] == nil {
			byName[*run.Experiment] = newRunSet(*run.Experiment)
		}
		byName[*run.Experiment].add(run)
	}
	return byNameSorted(byName), nil
}

func byNameSorted(sets map[string]*runSet) []*runSet {
	return slices.SortedFunc(maps.Values(sets), func(a, b *runSet) int { return strings.Compare(a.name, b.name) })
}

// directoryOf sums up the runs in a directory and below.
func directoryOf(path string, runs []*catalog.Run) *runSet {
	set := newRunSet(path)
	for _, run := range runs {
		if !inDirectory(run, &path) {
			continue
		}
		set.add(run)
		if child, below := childOf(path, run); below {
			set.directories[child] = true
		}
	}
	return set
}

// childOf is the directory directly below a path in which a run lies.
func childOf(path string, run *catalog.Run) (child string, below bool) {
	if run.Directory == nil {
		return "", false
	}
	prefix := ""
	if path != "" {
		prefix = path + "/"
	}
	rest, below := strings.CutPrefix(*run.Directory, prefix)
	if !below || rest == "" {
		return "", false
	}
	first, _, _ := strings.Cut(rest, "/")
	return prefix + first, true
}

// directoriesBelow lists the directories directly below a path, by path.
func directoriesBelow(path string, runs []*catalog.Run) []*runSet {
	var list []*runSet
	for _, child := range sortedKeys(directoryOf(path, runs).directories) {
		list = append(list, directoryOf(child, runs))
	}
	return list
}

// pageOfSets filters, sorts and cuts a listing of experiments or directories.
func pageOfSets(sets []*runSet, filter, order *string, limit, offset *int64) (page []listed[*runSet], total int, err error) {
	things := make([]listed[*runSet], 0, len(sets))
	for _, set := range sets {
		things = append(things, listed[*runSet]{item: set, subject: subject{attributes: set.attributes()}})
	}
	if things, err = filterAndSort(things, filter, orNewest(order)); err != nil {
		return nil, 0, err
	}
	page, err = offsetPage(things, limit, offset, maxProjectsPage)
	return page, len(things), err
}

// ListExperiments lists the experiments of a project; newest first unless asked
// otherwise.
func (s *Service) ListExperiments(
	_ context.Context, request *connect.Request[pb.ListExperimentsRequest],
) (*connect.Response[pb.ListExperimentsResponse], error) {
	r := request.Msg
	sets, err := s.experiments(r.GetWorkspace(), r.GetProject(), r.DirectoryPath)
	if err != nil {
		return nil, s.failed(err)
	}
	page, total, err := pageOfSets(sets, r.Filter, r.OrderBy, r.Limit, r.Offset)
	if err != nil {
		return nil, s.failed(err)
	}
	answer := &pb.ListExperimentsResponse{TotalCount: int64(total)}
	for _, t := range page {
		answer.Experiments = append(answer.Experiments, &pb.ListExperimentsResponse_Experiment{
			Name: t.item.name, RunsCount: int64(t.item.runs), Attributes: pickAttributes(t.attributes, r.GetAttributePaths()),
		})
	}
	return connect.NewResponse(answer), nil
}

// ListDirectories lists the directories directly below one, or below the root;
// newest first unless asked otherwise. Counts are of what lies in a directory and
// below, those of directories of what lies directly in it.
func (s *Service) ListDirectories(
	_ context.Context, request *connect.Request[pb.ListDirectoriesRequest],
) (*connect.Response[pb.ListDirectoriesResponse], error) {
	r := request.Msg
	runs, err := s.projectRuns(r.GetWorkspace(), r.GetProject())
	if err != nil {
		return nil, err
	}
	page, total, err := pageOfSets(directoriesBelow(r.GetDirectoryPath(), runs), r.Filter, r.OrderBy, r.Limit, r.Offset)
	if err != nil {
		return nil, s.failed(err)
	}
	answer := &pb.ListDirectoriesResponse{TotalCount: int64(total)}
	for _, t := range page {
		answer.Directories = append(answer.Directories, &pb.ListDirectoriesResponse_Directory{
			FullPath: t.item.name, Attributes: pickAttributes(t.attributes, r.GetAttributePaths()), RunsCount: int64(t.item.runs),
			ExperimentsCount: int64(len(t.item.experiments)), DirectoriesCount: int64(len(t.item.directories)),
		})
	}
	return connect.NewResponse(answer), nil
}
