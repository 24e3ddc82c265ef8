package query

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"google.golang.org/protobuf/proto"
)

// labelled makes runs of series whose labels have few values and many.
func labelled(w *world, random *rand.Rand, runs ...string) (keys []point.Series) {
	for _, name := range runs {
		w.run(name, nil, func(tx *store.Tx, _ *catalog.Edit) {
			for i := range 300 {
				s := series([]string{"loss", "speed"}[i%2], "env", fmt.Sprint(random.IntN(100)), "rank", fmt.Sprint(random.IntN(3)))
				if random.IntN(4) == 0 {
					s.Labels = s.Labels[1:]
				}
				keys = append(keys, s)
				steps(tx, s, uint64(i), random.Float64())
			}
		})
	}
	return keys
}

// Conditions on labels, some of which the store looks up, select what each series is
// asked for alone.
func TestConditionsOnLabelsSelectWhatMatches(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	w := newWorld(t)
	keys := labelled(w, random, "r")
	condition := func() string {
		key := []string{"env", "rank", "host"}[random.IntN(9)/4]
		switch one, two := random.IntN(100), random.IntN(3); random.IntN(6) {
		case 0:
			return fmt.Sprintf(`%s!="%d"`, key, two)
		case 1:
			return fmt.Sprintf(`%s NOT IN ["%d", "%d"]`, key, one, two)
		case 2:
			return fmt.Sprintf(`%s~="[%d2]"`, key, two)
		case 3, 4:
			return fmt.Sprintf(`%s IN ["%d", "%d", "%d"]`, key, one, two, two)
		default:
			return fmt.Sprintf(`%s="%d"`, key, two)
		}
	}
	selected := 0
	for range 400 {
		text := fmt.Sprintf(`loss(filter=(%s, %s))`, condition(), condition())
		q, err := grammar.ParseSeries(text)
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string]bool)
		for _, key := range keys {
			if matches(q, key, false) {
				want[key.Identity()] = true
			}
		}
		var got []string
		for _, d := range ask(w, w.client.ListSeriesDefinitions, &pb.ListSeriesDefinitionsRequest{
			Workspace: "w", Project: "p", Run: pointer("r"), SeriesFilters: []string{text}, Limit: pointer(int64(1000)),
		}).GetSeriesDefinitions() {
			r := d.GetRegular()
			got = append(got, point.Series{Name: r.GetMetricName(), Scale: r.GetScale(), Labels: point.SortLabels(r.GetLabels())}.Identity())
		}
		selected += len(got)
		if !slices.Equal(got, sortedKeys(want)) {
			t.Fatalf("%s: got %q, want %q", text, got, sortedKeys(want))
		}
	}
	if selected < 1000 {
		t.Fatalf("only %d series were selected", selected)
	}
}

// Pages of summaries, whatever their size, are the whole listing, also when runs have
// series of the same number and identities that are not kept.
func TestPagesOfSummariesAreTheWhole(t *testing.T) {
	w := newWorld(t)
	labelled(w, rand.New(rand.NewPCG(8, 9)), "r0", "r1", "r2")
	r := &pb.ListSeriesSummariesRequest{
		Workspace: "w", Project: "p", RunNames: []string{"r2", "r0", "r1"}, Limit: pointer(int64(10_000)),
		SummaryQueries: []string{"speed():last,count", `loss(filter=(env IN ["1", "2", "3"])):max`, "loss(aggregate=(keys=[rank], reducer=max)):avg"},
	}
	var whole []*pb.KeyedSeriesSummary
	for _, run := range ask(w, w.client.ListSeriesSummaries, r).GetRunSeriesSummaries() {
		whole = append(whole, run.GetSeriesSummaries()...)
	}
	for _, size := range []int64{1, 7, 100, 161} {
		r.Limit, r.ResumeToken = &size, nil
		var paged []*pb.KeyedSeriesSummary
		for {
			answer := ask(w, w.client.ListSeriesSummaries, r)
			n := 0
			for _, run := range answer.GetRunSeriesSummaries() {
				paged = append(paged, run.GetSeriesSummaries()...)
				n += len(run.GetSeriesSummaries())
			}
			if r.ResumeToken = answer.ResumeToken; r.ResumeToken == nil {
				break
			}
			if n != int(size) {
				t.Fatalf("a page of %d has %d rows", size, n)
			}
		}
		if !slices.EqualFunc(paged, whole, func(a, b *pb.KeyedSeriesSummary) bool { return proto.Equal(a, b) }) {
			t.Fatalf("pages of %d have other rows, %d instead of %d", size, len(paged), len(whole))
		}
	}
	if len(whole) < 250 {
		t.Fatalf("only %d rows", len(whole))
	}
}

// Definitions are kept within a bound, and are those of the series asked for.
func TestDefinitionsAreKeptWithinABound(t *testing.T) {
	var c definitionCache
	ask := func(run byte, label string, from, to int) {
		var rows []summaryRow
		for no := from; no < to; no++ {
			key := series("loss", "label", label, "no", fmt.Sprint(no))
			rows = append(rows, summaryRow{sums: &store.SelectedSums{No: uint32(no), Key: &key, Identity: key.Identity()}})
		}
		for range 2 {
			for i, d := range c.of(runPoints{Run: &catalog.Run{ID: store.RunID{run}}}, rows) {
				if !proto.Equal(d, definition(*rows[i].sums.Key)) {
					t.Fatalf("series %d of run %d is %v", rows[i].sums.No, run, d)
				}
			}
		}
		held := 0
		for _, kept := range c.runs {
			held += len(kept)
		}
		if held != c.held || held > maxDefinitions {
			t.Fatalf("%d are kept, %d are counted", held, c.held)
		}
	}
	ask(1, "a", 1, 5000)
	ask(2, "a", 20_000, 20_010)
	ask(1, "a", 4000, 12_000)
	ask(3, "a", maxDefinitions-5, maxDefinitions+5)
	if len(c.runs) != 1 {
		t.Fatalf("%d runs are kept", len(c.runs))
	}
	ask(1, "a", 1, 10)
	ask(1, "b", 1, 10) // numbers that came to name others
}
