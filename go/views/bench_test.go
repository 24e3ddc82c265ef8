package views

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/wire/pb/views/viewsconnect"
)

// A run of a million episodes of 20 env steps in 250 environments, in process, on a
// settled store, and over a connection: their return and length, and a reward for each step.
func BenchmarkAMillionEpisodes(b *testing.B) {
	s := millionEpisodes(b)
	type lister interface {
		ListEpisodes(context.Context, *connect.Request[pb.ListEpisodesRequest]) (*connect.Response[pb.ListEpisodesResponse], error)
	}
	ask := func(of lister, name string, r *pb.ListEpisodesRequest) {
		b.Run(name, func(b *testing.B) {
			r.Run = named("r")
			b.ReportAllocs()
			for b.Loop() {
				answer, err := of.ListEpisodes(context.Background(), connect.NewRequest(r))
				if err != nil || answer.Msg.TotalCount != 1_000_000 {
					b.Fatal(answer, err)
				}
			}
		})
	}
	metrics := []*pb.EpisodeMetric{
		{SeriesQuery: "return()"}, {SeriesQuery: "length()"},
		{SeriesQuery: `reward(scale="ENVIRONMENT_STEP")`, Reduction: pb.Reduction_REDUCTION_MAX},
	}
	_, handler := viewsconnect.NewViewsServiceHandler(s)
	server := httptest.NewServer(handler)
	defer server.Close()
	ask(viewsconnect.NewViewsServiceClient(server.Client(), server.URL), "first page over a connection", &pb.ListEpisodesRequest{Metrics: metrics})
	ask(s, "first page", &pb.ListEpisodesRequest{})
	ask(s, "first page with three metrics", &pb.ListEpisodesRequest{Metrics: metrics})
	ask(s, "1,000 of the highest returns", &pb.ListEpisodesRequest{
		Metrics: metrics, Limit: 1000, Order: &pb.EpisodeOrder{Column: pb.EpisodeColumn_EPISODE_COLUMN_METRIC, Descending: true},
	})
}

func millionEpisodes(b *testing.B) *Service {
	b.Helper()
	const envs, episodes, steps = 250, 4000, 20
	dir := b.TempDir()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	c, err := catalog.Open(db)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	run, _, err := c.InitRun(catalog.RunSpec{Workspace: "w", Project: "p", Run: "r", CreateProject: true, CreateWorkspace: true})
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, steps)
	length := point.Series{Name: "length", Scale: point.ScaleEpisode}
	for episode := range uint64(episodes) {
		edit, err := run.Begin()
		if err != nil {
			b.Fatal(err)
		}
		tx := edit.Tx
		times := point.Times{Millis: 1_700_000_000_000 + int64(episode)*1000}
		for env := range envs {
			no := tx.Environment(fmt.Sprint("env-", env))
			for i := range values {
				values[i] = float64(float32(random.NormFloat64()))
			}
			tx.AppendRL(tx.Series(reward, point.Ordered), no, point.RLBatch{
				RLStep: episode / 4, Episode: episode, HasEpisode: true, Times: times, Values: append([]float64{}, values...),
			}, true)
			for _, of := range []point.Series{ret, length} {
				tx.AppendRL(tx.Series(of, point.Ordered), no, point.RLBatch{
					RLStep: episode / 4, Minors: point.Steps{First: episode}, Times: times, Values: []float64{values[0]},
				}, true)
			}
		}
		if episode == episodes-1 {
			edit.Close(run.Created)
		}
		if _, err := edit.Commit(run.Created); err != nil {
			b.Fatal(err)
		}
	}
	return New(c, query.New(c, query.Options{}))
}
