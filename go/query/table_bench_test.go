package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// What the table of the benchmark has.
const (
	tableRuns    = 10_000
	tableKeys    = 200
	tableMetrics = 5
)

// What the table of runs asks of a project of 10,000 with 200 attributes and five
// metrics each: first of a directory that was opened just now, then again and again,
// and again while a run changes before each question.
func BenchmarkRunTable(b *testing.B) {
	dir := b.TempDir()
	c, end := openedForBench(b, dir)
	fillTable(b, c)
	end()

	b.Run("opening", func(b *testing.B) {
		for b.Loop() {
			_, end := openedForBench(b, dir)
			end()
		}
	})
	for name, ask := range tableQuestions {
		b.Run("first after opening/"+name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				c, end := openedForBench(b, dir)
				s := New(c, Options{})
				b.StartTimer()
				ask(b, s)
				b.StopTimer()
				end()
				b.StartTimer()
			}
		})
	}
	c, end = openedForBench(b, dir)
	defer end()
	s := New(c, Options{})
	for _, ask := range tableQuestions {
		ask(b, s)
	}
	for name, ask := range tableQuestions {
		b.Run("again/"+name, func(b *testing.B) {
			for b.Loop() {
				ask(b, s)
			}
		})
		b.Run("while a run changes/"+name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				logToTable(b, c, fmt.Sprint("run", i%tableRuns), uint64(1000+i), rand.New(rand.NewPCG(1, uint64(i))))
				b.StartTimer()
				ask(b, s)
			}
		})
	}
}

var tableQuestions = map[string]func(b *testing.B, s *Service){
	"attribute keys": func(b *testing.B, s *Service) {
		answer, err := s.ListAttributesDefinitions(context.Background(), connect.NewRequest(&pb.ListAttributesDefinitionsRequest{
			Workspace: "w", Source: &pb.ListAttributesDefinitionsRequest_RunSource{RunSource: &pb.AttrDefRunSource{Project: "p"}},
			Limit: pointer(int64(10_000)),
		}))
		if err != nil || len(answer.Msg.GetAttributeDefs()) < tableKeys {
			b.Fatal(answer, err)
		}
	},
	"metrics": func(b *testing.B, s *Service) {
		answer, err := s.ListMetricDefinitions(context.Background(), connect.NewRequest(&pb.ListMetricDefinitionsRequest{
			Workspace: "w", Project: "p", Limit: pointer(int64(1000)),
		}))
		if err != nil || len(answer.Msg.GetMetricDefinitions()) != tableMetrics {
			b.Fatal(answer, err)
		}
	},
	"newest":                 listTable("attr(sys/archived) == False", "attr(sys/creation_time) DESC"),
	"by an attribute":        listTable("attr(sys/archived) == False", "attr(config/key-117) DESC"),
	"by a summary":           listTable("attr(sys/archived) == False", "metric-3():last DESC"),
	"filtered by attributes": listTable("attr(config/key-17) < 0.5 AND attr(config/key-118) != \"adam\"", "attr(sys/name) ASC"),
	"filtered by a summary":  listTable("metric-2():max > 0.5", "metric-3():last DESC"),
}

// listTable asks for a page as the dashboard does.
func listTable(filter, order string) func(b *testing.B, s *Service) {
	paths := []string{"sys/status", "sys/creation_time", "sys/modification_time", "sys/running_time_seconds", "sys/tags", "sys/archived"}
	for i := range 10 {
		paths = append(paths, tableKey(i))
	}
	return func(b *testing.B, s *Service) {
		answer, err := s.ListRuns(context.Background(), connect.NewRequest(&pb.ListRunsRequest{
			Workspace: "w", Project: "p", Filter: &filter, OrderBy: &order, Limit: pointer(int64(100)),
			AttributePaths: paths, SeriesSummaries: []string{"metric-0():last"},
		}))
		if err != nil || len(answer.Msg.GetRuns()) != 100 {
			b.Fatal(answer, err)
		}
	}
}

func tableKey(i int) string { return fmt.Sprintf("config/key-%d", i) }

func openedForBench(b *testing.B, dir string) (c *catalog.Catalog, end func()) {
	b.Helper()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if c, err = catalog.Open(db); err != nil {
		b.Fatal(err)
	}
	return c, func() {
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func fillTable(b *testing.B, c *catalog.Catalog) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	for i := range tableRuns {
		logToTable(b, c, fmt.Sprint("run", i), 0, random)
	}
}

// logToTable gives a run all of its attributes, of three kinds, and ten points of
// each metric.
func logToTable(b *testing.B, c *catalog.Catalog, name string, step uint64, random *rand.Rand) {
	b.Helper()
	run, _, err := c.InitRun(catalog.RunSpec{Workspace: "w", Project: "p", Run: name, CreateProject: true, CreateWorkspace: true})
	if err != nil {
		b.Fatal(err)
	}
	e, err := run.Begin()
	if err != nil {
		b.Fatal(err)
	}
	e.Logged()
	var updates []catalog.Update
	for k := range tableKeys {
		v := catalog.Value{Kind: catalog.KindFloat, Float: random.Float64()}
		switch k % 3 {
		case 0:
			v = catalog.Whole(random.Int64N(1 << 20))
		case 1:
			v = catalog.Text([]string{"adam", "sgd", "lion", "muon"}[random.IntN(4)])
		}
		updates = append(updates, catalog.Update{Path: tableKey(k), Value: &v})
	}
	e.Attributes(updates)
	for m := range tableMetrics {
		values := make([]float64, 10)
		for k := range values {
			values[k] = random.NormFloat64()
		}
		steps(e.Tx, series(fmt.Sprint("metric-", m)), step, values...)
	}
	if _, err := e.Commit(run.Created); err != nil {
		b.Fatal(err)
	}
}
