package ingest

import (
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
)

// parsed is a request that was checked from end to end before any of it is
// applied: a request is stored whole or not at all.
type parsed struct {
	run    *catalog.Run
	points []seriesPoints
	rl     []environmentPoints
}

type seriesPoints struct {
	series  uint64 // as declared on the stream
	batches []point.Batch
}

type environmentPoints struct {
	series      uint64
	environment string
	batches     []point.RLBatch
}

func invalid(format string, values ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, values...))
}

// apply checks a request and stores it; what it returns is to be waited for.
func (s *Service) apply(declared map[uint64]declaration, request *ingestion.UpdateRunRequest) (store.Pending, error) {
	run, known := s.catalog.Run(request.GetRunId())
	if !known {
		return store.Pending{}, connect.NewError(connect.CodeNotFound, fmt.Errorf("no run with id %x", request.GetRunId()))
	}
	if err := declare(declared, request); err != nil {
		return store.Pending{}, err
	}
	if isEmpty(request) {
		return store.Pending{}, nil
	}
	p, err := parse(declared, request)
	if err != nil {
		return store.Pending{}, err
	}
	p.run = run
	pending, err := s.write(declared, request, p)
	if err != nil {
		s.log.Error("storing a request", "run", run.Name, "error", err)
		return store.Pending{}, connect.NewError(connect.CodeUnavailable, err)
	}
	return pending, nil
}

// isEmpty tells requests that store nothing: the one that opens a stream, and
// those that only declare series.
func isEmpty(r *ingestion.UpdateRunRequest) bool {
	return len(r.GetAttributes()) == 0 && len(r.GetSeries()) == 0 && len(r.GetRlSeries()) == 0 &&
		len(r.GetEnvAttrUpdates()) == 0 && len(r.GetHistogramSeries()) == 0 && len(r.GetScatterSeries()) == 0 &&
		r.GetCloseRun() == nil && r.GetSequenceNumber() == 0
}

// declare takes in the series that a request declares. The same declaration may
// come again, ids in any order and with gaps.
func declare(declared map[uint64]declaration, request *ingestion.UpdateRunRequest) error {
	for _, d := range request.GetSeriesDeclarations() {
		next := declaration{
			key:      point.Series{Name: d.GetMetricName(), Scale: d.GetScale(), Labels: point.SortLabels(d.GetLabels())},
			ordering: point.Ordering(d.GetOrdering()),
		}
		if next.key.Scale == "" {
			next.key.Scale = point.ScaleMLStep
		}
		if next.key.Name == "" {
			return invalid("series %d is declared without a metric name", d.GetDeclarationId())
		}
		before, again := declared[d.GetDeclarationId()]
		if again && before.key.Key() != next.key.Key() {
			return invalid("series %d was declared as %q (%s) and is declared as %q (%s)",
				d.GetDeclarationId(), before.key.Name, before.key.Scale, next.key.Name, next.key.Scale)
		}
		declared[d.GetDeclarationId()] = next
	}
	return nil
}

func parse(declared map[uint64]declaration, request *ingestion.UpdateRunRequest) (parsed, error) {
	var p parsed
	now := time.Now().UnixMilli()
	for _, update := range request.GetSeries() {
		if _, known := declared[update.GetSeriesId()]; !known {
			return p, invalid("series %d was not declared on this stream", update.GetSeriesId())
		}
		points := seriesPoints{series: update.GetSeriesId()}
		for _, b := range update.GetPointBatches() {
			batch, err := wire.DecodeBatch(b, now)
			if err != nil {
				return p, invalid("series %d: %w", update.GetSeriesId(), err)
			}
			points.batches = append(points.batches, batch)
		}
		p.points = append(p.points, points)
	}
	return p, parseRL(declared, request, now, &p)
}

