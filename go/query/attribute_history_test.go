package query

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

func level(edit *catalog.Edit, env string, episode *uint64, text string) {
	edit.EnvAttributes(env, episode, []catalog.Update{{Path: "level", Value: value(catalog.Text(text))}})
}

// levelOf is the level that an answer says; "-" for none.
func levelOf(attributes []*common.Attribute) string {
	for _, a := range attributes {
		if a.GetPath() == "level" {
			return a.GetStringValue()
		}
	}
	return "-"
}

func TestAttributesHoldFromTheirEpisodeOn(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		for ep := range uint64(10) {
			episode(tx, "a", 10*ep, ep, 1)
			episode(tx, "b", 10*ep, ep, 3)
		}
		episode(tx, "short", 0, 0, 1)
		episode(tx, "short", 10, 3, 1)
		for _, env := range []string{"a", "short"} {
			level(edit, env, pointer(uint64(3)), "three")
			level(edit, env, pointer(uint64(7)), "seven")
		}
		level(edit, "b", nil, "always")
	})
	// By the episode, by an rl_step in it, and in a group along either.
	f := func(env string, episode uint64, want string) {
		t.Helper()
		listed := ask(w, w.client.ListRLEnvAttributes, &pb.ListRLEnvAttributesRequest{
			Workspace: "w", Project: "p", Run: "r", Environment: env, Episode: &episode,
		})
		same(t, "listed", []string{levelOf(listed.GetAttributes())}, []string{want})
		for _, at := range []*pb.RLScaleSelector{atEpisode(episode), atRLStep(10 * episode), atRLStep(10*episode + 9)} {
			if at.GetRlStep() > 90 {
				continue
			}
			filter := fmt.Sprintf("attr(environment_id) == %q", env)
			if want == "-" {
				filter += ` AND attr(level) != "three"`
			} else {
				filter += fmt.Sprintf(" AND attr(level) == %q", want)
			}
			envs := ask(w, w.client.ListRLEnvironments, &pb.ListRLEnvironmentsRequest{
				Workspace: "w", Project: "p", Run: "r", ScaleSelector: at, AttributePaths: []string{"level"}, Filter: pointer(filter),
			}).GetEnvironments()
			if len(envs) != 1 || levelOf(envs[0].GetAttributes()) != want {
				t.Fatalf("%s at %v: %v, want %s", env, at, envs, want)
			}
		}
	}
	f("a", 2, "-")
	f("a", 3, "three")
	f("a", 5, "three")
	f("a", 7, "seven")
	f("a", 9, "seven")
	f("b", 5, "always")
	// Without an episode none is laid over the environment, whatever its points have got to.
	for env, want := range map[string]string{"a": "-", "b": "always", "short": "-"} {
		own := ask(w, w.client.ListRLEnvAttributes, &pb.ListRLEnvAttributesRequest{Workspace: "w", Project: "p", Run: "r", Environment: env})
		same(t, "of "+env, []string{levelOf(own.GetAttributes())}, []string{want})
		below := ask(w, w.client.BrowseRLEnvAttributes, &pb.BrowseRLEnvAttributesRequest{Workspace: "w", Project: "p", Run: "r", Environment: env})
		same(t, "of "+env, []string{levelOf(below.GetAttributes())}, []string{want})
	}
}

// At its last rl_step an environment is in the episode of the points there, also where
// its episodes go back.
func TestTheEpisodeAtTheLastRLStepIsThatOfItsPoints(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		episode(tx, "a", 2, 9, 1)
		episode(tx, "a", 6, 3, 1)
		level(edit, "a", pointer(uint64(3)), "three")
		level(edit, "a", pointer(uint64(7)), "seven")
	})
	for rlStep, want := range map[uint64]string{2: "9 seven", 4: "9 seven", 6: "3 three"} {
		envs := ask(w, w.client.ListRLEnvironments, &pb.ListRLEnvironmentsRequest{
			Workspace: "w", Project: "p", Run: "r", ScaleSelector: atRLStep(rlStep), AttributePaths: []string{"level"},
		}).GetEnvironments()
		if got := fmt.Sprint(envs[0].GetCurrentEpisode(), " ", levelOf(envs[0].GetAttributes())); got != want {
			t.Errorf("at rl_step %d: %s, want %s", rlStep, got, want)
		}
	}
}

