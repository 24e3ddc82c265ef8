// Package query is the QueryService: it finds runs and series and answers with
// points, or with as few buckets as a chart can draw.
package query

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/query/queryconnect"
)

// Limits of the protocol.
const (
	maxRuns         = 1000
	maxEnvironments = 1000
)

// Options are the surroundings of a Service.
type Options struct {
	Logger *slog.Logger // nil: discarded
	// KeptPoints bounds the points of environments that a question keeps in memory, with
	// what forks inherit, rather than to read them twice; 0: about a million.
	KeptPoints int64
}

// Service implements QueryService on a catalog and its store. RPCs that it does
// not offer yet answer UNIMPLEMENTED.
//
// Answers depend on nothing but the request and what is stored: equal requests
// give equal bytes. Where the protocol leaves the order open, series come by
// metric name, scale and labels, runs as they were asked for.
type Service struct {
	queryconnect.UnimplementedQueryServiceHandler

	catalog *catalog.Catalog
	log     *slog.Logger
	damaged damaged
	metrics metricLists

	definitions definitionCache
	pooled      pooledMemory

	keptPoints int64
}

// New makes the service.
func New(c *catalog.Catalog, o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.KeptPoints == 0 {
		o.KeptPoints = keptPoints
	}
	return &Service{catalog: c, log: o.Logger, keptPoints: o.KeptPoints}
}

// NewHandler serves the service for gRPC, gRPC-Web and Connect below the path
// that it returns.
func NewHandler(s *Service, options ...connect.HandlerOption) (path string, _ http.Handler) {
	options = append(options[:len(options):len(options)], connect.WithCodec(codec{}))
	path, all := queryconnect.NewQueryServiceHandler(s, options...)
	points := connect.NewUnaryHandler(queryconnect.QueryServiceListFloatSeriesProcedure, s.listFloatSeries, options...)
	return path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == queryconnect.QueryServiceListFloatSeriesProcedure {
			points.ServeHTTP(w, r)
			return
		}
		all.ServeHTTP(w, r)
	})
}

func invalid(format string, values ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, values...))
}

func notFound(format string, values ...any) error {
	return connect.NewError(connect.CodeNotFound, fmt.Errorf(format, values...))
}

// failed turns an error of reading into a status; damaged data is named.
func (s *Service) failed(err error) error {
	var status *connect.Error
	if errors.As(err, &status) {
		return err
	}
	if errors.Is(err, store.ErrDeleted) {
		return connect.NewError(connect.CodeNotFound, err)
	}
	s.log.Error("answering a query", "error", err)
	if errors.Is(err, store.ErrCorrupt) {
		return connect.NewError(connect.CodeDataLoss, err)
	}
	return connect.NewError(connect.CodeInternal, err)
}

// syntax turns an error of the grammar into a status.
func syntax(field string, err error) error {
	var e *grammar.SyntaxError
	if errors.As(err, &e) {
		return invalid("%s: %w", field, err)
	}
	return err
}

// runPoints is a run with its stored points; in listings of many runs these are
// nil where they cannot be read.
type runPoints struct {
	*catalog.Run

	points *store.Run
}

// parent is the run that points are inherited from, if it is still there.
func (r runPoints) parent() (parent runPoints, exists bool, err error) {
	run, exists := r.Parent()
	if !exists {
		return runPoints{}, false, nil
	}
	points, err := run.Points()
	return runPoints{run, points}, true, err
}

func (s *Service) findCatalogRun(workspace, project, name string) (*catalog.Run, error) {
	run, found := s.catalog.FindRun(workspace, project, name)
	if !found {
		return nil, notFound("no run %q in project %q of workspace %q", name, project, workspace)
	}
	return run, nil
}

func (s *Service) findRun(workspace, project, name string) (runPoints, error) {
	run, err := s.findCatalogRun(workspace, project, name)
	if err != nil {
		return runPoints{}, err
	}
	points, err := run.Points()
	return runPoints{run, points}, err
}

func (s *Service) findRuns(workspace, project string, names []string) ([]runPoints, error) {
	if len(names) > maxRuns {
		return nil, invalid("%d runs were named; at most %d may be", len(names), maxRuns)
	}
	runs := make([]runPoints, 0, len(names))
	for _, name := range names {
		run, err := s.findRun(workspace, project, name)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}
