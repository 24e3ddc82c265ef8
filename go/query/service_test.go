package query

import (
	"math"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

func pointer[T any](v T) *T { return &v }

func value(v catalog.Value) *catalog.Value { return &v }

func twoRuns(t *testing.T) *world {
	w := newWorld(t)
	w.run("a", nil, func(tx *store.Tx, edit *catalog.Edit) {
		steps(tx, series("loss"), 0, 3, 2, 1)
		steps(tx, series("loss", "split", "test"), 10, 9, nan, inf, 8)
		edit.Attributes([]catalog.Update{
			{Path: "config/lr", Value: value(catalog.Value{Kind: catalog.KindFloat, Float: 0.1})},
			{Path: "sys/tags", Value: value(catalog.SetOf([]string{"x", "y"}))},
		})
	})
	w.run("b", nil, func(tx *store.Tx, edit *catalog.Edit) {
		steps(tx, series("loss"), 0, 5)
		edit.Attributes([]catalog.Update{{Path: "config/lr", Value: value(catalog.Value{Kind: catalog.KindFloat, Float: 0.5})}})
	})
	return w
}

func names(answer *pb.ListRunsResponse) (names []string) {
	for _, run := range answer.GetRuns() {
		names = append(names, run.GetName())
	}
	return names
}

func TestListings(t *testing.T) {
	w := twoRuns(t)
	if spaces := ask(w, w.client.ListWorkspaces, &pb.ListWorkspacesRequest{}).GetWorkspaces(); len(spaces) != 1 || spaces[0].GetProjectsCount() != 1 {
		t.Fatal(spaces)
	}
	projects := ask(w, w.client.ListProjects, &pb.ListProjectsRequest{Workspace: "w"})
	if projects.GetTotalCount() != 1 || projects.GetProjects()[0].GetRunsCount() != 2 {
		t.Fatal(projects)
	}
	pinned := &pb.ListProjectsRequest{Workspace: "w", Filter: pointer("attr(sys/pinned) == True"), AttributePaths: []string{"sys/pinned"}}
	if n := ask(w, w.client.ListProjects, pinned).GetTotalCount(); n != 0 {
		t.Errorf("%d projects are pinned", n)
	}
	if err := w.catalog.SetPinned("w", "p", true); err != nil {
		t.Fatal(err)
	}
	if found := ask(w, w.client.ListProjects, pinned).GetProjects(); len(found) != 1 || !found[0].GetAttributes()[0].GetBoolValue() {
		t.Errorf("%v", found)
	}
	f := func(filter, order string, want ...string) {
		t.Helper()
		r := &pb.ListRunsRequest{Workspace: "w", Project: "p"}
		if filter != "" {
			r.Filter = &filter
		}
		if order != "" {
			r.OrderBy = &order
		}
		same(t, filter+order, names(ask(w, w.client.ListRuns, r)), want)
	}
	f("", "", "b", "a")
	f("", "attr(config/lr) ASC", "a", "b")
	f("", "loss():max ASC", "b", "a")
	f(`attr(config/lr) < 0.2`, "", "a")
	f(`attr(sys/tags) CONTAINS "x" AND attr(config/lr) != 7`, "", "a")
	f(`attr(sys/tags) EXISTS OR loss():min == 5`, "", "b", "a")
	f(`attr(sys/name) IN ["b", "c"]`, "", "b")
	f(`loss(filter=(split="test")) EXISTS`, "", "a")
	page := ask(w, w.client.ListRuns, &pb.ListRunsRequest{
		Workspace: "w", Project: "p", Limit: pointer(int64(1)), Offset: pointer(int64(1)),
		AttributePaths: []string{"config/lr", "none"}, SeriesSummaries: []string{`loss(filter=(split != "test")):avg`},
	})
	run := page.GetRuns()[0]
	if page.GetTotalCount() != 2 || len(run.GetAttributes()) != 1 || run.GetSeriesSummaries()[0].GetValue() != 2 ||
		run.GetSeriesSummaries()[0].GetSeriesSummary() != `loss(filter=(split != "test")):avg` {
		t.Fatal(page)
	}
}

// Series of environments are summed up over all of them; the last is the mean of what
// each environment has last.
func TestListingsSumEnvironmentsUp(t *testing.T) {
	w := newWorld(t)
	w.run("good", nil, func(tx *store.Tx, _ *catalog.Edit) {
		episodeReturn(tx, "e0", 0, 0, 10)
		episodeReturn(tx, "e1", 0, 0, 20)
		episodeReturn(tx, "e0", 1, 1, 100)
		episodeReturn(tx, "e1", 2, 1, 300)
	})
	w.run("poor", nil, func(tx *store.Tx, _ *catalog.Edit) {
		episodeReturn(tx, "e0", 0, 0, 500)
		episodeReturn(tx, "e0", 1, 1, 4)
	})
	w.run("none", nil, func(tx *store.Tx, _ *catalog.Edit) { steps(tx, series("return"), 0, 1000) })
	last, order, above := `return(scale="EPISODE"):last`, `return(scale="EPISODE"):last DESC`, `return(scale="EPISODE"):last > 150`
	columns := []string{last}
	for _, function := range []string{"first", "count", "min", "max", "avg", "sum", "std"} {
		columns = append(columns, `return(scale="EPISODE"):`+function)
	}
	answer := ask(w, w.client.ListRuns, &pb.ListRunsRequest{Workspace: "w", Project: "p", OrderBy: &order, SeriesSummaries: columns})
	same(t, "order", names(answer), []string{"good", "poor", "none"})
	var got []float64
	for _, column := range answer.GetRuns()[0].GetSeriesSummaries() {
		got = append(got, column.GetValue())
	}
	same(t, "columns", got, []float64{200, 15, 4, 10, 300, 107.5, 430, math.Sqrt((97.5*97.5 + 87.5*87.5 + 7.5*7.5 + 192.5*192.5) / 4)})
	if of := answer.GetRuns()[2].GetSeriesSummaries(); len(of) > 0 {
		t.Error("a run without the series has", of)
	}
	answer = ask(w, w.client.ListRuns, &pb.ListRunsRequest{Workspace: "w", Project: "p", Filter: &above})
	same(t, above, names(answer), []string{"good"})
	exists := `return(scale="EPISODE") EXISTS`
	answer = ask(w, w.client.ListRuns, &pb.ListRunsRequest{Workspace: "w", Project: "p", Filter: &exists, OrderBy: &order})
	same(t, exists, names(answer), []string{"good", "poor"})
}

func TestRefusals(t *testing.T) {
	w := twoRuns(t)
	runs := func(change func(r *pb.ListRunsRequest)) *pb.ListRunsRequest {
		r := &pb.ListRunsRequest{Workspace: "w", Project: "p"}
		change(r)
		return r
	}
	refused(w, w.client.ListProjects, &pb.ListProjectsRequest{Workspace: "v"}, connect.CodeNotFound, `no workspace "v"`)
	refused(w, w.client.ListRuns, runs(func(r *pb.ListRunsRequest) { r.Project = "q" }), connect.CodeNotFound, `no project "q"`)
	refused(w, w.client.ListRuns, runs(func(r *pb.ListRunsRequest) { r.Filter = pointer("attr(a) =") }), connect.CodeInvalidArgument, "column 9")
	refused(w, w.client.ListRuns, runs(func(r *pb.ListRunsRequest) { r.Limit = pointer(int64(-1)) }), connect.CodeInvalidArgument, "limit -1")
	points := &pb.ListFloatSeriesRequest{Workspace: "w", Project: "p", RunNames: []string{"z"}, SeriesQueries: []string{"loss()"}}
	refused(w, w.client.ListFloatSeries, points, connect.CodeNotFound, `no run "z"`)
	points = &pb.ListFloatSeriesRequest{Workspace: "w", Project: "p", RunNames: []string{"a"}, SeriesQueries: []string{`loss(value_kind=histogram)`}}
	refused(w, w.client.ListFloatSeries, points, connect.CodeUnimplemented, "value_kind histogram")
	buckets := &pb.ListFloatSeriesBucketsRequest{Workspace: "w", Project: "p", RunNames: []string{"a"}, SeriesQueries: []string{"loss()"}, BucketsCount: pointer(int64(5001))}
	refused(w, w.client.ListFloatSeriesBuckets, buckets, connect.CodeInvalidArgument, "buckets_count 5001")
	refused(w, w.client.ListSpans, &pb.ListSpansRequest{}, connect.CodeUnimplemented, "stores no traces")
}

func TestPointsComeByPage(t *testing.T) {
	w := twoRuns(t)
	r := &pb.ListFloatSeriesRequest{
		Workspace: "w", Project: "p", RunNames: []string{"b", "a"}, SeriesQueries: []string{"loss()", "loss()"},
		IncludeTimestamps: true, MaxPointsPerPage: pointer(int64(2)),
	}
	got := make(map[string][]float64)
	pages := 0
	for {
		answer := ask(w, w.client.ListFloatSeries, r)
		for _, run := range answer.GetRunPoints() {
			for _, s := range run.GetSeries() {
				key := run.GetRun() + s.GetDefinition().GetRegular().GetLabels()["split"]
				got[key] = append(got[key], s.GetPoints().GetValues()...)
				if len(s.GetPoints().GetTimestampMillis()) != len(s.GetPoints().GetSteps()) {
					t.Fatal("times are missing")
				}
			}
		}
		pages++
		if r.ResumeToken = answer.ResumeToken; r.ResumeToken == nil {
			break
		}
	}
	same(t, "a", got["a"], []float64{3, 2, 1})
	same(t, "a test", got["atest"], []float64{9, nan, inf, 8})
	same(t, "b", got["b"], []float64{5})
	if pages != 4 {
		t.Fatalf("%d pages", pages)
	}
}

func TestStepSelections(t *testing.T) {
	w := twoRuns(t)
	f := func(selection *pb.StepSelection, want ...uint64) {
		t.Helper()
		answer := ask(w, w.client.ListFloatSeries, &pb.ListFloatSeriesRequest{
			Workspace: "w", Project: "p", RunNames: []string{"a"}, SeriesQueries: []string{`loss(filter=(split="test"))`}, StepSelection: selection,
		})
		same(t, "steps", answer.GetRunPoints()[0].GetSeries()[0].GetPoints().GetSteps(), want)
	}
	f(nil, 10, 11, 12, 13)
	f(&pb.StepSelection{Selection: &pb.StepSelection_StepRange{StepRange: &pb.StepRange{FromStep: pointer(uint64(11)), ToStep: pointer(uint64(12))}}}, 11, 12)
	f(&pb.StepSelection{Selection: &pb.StepSelection_PerSeriesFromTheBeginning{PerSeriesFromTheBeginning: 1}}, 10)
	f(&pb.StepSelection{Selection: &pb.StepSelection_PerSeriesFromTheEnd{PerSeriesFromTheEnd: 2}}, 12, 13)
}

func TestBucketsOfRuns(t *testing.T) {
	w := twoRuns(t)
	r := &pb.ListFloatSeriesBucketsRequest{
		Workspace: "w", Project: "p", RunNames: []string{"a", "b"}, SeriesQueries: []string{"loss()"}, BucketsCount: pointer(int64(7)),
		UseColumnarOutput: true,
	}
	answer := ask(w, w.client.ListFloatSeriesBuckets, r).GetRunSeries()
	if answer.GetFirstStep() != 0 || answer.GetLastStep() != 13 || answer.GetStepsPerBucket() != 2 || len(answer.GetSeries()) != 3 {
		t.Fatal(answer)
	}
	test := answer.GetSeries()[1]
	same(t, "indexes", test.GetBucketIndexes(), []uint64{5, 6})
	same(t, "NaN", test.GetBucketsWithNans(), []uint64{5})
	same(t, "infinite", test.GetBucketsWithInfs(), []uint64{6})
	same(t, "means", answer.GetSeries()[0].GetYValues(), []float64{2.5, 1})
	r.UseColumnarOutput = false
	rows := ask(w, w.client.ListFloatSeriesBuckets, r)
	if got := rows.GetRunPoints()[0].GetSeries()[0].GetBuckets().GetBuckets(); len(got) != 7 || got[0].GetStats().GetSum() != 5 || got[2].Y != nil {
		t.Fatal(rows)
	}
}

func TestForkedRunsInherit(t *testing.T) {
	w := twoRuns(t)
	w.run("child", &catalog.Fork{Parent: "a", Step: 1}, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss"), 2, 7)
	})
	f := func(inherited bool, want ...float64) {
		t.Helper()
		answer := ask(w, w.client.ListFloatSeries, &pb.ListFloatSeriesRequest{
			Workspace: "w", Project: "p", RunNames: []string{"child"}, SeriesQueries: []string{`loss(filter=(split != "test"))`}, IncludeInherited: inherited,
		})
		same(t, "values", answer.GetRunPoints()[0].GetSeries()[0].GetPoints().GetValues(), want)
	}
	f(false, 7)
	f(true, 3, 2, 7)
	// A fork far behind the parent's last point hides nothing of the child.
	w.run("late", &catalog.Fork{Parent: "a", Step: 1000}, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss"), 500, 7)
	})
	answer := ask(w, w.client.ListFloatSeries, &pb.ListFloatSeriesRequest{
		Workspace: "w", Project: "p", RunNames: []string{"late"}, SeriesQueries: []string{`loss(filter=(split != "test"))`}, IncludeInherited: true,
	})
	inherited := answer.GetRunPoints()[0].GetSeries()[0].GetPoints().GetSteps()
	same(t, "the last step", inherited[len(inherited)-1:], []uint64{500})
}

