package query

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/workers"
)

// ListSeriesSummaries sums up series of runs: every series that a query selects
// is a row, with the functions that were asked for. Runs come as named, their
// series by identity. A series that has RL points only is summed up over all
// environments, as in ListRuns; its last step is its highest rl_step.
func (s *Service) ListSeriesSummaries(
	_ context.Context, request *connect.Request[pb.ListSeriesSummariesRequest],
) (*connect.Response[pb.ListSeriesSummariesResponse], error) {
	r := request.Msg
	asked, err := parseSummaries(r.GetSummaryQueries())
	if err != nil {
		return nil, err
	}
	runs, err := s.findRuns(r.GetWorkspace(), r.GetProject(), r.GetRunNames())
	if err != nil {
		return nil, s.failed(err)
	}
	room := sumsRoom.Get().(*[]store.SelectedSums)
	*room = (*room)[:0]
	defer sumsRoom.Put(room)
	rows, err := s.summaryRows(asked, runs, r, room)
	if err != nil {
		return nil, err
	}
	page, token, err := tokenPage(rows, summaryRow.order, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListSeriesSummariesResponse{ResumeToken: token}
	for len(page) > 0 {
		n := 1
		for n < len(page) && page[n].run == page[0].run {
			n++
		}
		run := runs[page[0].run]
		summed, err := s.encodeSummaries(&asked, run, page[:n])
		if err != nil {
			return nil, s.failed(err)
		}
		answer.RunSeriesSummaries = append(answer.RunSeriesSummaries, &pb.ListSeriesSummariesResponse_RunSeriesSummaries{
			Run: run.Name, SeriesSummaries: summed,
		})
		page = page[n:]
	}
	return connect.NewResponse(answer), nil
}

// summaryRow is one series of one of the runs, or what several are reduced to.
type summaryRow struct {
	run      int
	identity string
	sums     *store.SelectedSums
	group    *groupSummary
}

func (row summaryRow) order() string { return orderOfRun(row.run) + row.identity }

// orderOfRun is what the order of all rows of a run begins with.
func orderOfRun(i int) string { return fmt.Sprintf("%04d\x00", i) }

// sumsRoom keeps memory for the sums of a page.
var sumsRoom = sync.Pool{New: func() any { return new([]store.SelectedSums) }}

// summaryRows gives the rows behind a token, of the runs in turn, until there are more
// than fill the page.
func (s *Service) summaryRows(
	asked summaryQueries, runs []runPoints, r *pb.ListSeriesSummariesRequest, room *[]store.SelectedSums,
) ([]summaryRow, error) {
	size, last, err := parseTokenPage(r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	var rows []summaryRow
	for i, run := range runs {
		after, resumed := strings.CutPrefix(last, orderOfRun(i))
		if !resumed && last > orderOfRun(i) {
			continue
		}
		if !resumed {
			after = ""
		}
		more, err := asked.rows(i, run, after, size+1-len(rows), room)
		if err != nil {
			return nil, s.failed(err)
		}
		if rows == nil {
			rows = more
		} else {
			rows = append(rows, more...)
		}
		if len(rows) > size {
			break
		}
	}
	return rows, nil
}

// summaryQueries are the queries of a request with their functions.
type summaryQueries struct {
	selector // without those that reduce

	byName  map[string][]summaryQuery
	reduced []grammar.Summary
}

type summaryQuery struct {
	matcher

	funcs []string
}

func parseSummaries(texts []string) (summaryQueries, error) {
	asked := summaryQueries{byName: make(map[string][]summaryQuery)}
	for _, text := range texts {
		q, err := grammar.ParseSummary(text)
		if err != nil {
			return asked, syntax("summary_queries", err)
		}
		if err := supported(q.Series); err != nil {
			return asked, err
		}
		var nothing summary
		g, reduces := groupingOf(q.Series)
		if reduces {
			nothing.edges = &edges{reducer: g.reducer}
		}
		for _, function := range q.Funcs {
			if _, _, err := nothing.value(function); err != nil {
				return asked, err
			}
		}
		if reduces {
			q.Funcs = rowFunctions(q.Funcs, g.reducer)
			asked.reduced = append(asked.reduced, q)
			continue
		}
		asked.queries = append(asked.queries, q.Series)
		asked.byName[q.Series.Name] = append(asked.byName[q.Series.Name], summaryQuery{newMatcher(q.Series), q.Funcs})
	}
	return asked, nil
}

// rows gives the series of the i-th run, and what others are reduced to: those behind
// an identity, of these the first.
func (asked summaryQueries) rows(i int, run runPoints, after string, most int, room *[]store.SelectedSums) ([]summaryRow, error) {
	sums := asked.of(run, after, most, room)
	rows := make([]summaryRow, len(sums))
	for k := range sums {
		rows[k] = summaryRow{run: i, identity: sums[k].Identity, sums: &sums[k]}
	}
	if len(asked.reduced) == 0 {
		return rows, nil
	}
	known := make(map[string]*groupSummary)
	for _, q := range asked.reduced {
		g, _ := groupingOf(q.Series)
		groups, err := run.reduceSummaries(q.Series, g)
		if err != nil {
			return nil, err
		}
		for _, group := range groups.sorted() {
			if known[group.identity] == nil {
				known[group.identity] = group
			}
			known[group.identity].funcs = append(known[group.identity].funcs, q.Funcs...)
		}
	}
	for _, identity := range sortedKeys(known) {
		if identity > after {
			rows = append(rows, summaryRow{run: i, identity: identity, group: known[identity]})
		}
	}
	slices.SortStableFunc(rows, func(a, b summaryRow) int { return strings.Compare(a.identity, b.identity) })
	return rows[:min(most, len(rows))], nil
}

// of sums up the series of a run that any query selects.
func (asked summaryQueries) of(run runPoints, after string, most int, room *[]store.SelectedSums) []store.SelectedSums {
	if len(asked.queries) == 0 {
		return nil
	}
	from := len(*room)
	*room = run.points.AppendSelected(*room, asked.selections(false), after, most)
	return (*room)[from:]
}

// funcs are those that the queries that select a series ask for.
func (asked *summaryQueries) funcs(key *point.Series) []string {
	named := asked.byName[key.Name]
	if len(named) == 1 {
		return named[0].funcs
	}
	var funcs []string
	for _, q := range named {
		if q.selects(*key, false) {
			funcs = append(funcs, q.funcs...)
		}
	}
	return funcs
}

// encodeSummaries writes rows of a run as the wire has them.
func (s *Service) encodeSummaries(asked *summaryQueries, run runPoints, rows []summaryRow) ([]*pb.KeyedSeriesSummary, error) {
	const few = 2048 // rows, for which a goroutine would not pay
	out := make([]*pb.KeyedSeriesSummary, len(rows))
	definitions := s.definitions.of(run, rows)
	err := workers.Parts(workers.PartsOf(len(rows), few), len(rows), func(_, from, to int) error {
		w := summaryWriter{asked: asked, run: run}
		return w.write(out[from:to], rows[from:to], definitions[from:to])
	})
	return out, err
}

// summaryWriter writes rows into few pieces of memory.
type summaryWriter struct {
	asked  *summaryQueries
	run    runPoints
	sum    summary // of the row
	values []float64
	counts []uint64
	// Of the row before: those of many are the same.
	name   string
	same   bool // of all series of the name
	funcs  []string
	millis int64
	time   *timestamppb.Timestamp
}

// encodedSummary is one row.
type encodedSummary struct {
	row     pb.KeyedSeriesSummary
	summary common.SeriesSummary
	kind    common.SeriesSummary_Regular
	regular common.RegSeriesSummary
}

func (w *summaryWriter) write(out []*pb.KeyedSeriesSummary, rows []summaryRow, definitions []*common.SeriesDefinition) error {
	encoded := make([]encodedSummary, len(rows))
	for i := range rows {
		e := &encoded[i]
		out[i] = &e.row
		e.row.SummaryValues = &e.summary
		if group := rows[i].group; group != nil {
			definition, summed, err := group.encode()
			if err != nil {
				return err
			}
			e.row.Definition, e.summary.Kind = definition, &common.SeriesSummary_Aggregated{Aggregated: summed}
			continue
		}
		e.row.Definition, e.summary.Kind, e.kind.Regular = definitions[i], &e.kind, &e.regular
		if err := w.fill(&e.regular, rows[i].sums); err != nil {
			return err
		}
	}
	return nil
}

func (w *summaryWriter) fill(out *common.RegSeriesSummary, sums *store.SelectedSums) error {
	sum := &w.sum
	*sum = summary{}
	if err := w.run.addSelected(sum, sums); err != nil {
		return err
	}
	out.LastStep, out.LastTimestamp = sums.LastStep, w.timeOf(sums.LastTime)
	for _, function := range w.funcsOf(sums.Key) {
		v, ok, err := sum.value(function)
		if err != nil {
			return err
		}
		if ok {
			w.set(out, function, v)
		}
	}
	return nil
}

func (w *summaryWriter) funcsOf(key *point.Series) []string {
	if !w.same || w.name != key.Name {
		w.name, w.same, w.funcs = key.Name, len(w.asked.byName[key.Name]) == 1, w.asked.funcs(key)
	}
	return w.funcs
}

func (w *summaryWriter) timeOf(millis int64) *timestamppb.Timestamp {
	if w.time == nil || w.millis != millis {
		w.millis, w.time = millis, &timestamppb.Timestamp{}
		w.time.Seconds, w.time.Nanos = secondsOf(millis)
	}
	return w.time
}

// secondsOf cuts Unix milliseconds as a Timestamp has them.
func secondsOf(millis int64) (seconds int64, nanos int32) {
	seconds = millis / 1000
	rest := millis % 1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	return seconds, int32(rest) * 1_000_000
}

func (w *summaryWriter) set(out *common.RegSeriesSummary, function string, v float64) {
	switch function {
	case "first":
		out.First = placed(&w.values, v)
	case "last":
		out.Last = placed(&w.values, v)
	case "sum":
		out.Sum = placed(&w.values, v)
	case "min":
		out.Min = placed(&w.values, v)
	case "max":
		out.Max = placed(&w.values, v)
	case "avg":
		out.Avg = placed(&w.values, v)
	case "std":
		out.Std = placed(&w.values, v)
	case "count":
		out.Count = placed(&w.counts, uint64(v))
	}
}

// placed puts a number behind others in memory and says where.
func placed[T any](room *[]T, v T) *T {
	const together = 512
	if len(*room) == cap(*room) {
		*room = make([]T, 0, together)
	}
	*room = append(*room, v)
	return &(*room)[len(*room)-1]
}
