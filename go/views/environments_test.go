package views

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Each row is what the episodes of the environment come to, in the order asked for.
func TestEnvironmentsAreListedWithWhatTheyCameTo(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 1))
	w := newWorld(t)
	points := w.randomEpisodes("r", random, 7, 900)
	w.run("r", func(_ *store.Tx, edit *catalog.Edit) {
		for env := range 7 {
			if env == 3 {
				continue // has no size
			}
			id := fmt.Sprint("env-", env)
			edit.EnvAttributes(id, nil, []catalog.Update{{Path: "size", Value: new(catalog.Whole(int64(env * 5 % 7)))}})
		}
	})
	want := plainEnvironments(plainEpisodes(t, points))
	number := func(of func(e *plainEnvironment) float64) func(a, b *plainEnvironment) int {
		return func(a, b *plainEnvironment) int { return cmp.Compare(of(a), of(b)) }
	}
	for column, compare := range map[pb.EnvironmentColumn]func(a, b *plainEnvironment) int{
		pb.EnvironmentColumn_ENVIRONMENT_COLUMN_UNSPECIFIED:  func(a, b *plainEnvironment) int { return cmp.Compare(a.id, b.id) },
		pb.EnvironmentColumn_ENVIRONMENT_COLUMN_EPISODES:     number(func(e *plainEnvironment) float64 { return float64(e.episodes) }),
		pb.EnvironmentColumn_ENVIRONMENT_COLUMN_LAST_EPISODE: number(func(e *plainEnvironment) float64 { return float64(e.lastEpisode) }),
		pb.EnvironmentColumn_ENVIRONMENT_COLUMN_ENV_STEPS:    number(func(e *plainEnvironment) float64 { return float64(e.envSteps) }),
		pb.EnvironmentColumn_ENVIRONMENT_COLUMN_METRIC:       number(func(e *plainEnvironment) float64 { return e.lastReturn }),
	} {
		for _, descending := range []bool{false, true} {
			slices.SortFunc(want, func(a, b *plainEnvironment) int {
				order := compare(a, b)
				if descending {
					order = -order
				}
				return cmp.Or(order, cmp.Compare(a.id, b.id))
			})
			order := &pb.EnvironmentOrder{Column: column, Descending: descending}
			checkEnvironments(t, w, "r", &pb.ListEnvironmentsRequest{Order: order, Limit: 3}, want)
		}
	}

	order := &pb.EnvironmentOrder{Attribute: "size", Descending: true}
	size := func(e *plainEnvironment) int { return int(e.id[len(e.id)-1]-'0') * 5 % 7 }
	slices.SortFunc(want, func(a, b *plainEnvironment) int {
		if last := boolOrder(a.id == "env-3", b.id == "env-3"); last != 0 {
			return last
		}
		return size(b) - size(a)
	})
	checkEnvironments(t, w, "r", &pb.ListEnvironmentsRequest{Order: order}, want)
	want = slices.DeleteFunc(want, func(e *plainEnvironment) bool { return e.id == "env-3" || size(e) < 3 })
	checkEnvironments(t, w, "r", &pb.ListEnvironmentsRequest{Order: order, Filter: "attr(size) >= 3"}, want)
}

type plainEnvironment struct {
	id                              string
	episodes, lastEpisode, envSteps uint64
	lastRLStep                      uint64
	lastTime                        int64
	lastReturn                      float64
}

func plainEnvironments(episodes []*plainEpisode) []*plainEnvironment {
	slices.SortFunc(episodes, func(a, b *plainEpisode) int {
		return cmp.Or(cmp.Compare(a.env, b.env), cmp.Compare(a.episode, b.episode))
	})
	var all []*plainEnvironment
	for _, e := range episodes {
		if len(all) == 0 || all[len(all)-1].id != e.env {
			all = append(all, &plainEnvironment{id: e.env, lastReturn: math.NaN(), lastTime: math.MinInt64})
		}
		env := all[len(all)-1]
		env.episodes++
		env.lastEpisode = e.episode
		env.lastRLStep, env.lastTime = max(env.lastRLStep, e.lastRLStep), max(env.lastTime, e.lastTime)
		if v := e.reduced("return", pb.Reduction_REDUCTION_LAST); finite(v) {
			env.lastReturn, env.envSteps = v, e.envSteps
		}
	}
	return all
}

func checkEnvironments(t *testing.T, w *world, run string, r *pb.ListEnvironmentsRequest, want []*plainEnvironment) {
	t.Helper()
	r.Run, r.IncludeInherited = named(run), true
	r.Metrics = []*pb.EpisodeMetric{{SeriesQuery: "return()", Reduction: pb.Reduction_REDUCTION_LAST}}
	restarts := uint64(0)
	var got, wanted []string
	for r.Offset = 0; ; r.Offset += uint64(r.Limit) {
		answer := ask(w, w.client.ListEnvironments, r)
		if answer.TotalCount != uint64(len(want)) {
			t.Fatalf("%d environments, want %d", answer.TotalCount, len(want))
		}
		for i, id := range answer.Environments {
			got = append(got, fmt.Sprint(id, numbers(answer.Episodes)[i], numbers(answer.LastEpisodes)[i], numbers(answer.EnvSteps)[i],
				numbers(answer.LastRlSteps)[i], int64(numbers(answer.LastTimes)[i]), floats(answer.Metrics[0])[i]))
			restarts += numbers(answer.Restarts)[i]
		}
		if r.Limit == 0 || len(answer.Environments) < int(r.Limit) {
			break
		}
	}
	for _, e := range want {
		wanted = append(wanted, fmt.Sprint(e.id, e.episodes, e.lastEpisode, e.envSteps, e.lastRLStep, e.lastTime, e.lastReturn))
	}
	if !slices.Equal(got, wanted) {
		t.Fatalf("%v:\n%v, want\n%v", r, got, wanted)
	}
	listed := uint64(0)
	page := ask(w, w.client.ListEpisodes, &pb.ListEpisodesRequest{Run: r.Run, IncludeInherited: true, Limit: 1000})
	for _, n := range numbers(page.Restarts) {
		listed += n
	}
	if r.Filter == "" && (restarts != listed || page.NextPageToken != "") {
		t.Fatalf("%d restarts, %d of single episodes", restarts, listed)
	}
}