// A deleted parent takes along what was inherited of it; who gets its name later is
// nobody's parent.
func TestForkedRunsOutliveTheirParent(t *testing.T) {
	w := newWorld(t)
	w.run("parent", nil, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss"), 0, 1, 2)
		episode(tx, "e", 0, 0, 1)
	})
	fork := &catalog.Fork{Parent: "parent", Step: 1}
	w.run("child", fork, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss"), 2, 7)
		episode(tx, "e", 2, 0, 7)
	})
	parent, _ := w.catalog.FindRun("w", "p", "parent")
	check := func(run, family string, want ...float64) {
		t.Helper()
		points := ask(w, w.client.ListFloatSeries, &pb.ListFloatSeriesRequest{
			Workspace: "w", Project: "p", RunNames: []string{run}, SeriesQueries: []string{"loss()"}, IncludeInherited: true,
		})
		same(t, "values of "+run, points.GetRunPoints()[0].GetSeries()[0].GetPoints().GetValues(), want)
		rewards := ask(w, w.client.ListRLEnvironmentFloatSeries, &pb.ListRLEnvironmentFloatSeriesRequest{
			Workspace: "w", Project: "p", Run: run, Environment: "e", IncludeInherited: true,
		})
		if got := rewards.GetSeries()[0].GetPoints().GetValues(); got[len(got)-1] != want[len(want)-1] {
			t.Errorf("rewards of %s: %v", run, got)
		}
		found, _ := w.catalog.FindRun("w", "p", run)
		if got := found.Attribute("sys/family"); got == nil || got.Str != family {
			t.Errorf("the family of %s: %v, want %s", run, got, family)
		}
	}
	check("child", parent.ID.String(), 1, 2, 7)
	if err := w.catalog.DeleteRun("w", "p", "parent"); err != nil {
		t.Fatal(err)
	}
	child, _ := w.catalog.FindRun("w", "p", "child")
	check("child", child.ID.String(), 7)
	w.run("parent", &catalog.Fork{Parent: "child", Step: 2}, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss"), 3, 9)
		episode(tx, "e", 3, 0, 9)
	})
	check("child", child.ID.String(), 7)
	check("parent", child.ID.String(), 7, 9)
	if got := child.Attribute("sys/forking/parent_run_id"); got == nil || got.Str != parent.ID.String() {
		t.Errorf("the id of the parent: %v", got)
	}
}

