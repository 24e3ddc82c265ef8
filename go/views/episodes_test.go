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
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// plainEpisode is a row of a listing, worked out from single points.
type plainEpisode struct {
	env                     string
	episode                 uint64
	firstRLStep, lastRLStep uint64
	envSteps, totalEnvSteps uint64
	firstTime, lastTime     int64
	values                  map[string][]float64 // by metric name, by env step, then by rl_step
}

func plainEpisodes(t *testing.T, points readRun) []*plainEpisode {
	t.Helper()
	byKey := make(map[string]*plainEpisode)
	var list []*plainEpisode
	infos := points.SeriesInfos()
	slices.SortFunc(infos, func(a, b store.SeriesInfo) int { return cmp.Compare(a.Identity, b.Identity) })
	for _, info := range infos {
		for _, env := range points.Environments() {
			c, err := points.RLPoints(info.No, env.No, store.RLRange{Episode: &store.Range{To: math.MaxUint64 - 1}})
			if err != nil {
				t.Fatal(err)
			}
			order := make([]int, len(c.Values))
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.EnvSteps[a], c.EnvSteps[b]) })
			for _, i := range order {
				key := fmt.Sprint(env.ID, c.Episodes[i])
				e := byKey[key]
				if e == nil {
					e = &plainEpisode{
						env: env.ID, episode: c.Episodes[i], firstRLStep: c.RLSteps[i], firstTime: c.Times[i], lastTime: c.Times[i],
						values: make(map[string][]float64),
					}
					byKey[key] = e
					list = append(list, e)
				}
				e.firstRLStep, e.lastRLStep = min(e.firstRLStep, c.RLSteps[i]), max(e.lastRLStep, c.RLSteps[i])
				e.firstTime, e.lastTime = min(e.firstTime, c.Times[i]), max(e.lastTime, c.Times[i])
				if info.Key.Scale != "EPISODE" {
					e.envSteps = max(e.envSteps, c.EnvSteps[i]+1)
				}
				e.values[info.Key.Name] = append(e.values[info.Key.Name], c.Values[i])
			}
		}
	}
	for _, e := range list {
		for _, other := range list {
			if other.env == e.env && other.episode <= e.episode {
				e.totalEnvSteps += other.envSteps
			}
		}
	}
	return list
}

func (e *plainEpisode) reduced(name string, how pb.Reduction) float64 {
	values := e.values[name]
	if how == pb.Reduction_REDUCTION_LAST {
		if len(values) == 0 {
			return math.NaN()
		}
		return values[len(values)-1]
	}
	var kept []float64
	sum := 0.0
	for _, v := range values {
		if finite(v) {
			kept = append(kept, v)
			sum += v
		}
	}
	if how == pb.Reduction_REDUCTION_COUNT {
		return float64(len(kept))
	}
	if len(kept) == 0 {
		return math.NaN()
	}
	switch how {
	case pb.Reduction_REDUCTION_SUM:
		return sum
	case pb.Reduction_REDUCTION_MEAN:
		return sum / float64(len(kept))
	case pb.Reduction_REDUCTION_MIN:
		return slices.Min(kept)
	}
	return slices.Max(kept)
}

