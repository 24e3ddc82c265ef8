package query

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// TestMetricListsAreThoseOfAllSeries compares the lists that are kept with what every
// series of every run says, while series, runs and deletions come.
func TestMetricListsAreThoseOfAllSeries(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, random := newWorld(t), rand.New(rand.NewPCG(seed, 1))
			for range 60 {
				changeMetrics(w, random)
				names := slices.Collect(maps.Keys(w.metricsOf(nil)))
				if len(names) == 0 {
					continue
				}
				w.compareMetrics(nil)
				w.compareMetrics(names[:1])
				w.compareMetrics(append(names[:min(len(names), 2)], names[0]))
			}
		})
	}
}

func changeMetrics(w *world, random *rand.Rand) {
	name := fmt.Sprint("run-", random.IntN(4))
	if _, there := w.catalog.FindRun("w", "p", name); there && random.IntN(4) == 0 {
		if err := w.catalog.DeleteRun("w", "p", name); err != nil {
			w.Fatal(err)
		}
		return
	}
	w.run(name, nil, func(tx *store.Tx, _ *catalog.Edit) {
		for range random.IntN(3) {
			s := series(fmt.Sprint("m", random.IntN(5)), "layer", fmt.Sprint(random.IntN(3)))
			if random.IntN(2) == 0 {
				s.Labels[0].Key = "part"
			}
			if random.IntN(3) == 0 {
				s.Scale = "EPOCH"
			}
			tx.Series(s, point.Ordered)
		}
	})
}

// metricsOf gives the metrics of each of these runs, or of all, as texts.
func (w *world) metricsOf(names []string) map[string]map[string]bool {
	runs, _ := w.catalog.Runs("w", "p")
	all := make(map[string]map[string]bool)
	for _, run := range runs {
		if len(names) > 0 && !slices.Contains(names, run.Name) {
			continue
		}
		points, err := run.Points()
		if err != nil {
			w.Fatal(err)
		}
		all[run.Name] = make(map[string]bool)
		for _, info := range points.SeriesInfos() {
			all[run.Name][info.Key.Name+"@"+info.Key.Scale+"."+info.Key.Labels[0].Key] = true
		}
	}
	return all
}

func (w *world) compareMetrics(names []string) {
	w.Helper()
	want := make(map[string]bool)
	for _, of := range w.metricsOf(names) {
		maps.Copy(want, of)
	}
	var got []string
	definitions := ask(w, w.client.ListMetricDefinitions, &pb.ListMetricDefinitionsRequest{Workspace: "w", Project: "p", RunNames: names})
	for _, m := range definitions.GetMetricDefinitions() {
		for _, label := range m.GetLabelKeys() {
			got = append(got, m.GetMetricName()+"@"+m.GetScale()+"."+label)
		}
	}
	same(w.T, fmt.Sprint("metrics of ", names), got, slices.Sorted(maps.Keys(want)))
}