func TestForkedRunsInheritPointsOfEnvironments(t *testing.T) {
	w := newWorld(t)
	w.run("first", nil, func(tx *store.Tx, _ *catalog.Edit) {
		episode(tx, "e", 0, 0, 1, 2)
		episode(tx, "e", 1, 0, 3)
		episode(tx, "e", 5, 0, 99) // behind the fork
		episode(tx, "only", 1, 0, 8)
		episode(tx, "only", 9, 3, 80) // behind the fork
		episodeReturn(tx, "e", 1, 0, 10)
	})
	w.run("second", &catalog.Fork{Parent: "first", Step: 3}, func(tx *store.Tx, _ *catalog.Edit) {
		episode(tx, "e", 4, 0, 4, 5)
		episodeReturn(tx, "e", 4, 0, 20)
	})
	w.run("third", &catalog.Fork{Parent: "second", Step: 100}, func(tx *store.Tx, _ *catalog.Edit) {
		episode(tx, "e", 6, 0, 6)
	})
	w.run("fourth", &catalog.Fork{Parent: "first", Step: 3}, func(tx *store.Tx, _ *catalog.Edit) {
		episode(tx, "e", 4, 7, 70)
	})
	f := func(run, env string, at *pb.RLScaleSelector, want map[string][]float64, wantSteps []uint64) {
		t.Helper()
		answer := ask(w, w.client.ListRLEnvironmentFloatSeries, &pb.ListRLEnvironmentFloatSeriesRequest{
			Workspace: "w", Project: "p", Run: run, Environment: env, ScaleSelector: at, IncludeInherited: true,
		})
		if len(answer.GetSeries()) != len(want) {
			t.Fatal(answer)
		}
		for _, s := range answer.GetSeries() {
			name := s.GetDefinition().GetRegular().GetMetricName()
			same(t, name, s.GetPoints().GetValues(), want[name])
			if name == "reward" {
				same(t, "steps", s.GetPoints().GetSteps(), wantSteps)
			}
		}
		buckets := ask(w, w.client.ListRLEnvironmentFloatSeriesBuckets, &pb.ListRLEnvironmentFloatSeriesBucketsRequest{
			Workspace: "w", Project: "p", Run: run, Environment: env, ScaleSelector: at, IncludeInherited: true,
			SeriesQueries: []string{`reward(scale="ENVIRONMENT_STEP")`}, UseSpecializedRlSeriesBuckets: true,
		})
		for _, s := range buckets.GetRlSeriesOnEpisodeSelector().GetSeries() {
			same(t, "buckets", s.GetYValues(), want["reward"])
		}
		for _, s := range buckets.GetRlSeriesOnRlStepSelector().GetSeries() {
			same(t, "buckets", s.GetYValues(), want["reward"])
		}
	}
	f("second", "e", atEpisode(0), map[string][]float64{"reward": {1, 2, 3, 4, 5}, "return": {10, 20}}, []uint64{0, 1, 2, 3, 4})
	f("third", "e", atEpisode(0), map[string][]float64{"reward": {1, 2, 3, 4, 5, 6}, "return": {10, 20}}, []uint64{0, 1, 2, 3, 4, 5})
	f("third", "e", atRLStep(1), map[string][]float64{"reward": {3}, "return": {10}}, []uint64{0})
	f("third", "e", atRLStep(4), map[string][]float64{"reward": {4, 5}, "return": {20}}, []uint64{0, 1})
	f("third", "only", atEpisode(7), map[string][]float64{"reward": {8}}, []uint64{0})
	f("third", "e", atRLStep(5), map[string][]float64{}, nil)
	f("fourth", "e", atEpisode(7), map[string][]float64{"reward": {70}}, []uint64{0})
	own := ask(w, w.client.ListRLEnvironmentFloatSeries, &pb.ListRLEnvironmentFloatSeriesRequest{
		Workspace: "w", Project: "p", Run: "second", Environment: "e", ScaleSelector: atEpisode(0),
	})
	if got := own.GetSeries()[1].GetPoints().GetValues(); len(own.GetSeries()) != 2 || !slices.Equal(got, []float64{4, 5}) {
		t.Errorf("own points: %v", own)
	}
	refused(w, w.client.ListRLEnvironmentFloatSeries, &pb.ListRLEnvironmentFloatSeriesRequest{
		Workspace: "w", Project: "p", Run: "second", Environment: "only", ScaleSelector: atEpisode(0),
	}, connect.CodeNotFound, `no environment "only"`)
}

