package query

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// library is a project with two experiments and directories, attributes of
// several kinds, labels and environments.
func library(t *testing.T) *world {
	w := newWorld(t)
	for i, place := range []struct{ experiment, directory string }{{"ppo", "atari/pong"}, {"ppo", "atari/breakout"}, {"sac", "control"}} {
		run, _, err := w.catalog.InitRun(catalog.RunSpec{
			Workspace: "w", Project: "p", Run: fmt.Sprint("r", i), Experiment: &place.experiment, Directory: &place.directory,
			CreateProject: true, CreateWorkspace: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		edit, err := run.Begin()
		if err != nil {
			t.Fatal(err)
		}
		edit.Logged()
		lr := catalog.Value{Kind: catalog.KindFloat, Float: 0.1}
		if i == 2 {
			lr = catalog.Text("auto")
		}
		edit.Attributes([]catalog.Update{
			{Path: "config/optim/lr", Value: &lr}, {Path: "config/seed", Value: value(catalog.Whole(int64(i)))},
		})
		steps(edit.Tx, series("train/loss", "layer", fmt.Sprint(i), "part", "a"), 0, 1, 2, nan, 6)
		steps(edit.Tx, series("speed"), 3, 5)
		edit.Tx.Append(edit.Tx.Series(series("free"), point.Unordered), 1, point.Batch{Steps: point.Steps{List: []uint64{4, 4, 2}}, Values: []float64{9, 1, 2}})
		episode(edit.Tx, "e1", 0, 0, 1, 2)
		episodeReturn(edit.Tx, "e2", 0, 0, 3)
		ep := uint64(0)
		edit.EnvAttributes("e1", &ep, []catalog.Update{{Path: "map/size", Value: value(catalog.Whole(8))}})
		pending, err := edit.Commit(run.Created)
		if err == nil {
			err = pending.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func defs(list []*pb.AttributeDef) (out []string) {
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s:%d", d.GetPath(), d.GetKind()))
	}
	return out
}

func metrics(list []*pb.MetricDefinition) (out []string) {
	for _, m := range list {
		out = append(out, m.GetMetricName()+"@"+m.GetScale())
	}
	return out
}

func paths(list []*common.Attribute) (out []string) {
	for _, a := range list {
		out = append(out, a.GetPath())
	}
	return out
}

func TestExperimentsAndDirectories(t *testing.T) {
	w := library(t)
	experiments := ask(w, w.client.ListExperiments, &pb.ListExperimentsRequest{
		Workspace: "w", Project: "p", OrderBy: pointer("attr(sys/name) ASC"), AttributePaths: []string{"sys/name"},
	})
	if experiments.GetTotalCount() != 2 || experiments.GetExperiments()[0].GetRunsCount() != 2 || experiments.GetExperiments()[1].GetName() != "sac" {
		t.Fatal(experiments)
	}
	same(t, "attributes", paths(experiments.GetExperiments()[0].GetAttributes()), []string{"sys/name"})
	filtered := ask(w, w.client.ListExperiments, &pb.ListExperimentsRequest{
		Workspace: "w", Project: "p", Filter: pointer(`attr(sys/name) == "sac"`), DirectoryPath: pointer("atari"),
	})
	if filtered.GetTotalCount() != 0 {
		t.Fatal(filtered)
	}
	list := func(path *string) (out []string) {
		answer := ask(w, w.client.ListDirectories, &pb.ListDirectoriesRequest{
			Workspace: "w", Project: "p", DirectoryPath: path, OrderBy: pointer("attr(sys/name) ASC"),
		})
		for _, d := range answer.GetDirectories() {
			out = append(out, fmt.Sprint(d.GetFullPath(), " ", d.GetRunsCount(), d.GetExperimentsCount(), d.GetDirectoriesCount()))
		}
		return out
	}
	same(t, "at the root", list(nil), []string{"atari 2 1 2", "control 1 1 0"})
	same(t, "below", list(pointer("atari")), []string{"atari/breakout 1 1 0", "atari/pong 1 1 0"})
	refused(w, w.client.ListExperiments, &pb.ListExperimentsRequest{Workspace: "w", Project: "q"}, connect.CodeNotFound, `"q"`)
}

func TestAttributesAndTheirDefinitions(t *testing.T) {
	w := library(t)
	config := &pb.ListAttrFilter{NameFilter: &pb.ListAttrFilter_Regex{Regex: "^config/"}}
	r := &pb.ListAttributesDefinitionsRequest{
		Workspace: "w", AttrFilter: config, Source: &pb.ListAttributesDefinitionsRequest_RunSource{RunSource: &pb.AttrDefRunSource{Project: "p"}},
	}
	want := []string{"config/optim/lr:2", "config/optim/lr:3", "config/seed:4"}
	same(t, "definitions", defs(ask(w, w.client.ListAttributesDefinitions, r).GetAttributeDefs()), want)
	for limit := range int64(4) {
		r.Limit, r.ResumeToken = pointer(limit+1), nil
		var got []string
		for {
			page := ask(w, w.client.ListAttributesDefinitions, r)
			got = append(got, defs(page.GetAttributeDefs())...)
			if r.ResumeToken = page.ResumeToken; page.ResumeToken == nil {
				break
			}
		}
		same(t, "by pages", got, want)
	}
	level := ask(w, w.client.BrowseAttributesDefinitions, &pb.BrowseAttributesDefinitionsRequest{
		Workspace: "w", Directory: "config",
		Source: &pb.BrowseAttributesDefinitionsRequest_RunSource{RunSource: &pb.AttrDefRunSource{Project: "p", Experiment: pointer("ppo")}},
	})
	same(t, "directories", level.GetDirectories(), []string{"config/optim"})
	same(t, "entries", defs(level.GetAttributeDefs()), []string{"config/seed:4"})
	root := ask(w, w.client.BrowseAttributes, &pb.BrowseAttributesRequest{
		Workspace: "w", Source: &pb.BrowseAttributesRequest_RunSource{RunSource: &pb.AttrRunSource{Project: "p", Run: "r0"}},
	})
	same(t, "at the root", root.GetDirectories(), []string{"config", "sys"})
	of := func(source *pb.ListAttributesRequest) []string {
		source.Workspace = "w"
		source.AttrFilter = &pb.ListAttrFilter{NameFilter: &pb.ListAttrFilter_PrefixPath{PrefixPath: "sys"}}
		return paths(ask(w, w.client.ListAttributes, source).GetAttributes())
	}
	sums := []string{"sys/creation_time", "sys/modification_time", "sys/name"}
	same(t, "of an experiment", of(&pb.ListAttributesRequest{Source: &pb.ListAttributesRequest_ExperimentSource{
		ExperimentSource: &pb.AttrExperimentSource{Project: "p", Experiment: "sac"},
	}}), sums)
	same(t, "of a directory", of(&pb.ListAttributesRequest{Source: &pb.ListAttributesRequest_DirectorySource{
		DirectorySource: &pb.AttrDirectorySource{Project: "p", DirectoryPath: "atari"},
	}}), sums)
	refused(w, w.client.ListAttributes, &pb.ListAttributesRequest{Workspace: "w"}, connect.CodeInvalidArgument, "source")
}

func TestEnvironmentAttributesAndMetrics(t *testing.T) {
	w := library(t)
	own := []string{"environment_id:2", "latest_episode:4", "latest_rl_step:4"}
	all := append(append([]string{}, own...), "map/size:4")
	same(t, "of a run", defs(ask(w, w.client.ListRLAttributesDefinitions, &pb.ListRLAttributesDefinitionsRequest{
		Workspace: "w", Project: "p", Run: "r0",
	}).GetAttributeDefs()), all)
	same(t, "of an environment", defs(ask(w, w.client.ListRLAttributesDefinitions, &pb.ListRLAttributesDefinitionsRequest{
		Workspace: "w", Project: "p", Run: "r0", Environment: pointer("e2"),
	}).GetAttributeDefs()), own)
	same(t, "across runs", defs(ask(w, w.client.ListRLAttributesDefinitionsAcrossRuns, &pb.ListRLAttributesDefinitionsAcrossRunsRequest{
		Workspace: "w", Project: "p", Runs: []string{"r0", "r1"},
	}).GetAttributeDefs()), all)
	browsed := ask(w, w.client.BrowseRLAttributesDefinitions, &pb.BrowseRLAttributesDefinitionsRequest{Workspace: "w", Project: "p", Run: "r0"})
	same(t, "directories", browsed.GetDirectories(), []string{"map"})
	at := func(episode *uint64) []string {
		return paths(ask(w, w.client.ListRLEnvAttributes, &pb.ListRLEnvAttributesRequest{
			Workspace: "w", Project: "p", Run: "r0", Environment: "e1", Episode: episode,
		}).GetAttributes())
	}
	same(t, "at an episode", at(pointer(uint64(0))), []string{"environment_id", "latest_episode", "latest_rl_step", "map/size"})
	below := ask(w, w.client.BrowseRLEnvAttributes, &pb.BrowseRLEnvAttributesRequest{
		Workspace: "w", Project: "p", Run: "r0", Environment: "e1", Episode: pointer(uint64(0)), Directory: "map",
	})
	same(t, "below", paths(below.GetAttributes()), []string{"map/size"})

	rl := &pb.ListRLEnvironmentMetricDefinitionsRequest{Workspace: "w", Project: "p", Run: "r0"}
	same(t, "RL metrics", metrics(ask(w, w.client.ListRLEnvironmentMetricDefinitions, rl).GetMetricDefinitions()), []string{"return@EPISODE", "reward@ENVIRONMENT_STEP"})
	rl.Environments = []string{"e2"}
	same(t, "of an environment", metrics(ask(w, w.client.ListRLEnvironmentMetricDefinitions, rl).GetMetricDefinitions()), []string{"return@EPISODE"})
	across := &pb.ListRLEnvironmentMetricDefinitionsAcrossRunsRequest{Workspace: "w", Project: "p", Runs: []string{"r0", "r2"}, Scales: []string{"ENVIRONMENT_STEP"}}
	same(t, "across runs", metrics(ask(w, w.client.ListRLEnvironmentMetricDefinitionsAcrossRuns, across).GetMetricDefinitions()), []string{"reward@ENVIRONMENT_STEP"})
	across.Runs = make([]string, 101)
	refused(w, w.client.ListRLEnvironmentMetricDefinitionsAcrossRuns, across, connect.CodeInvalidArgument, "at most 100")
	level := ask(w, w.client.BrowseMetricDefinitions, &pb.BrowseMetricDefinitionsRequest{Workspace: "w", Project: "p"})
	same(t, "directories", level.GetDirectories(), []string{"train"})
	same(t, "metrics", metrics(level.GetMetricDefinitions()), []string{"free@ML_STEP", "return@EPISODE", "reward@ENVIRONMENT_STEP", "speed@ML_STEP"})
	same(t, "RL level", metrics(ask(w, w.client.BrowseRLEnvironmentMetricDefinitions, &pb.BrowseRLEnvironmentMetricDefinitionsRequest{
		Workspace: "w", Project: "p", Run: "r0", Regex: pointer("^ret"),
	}).GetMetricDefinitions()), []string{"return@EPISODE"})
	same(t, "RL level across runs", metrics(ask(w, w.client.BrowseRLEnvironmentMetricDefinitionsAcrossRuns, &pb.BrowseRLEnvironmentMetricDefinitionsAcrossRunsRequest{
		Workspace: "w", Project: "p", Runs: []string{"r0"},
	}).GetMetricDefinitions()), []string{"return@EPISODE", "reward@ENVIRONMENT_STEP"})
}

func TestSeriesDefinitionsAndLabels(t *testing.T) {
	w := library(t)
	r := &pb.ListSeriesDefinitionsRequest{Workspace: "w", Project: "p", SeriesFilters: []string{`train/loss(filter=(layer != "1"))`, "speed()"}}
	var got []string
	for _, d := range ask(w, w.client.ListSeriesDefinitions, r).GetSeriesDefinitions() {
		got = append(got, d.GetRegular().GetMetricName()+d.GetRegular().GetLabels()["layer"])
	}
	same(t, "series", got, []string{"speed", "train/loss0", "train/loss2"})
	values := &pb.ListSeriesLabelValuesRequest{Workspace: "w", Project: "p", Run: "r1", Limit: pointer(int64(1))}
	first := ask(w, w.client.ListSeriesLabelValues, values)
	if kv := first.GetLabelKeyValues(); len(kv) != 1 || kv[0].GetKey() != "layer" || kv[0].GetValues()[0] != "1" {
		t.Fatal(first)
	}
	values.ResumeToken = first.ResumeToken
	if kv := ask(w, w.client.ListSeriesLabelValues, values).GetLabelKeyValues(); len(kv) != 1 || kv[0].GetKey() != "part" {
		t.Fatal(kv)
	}
	values.ResumeToken = nil
	values.LabelKeyFilters = []*pb.ListSeriesLabelValuesRequest_LabelKeyFilter{{
		Key: "part", Value: &pb.ListSeriesLabelValuesRequest_LabelKeyFilter_ValuePrefix{ValuePrefix: "b"},
	}}
	if kv := ask(w, w.client.ListSeriesLabelValues, values).GetLabelKeyValues(); len(kv) != 0 {
		t.Fatal(kv)
	}
}

func TestSeriesSummaries(t *testing.T) {
	w := library(t)
	r := &pb.ListSeriesSummariesRequest{
		Workspace: "w", Project: "p", RunNames: []string{"r1", "r0"},
		SummaryQueries: []string{"train/loss():first,last,min,max,sum,avg,std,count", "speed():last", "speed():max", "free():last,count"},
	}
	answer := ask(w, w.client.ListSeriesSummaries, r).GetRunSeriesSummaries()
	if len(answer) != 2 || answer[0].GetRun() != "r1" || len(answer[0].GetSeriesSummaries()) != 3 {
		t.Fatal(answer)
	}
	rows := answer[0].GetSeriesSummaries()
	free, speed, loss := rows[0].GetSummaryValues().GetRegular(), rows[1].GetSummaryValues().GetRegular(), rows[2].GetSummaryValues().GetRegular()
	if free.GetCount() != 2 || free.GetLast() != 1 || free.GetLastStep() != 4 {
		t.Error(free)
	}
	if speed.GetLast() != 5 || speed.GetMax() != 5 || speed.Min != nil || speed.GetLastStep() != 3 || speed.GetLastTimestamp().AsTime().UnixMilli() != 1000 {
		t.Error(speed)
	}
	std := math.Sqrt((4 + 1 + 9) / 3.)
	if loss.GetFirst() != 1 || loss.GetLast() != 6 || loss.GetMin() != 1 || loss.GetMax() != 6 || loss.GetSum() != 9 || loss.GetAvg() != 3 || math.Abs(loss.GetStd()-std) > 1e-12 || loss.GetCount() != 3 {
		t.Error(loss)
	}
	r.SummaryQueries = []string{"loss():first_avg"}
	refused(w, w.client.ListSeriesSummaries, r, connect.CodeInvalidArgument, "aggregated")
}

// Series that are reduced to one: all their points together, and those at the lowest
// and the highest step that any of them has.
func TestReducedSeriesAreSummedUp(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss", "layer", "0", "part", "a"), 0, 1, 2)
		steps(tx, series("loss", "layer", "1", "part", "a"), 0, 3, 4, 6)
		steps(tx, series("loss", "layer", "1", "part", "b"), 2, nan, 5, 8)
		steps(tx, series("loss", "layer", "2", "part", "b"), 4, 10)
		s := series("loss", "layer", "3", "part", "b")
		for logger, value := range []float64{20, 30} { // unordered, two loggers at one step
			tx.Append(tx.Series(s, point.Unordered), uint64(logger+1), point.Batch{
				Steps: point.Steps{First: 4}, Times: point.Times{Millis: 2000}, Values: []float64{value},
			})
		}
	})
	w.run("s", nil, func(tx *store.Tx, _ *catalog.Edit) { steps(tx, series("loss", "part", "a"), 0, 100) })
	r := &pb.ListSeriesSummariesRequest{Workspace: "w", Project: "p", RunNames: []string{"r"}, SummaryQueries: []string{
		"loss(aggregate=(keys=[part], reducer=max)):first,last,avg,count", "loss(aggregate=(keys=[part], reducer=max)):last_min,last_sum,last_count,first_avg",
		"loss():count",
	}, Limit: pointer(int64(1))}
	rows := make(map[string]*common.AggSeriesSummary)
	plain := 0
	for more := true; more; more = r.ResumeToken != nil {
		answer := ask(w, w.client.ListSeriesSummaries, r)
		row := answer.GetRunSeriesSummaries()[0].GetSeriesSummaries()[0]
		if part, reduced := row.GetDefinition().GetAggregated().GetGroupLabels()["part"]; reduced {
			rows[part] = row.GetSummaryValues().GetAggregated()
		} else {
			plain++
		}
		r.ResumeToken = answer.ResumeToken
	}
	if len(rows) != 2 || plain != 5 {
		t.Fatalf("%d groups and %d series", len(rows), plain)
	}
	a, b := rows["a"], rows["b"]
	if a.GetFirstMax() != 3 || a.GetLastMax() != 6 || a.GetLastMin() != 6 || a.GetFirstAvg() != 2 || a.GetAvg() != 16./5 || a.GetCount() != 5 || a.GetLastStep() != 2 || a.Min != nil {
		t.Error(a)
	}
	if b.FirstMax != nil || b.FirstAvg != nil || b.GetLastMax() != 30 || b.GetLastMin() != 8 || b.GetLastSum() != 68 || b.GetLastCount() != 4 || b.GetCount() != 5 {
		t.Error(b)
	}
	if b.GetLastStep() != 4 || b.GetLastTimestamp().AsTime().UnixMilli() != 2000 {
		t.Error(b)
	}
	runs := func(filter string) (names []string) {
		answer := ask(w, w.client.ListRuns, &pb.ListRunsRequest{
			Workspace: "w", Project: "p", Filter: &filter, SeriesSummaries: []string{"loss(aggregate=(keys=[])):last_avg"},
		})
		for _, run := range answer.GetRuns() {
			names = append(names, run.GetName())
			want := map[string]float64{"r": 17, "s": 100}[run.GetName()]
			if got := run.GetSeriesSummaries(); len(got) != 1 || got[0].GetValue() != want {
				t.Errorf("%s: %v, want %v", run.GetName(), got, want)
			}
		}
		return names
	}
	same(t, "runs", runs("loss(aggregate=(keys=[])):last_avg > 50"), []string{"s"})
	same(t, "runs", runs("loss(aggregate=(keys=[])):first_max <= 3"), []string{"r"})
	refused(w, w.client.ListRuns, &pb.ListRunsRequest{
		Workspace: "w", Project: "p", Filter: pointer("loss(aggregate=(keys=[part])):last_avg > 1"),
	}, connect.CodeInvalidArgument, "2 series")
}

func TestReducedSeriesOfEnvironmentsAreSummedUp(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		for env, values := range [][]float64{{1, 2, 3}, {10, 20, 30}} {
			for part, more := range []float64{0, 100} {
				s := series("force", "part", strconv.Itoa(part))
				s.Scale = point.ScaleEnvironmentStep
				batch := point.RLBatch{HasEpisode: true, Times: point.Times{Millis: 1000}}
				for _, v := range values {
					batch.Values = append(batch.Values, v+more)
				}
				tx.AppendRL(tx.Series(s, point.Ordered), tx.Environment(strconv.Itoa(env)), batch, true)
			}
		}
	})
	f := func(filter string, want ...string) {
		t.Helper()
		var ids []string
		for _, env := range ask(w, w.client.ListRLEnvironments, &pb.ListRLEnvironmentsRequest{
			Workspace: "w", Project: "p", Run: "r", ScaleSelector: atEpisode(0), Filter: &filter,
		}).GetEnvironments() {
			ids = append(ids, env.GetEnvironmentId())
		}
		same(t, filter, ids, want)
	}
	f(`force(scale="ENVIRONMENT_STEP", aggregate=(keys=[])):last_avg == 53`, "0")
	f(`force(scale="ENVIRONMENT_STEP", aggregate=(keys=[])):first_max > 105`, "1")
	reduced := ask(w, w.client.ListRLEnvironmentFloatSeriesBuckets, &pb.ListRLEnvironmentFloatSeriesBucketsRequest{
		Workspace: "w", Project: "p", Run: "r", Environments: []string{"0", "1"}, ScaleSelector: atEpisode(0), UseSpecializedRlSeriesBuckets: true,
		SeriesQueries: []string{`force(scale="ENVIRONMENT_STEP")|group_by(keys=[], reducer=avg)`},
	}).GetRlSeriesOnEpisodeSelector().GetSeries()
	if len(reduced) != 2 || reduced[1].GetEnvironment() != "1" {
		t.Fatal(reduced)
	}
	same(t, "reduced", reduced[1].GetYValues(), []float64{60, 70, 80})
	same(t, "rl_steps", reduced[1].GetLastRlSteps(), []uint64{0, 0, 0})
}
