package query

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// maxLabelKeys is the most keys of a question about values of labels.
const maxLabelKeys = 10

// definitionsRequest names no runs but one.
type definitionsRequest struct {
	*pb.ListSeriesDefinitionsRequest
}

func (definitionsRequest) GetRunNames() []string { return nil }

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
	var infos []store.SeriesInfo
	known := make(map[string]bool)
	for _, run := range runs {
		for _, info := range selected.of(run.points) {
			if passes(info.Key) && !known[info.Identity] {
				known[info.Identity] = true
				infos = append(infos, info)
			}
		}
	}
	identity := func(info store.SeriesInfo) string { return info.Identity }
	page, token, err := tokenPage(inOrderOfIdentity(infos), identity, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListSeriesDefinitionsResponse{ResumeToken: token}
	for _, info := range page {
		answer.SeriesDefinitions = append(answer.SeriesDefinitions, definition(info.Key))
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