// A number is missing where an environment has no points, not where these are NaN.
func TestEnvironmentsTellNaNsThatWereLogged(t *testing.T) {
	w := newWorld(t)
	nan := math.NaN()
	w.run("r", func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		for env, returns := range map[string][]float64{"a": {1, 2}, "b": {nan, nan}, "c": {3, nan}, "d": nil} {
			no := tx.Environment(env)
			b := point.RLBatch{HasEpisode: true, Values: []float64{0}}
			tx.AppendRL(tx.Series(reward, point.Ordered), no, b, true)
			if returns != nil {
				tx.AppendRL(tx.Series(ret, point.Ordered), no, point.RLBatch{Values: returns}, true)
			}
		}
	})
	answer := ask(w, w.client.ListEnvironments, &pb.ListEnvironmentsRequest{Run: named("r"), Metrics: []*pb.EpisodeMetric{
		{SeriesQuery: `reward(scale="ENVIRONMENT_STEP")`}, {SeriesQuery: "return()"},
	}})
	got := fmt.Sprint(answer.Environments, floats(answer.Metrics[0]), answer.LoggedNans[0], floats(answer.Metrics[1]), answer.LoggedNans[1])
	if want := "[a b c d] [0 0 0 0] [0 0 0 0] [2 NaN 3 NaN] [0 1 0 0]"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
}

// A fork counts what it inherits, and has its parent's attributes as of the fork.
func TestEnvironmentsOfForks(t *testing.T) {
	w := newWorld(t)
	w.forks(rand.New(rand.NewPCG(4, 2)), 400)
	want := plainEnvironments(plainEpisodes(t, w.pointsOf("fork", true)))
	checkEnvironments(t, w, "fork", &pb.ListEnvironmentsRequest{Limit: 4}, want)
	if own := ask(w, w.client.ListEnvironments, &pb.ListEnvironmentsRequest{Run: named("fork")}); len(own.Environments) == len(want) {
		t.Fatalf("the fork has no less environments of its own: %d", len(want))
	}

	long := uint64(1 << 40) // behind every fork
	for name, edits := range map[string][]catalog.Update{
		"root":  {{Path: "task", Value: new(catalog.Text("reach"))}, {Path: "size", Value: new(catalog.Whole(1))}},
		"child": {{Path: "size", Value: new(catalog.Whole(2))}},
	} {
		w.run(name, func(_ *store.Tx, edit *catalog.Edit) {
			edit.EnvAttributes("env-0", nil, edits)
			edit.EnvAttributes("env-0", &long, []catalog.Update{{Path: "task", Value: new(catalog.Text("later"))}})
		})
	}
	r := &pb.ListEnvironmentsRequest{Run: named("fork"), Filter: `attr(task) == "reach" AND attr(size) == 2`, AttributePaths: []string{"size", "task", "none"}}
	own := ask(w, w.client.ListEnvironments, r)
	if len(own.Environments) != 0 {
		t.Fatalf("without inheritance %v are of the parent's task", own.Environments)
	}
	r.IncludeInherited = true
	answer := ask(w, w.client.ListEnvironments, r)
	if !slices.Equal(answer.Environments, []string{"env-0"}) {
		t.Fatalf("%v are of the task, want env-0", answer.Environments)
	}
	attributes := answer.Attributes[0].Attributes
	if len(attributes) != 2 || attributes[0].GetIntValue() != 2 || attributes[1].GetStringValue() != "reach" {
		t.Fatalf("env-0 has %v", attributes)
	}

	episodes := ask(w, w.client.ListEpisodes, &pb.ListEpisodesRequest{
		Run: named("fork"), Environments: []string{"env-0"}, IncludeInherited: true, AttributePaths: r.AttributePaths,
	})
	for i, e := range episodes.Attributes {
		if a := e.Attributes; len(a) != 2 || a[0].GetIntValue() != 2 || a[1].GetStringValue() != "reach" {
			t.Fatalf("row %d of env-0 has %v", i, a)
		}
	}
	if len(episodes.Attributes) == 0 {
		t.Fatal("there are no attributes")
	}
}

func TestQuestionsAboutEnvironmentsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(1, 1)), 2, 50)
	f := func(r *pb.ListEnvironmentsRequest, words string) {
		t.Helper()
		r.Run = named("r")
		refused(w, w.client.ListEnvironments, r, connect.CodeInvalidArgument, words)
	}
	f(&pb.ListEnvironmentsRequest{Limit: 1001}, "limit 1001 is above 1000")
	f(&pb.ListEnvironmentsRequest{Filter: "attr("}, "filter")
	f(&pb.ListEnvironmentsRequest{Order: &pb.EnvironmentOrder{Column: 77}}, "order.column 77 is none")
	f(&pb.ListEnvironmentsRequest{Order: &pb.EnvironmentOrder{Column: 8}}, "order.metric 0 is none of the 0 metrics")
	f(&pb.ListEnvironmentsRequest{Metrics: make([]*pb.EpisodeMetric, 5)}, "5 metrics; at most 4 may be")
}
