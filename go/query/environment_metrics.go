package query

import (
	"context"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// ListRLEnvironmentMetricDefinitions lists the metrics of the RL series of a run,
// or of some of its environments, by name and scale.
func (s *Service) ListRLEnvironmentMetricDefinitions(
	_ context.Context, request *connect.Request[pb.ListRLEnvironmentMetricDefinitionsRequest],
) (*connect.Response[pb.ListMetricDefinitionsResponse], error) {
	r := request.Msg
	ids := r.GetEnvironments()
	if r.GetEnvironment() != "" {
		ids = append([]string{r.GetEnvironment()}, ids...)
	}
	wanted := metricsWanted{prefixes: r.GetMetricNamePrefixes(), scales: r.GetScales(), regex: r.GetRegex()}
	metrics, err := s.environmentMetrics(r.GetWorkspace(), r.GetProject(), []string{r.GetRun()}, ids, wanted)
	if err != nil {
		return nil, s.failed(err)
	}
	return listMetrics(metrics, r.Limit, r.ResumeToken)
}

// ListRLEnvironmentMetricDefinitionsAcrossRuns is the same over several runs.
func (s *Service) ListRLEnvironmentMetricDefinitionsAcrossRuns(
	_ context.Context, request *connect.Request[pb.ListRLEnvironmentMetricDefinitionsAcrossRunsRequest],
) (*connect.Response[pb.ListMetricDefinitionsResponse], error) {
	r := request.Msg
	wanted := metricsWanted{prefixes: r.GetMetricNamePrefixes(), scales: r.GetScales(), regex: r.GetRegex()}
	metrics, err := s.environmentMetrics(r.GetWorkspace(), r.GetProject(), r.GetRuns(), nil, wanted)
	if err != nil {
		return nil, s.failed(err)
	}
	return listMetrics(metrics, r.Limit, r.ResumeToken)
}

// BrowseRLEnvironmentMetricDefinitions is one level of the metrics' names.
func (s *Service) BrowseRLEnvironmentMetricDefinitions(
	_ context.Context, request *connect.Request[pb.BrowseRLEnvironmentMetricDefinitionsRequest],
) (*connect.Response[pb.BrowseMetricDefinitionsResponse], error) {
	r := request.Msg
	ids := r.GetEnvironments()
	if r.GetEnvironment() != "" {
		ids = append([]string{r.GetEnvironment()}, ids...)
	}
	metrics, err := s.environmentMetrics(r.GetWorkspace(), r.GetProject(), []string{r.GetRun()}, ids, metricsWanted{regex: r.GetRegex()})
	if err != nil {
		return nil, s.failed(err)
	}
	return browseMetrics(metrics, r.GetDirectory(), r.Limit, r.ResumeToken)
}

// BrowseRLEnvironmentMetricDefinitionsAcrossRuns is the same over several runs.
func (s *Service) BrowseRLEnvironmentMetricDefinitionsAcrossRuns(
	_ context.Context, request *connect.Request[pb.BrowseRLEnvironmentMetricDefinitionsAcrossRunsRequest],
) (*connect.Response[pb.BrowseMetricDefinitionsResponse], error) {
	r := request.Msg
	metrics, err := s.environmentMetrics(r.GetWorkspace(), r.GetProject(), r.GetRuns(), nil, metricsWanted{regex: r.GetRegex()})
	if err != nil {
		return nil, s.failed(err)
	}
	return browseMetrics(metrics, r.GetDirectory(), r.Limit, r.ResumeToken)
}

// BrowseMetricDefinitions is one level of the names that ListMetricDefinitions
// lists.
func (s *Service) BrowseMetricDefinitions(
	_ context.Context, request *connect.Request[pb.BrowseMetricDefinitionsRequest],
) (*connect.Response[pb.BrowseMetricDefinitionsResponse], error) {
	r := request.Msg
	runs, err := s.runsToDescribe(r)
	if err != nil {
		return nil, s.failed(err)
	}
	passes, err := metricFilter(metricsWanted{regex: r.GetRegex(), kinds: r.GetValueKinds()})
	if err != nil {
		return nil, err
	}
	return browseMetrics(s.metricsOf(r, runs, passes), r.GetDirectory(), r.Limit, r.ResumeToken)
}

func listMetrics(metrics []*metric, limit *int64, token *string) (*connect.Response[pb.ListMetricDefinitionsResponse], error) {
	page, next, err := tokenPage(metrics, metricKey, limit, token)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListMetricDefinitionsResponse{MetricDefinitions: encodeMetrics(page), ResumeToken: next}), nil
}

func browseMetrics(
	metrics []*metric, directory string, limit *int64, token *string,
) (*connect.Response[pb.BrowseMetricDefinitionsResponse], error) {
	name := func(m *metric) string { return m.name }
	directories, page, next, err := browsePage(metrics, name, metricKey, directory, limit, token)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.BrowseMetricDefinitionsResponse{
		Directories: directories, MetricDefinitions: encodeMetrics(page), ResumeToken: next,
	}), nil
}

// environmentMetrics finds the metrics that have RL points: of the environments
// named, or of any.
func (s *Service) environmentMetrics(workspace, project string, names, ids []string, wanted metricsWanted) ([]*metric, error) {
	passes, err := metricFilter(wanted)
	if err != nil {
		return nil, err
	}
	runs, err := s.findAcross(workspace, project, names)
	if err != nil {
		return nil, err
	}
	var infos []store.SeriesInfo
	for _, run := range runs {
		if len(ids) == 0 {
			for _, info := range run.points.SeriesInfos() {
				if info.RL {
					infos = append(infos, info)
				}
			}
			continue
		}
		envs, err := run.pickEnvironments(ids)
		if err != nil {
			return nil, err
		}
		for _, env := range envs {
			infos = append(infos, run.points.EnvSeries(env.No)...)
		}
	}
	return metricsOf(infos, passes), nil
}