func parseRL(declared map[uint64]declaration, request *ingestion.UpdateRunRequest, now int64, p *parsed) error {
	p.rl = make([]environmentPoints, 0, len(request.GetRlSeries()))
	for _, update := range request.GetRlSeries() {
		if _, known := declared[update.GetSeriesId()]; !known {
			return invalid("series %d was not declared on this stream", update.GetSeriesId())
		}
		points := environmentPoints{series: update.GetSeriesId(), environment: update.GetEnvironmentId()}
		if points.environment == "" {
			points.environment = point.DefaultEnvironment
		}
		points.batches = make([]point.RLBatch, 0, len(update.GetRlStepBatches()))
		for _, b := range update.GetRlStepBatches() {
			batch, err := wire.DecodeRLBatch(b, now)
			if err != nil {
				return invalid("series %d in environment %q: %w", points.series, points.environment, err)
			}
			points.batches = append(points.batches, batch)
		}
		p.rl = append(p.rl, points)
	}
	return nil
}

// write applies a parsed request in one transaction. A request that was applied
// before, which a client sends again when it missed the acknowledgement, only
// waits until that is durable.
func (s *Service) write(declared map[uint64]declaration, request *ingestion.UpdateRunRequest, p parsed) (store.Pending, error) {
	points, err := p.run.Points()
	if err != nil {
		return store.Pending{}, err
	}
	session, sequence := request.GetLoggerSessionId(), request.GetSequenceNumber()
	numbered := session != 0 && sequence != 0
	tx := points.Begin()
	if numbered {
		again := tx.Applied(session, sequence)
		tx.MarkApplied(session, sequence)
		if again {
			return tx.Commit()
		}
	}
	writePoints(tx, declared, request.GetLoggerId(), p, numbered)
	edit := p.run.Edit(tx)
	at := time.Now().UTC()
	s.editCatalog(edit, request, p.run, at)
	if err := edit.Finish(at); err != nil {
		tx.Abort()
		return store.Pending{}, errors.Join(err, errors.New("nothing of the request was stored"))
	}
	pending, err := tx.Commit()
	if err != nil {
		return store.Pending{}, err
	}
	edit.Apply(at)
	return pending, nil
}

func writePoints(tx *store.Tx, declared map[uint64]declaration, logger uint64, p parsed, mayRestart bool) {
	numbers := make(map[uint64]uint32)
	number := func(id uint64) uint32 {
		no, known := numbers[id]
		if !known {
			no = tx.Series(declared[id].key, declared[id].ordering)
			numbers[id] = no
		}
		return no
	}
	for _, series := range p.points {
		for _, b := range series.batches {
			tx.Append(number(series.series), logger, b)
		}
	}
	for _, environment := range p.rl {
		env := tx.Environment(environment.environment)
		for _, b := range environment.batches {
			tx.AppendRL(number(environment.series), env, b, mayRestart)
		}
	}
}

// editCatalog applies attributes and the closing of the run, and counts what is
// acknowledged but cannot be stored.
func (s *Service) editCatalog(edit *catalog.Edit, request *ingestion.UpdateRunRequest, run *catalog.Run, at time.Time) {
	skipped := edit.Attributes(decodeAttributes(request.GetAttributes()))
	for _, update := range request.GetEnvAttrUpdates() {
		skipped += edit.EnvAttributes(update.GetEnvironmentId(), update.Episode, decodeAttributes(update.GetAttributes()))
	}
	if skipped > 0 {
		edit.CountNotStored("attributes", skipped)
		s.log.Warn("attributes were skipped", "run", run.Name, "count", skipped)
	}
	histograms, scatters := 0, 0
	for _, update := range request.GetHistogramSeries() {
		histograms += len(update.GetPoints())
	}
	for _, update := range request.GetScatterSeries() {
		scatters += len(update.GetPoints())
	}
	edit.CountNotStored("histograms", histograms)
	edit.CountNotStored("scatters", scatters)
	if request.GetCloseRun() != nil {
		edit.Close(at)
	}
}
