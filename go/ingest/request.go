package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
)

// parsed is a request that was checked from end to end before any of it is
// applied: a request is stored whole or not at all. What clients let through but
// this server cannot store is no reason to refuse it, which would cost the client
// all it has in flight: it is left out and counted.
type parsed struct {
	run           *catalog.Run
	points        []seriesPoints
	rl            []environmentPoints
	attributes    []catalog.Update
	envAttributes []environmentAttributes
	skipped       int // attributes that cannot be stored
	skippedPoints int
}

type seriesPoints struct {
	series  uint64 // as declared on the stream
	batches []point.Batch
}

type environmentPoints struct {
	series      uint64
	environment string
	batches     []point.RLBatch
	weight      *rlWeight
}

// rlWeight says when the points of a series are applied, relative to those of other
// series; its own keep their order. The store's rules of total steps ask for what
// counts most env steps first, and for the ends of episodes last.
type rlWeight struct {
	episodic bool // of EPISODE scale
	points   int
}

func (w *rlWeight) compare(other *rlWeight) int {
	switch {
	case w.episodic == other.episodic:
		return cmp.Compare(other.points, w.points)
	case w.episodic:
		return 1
	}
	return -1
}

type environmentAttributes struct {
	environment string
	episode     *uint64
	updates     []catalog.Update
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
	if errors.Is(err, store.ErrDeleted) {
		return store.Pending{}, connect.NewError(connect.CodeNotFound, fmt.Errorf("run %q was deleted", run.Name))
	}
	if err != nil {
		s.log.Error("storing a request", "run", run.Name, "error", err)
		return store.Pending{}, connect.NewError(connect.CodeUnavailable, err)
	}
	return pending, nil
}

// isEmpty tells requests that store nothing: the one that opens a stream, and
// those that only declare series.
func isEmpty(r *ingestion.UpdateRunRequest) bool {
	return !logs(r) && r.GetCloseRun() == nil && r.GetSequenceNumber() == 0
}

// logs tells requests that bring points or attributes from those that only
// declare, or that a logger leaves with.
func logs(r *ingestion.UpdateRunRequest) bool {
	return len(r.GetAttributes()) > 0 || len(r.GetSeries()) > 0 || len(r.GetRlSeries()) > 0 ||
		len(r.GetEnvAttrUpdates()) > 0 || len(r.GetHistogramSeries()) > 0 || len(r.GetScatterSeries()) > 0
}

// declare takes in the series that a request declares. The same declaration may
// come again, ids in any order and with gaps. Names that clients must not send are
// refused, which they hear of at once: no query could ask for them.
func declare(declared map[uint64]declaration, request *ingestion.UpdateRunRequest) error {
	for _, d := range request.GetSeriesDeclarations() {
		next := declaration{
			key:      point.Series{Name: d.GetMetricName(), Scale: d.GetScale(), Labels: point.SortLabels(d.GetLabels())},
			ordering: point.Ordering(d.GetOrdering()),
		}
		if next.key.Scale == "" {
			next.key.Scale = point.ScaleMLStep
		}
		if err := next.key.Check(); err != nil {
			return invalid("series %d: %w", d.GetDeclarationId(), err)
		}
		before, again := declared[d.GetDeclarationId()]
		if again && (before.key.Key() != next.key.Key() || before.ordering != next.ordering) {
			return invalid("series %d is declared as %v, but was declared as %v on this stream", d.GetDeclarationId(), next, before)
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
			if errors.Is(err, wire.ErrBeyondAxis) {
				p.skippedPoints += pointsOf(b)
				continue
			}
			if err != nil {
				return p, invalid("series %d: %w", update.GetSeriesId(), err)
			}
			points.batches = append(points.batches, batch)
		}
		p.points = append(p.points, points)
	}
	if err := parseRL(declared, request, now, &p); err != nil {
		return p, err
	}
	parseAttributes(request, &p)
	return p, nil
}

// pointsOf counts the points of a batch that is not read.
func pointsOf(b interface {
	GetValues() []float64
	GetValuesF32() []float32
}) int {
	return len(b.GetValues()) + len(b.GetValuesF32())
}

func parseAttributes(request *ingestion.UpdateRunRequest, p *parsed) {
	p.attributes, p.skipped = decodeAttributes(request.GetAttributes())
	for _, update := range request.GetEnvAttrUpdates() {
		environment, storable := environmentOf(update.GetEnvironmentId())
		if !storable || update.GetEpisode() > math.MaxInt64 {
			p.skipped += len(update.GetAttributes())
			continue
		}
		updates, skipped := decodeAttributes(update.GetAttributes())
		p.skipped += skipped
		p.envAttributes = append(p.envAttributes, environmentAttributes{environment, update.Episode, updates})
	}
}

