package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ListSeriesSummaries sums up series of runs: every series that a query selects
// is a row, with the functions that were asked for. Runs come as named, their
// series by identity.
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
	var rows []summaryRow
	for i, run := range runs {
		more, err := asked.rows(i, run)
		if err != nil {
			return nil, s.failed(err)
		}
		rows = append(rows, more...)
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
		summed, err := asked.encode(run, page[:n])
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
	no       uint32
	identity string
	group    *groupSummary
	funcs    []string // of a group
}

func (row summaryRow) order() string { return fmt.Sprintf("%04d\x00%s", row.run, row.identity) }

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

// rows gives the series of the i-th run, and what others are reduced to.
func (asked summaryQueries) rows(i int, run runPoints) ([]summaryRow, error) {
	refs := asked.of(run)
	rows := make([]summaryRow, 0, len(refs))
	for _, ref := range refs {
		if ref.Standard {
			rows = append(rows, summaryRow{run: i, no: ref.No, identity: ref.Identity})
		}
	}
	known := make(map[string]int) // places of groups
	for _, q := range asked.reduced {
		g, _ := groupingOf(q.Series)
		groups, err := run.reduceSummaries(q.Series, g)
		if err != nil {
			return nil, err
		}
		for _, group := range groups.sorted() {
			k, found := known[group.identity]
			if !found {
				k, known[group.identity] = len(rows), len(rows)
				rows = append(rows, summaryRow{run: i, identity: group.identity, group: group})
			}
			rows[k].funcs = append(rows[k].funcs, q.Funcs...)
		}
	}
	byIdentity := func(a, b summaryRow) int { return strings.Compare(a.identity, b.identity) }
	if !slices.IsSortedFunc(rows, byIdentity) {
		slices.SortStableFunc(rows, byIdentity)
	}
	return rows, nil
}

// of gives the series of a run that any query selects.
func (asked summaryQueries) of(run runPoints) []store.SeriesRef {
	if len(asked.queries) == 0 {
		return nil
	}
	return run.points.SeriesRefs(sortedKeys(asked.byName), asked.test(false))
}

// funcs are those that the queries that select a series ask for.
func (asked summaryQueries) funcs(key point.Series) []string {
	named := asked.byName[key.Name]
	if len(named) == 1 {
		return named[0].funcs
	}
	var funcs []string
	for _, q := range named {
		if q.selects(key, false) {
			funcs = append(funcs, q.funcs...)
		}
	}
	return funcs
}

// encodedSummary is one row as the wire has it, in one piece of memory.
type encodedSummary struct {
	row     pb.KeyedSeriesSummary
	summary common.SeriesSummary
	kind    common.SeriesSummary_Regular
	regular common.RegSeriesSummary
	time    timestamppb.Timestamp
	series  encodedDefinition

	first, last, sum, min, max, avg, std float64
	count                                uint64
}

func (asked summaryQueries) encode(run runPoints, rows []summaryRow) ([]*pb.KeyedSeriesSummary, error) {
	encoded := make([]encodedSummary, len(rows))
	out := make([]*pb.KeyedSeriesSummary, len(rows))
	infos := run.points.SeriesAt(numbersOf(rows))
	for i, row := range rows {
		e := &encoded[i]
		out[i] = &e.row
		if row.group != nil {
			if err := e.fillReduced(row.group, row.funcs); err != nil {
				return nil, err
			}
			continue
		}
		info := &infos[0]
		infos = infos[1:]
		sum, err := run.sumUp(info)
		if err != nil {
			return nil, err
		}
		if err := e.fill(info, &sum, asked.funcs(info.Key)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func numbersOf(rows []summaryRow) []uint32 {
	numbers := make([]uint32, 0, len(rows))
	for _, row := range rows {
		if row.group == nil {
			numbers = append(numbers, row.no)
		}
	}
	return numbers
}

func (r runPoints) sumUp(info *store.SeriesInfo) (sum summary, err error) {
	if info.Ordered() {
		sum.addSummed(*info)
		return sum, nil
	}
	c, err := r.readColumn(*info)
	sum.add(c.values)
	return sum, err
}

func (e *encodedSummary) fill(info *store.SeriesInfo, sum *summary, functions []string) error {
	e.time.Seconds, e.time.Nanos = secondsOf(info.LastTime)
	e.regular.LastStep, e.regular.LastTimestamp = info.LastStep, &e.time
	for _, function := range functions {
		v, ok, err := sum.value(function)
		if err != nil {
			return err
		}
		if ok {
			e.set(function, v)
		}
	}
	e.kind.Regular = &e.regular
	e.summary.Kind = &e.kind
	e.row.Definition, e.row.SummaryValues = e.series.fill(info.Key), &e.summary
	return nil
}

func (e *encodedSummary) fillReduced(group *groupSummary, functions []string) error {
	definition, summed, err := group.encode(functions)
	if err != nil {
		return err
	}
	e.summary.Kind = &common.SeriesSummary_Aggregated{Aggregated: summed}
	e.row.Definition, e.row.SummaryValues = definition, &e.summary
	return nil
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

func (e *encodedSummary) set(function string, v float64) {
	out := &e.regular
	switch function {
	case "first":
		e.first, out.First = v, &e.first
	case "last":
		e.last, out.Last = v, &e.last
	case "sum":
		e.sum, out.Sum = v, &e.sum
	case "min":
		e.min, out.Min = v, &e.min
	case "max":
		e.max, out.Max = v, &e.max
	case "avg":
		e.avg, out.Avg = v, &e.avg
	case "std":
		e.std, out.Std = v, &e.std
	case "count":
		e.count, out.Count = uint64(v), &e.count
	}
}