func TestDefinitionsAndAttributes(t *testing.T) {
	w := twoRuns(t)
	metrics := ask(w, w.client.ListMetricDefinitions, &pb.ListMetricDefinitionsRequest{Workspace: "w", Project: "p"}).GetMetricDefinitions()
	if len(metrics) != 1 || metrics[0].GetLabelKeys()[0] != "split" || metrics[0].GetScale() != point.ScaleMLStep {
		t.Fatal(metrics)
	}
	f := func(filter *pb.ListAttrFilter, limit int64, want ...string) {
		t.Helper()
		r := &pb.ListAttributesRequest{
			Workspace: "w", Source: &pb.ListAttributesRequest_RunSource{RunSource: &pb.AttrRunSource{Project: "p", Run: "a"}},
			AttrFilter: filter, Limit: &limit,
		}
		var got []string
		for {
			answer := ask(w, w.client.ListAttributes, r)
			for _, a := range answer.GetAttributes() {
				got = append(got, a.GetPath())
			}
			if r.ResumeToken = answer.ResumeToken; r.ResumeToken == nil {
				break
			}
		}
		same(t, "paths", got, want)
	}
	f(&pb.ListAttrFilter{NameFilter: &pb.ListAttrFilter_Regex{Regex: "^(config/|sys/t)"}}, 1, "config/lr", "sys/tags")
	f(&pb.ListAttrFilter{NameFilter: &pb.ListAttrFilter_PrefixPath{PrefixPath: "sys/rl"}}, 10, "sys/rl/has_environments")
	f(&pb.ListAttrFilter{Kinds: []common.AttributeKind{common.AttributeKind_ATTR_KIND_STRING_SET}}, 10, "sys/tags")
}

