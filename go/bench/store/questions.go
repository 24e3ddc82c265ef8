//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/wire/pb/query/queryconnect"
)

// answering is who answers: the Service in this process or a client of a server.
// Both have the same methods.
type answering = queryconnect.QueryServiceClient

// A question asks for the i-th time, each time for something else where the
// question allows it, and fails when the answer is not what the workload holds.
type question struct {
	name string
	ask  func(ctx context.Context, q answering, i int) error
}

// questions are q1 to q5 and the others that issue targets, on `points` points a
// series of the workload.
func questions(points int) []question {
	return []question{
		{"q1", bucketsOfOne},
		{"q2", func(ctx context.Context, q answering, i int) error { return rangeOfOne(ctx, q, i, points) }},
		{"q3", bucketsOfHundred},
		{"q4", aggregate([]pb.RLEnvironmentsAggregation{avg, std}, "")},
		{"q4_filtered", aggregate([]pb.RLEnvironmentsAggregation{avg, std}, `attr(environment_id) CONTAINS "7"`)},
		{"q4_median", aggregate([]pb.RLEnvironmentsAggregation{median}, "")},
		{"q5", lastValues},
		{"long_series", bucketsOfLong},
		{"run_table", runTable},
		{"definitions", definitions},
	}
}

const (
	avg    = pb.RLEnvironmentsAggregation_RL_ENVIRONMENTS_AGGREGATION_AVG
	std    = pb.RLEnvironmentsAggregation_RL_ENVIRONMENTS_AGGREGATION_STD
	median = pb.RLEnvironmentsAggregation_RL_ENVIRONMENTS_AGGREGATION_MEDIAN
)

func aSeries(i int) string {
	return fmt.Sprintf(`%s(filter=(env="%s"))`, metricName(i%metrics), environmentName(i*131%environments))
}

func buckets(ctx context.Context, q answering, run string, queries []string, wanted int) error {
	count := int64(1000)
	answer, err := q.ListFloatSeriesBuckets(ctx, connect.NewRequest(&pb.ListFloatSeriesBucketsRequest{
		Workspace: workspace, Project: project, RunNames: []string{run}, SeriesQueries: queries,
		BucketsCount: &count, UseColumnarOutput: true, IncludeTimestamps: true,
	}))
	if err != nil {
		return err
	}
	if got := len(answer.Msg.GetRunSeries().GetSeries()); got != wanted {
		return fmt.Errorf("%d series came of %d", got, wanted)
	}
	return nil
}

func bucketsOfOne(ctx context.Context, q answering, i int) error {
	return buckets(ctx, q, "std", []string{aSeries(i)}, 1)
}

func bucketsOfHundred(ctx context.Context, q answering, i int) error {
	quoted := make([]string, 100)
	for k := range quoted {
		quoted[k] = fmt.Sprintf("%q", environmentName((i+k*7)%environments))
	}
	query := fmt.Sprintf("%s(filter=(env IN [%s]))", metricName(i%metrics), strings.Join(quoted, ", "))
	return buckets(ctx, q, "std", []string{query}, 100)
}

func bucketsOfLong(ctx context.Context, q answering, _ int) error {
	return buckets(ctx, q, longRun, []string{longSeries + "()"}, 1)
}

// rangeOfOne reads the points of a twentieth of a series.
func rangeOfOne(ctx context.Context, q answering, i, points int) error {
	from := uint64(points * (i % 19) / 20)
	to := from + uint64(points/20) - 1
	answer, err := q.ListFloatSeries(ctx, connect.NewRequest(&pb.ListFloatSeriesRequest{
		Workspace: workspace, Project: project, RunNames: []string{"std"}, SeriesQueries: []string{aSeries(i)},
		StepSelection: &pb.StepSelection{Selection: &pb.StepSelection_StepRange{StepRange: &pb.StepRange{FromStep: &from, ToStep: &to}}},
	}))
	if err != nil {
		return err
	}
	got := 0
	for _, run := range answer.Msg.GetRunPoints() {
		for _, series := range run.GetSeries() {
			got += len(series.GetPoints().GetValues())
		}
	}
	if got != points/20 {
		return fmt.Errorf("%d points came of %d", got, points/20)
	}
	return nil
}

// aggregate asks for one number per rl_step over all environments.
func aggregate(how []pb.RLEnvironmentsAggregation, filter string) func(context.Context, answering, int) error {
	return func(ctx context.Context, q answering, i int) error {
		width := 1.0
		request := &pb.AggregateRLEnvironmentSeriesRequest{
			Workspace: workspace, Project: project, Run: "rl",
			RangeSelector:    &pb.RLScaleRangeSelector{Scale: &pb.RLScaleRangeSelector_RlStepRange{RlStepRange: &pb.StepRange{}}},
			SeriesExpression: metricName(i%metrics) + `(scale="ENVIRONMENT_STEP")`,
			Aggregations:     how, BucketWidth: &width,
		}
		if filter != "" {
			request.Filter = &filter
		}
		answer, err := q.AggregateRLEnvironmentSeries(ctx, connect.NewRequest(request))
		if err != nil {
			return err
		}
		if got := answer.Msg.GetSeries(); len(got) != 1 || len(got[0].GetAggregations()) != len(how) {
			return fmt.Errorf("%d groups came of 1", len(got))
		}
		return nil
	}
}

// lastValues asks for the last value of all series of the run, page by page.
func lastValues(ctx context.Context, q answering, _ int) error {
	limit, got := int64(10_000), 0
	request := &pb.ListSeriesSummariesRequest{
		Workspace: workspace, Project: project, RunNames: []string{"std"}, Limit: &limit,
	}
	for m := range metrics {
		request.SummaryQueries = append(request.SummaryQueries, metricName(m)+"():last")
	}
	for {
		answer, err := q.ListSeriesSummaries(ctx, connect.NewRequest(request))
		if err != nil {
			return err
		}
		for _, run := range answer.Msg.GetRunSeriesSummaries() {
			got += len(run.GetSeriesSummaries())
		}
		if request.ResumeToken = answer.Msg.ResumeToken; request.ResumeToken == nil {
			break
		}
	}
	if got != seriesCount {
		return fmt.Errorf("%d summaries came of %d", got, seriesCount)
	}
	return nil
}

// runTable asks for the hundred best of the runs that an attribute lets through.
func runTable(ctx context.Context, q answering, i int) error {
	filter, order, limit := fmt.Sprintf("attr(config/lr) < 0.5 AND attr(config/batch_size) >= %d", 1+i%4), "loss():last DESC", int64(100)
	answer, err := q.ListRuns(ctx, connect.NewRequest(&pb.ListRunsRequest{
		Workspace: workspace, Project: tableProject, Filter: &filter, OrderBy: &order, Limit: &limit,
		AttributePaths: []string{"sys/status", "config/lr", "config/batch_size"}, SeriesSummaries: []string{"loss():last", "loss():min"},
	}))
	if err != nil {
		return err
	}
	if got := len(answer.Msg.GetRuns()); got != int(limit) {
		return fmt.Errorf("%d runs came of %d", got, limit)
	}
	return nil
}

func definitions(ctx context.Context, q answering, _ int) error {
	answer, err := q.ListMetricDefinitions(ctx, connect.NewRequest(&pb.ListMetricDefinitionsRequest{
		Workspace: workspace, Project: project, RunNames: []string{manyRun},
	}))
	if err != nil {
		return err
	}
	if got := len(answer.Msg.GetMetricDefinitions()); got != 100 {
		return fmt.Errorf("%d definitions came of 100", got)
	}
	return nil
}
