package query

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// plainEnd is where an environment stands in a series: what counts as its first and last.
type plainEnd struct {
	step        uint64
	time        int64
	first, last float64
}

// plainRow is a series of environments as a plain computation sums it up.
type plainRow struct {
	values []float64
	ends   map[int]*plainEnd
}

// take adds points of a rollout; they come by rl_step.
func (p *plainRow) take(env int, step uint64, time int64, values []float64) {
	p.values = append(p.values, values...)
	if p.ends[env] == nil {
		p.ends[env] = &plainEnd{first: values[0]}
	}
	end := p.ends[env]
	end.step, end.time, end.last = step, time, values[len(values)-1]
}

// regular is the row with all functions.
func (p *plainRow) regular() *common.RegSeriesSummary {
	var sum summary
	sum.add(p.values)
	var firsts, lasts []float64
	var step uint64
	for _, end := range p.ends {
		step = max(step, end.step)
	}
	var time int64
	for _, end := range p.ends {
		firsts, lasts = append(firsts, end.first), append(lasts, end.last)
		if end.step == step {
			time = max(time, end.time)
		}
	}
	row := &common.RegSeriesSummary{LastStep: step, Count: &sum.Finite, LastTimestamp: (&summaryWriter{}).timeOf(time)}
	row.First, row.Last = pointer(plainMean(finiteOf(firsts))), pointer(plainMean(finiteOf(lasts)))
	if sum.Finite > 0 {
		row.Sum, row.Min, row.Max, row.Avg = &sum.Sum, &sum.Min, &sum.Max, &sum.Mean
		row.Std = pointer(math.Sqrt(sum.M2 / float64(sum.Finite)))
	}
	return row
}

func plainMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// logRewards logs rewards of environments in series, with NaN among them, episodes that
// are discarded and begin anew, and tells what is left of each series.
func logRewards(w *world, run string, random *rand.Rand, all int) map[string]*plainRow {
	rows := make(map[string]*plainRow)
	w.run(run, nil, func(tx *store.Tx, _ *catalog.Edit) {
		for k := range all {
			key := point.Series{Name: "reward", Scale: point.ScaleEnvironmentStep, Labels: []point.Label{{Key: "part", Value: fmt.Sprint(k)}}}
			if k%2 == 0 {
				steps(tx, series("reward", "part", fmt.Sprint(k)), 0, float64(k)) // of another scale
			}
			row := &plainRow{ends: make(map[int]*plainEnd)}
			rows[key.Identity()] = row
			for env := range 1 + random.IntN(4) {
				for step := range uint64(1 + random.IntN(5)) {
					attempts := 1 + random.IntN(2)
					for attempt := range attempts {
						values, time := drawn(random), random.Int64N(100_000)
						tx.AppendRL(tx.Series(key, point.Ordered), tx.Environment(fmt.Sprint(env)), point.RLBatch{
							RLStep: step, Episode: step, HasEpisode: true, Times: point.Times{Millis: time}, Values: values,
							Minors: point.Steps{First: 0},
						}, true)
						if attempt == attempts-1 {
							row.take(env, step, time, values)
						}
					}
				}
			}
		}
	})
	return rows
}

func drawn(random *rand.Rand) []float64 {
	values := make([]float64, 1+random.IntN(8))
	for i := range values {
		values[i] = random.NormFloat64()
		if random.IntN(6) == 0 {
			values[i] = nan
		}
	}
	return values
}

func checkRow(t *testing.T, what string, got, want *common.RegSeriesSummary) {
	t.Helper()
	if got.GetLastStep() != want.GetLastStep() || !got.GetLastTimestamp().AsTime().Equal(want.GetLastTimestamp().AsTime()) || got.GetCount() != want.GetCount() {
		t.Fatalf("%s: %v; want %v", what, got, want)
	}
	for _, pair := range [][2]*float64{
		{got.First, want.First}, {got.Last, want.Last}, {got.Sum, want.Sum}, {got.Min, want.Min}, {got.Max, want.Max}, {got.Avg, want.Avg}, {got.Std, want.Std},
	} {
		a, b := pair[0], pair[1]
		if (a == nil) != (b == nil) || a != nil && !(math.Abs(*a-*b) <= 1e-9 || math.IsNaN(*a) && math.IsNaN(*b)) {
			t.Fatalf("%s: %v; want %v", what, got, want)
		}
	}
}