func rlWorld(t *testing.T) *world {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		episode(tx, "e2", 0, 0, 1, 2, 3)
		episode(tx, "e2", 1, 0, 4)
		episode(tx, "e2", 1, 1, 5, 6)
		episodeReturn(tx, "e2", 1, 0, 10)
		episode(tx, "e1", 0, 0, 7)
		edit.EnvAttributes("e2", nil, []catalog.Update{{Path: "task", Value: value(catalog.Text("reach"))}})
		edit.EnvAttributes("e2", pointer(uint64(1)), []catalog.Update{{Path: "task", Value: value(catalog.Text("push"))}})
	})
	return w
}

func atEpisode(n uint64) *pb.RLScaleSelector {
	return &pb.RLScaleSelector{Scale: &pb.RLScaleSelector_Episode{Episode: n}}
}

func atRLStep(n uint64) *pb.RLScaleSelector {
	return &pb.RLScaleSelector{Scale: &pb.RLScaleSelector_RlStep{RlStep: n}}
}

func TestEnvironments(t *testing.T) {
	w := rlWorld(t)
	info := ask(w, w.client.GetRLInfo, &pb.GetRLInfoRequest{Workspace: "w", Project: "p", Run: "r"})
	if info.GetNumberOfEnvironments() != 2 || info.GetLatestEpisode() != 1 || info.GetLatestRlStep() != 1 {
		t.Fatal(info)
	}
	f := func(at *pb.RLScaleSelector, filter string, want ...string) *pb.ListRLEnvironmentsResponse {
		t.Helper()
		r := &pb.ListRLEnvironmentsRequest{
			Workspace: "w", Project: "p", Run: "r", ScaleSelector: at, AttributePaths: []string{"task"},
			SeriesSummaries: []string{`reward(scale="ENVIRONMENT_STEP"):sum`},
		}
		if filter != "" {
			r.Filter = &filter
		}
		answer := ask(w, w.client.ListRLEnvironments, r)
		var got []string
		for _, e := range answer.GetEnvironments() {
			got = append(got, e.GetEnvironmentId())
		}
		same(t, filter, got, want)
		return answer
	}
	// e1 has not got to episode 1: it is seen at its own latest.
	envs := f(nil, "", "e1", "e2").GetEnvironments()
	if envs[0].GetCurrentEpisode() != 0 || envs[0].GetSeriesSummaries()[0].GetValue() != 7 || envs[1].GetSeriesSummaries()[0].GetValue() != 11 ||
		envs[1].GetAttributes()[0].GetStringValue() != "push" {
		t.Fatal(envs)
	}
	// e1 never reached rl_step 1: it is left out.
	f(atRLStep(1), "", "e2")
	f(atEpisode(0), `attr(latest_episode) >= 1`, "e2")
	f(atEpisode(0), `attr(environment_id) == "e1"`, "e1")
}