// Pages behind each other are the episodes that pass, in order, with their numbers.
func TestEpisodesAreListedPageByPage(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	w := newWorld(t)
	w.randomEpisodes("r", random, 5, 900)
	w.forks(random, 600)
	runs := []string{"r", "fork"}
	all := [][]*plainEpisode{plainEpisodes(t, w.pointsOf("r", true)), plainEpisodes(t, w.pointsOf("fork", true))}
	names := []string{"return()", `reward(scale="ENVIRONMENT_STEP")`, `value(scale="ENVIRONMENT_STEP")`}
	bare := []string{"return", "reward", "value"}
	restarts := uint64(0)
	nans := make(map[[2]bool]int) // of those that are and are not, how many were logged
	for round := range 90 {
		of := round % len(runs)
		r := &pb.ListEpisodesRequest{Run: named(runs[of]), IncludeInherited: true, Limit: uint32(1 + random.IntN(150)), Order: &pb.EpisodeOrder{
			Column: pb.EpisodeColumn(random.IntN(len(pb.EpisodeColumn_name))), Descending: random.IntN(2) == 0,
		}}
		var metrics []int
		for range 1 + random.IntN(3) {
			k := random.IntN(3)
			metrics = append(metrics, k)
			how := pb.Reduction(1 + random.IntN(len(pb.Reduction_name)-1))
			r.Metrics = append(r.Metrics, &pb.EpisodeMetric{SeriesQuery: names[k], Reduction: how})
		}
		r.Order.Metric = uint32(random.IntN(len(metrics)))
		if random.IntN(3) == 0 {
			r.Environments = []string{"env-3", "env-1"}
		}
		from, to := random.Uint64N(20), 20+random.Uint64N(30)
		if random.IntN(3) == 0 {
			r.Episodes = &pb.IndexRange{From: from, To: &to}
		}
		if random.IntN(3) == 0 {
			r.RlSteps = &pb.IndexRange{From: from, To: &to}
		}
		r.MetricRanges = randomRanges(random, len(metrics))
		want := slices.DeleteFunc(slices.Clone(all[of]), func(e *plainEpisode) bool {
			return !inRanges(e, r.MetricRanges, r.Metrics, bare, metrics) || r.Environments != nil && !slices.Contains(r.Environments, e.env) ||
				r.Episodes != nil && (e.episode < from || e.episode > to) ||
				r.RlSteps != nil && (e.lastRLStep < from || e.firstRLStep > to)
		})
		key := func(e *plainEpisode) float64 {
			switch r.Order.Column {
			case pb.EpisodeColumn_EPISODE_COLUMN_EPISODE:
				return float64(e.episode)
			case pb.EpisodeColumn_EPISODE_COLUMN_FIRST_RL_STEP:
				return float64(e.firstRLStep)
			case pb.EpisodeColumn_EPISODE_COLUMN_LAST_RL_STEP:
				return float64(e.lastRLStep)
			case pb.EpisodeColumn_EPISODE_COLUMN_ENV_STEPS:
				return float64(e.envSteps)
			case pb.EpisodeColumn_EPISODE_COLUMN_TOTAL_ENV_STEPS:
				return float64(e.totalEnvSteps)
			case pb.EpisodeColumn_EPISODE_COLUMN_FIRST_TIME:
				return float64(e.firstTime)
			case pb.EpisodeColumn_EPISODE_COLUMN_LAST_TIME:
				return float64(e.lastTime)
			case pb.EpisodeColumn_EPISODE_COLUMN_METRIC:
				m := r.Order.Metric
				return e.reduced(bare[metrics[m]], r.Metrics[m].Reduction)
			}
			return float64(e.env[len(e.env)-1]) // one digit
		}
		byRestarts := r.Order.Column == pb.EpisodeColumn_EPISODE_COLUMN_RESTARTS
		slices.SortFunc(want, func(a, b *plainEpisode) int {
			x, y := key(a), key(b)
			order := cmp.Compare(x, y)
			if r.Order.Descending {
				order = -order
			}
			if math.IsNaN(x) != math.IsNaN(y) {
				order = -1
				if math.IsNaN(x) {
					order = 1
				}
			}
			if byRestarts {
				order = 0
			}
			return cmp.Or(order, cmp.Compare(a.env, b.env), cmp.Compare(a.episode, b.episode))
		})
		var got []string
		var seen []uint64
		for pages := 0; ; pages++ {
			answer := ask(w, w.client.ListEpisodes, r)
			if answer.TotalCount != uint64(len(want)) {
				t.Fatalf("%v: %d episodes, want %d", r, answer.TotalCount, len(want))
			}
			got = append(got, rowsOf(answer)...)
			seen = append(seen, numbers(answer.Restarts)...)
			if r.PageToken = answer.NextPageToken; r.PageToken == "" {
				break
			}
			if len(numbers(answer.Episodes)) != int(r.Limit) {
				t.Fatalf("a page of %d that is not the last, want %d", len(numbers(answer.Episodes)), r.Limit)
			}
		}
		var wanted []string
		for _, e := range want {
			values, loggedNaNs := []float64{}, []bool{}
			for i, k := range metrics {
				v := e.reduced(bare[k], r.Metrics[i].Reduction)
				logged := math.IsNaN(v) && len(e.values[bare[k]]) > 0
				values, loggedNaNs = append(values, v), append(loggedNaNs, logged)
				nans[[2]bool{math.IsNaN(v), logged}]++
			}
			wanted = append(wanted, fmt.Sprint(e.env, e.episode, e.firstRLStep, e.lastRLStep, e.envSteps, e.firstTime, e.lastTime, values, loggedNaNs))
		}
		if byRestarts {
			compare := func(a, b uint64) int { return cmp.Compare(a, b) }
			if r.Order.Descending {
				compare = func(a, b uint64) int { return cmp.Compare(b, a) }
			}
			if !slices.IsSortedFunc(seen, compare) {
				t.Fatalf("%v are out of order", seen)
			}
			slices.Sort(got)
			slices.Sort(wanted)
		}
		if len(got) != len(wanted) {
			t.Fatalf("%v: %d rows, want %d", r, len(got), len(wanted))
		}
		for i := range got {
			if got[i] != wanted[i] {
				t.Fatalf("%v, row %d:\n%s\nwant\n%s", r, i, got[i], wanted[i])
			}
		}
		for _, n := range seen {
			restarts += n
		}
	}
	if restarts == 0 {
		t.Error("no episode was restarted")
	}
	if nans[[2]bool{true, true}] == 0 || nans[[2]bool{true, false}] == 0 {
		t.Errorf("NaNs were not both logged and missing: %v", nans)
	}
}

