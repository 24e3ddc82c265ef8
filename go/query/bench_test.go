package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// The queries of a dashboard, in process, on a settled store: 64 series of 6,000
// points among 16,384 of 100 to 6,000, one of ten million, and 1,024 environments
// of 60 rl_steps of 100 points.
func BenchmarkQueries(b *testing.B) {
	s := filled(b)
	perAnswer := func(name string, ask func(i int) error) {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if err := ask(i); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
	buckets := func(run string, queries ...string) error {
		_, err := s.ListFloatSeriesBuckets(context.Background(), connect.NewRequest(&pb.ListFloatSeriesBucketsRequest{
			Workspace: "w", Project: "p", RunNames: []string{run}, SeriesQueries: queries, UseColumnarOutput: true,
		}))
		return err
	}
	perAnswer("one series of 6,000 points", func(i int) error { return buckets("many", fmt.Sprintf("m%d()", i*37%16384)) })
	perAnswer("one series of ten million points", func(int) error { return buckets("long", "loss()") })
	perAnswer("100 series of 6,000 points", func(i int) error {
		queries := make([]string, 100)
		for k := range queries {
			queries[k] = fmt.Sprintf("m%d()", (i*100+k*7)%16384)
		}
		return buckets("many", queries...)
	})
	perAnswer("mean and deviation over 1,024 environments", func(i int) error {
		_, err := s.AggregateRLEnvironmentSeries(context.Background(), connect.NewRequest(&pb.AggregateRLEnvironmentSeriesRequest{
			Workspace: "w", Project: "p", Run: "rl", SeriesExpression: fmt.Sprintf(`r%d(scale="ENVIRONMENT_STEP")`, i%2),
			Aggregations: []pb.RLEnvironmentsAggregation{1, 5},
		}))
		return err
	})
	for along, name := range map[Along]string{
		AlongRLSteps: "rl_step", AlongEpisodes: "episode", AlongEnvSteps: "env step", AlongTotalSteps: "total steps", AlongTime: "time",
	} {
		of := CurveQuery{
			Workspace: "w", Project: "p", Runs: []string{"rl"}, Series: []string{`r0(scale="ENVIRONMENT_STEP")`}, Along: along,
		}
		perAnswer("a chart of 1,024 environments along "+name, func(int) error {
			_, err := New(s.catalog, Options{}).BucketCurves(of, 1000, nil)
			return err
		})
		perAnswer("the same again along "+name, func(int) error {
			_, err := s.BucketCurves(of, 1000, nil)
			return err
		})
	}
	perAnswer("last values of 16,384 series", func(int) error {
		queries := make([]string, 0, 16384)
		for i := range 16384 {
			queries = append(queries, fmt.Sprintf("m%d():last", i))
		}
		for from := 0; from < len(queries); from += 10_000 {
			_, err := s.ListSeriesSummaries(context.Background(), connect.NewRequest(&pb.ListSeriesSummariesRequest{
				Workspace: "w", Project: "p", RunNames: []string{"many"}, SummaryQueries: queries[from:min(from+10_000, len(queries))], Limit: pointer(int64(10_000)),
			}))
			if err != nil {
				return err
			}
		}
		return nil
	})
	perAnswer("ten million points", func(int) error {
		var token *string
		for {
			answer, err := s.ListFloatSeries(context.Background(), connect.NewRequest(&pb.ListFloatSeriesRequest{
				Workspace: "w", Project: "p", RunNames: []string{"long"}, SeriesQueries: []string{"loss()"}, ResumeToken: token,
			}))
			if err != nil {
				return err
			}
			if token = answer.Msg.ResumeToken; token == nil {
				return nil
			}
		}
	})
	perAnswer("10,000 runs filtered and sorted", func(int) error {
		_, err := s.ListRuns(context.Background(), connect.NewRequest(&pb.ListRunsRequest{
			Workspace: "w", Project: "table", Filter: pointer("attr(config/lr) < 0.5"), OrderBy: pointer("loss():last DESC"),
			Limit: pointer(int64(50)), AttributePaths: []string{"config/lr", "sys/status"}, SeriesSummaries: []string{"loss():min"},
		}))
		return err
	})
}

// filled makes the store of the benchmark.
func filled(b *testing.B) *Service {
	db, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	c, err := catalog.Open(db)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	noise := make([]float64, 1<<20)
	for i := range noise {
		noise[i] = float64(float32(random.NormFloat64()))
	}
	take := func(n int) []float64 {
		from := random.IntN(len(noise) - n)
		return noise[from : from+n]
	}
	edit := func(project, run string, change func(tx *store.Tx, e *catalog.Edit)) {
		r, _, err := c.InitRun(catalog.RunSpec{Workspace: "w", Project: project, Run: run, CreateProject: true, CreateWorkspace: true})
		if err != nil {
			b.Fatal(err)
		}
		e, err := r.Begin()
		if err != nil {
			b.Fatal(err)
		}
		e.Logged()
		change(e.Tx, e)
		pending, err := e.Commit(r.Created)
		if err == nil && project == "p" {
			err = pending.Wait()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for batch := range uint64(60) {
		edit("p", "many", func(tx *store.Tx, _ *catalog.Edit) {
			for i := range 16384 {
				if batch > 0 && i%256 >= 40 && batch > uint64(i%256)/4 {
					continue
				}
				steps(tx, series(fmt.Sprint("m", i)), batch*100, take(100)...)
			}
		})
	}
	for batch := range uint64(100) {
		edit("p", "long", func(tx *store.Tx, _ *catalog.Edit) { steps(tx, series("loss"), batch*100_000, take(100_000)...) })
	}
	for rlStep := range uint64(60) {
		edit("p", "rl", func(tx *store.Tx, _ *catalog.Edit) {
			for metric := range 2 {
				no := tx.Series(point.Series{Name: fmt.Sprint("r", metric), Scale: point.ScaleEnvironmentStep}, point.Ordered)
				for env := range 1024 {
					tx.AppendRL(no, tx.Environment(fmt.Sprint("env", env)), point.RLBatch{
						RLStep: rlStep, Episode: rlStep, HasEpisode: true, Values: take(100),
					}, true)
				}
			}
		})
	}
	for i := range 10_000 {
		edit("table", fmt.Sprint("run", i), func(tx *store.Tx, e *catalog.Edit) {
			lr := catalog.Value{Kind: catalog.KindFloat, Float: random.Float64()}
			e.Attributes([]catalog.Update{{Path: "config/lr", Value: &lr}, {Path: "config/seed", Value: value(catalog.Whole(int64(i)))}})
			steps(tx, series("loss"), 0, take(10)...)
		})
	}
	for _, name := range []string{"many", "long", "rl"} {
		run, _ := c.FindRun("w", "p", name)
		if _, err := run.Points(); err != nil {
			b.Fatal(err)
		}
	}
	return New(c, Options{})
}
