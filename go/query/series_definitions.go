package query

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxLabelKeys is the most keys of a question about values of labels.
const maxLabelKeys = 10

// definitionsRequest names no runs but one.
type definitionsRequest struct {
	*pb.ListSeriesDefinitionsRequest
}

func (definitionsRequest) GetRunNames() []string { return nil }

func seriesKey(key point.Series) string {
	return key.Name + "\x00" + key.Scale + "\x00" + key.FlatLabels()
}

// ListSeriesDefinitions lists series of a run, an experiment or a project, each
// once, by name, scale and labels. Series that any filter selects are listed;
// without filters all are.
func (s *Service) ListSeriesDefinitions(
	_ context.Context, request *connect.Request[pb.ListSeriesDefinitionsRequest],
) (*connect.Response[pb.ListSeriesDefinitionsResponse], error) {
	r := request.Msg
	selected, err := parseSelector(r.GetSeriesFilters())
	if err != nil {
		return nil, err
	}
	passes, err := metricFilter(metricsWanted{kinds: r.GetValueKinds()})
	if err != nil {
		return nil, err
	}
	runs, err := s.runsToDescribe(definitionsRequest{r})
	if err != nil {
		return nil, s.failed(err)
	}
	var keys []point.Series
	known := make(map[string]bool)
	for _, run := range runs {
		for _, info := range selected.of(run.points) {
			if id := seriesKey(info.Key); passes(info.Key) && !known[id] {
				known[id] = true
				keys = append(keys, info.Key)
			}
		}
	}
	slices.SortFunc(keys, func(a, b point.Series) int { return strings.Compare(seriesKey(a), seriesKey(b)) })
	page, token, err := tokenPage(keys, seriesKey, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListSeriesDefinitionsResponse{ResumeToken: token}
	for _, key := range page {
		answer.SeriesDefinitions = append(answer.SeriesDefinitions, definition(key))
	}
	return connect.NewResponse(answer), nil
}

// ListSeriesLabelValues lists the values that labels of a run's series have, by
// key and value. An entry may go on on the next page. Without keys it lists all.
func (s *Service) ListSeriesLabelValues(
	_ context.Context, request *connect.Request[pb.ListSeriesLabelValuesRequest],
) (*connect.Response[pb.ListSeriesLabelValuesResponse], error) {
	r := request.Msg
	passes, err := labelFilter(r.GetLabelKeyFilters())
	if err != nil {
		return nil, err
	}
	run, err := s.findRun(r.GetWorkspace(), r.GetProject(), r.GetRun())
	if err != nil {
		return nil, s.failed(err)
	}
	key := func(l point.Label) string { return l.Key + "\x00" + l.Value }
	known := make(map[point.Label]bool)
	var labels []point.Label
	for _, info := range run.points.SeriesInfos() {
		for _, label := range info.Key.Labels {
			if !known[label] && passes(label) {
				known[label] = true
				labels = append(labels, label)
			}
		}
	}
	slices.SortFunc(labels, func(a, b point.Label) int { return strings.Compare(key(a), key(b)) })
	page, token, err := tokenPage(labels, key, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListSeriesLabelValuesResponse{ResumeToken: token}
	for _, label := range page {
		last := len(answer.LabelKeyValues) - 1
		if last < 0 || answer.LabelKeyValues[last].GetKey() != label.Key {
			answer.LabelKeyValues = append(answer.LabelKeyValues, &pb.ListSeriesLabelValuesResponse_LabelKeyValues{Key: label.Key})
			last++
		}
		answer.LabelKeyValues[last].Values = append(answer.LabelKeyValues[last].Values, label.Value)
	}
	return connect.NewResponse(answer), nil
}

func labelFilter(filters []*pb.ListSeriesLabelValuesRequest_LabelKeyFilter) (func(point.Label) bool, error) {
	if len(filters) > maxLabelKeys {
		return nil, invalid("%d label keys were named; at most %d may be", len(filters), maxLabelKeys)
	}
	byKey := make(map[string]func(string) bool)
	for _, f := range filters {
		pattern, err := regexp.Compile(f.GetValueRegex())
		if err != nil {
			return nil, invalid("value_regex %q: %w", f.GetValueRegex(), err)
		}
		prefix, before := f.GetValuePrefix(), byKey[f.GetKey()]
		byKey[f.GetKey()] = func(value string) bool {
			return strings.HasPrefix(value, prefix) && pattern.MatchString(value) || before != nil && before(value)
		}
	}
	return func(l point.Label) bool {
		passes := byKey[l.Key]
		return len(filters) == 0 || passes != nil && passes(l.Value)
	}, nil
}

// summaryRow is one series of one run with the functions asked for.
type summaryRow struct {
	order string
	run   runPoints
	info  store.SeriesInfo
	funcs []string
}

// ListSeriesSummaries sums up series of runs: every series that a query selects
// is a row, with the functions that were asked for. Runs come as named, their
// series by identity.
func (s *Service) ListSeriesSummaries(
	_ context.Context, request *connect.Request[pb.ListSeriesSummariesRequest],
) (*connect.Response[pb.ListSeriesSummariesResponse], error) {
	r := request.Msg
	queries, err := parseSummaries(r.GetSummaryQueries())
	if err != nil {
		return nil, err
	}
	runs, err := s.findRuns(r.GetWorkspace(), r.GetProject(), r.GetRunNames())
	if err != nil {
		return nil, s.failed(err)
	}
	var rows []summaryRow
	for i, run := range runs {
		rows = append(rows, run.summaryRows(fmt.Sprintf("%04d\x00", i), queries)...)
	}
	page, token, err := tokenPage(rows, func(row summaryRow) string { return row.order }, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListSeriesSummariesResponse{ResumeToken: token}
	for _, row := range page {
		summed, err := row.encode()
		if err != nil {
			return nil, s.failed(err)
		}
		last := len(answer.RunSeriesSummaries) - 1
		if last < 0 || answer.RunSeriesSummaries[last].GetRun() != row.run.Name {
			answer.RunSeriesSummaries = append(answer.RunSeriesSummaries, &pb.ListSeriesSummariesResponse_RunSeriesSummaries{Run: row.run.Name})
			last++
		}
		answer.RunSeriesSummaries[last].SeriesSummaries = append(answer.RunSeriesSummaries[last].SeriesSummaries, summed)
	}
	return connect.NewResponse(answer), nil
}

func parseSummaries(texts []string) ([]grammar.Summary, error) {
	queries := make([]grammar.Summary, 0, len(texts))
	for _, text := range texts {
		q, err := grammar.ParseSummary(text)
		if err != nil {
			return nil, syntax("summary_queries", err)
		}
		if err := summable(q.Series); err != nil {
			return nil, err
		}
		var nothing summary
		for _, function := range q.Funcs {
			if _, _, err := nothing.value(function); err != nil {
				return nil, err
			}
		}
		queries = append(queries, q)
	}
	return queries, nil
}

func (r runPoints) summaryRows(order string, queries []grammar.Summary) []summaryRow {
	byName := make(map[string][]grammar.Summary)
	for _, q := range queries {
		byName[q.Series.Name] = append(byName[q.Series.Name], q)
	}
	var rows []summaryRow
	for _, info := range r.points.SeriesNamed(sortedKeys(byName)...) {
		if !info.Standard {
			continue
		}
		var funcs []string
		for _, q := range byName[info.Key.Name] {
			if !matches(q.Series, info.Key, false) {
				continue
			}
			if funcs == nil {
				funcs = q.Funcs
			} else {
				funcs = append(slices.Clip(funcs), q.Funcs...)
			}
		}
		if funcs != nil {
			rows = append(rows, summaryRow{order + seriesKey(info.Key), r, info, funcs})
		}
	}
	slices.SortFunc(rows, func(a, b summaryRow) int { return strings.Compare(a.order, b.order) })
	return rows
}

func setFunction(out *common.RegSeriesSummary, function string, v float64) {
	switch function {
	case "first":
		out.First = &v
	case "last":
		out.Last = &v
	case "sum":
		out.Sum = &v
	case "min":
		out.Min = &v
	case "max":
		out.Max = &v
	case "avg":
		out.Avg = &v
	case "std":
		out.Std = &v
	case "count":
		count := uint64(v)
		out.Count = &count
	}
}

func (row summaryRow) encode() (*pb.KeyedSeriesSummary, error) {
	var sum summary
	if row.info.Ordered() {
		sum.addSummed(row.info)
	} else {
		c, err := row.run.readColumn(row.info)
		if err != nil {
			return nil, err
		}
		sum.add(c.values)
	}
	out := &common.RegSeriesSummary{
		LastStep: row.info.LastStep, LastTimestamp: timestamppb.New(time.UnixMilli(row.info.LastTime)),
	}
	for _, function := range row.funcs {
		v, ok, err := sum.value(function)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		setFunction(out, function, v)
	}
	return &pb.KeyedSeriesSummary{
		Definition: definition(row.info.Key), SummaryValues: &common.SeriesSummary{Kind: &common.SeriesSummary_Regular{Regular: out}},
	}, nil
}