// randomRanges chooses by some of so many metrics, most often by none.
func randomRanges(random *rand.Rand, metrics int) (ranges []*pb.MetricRange) {
	for k := range metrics {
		from, to := random.NormFloat64()-1, random.NormFloat64()+1
		limits := &pb.MetricRange{Metric: uint32(k)}
		switch random.IntN(8) {
		case 0:
			limits.From = &from
		case 1:
			limits.To = &to
		case 2:
			limits.From, limits.To = new(min(from, to)), new(max(from, to))
		default:
			continue
		}
		ranges = append(ranges, limits)
	}
	return ranges
}

func inRanges(e *plainEpisode, ranges []*pb.MetricRange, metrics []*pb.EpisodeMetric, names []string, which []int) bool {
	for _, limits := range ranges {
		v := e.reduced(names[which[limits.Metric]], metrics[limits.Metric].Reduction)
		if math.IsNaN(v) || limits.From != nil && v < *limits.From || limits.To != nil && v > *limits.To {
			return false
		}
	}
	return true
}

func rowsOf(answer *pb.ListEpisodesResponse) []string {
	var rows []string
	envs, episodes := numbers(answer.EnvironmentIndexes), numbers(answer.Episodes)
	first, last, steps := numbers(answer.FirstRlSteps), numbers(answer.LastRlSteps), numbers(answer.EnvSteps)
	from, to := numbers(answer.FirstTimes), numbers(answer.LastTimes)
	for i := range episodes {
		values, loggedNaNs := []float64{}, []bool{}
		for k, m := range answer.Metrics {
			values, loggedNaNs = append(values, floats(m)[i]), append(loggedNaNs, answer.LoggedNans[k][i] == 1)
		}
		rows = append(rows, fmt.Sprint(
			answer.Environments[envs[i]], episodes[i], first[i], last[i], steps[i], int64(from[i]), int64(to[i]), values, loggedNaNs,
		))
	}
	return rows
}