func groupings(w *world, byEpisode bool) *pb.AggregateRLEnvironmentSeriesResponse {
	r := &pb.AggregateRLEnvironmentSeriesRequest{
		Workspace: "w", Project: "p", Run: "r", SeriesExpression: "reward()", Aggregations: []pb.RLEnvironmentsAggregation{1},
		Groupings: []string{"attr(level)"}, Filter: pointer(`attr(skipped) != "yes"`),
		RangeSelector: &pb.RLScaleRangeSelector{Scale: &pb.RLScaleRangeSelector_RlStepRange{RlStepRange: &pb.StepRange{}}},
	}
	if byEpisode {
		r.RangeSelector = &pb.RLScaleRangeSelector{Scale: &pb.RLScaleRangeSelector_EpisodeRange{EpisodeRange: &pb.StepRange{}}}
	}
	return ask(w, w.client.AggregateRLEnvironmentSeries, r)
}

// Environments go from group to group as their attributes change, along episodes and
// along rl_steps: a plain model says how many are in which.
func TestGroupsFollowHistoriesAgainstAModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	const episodes, perEpisode = 12, 3
	type logged struct {
		env, path string
		episode   int
		text      string
	}
	var log []logged
	holds := func(env, path string, episode int) string {
		text, from := "-", -2
		for _, l := range log {
			if l.env == env && l.path == path && l.episode <= episode && l.episode >= from {
				text, from = l.text, l.episode
			}
		}
		return text
	}
	w := newWorld(t)
	envs := []string{"a", "b", "c", "d"}
	w.run("r", nil, func(tx *store.Tx, edit *catalog.Edit) {
		for ep := range uint64(episodes) {
			for _, env := range envs {
				for i := range uint64(perEpisode) {
					episode(tx, env, perEpisode*ep+i, ep, 1)
				}
			}
		}
		for range 40 {
			l := logged{envs[random.IntN(len(envs))], "level", random.IntN(episodes+2) - 1, fmt.Sprint(random.IntN(3))}
			if random.IntN(3) == 0 {
				l.path, l.text = "skipped", []string{"yes", "no"}[random.IntN(2)]
			}
			at := pointer(uint64(l.episode))
			if l.episode < 0 {
				at = nil
			}
			log = append(log, l)
			edit.EnvAttributes(l.env, at, []catalog.Update{{Path: l.path, Value: value(catalog.Text(l.text))}})
		}
	})
	for _, byEpisode := range []bool{true, false} {
		want := map[string]int{}
		for x := range episodes * perEpisode {
			ep := x / perEpisode
			if byEpisode {
				if ep = x; x >= episodes {
					break
				}
			}
			for _, env := range envs {
				if holds(env, "skipped", ep) != "yes" {
					want[fmt.Sprint(holds(env, "level", ep), " at ", x)]++
				}
			}
		}
		got := map[string]int{}
		for _, s := range groupings(w, byEpisode).GetSeries() {
			group := s.GetSeriesKeyParts()[0].GetStringValue()
			if s.GetSeriesKeyParts()[0].GetUnset() {
				group = "-"
			}
			for i, x := range s.GetFirstSteps() {
				got[fmt.Sprint(group, " at ", x)] += int(s.GetCounts()[i])
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("by episode %v: %v, want %v", byEpisode, got, want)
		}
	}
}

// An environment is in the highest episode of its last rl_step up to the one in
// question, of points that lie in blocks as well as of those that do not yet.
func TestProgress(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		episode(tx, "a", 2, 5, 1)
		episode(tx, "a", 2, 4, 1)
		episode(tx, "a", 6, 3, 1)
	})
	run, _ := w.catalog.FindRun("w", "p", "r")
	points, err := run.Points()
	if err != nil {
		t.Fatal(err)
	}
	check := func(want ...uint64) {
		t.Helper()
		p, err := points.Progress(1)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for x := range uint64(len(want)) {
			got = append(got, p.At(x))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	check(0, 0, 5, 5, 5, 5, 3, 3)
	if err := w.db.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) { episodeReturn(tx, "a", 6, 9, 1) })
	check(0, 0, 5, 5, 5, 5, 9, 9)
}
