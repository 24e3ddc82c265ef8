// Package views is the ViewsService: what the pages of the dashboard show beside
// what QueryService answers, in the shape of a page. README.md has an example of
// each question.
//
// Answers depend on nothing but the request and what is stored, but for the health
// of a run, which tells of times as well, and cursors, which number changes.
package views

import (
	"fmt"
	"sort"
	"strings"
	"sync/atomic"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/wire/pb/views/viewsconnect"
)

// maxEnvironments is how many environments a request may name.
const maxEnvironments = 1000

// Service implements ViewsService on a catalog and its store.
type Service struct {
	viewsconnect.UnimplementedViewsServiceHandler

	catalog *catalog.Catalog
	queries *query.Service
	tails   atomic.Int64 // open
	lines   lineCache

	maxJoined uint64 // but for tests the constant
}

// New makes the service beside the QueryService of the same catalog.
func New(c *catalog.Catalog, queries *query.Service) *Service {
	return &Service{catalog: c, queries: queries, maxJoined: maxJoined}
}

func invalid(format string, values ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, values...))
}

func notFound(format string, values ...any) error {
	return connect.NewError(connect.CodeNotFound, fmt.Errorf(format, values...))
}

// runPoints is a run with its stored points.
type runPoints struct {
	*catalog.Run

	points *store.Run
}

// rlRun is a run's RL points, with those that it inherits when these are asked for.
type rlRun struct {
	run    *catalog.Run
	points query.RLPoints
}

func (s *Service) findRLRun(name *pb.RunName, inherited bool) (rlRun, error) {
	run, err := s.findRun(name)
	if err != nil {
		return rlRun{}, err
	}
	points, err := query.RLPointsOf(run.Run, inherited)
	if err != nil {
		return rlRun{}, s.queries.Status(err)
	}
	return rlRun{run.Run, points}, nil
}

func (s *Service) findRun(name *pb.RunName) (runPoints, error) {
	run, found := s.catalog.FindRun(name.GetWorkspace(), name.GetProject(), name.GetRun())
	if !found {
		return runPoints{}, notFound("no run %q in project %q of workspace %q", name.GetRun(), name.GetProject(), name.GetWorkspace())
	}
	points, err := run.Points()
	if err != nil {
		return runPoints{}, s.queries.Status(err)
	}
	return runPoints{run, points}, nil
}

// environments are those of a run by id, and where each number is among them.
type environments struct {
	ids  []string
	nos  []uint32
	rank []int // by number less one
}

func environmentsOf(points query.RLPoints) environments {
	infos := points.Environments()
	sort.Slice(infos, func(i, k int) bool { return infos[i].ID < infos[k].ID })
	e := environments{rank: make([]int, len(infos))}
	for i, info := range infos {
		e.ids, e.nos = append(e.ids, info.ID), append(e.nos, info.No)
		e.rank[info.No-1] = i
	}
	return e
}

// find gives the place of an id.
func (e environments) find(id string) (int, bool) {
	return sort.Find(len(e.ids), func(i int) int { return strings.Compare(id, e.ids[i]) })
}

// named finds the numbers of environments, each once.
func (e environments) named(run string, ids []string) ([]uint32, error) {
	if len(ids) > maxEnvironments {
		return nil, invalid("%d environments were named; at most %d may be", len(ids), maxEnvironments)
	}
	var nos []uint32
	seen := make(map[string]bool)
	for _, id := range ids {
		i, found := e.find(id)
		if !found {
			return nil, notFound("no environment %q in run %q", id, run)
		}
		if !seen[id] {
			seen[id] = true
			nos = append(nos, e.nos[i])
		}
	}
	return nos, nil
}