// What an environment is may change from episode to episode: a curriculum.
func TestEpisodesHaveTheAttributesOfTheirTime(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(3, 1)), 2, 200)
	list := &pb.ListEpisodesRequest{Run: named("r")}
	episodes := ask(w, w.client.ListEpisodes, list)
	if len(episodes.Attributes) != 0 {
		t.Fatalf("%d rows have attributes that were not asked for", len(episodes.Attributes))
	}
	const moved = uint64(2)
	w.run("r", func(_ *store.Tx, edit *catalog.Edit) {
		from := moved
		edit.EnvAttributes("env-0", nil, []catalog.Update{{Path: "task", Value: new(catalog.Text("reach"))}})
		edit.EnvAttributes("env-0", &from, []catalog.Update{{Path: "task", Value: new(catalog.Text("push"))}})
	})
	list.AttributePaths = []string{"none", "task"}
	episodes = ask(w, w.client.ListEpisodes, list)
	seen := make(map[string]int)
	for i, episode := range numbers(episodes.Episodes) {
		env := episodes.Environments[numbers(episodes.EnvironmentIndexes)[i]]
		want := ""
		if env == "env-0" {
			want = "reach"
			if episode >= moved {
				want = "push"
			}
		}
		got := ""
		for _, a := range episodes.Attributes[i].Attributes {
			got += a.GetStringValue()
		}
		if got != want {
			t.Errorf("episode %d of %s: task %q, want %q", episode, env, got, want)
		}
		seen[got]++
	}
	if len(seen) != 3 {
		t.Errorf("the episodes do not tell: %v", seen)
	}
}

func TestQuestionsAboutEpisodesThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(1, 1)), 2, 50)
	f := func(r *pb.ListEpisodesRequest, code connect.Code, words string) {
		t.Helper()
		refused(w, w.client.ListEpisodes, r, code, words)
	}
	run, low := named("r"), uint64(1)
	f(&pb.ListEpisodesRequest{}, connect.CodeNotFound, "no run")
	f(&pb.ListEpisodesRequest{Run: run, Environments: []string{"x"}}, connect.CodeNotFound, `no environment "x"`)
	f(&pb.ListEpisodesRequest{Run: run, Limit: 1001}, connect.CodeInvalidArgument, "above 1000")
	f(&pb.ListEpisodesRequest{Run: run, Episodes: &pb.IndexRange{From: 2, To: &low}}, connect.CodeInvalidArgument, "episodes goes from 2 to 1")
	f(&pb.ListEpisodesRequest{Run: run, Order: &pb.EpisodeOrder{Column: 77}}, connect.CodeInvalidArgument, "77 is none")
	f(&pb.ListEpisodesRequest{Run: run, Order: &pb.EpisodeOrder{Column: 9}}, connect.CodeInvalidArgument, "none of the 0 metrics")
	f(&pb.ListEpisodesRequest{Run: run, Metrics: []*pb.EpisodeMetric{{SeriesQuery: "a("}}}, connect.CodeInvalidArgument, "series_queries")
	f(&pb.ListEpisodesRequest{Run: run, Metrics: []*pb.EpisodeMetric{{SeriesQuery: "a(aggregate=(keys=[]))"}}}, connect.CodeInvalidArgument, "reduces")
	metric := []*pb.EpisodeMetric{{SeriesQuery: "return()"}}
	f(&pb.ListEpisodesRequest{Run: run, MetricRanges: []*pb.MetricRange{{}}}, connect.CodeInvalidArgument, "metric 0 is none of the 0 metrics")
	two, one := 2.0, 1.0
	f(&pb.ListEpisodesRequest{Run: run, Metrics: metric, MetricRanges: []*pb.MetricRange{{From: &two, To: &one}}}, connect.CodeInvalidArgument,
		"metric_ranges goes from 2 to 1")
	five := &pb.ListEpisodesRequest{Run: run}
	for k := range uint32(5) {
		five.Metrics, five.MetricRanges = append(five.Metrics, metric...), append(five.MetricRanges, &pb.MetricRange{Metric: k})
	}
	f(five, connect.CodeInvalidArgument, "more than 4 metrics")
	f(&pb.ListEpisodesRequest{Run: run, PageToken: "abc"}, connect.CodeInvalidArgument, "was not given for this request")
	token := ask(w, w.client.ListEpisodes, &pb.ListEpisodesRequest{Run: run, Limit: 1}).NextPageToken
	f(&pb.ListEpisodesRequest{Run: run, PageToken: token, Episodes: &pb.IndexRange{}}, connect.CodeInvalidArgument, "was not given for this request")
}