// Series of environments are rows as a plain computation has them, on pages of any size.
func TestSeriesOfEnvironmentsAreRows(t *testing.T) {
	const all = 23
	functions := []string{"first", "last", "sum", "count", "min", "max", "std", "avg"}
	w := newWorld(t)
	random := rand.New(rand.NewPCG(4, 5))
	want := make(map[string]map[string]*plainRow)
	for _, run := range []string{"r0", "r1"} {
		want[run] = logRewards(w, run, random, all)
	}
	for _, size := range []int64{1, 7, 10_000} {
		r := &pb.ListSeriesSummariesRequest{
			Workspace: "w", Project: "p", RunNames: []string{"r1", "r0"}, Limit: &size, SummaryQueries: []string{
				`reward(scale="ENVIRONMENT_STEP"):` + strings.Join(functions, ","), "reward():last",
			},
		}
		ofSteps := 0
		seen := make(map[string]bool)
		for more := true; more; more = r.ResumeToken != nil {
			answer := ask(w, w.client.ListSeriesSummaries, r)
			r.ResumeToken = answer.ResumeToken
			for _, run := range answer.GetRunSeriesSummaries() {
				for _, row := range run.GetSeriesSummaries() {
					d := row.GetDefinition().GetRegular()
					if d.GetScale() == point.ScaleMLStep {
						ofSteps++
						continue
					}
					key := point.Series{Name: d.GetMetricName(), Scale: d.GetScale(), Labels: point.SortLabels(d.GetLabels())}
					what := fmt.Sprintf("pages of %d: %s %s", size, run.GetRun(), key.Key())
					if seen[what] {
						t.Fatalf("%s comes twice", what)
					}
					seen[what] = true
					checkRow(t, what, row.GetSummaryValues().GetRegular(), want[run.GetRun()][key.Identity()].regular())
				}
			}
		}
		if len(seen) != 2*all || ofSteps != 2*((all+1)/2) {
			t.Fatalf("pages of %d: %d series of environments and %d of steps", size, len(seen), ofSteps)
		}
	}
}

// A row says what ListRuns says of the same text, where the series is the only one.
func TestRowsOfEnvironmentsAreAsListRunsHasThem(t *testing.T) {
	w := newWorld(t)
	logRewards(w, "r", rand.New(rand.NewPCG(6, 7)), 3)
	text := `reward(scale="ENVIRONMENT_STEP", filter=(part="1")):last`
	listed := ask(w, w.client.ListRuns, &pb.ListRunsRequest{Workspace: "w", Project: "p", SeriesSummaries: []string{text}})
	r := &pb.ListSeriesSummariesRequest{Workspace: "w", Project: "p", RunNames: []string{"r"}, SummaryQueries: []string{text}}
	rows := ask(w, w.client.ListSeriesSummaries, r).GetRunSeriesSummaries()[0].GetSeriesSummaries()
	if a, b := listed.GetRuns()[0].GetSeriesSummaries()[0].GetValue(), rows[0].GetSummaryValues().GetRegular().GetLast(); len(rows) != 1 || a != b {
		t.Fatalf("%v in the list of runs; %v", a, rows)
	}
	if counts := rows[0].GetSummaryValues().GetRegular(); counts.Count != nil || counts.First != nil {
		t.Error("functions that nobody asked for:", counts)
	}
	r.SummaryQueries = []string{`reward(scale="ENVIRONMENT_STEP"):last_avg`}
	refused(w, w.client.ListSeriesSummaries, r, connect.CodeInvalidArgument, "aggregated")
}