// environmentOf gives the id of an environment, where none means the default
// one. It is part of keys, so not every id can be stored.
func environmentOf(id string) (_ string, storable bool) {
	if id == "" {
		return point.DefaultEnvironment, true
	}
	return id, len(id) <= catalog.MaxKeyText && !strings.ContainsFunc(id, unicode.IsControl)
}

func parseRL(declared map[uint64]declaration, request *ingestion.UpdateRunRequest, now int64, p *parsed) error {
	p.rl = make([]environmentPoints, 0, len(request.GetRlSeries()))
	total := 0
	for _, update := range request.GetRlSeries() {
		total += len(update.GetRlStepBatches())
	}
	batches := make([]point.RLBatch, 0, total) // of all environments, one after the other
	weights := make(map[uint64]*rlWeight)
	for _, update := range request.GetRlSeries() {
		weight, known := weights[update.GetSeriesId()]
		if !known {
			series, known := declared[update.GetSeriesId()]
			if !known {
				return invalid("series %d was not declared on this stream", update.GetSeriesId())
			}
			weight = &rlWeight{episodic: series.key.Scale == point.ScaleEpisode}
			weights[update.GetSeriesId()] = weight
		}
		environment, storable := environmentOf(update.GetEnvironmentId())
		points := environmentPoints{series: update.GetSeriesId(), environment: environment, weight: weight}
		first := len(batches)
		for _, b := range update.GetRlStepBatches() {
			batch, err := wire.DecodeRLBatch(b, now)
			if !storable || errors.Is(err, wire.ErrBeyondAxis) {
				p.skippedPoints += pointsOf(b)
				continue
			}
			if err != nil {
				return invalid("series %d in environment %q: %w", points.series, points.environment, err)
			}
			batches = append(batches, batch)
			weight.points += len(batch.Values)
		}
		if points.batches = batches[first:]; storable {
			p.rl = append(p.rl, points)
		}
	}
	slices.SortStableFunc(p.rl, func(a, b environmentPoints) int { return a.weight.compare(b.weight) })
	return nil
}

// write applies a parsed request in one transaction. A request that was applied
// before, which a client sends again when it missed the acknowledgement, only
// waits until that is durable.
func (s *Service) write(declared map[uint64]declaration, request *ingestion.UpdateRunRequest, p parsed) (store.Pending, error) {
	edit, err := p.run.Begin()
	if err != nil {
		return store.Pending{}, err
	}
	defer edit.Abort() // when a bug of ours panics, the run must not stay locked
	session, sequence := request.GetLoggerSessionId(), request.GetSequenceNumber()
	numbered := session != 0 && sequence != 0
	if numbered {
		again := edit.Tx.Applied(session, sequence)
		edit.Tx.MarkApplied(session, sequence)
		if again {
			return edit.CommitKnown()
		}
	}
	if logs(request) {
		edit.Logged()
	}
	writePoints(edit.Tx, declared, request.GetLoggerId(), p, numbered)
	at := time.Now().UTC()
	s.editCatalog(edit, request, p, at)
	return edit.Commit(at)
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
func (s *Service) editCatalog(edit *catalog.Edit, request *ingestion.UpdateRunRequest, p parsed, at time.Time) {
	skipped := p.skipped + edit.Attributes(p.attributes)
	for _, update := range p.envAttributes {
		skipped += edit.EnvAttributes(update.environment, update.episode, update.updates)
	}
	histograms, scatters := 0, 0
	for _, update := range request.GetHistogramSeries() {
		histograms += len(update.GetPoints())
	}
	for _, update := range request.GetScatterSeries() {
		scatters += len(update.GetPoints())
	}
	s.countNotStored(edit, p.run, "attributes", skipped)
	s.countNotStored(edit, p.run, "points", p.skippedPoints)
	s.countNotStored(edit, p.run, "histograms", histograms)
	s.countNotStored(edit, p.run, "scatters", scatters)
	if request.GetCloseRun() != nil {
		edit.Close(at)
	}
}

// countNotStored adds to what the run says of itself, and says so in the log the
// first time.
func (s *Service) countNotStored(edit *catalog.Edit, run *catalog.Run, what string, n int) {
	if first := edit.CountNotStored(what, n); first {
		s.log.Warn("not stored, only counted", "run", run.Name, "what", what, "count", n)
	}
}