func TestPointsOfEnvironments(t *testing.T) {
	w := rlWorld(t)
	f := func(at *pb.RLScaleSelector, want map[string][]float64, wantSteps []uint64) {
		t.Helper()
		answer := ask(w, w.client.ListRLEnvironmentFloatSeries, &pb.ListRLEnvironmentFloatSeriesRequest{
			Workspace: "w", Project: "p", Run: "r", Environment: "e2", ScaleSelector: at,
		})
		if len(answer.GetSeries()) != len(want) {
			t.Fatal(answer)
		}
		for _, s := range answer.GetSeries() {
			name := s.GetDefinition().GetRegular().GetMetricName()
			same(t, name, s.GetPoints().GetValues(), want[name])
			if name == "reward" {
				same(t, "steps", s.GetPoints().GetSteps(), wantSteps)
			}
		}
	}
	// By episode the env steps go on over rl_steps; by rl_step the rollout is counted.
	f(atEpisode(0), map[string][]float64{"reward": {1, 2, 3, 4}, "return": {10}}, []uint64{0, 1, 2, 3})
	f(atRLStep(1), map[string][]float64{"reward": {4, 5, 6}, "return": {10}}, []uint64{0, 1, 2})
}

func TestBucketsOfEnvironments(t *testing.T) {
	w := rlWorld(t)
	r := &pb.ListRLEnvironmentFloatSeriesBucketsRequest{
		Workspace: "w", Project: "p", Run: "r", Environments: []string{"e1", "e2"}, ScaleSelector: atRLStep(1),
		SeriesQueries: []string{`reward(scale="ENVIRONMENT_STEP")`}, UseSpecializedRlSeriesBuckets: true,
	}
	onStep := ask(w, w.client.ListRLEnvironmentFloatSeriesBuckets, r).GetRlSeriesOnRlStepSelector()
	if len(onStep.GetSeries()) != 1 || onStep.GetSeries()[0].GetEnvironment() != "e2" {
		t.Fatal(onStep)
	}
	same(t, "episodes", onStep.GetSeries()[0].GetEpisodes(), []uint64{0, 1, 1})
	same(t, "env steps", onStep.GetSeries()[0].GetLastEnvSteps(), []uint64{3, 0, 1})
	r.ScaleSelector = atEpisode(0)
	onEpisode := ask(w, w.client.ListRLEnvironmentFloatSeriesBuckets, r).GetRlSeriesOnEpisodeSelector()
	if len(onEpisode.GetSeries()) != 2 {
		t.Fatal(onEpisode)
	}
	same(t, "rl_steps", onEpisode.GetSeries()[1].GetLastRlSteps(), []uint64{0, 0, 0, 1})
	r.UseSpecializedRlSeriesBuckets = false
	if plain := ask(w, w.client.ListRLEnvironmentFloatSeriesBuckets, r); len(plain.GetSeries()) != 2 || plain.GetLastStep() != 3 {
		t.Fatal(plain)
	}
	r.Environments = []string{"nobody"}
	refused(w, w.client.ListRLEnvironmentFloatSeriesBuckets, r, connect.CodeNotFound, `no environment "nobody"`)
}
