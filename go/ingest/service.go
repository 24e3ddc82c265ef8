// Package ingest is the IngestService: it opens runs for loggers and takes their
// streams of updates, applies each request once and acknowledges it when it is
// durable.
package ingest

import (
	"log/slog"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/wire/pb/ingestion/ingestionconnect"
)

// Options are the surroundings of a Service.
type Options struct {
	Logger *slog.Logger // nil: discarded
	// CreateWorkspaces makes workspaces as clients name them: local mode.
	CreateWorkspaces bool
}

// Service implements IngestService on a catalog and its store. RPCs that no
// client of the public protocol needs for metrics answer UNIMPLEMENTED.
type Service struct {
	ingestionconnect.UnimplementedIngestServiceHandler

	catalog          *catalog.Catalog
	log              *slog.Logger
	createWorkspaces bool
}

// New makes the service.
func New(c *catalog.Catalog, o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{catalog: c, log: o.Logger, createWorkspaces: o.CreateWorkspaces}
}
