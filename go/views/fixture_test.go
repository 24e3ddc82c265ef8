package views

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/wire/pb/views/viewsconnect"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a store with runs in it, asked over a real connection.
type world struct {
	*testing.T

	catalog *catalog.Catalog
	client  viewsconnect.ViewsServiceClient
	service *Service
	server  *httptest.Server
}

func newWorld(t *testing.T) *world { return worldOn(t, t.TempDir()) }

func worldOn(t *testing.T, dir string) *world {
	t.Helper()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	// Of some environments points are kept, others are read twice.
	service := New(c, query.New(c, query.Options{KeptPoints: 200}))
	_, handler := viewsconnect.NewViewsServiceHandler(service)
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t, c, viewsconnect.NewViewsServiceClient(server.Client(), server.URL), service, server}
}

// run makes a run, unless there is one, and lets change write to it.
func (w *world) run(name string, change func(tx *store.Tx, edit *catalog.Edit)) *catalog.Run {
	w.Helper()
	run, _, err := w.catalog.InitRun(catalog.RunSpec{
		Workspace: "w", Project: "p", Run: name, CreateProject: true, CreateWorkspace: true,
	})
	if err != nil {
		w.Fatal(err)
	}
	edit, err := run.Begin()
	if err != nil {
		w.Fatal(err)
	}
	change(edit.Tx, edit)
	pending, err := edit.Commit(run.Created)
	if err == nil {
		err = pending.Wait()
	}
	if err != nil {
		w.Fatal(err)
	}
	return run
}

func named(run string) *pb.RunName { return &pb.RunName{Workspace: "w", Project: "p", Run: run} }

var (
	reward = point.Series{Name: "reward", Scale: point.ScaleEnvironmentStep}
	value  = point.Series{Name: "value", Scale: point.ScaleEnvironmentStep}
	ret    = point.Series{Name: "return", Scale: point.ScaleEpisode}
	other  = point.Series{Name: "return", Scale: point.ScaleEpisode, Labels: []point.Label{{Key: "head", Value: "b"}}}
)

// randomEpisodes logs episodes of several environments over many rl_steps: some go
// on over rl_steps, some begin anew, values may be NaN or infinite.
func (w *world) randomEpisodes(name string, random *rand.Rand, envs, batches int) *store.Run {
	w.Helper()
	type state struct{ rlStep, first, episode, next uint64 }
	states := make([]state, envs)
	run := w.run(name, func(tx *store.Tx, edit *catalog.Edit) {
		edit.Logged()
		for range batches {
			env := random.IntN(envs)
			s := &states[env]
			switch random.IntN(8) {
			case 0, 1:
				s.rlStep += 1 + random.Uint64N(3)
				s.next = 0
			case 2, 3:
				s.episode += 1 + random.Uint64N(2)
				s.first, s.next = s.rlStep, 0
			case 4:
				s.rlStep, s.next = s.first, 0
			}
			no := tx.Environment(fmt.Sprint("env-", env*11%envs))
			b := point.RLBatch{
				RLStep: s.rlStep, Episode: s.episode, HasEpisode: random.IntN(20) > 0, Minors: point.Steps{First: s.next},
				Times: point.Times{Millis: 1_700_000_000_000 + random.Int64N(100_000)}, Values: randomValues(random, 1+random.IntN(6)),
			}
			s.next += uint64(len(b.Values))
			tx.AppendRL(tx.Series(reward, point.Ordered), no, b, true)
			if random.IntN(2) == 0 {
				b.Values = randomValues(random, len(b.Values))
				tx.AppendRL(tx.Series(value, point.Ordered), no, b, true)
			}
			if random.IntN(2) == 0 {
				b := point.RLBatch{RLStep: s.rlStep, Minors: point.Steps{First: s.episode + random.Uint64N(2)}, Times: b.Times, Values: randomValues(random, 1)}
				tx.AppendRL(tx.Series([]point.Series{ret, ret, other}[random.IntN(3)], point.Ordered), no, b, true)
			}
		}
	})
	points, err := run.Points()
	if err != nil {
		w.Fatal(err)
	}
	return points
}

func randomValues(random *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		switch random.IntN(40) {
		case 0:
			values[i] = math.NaN()
		case 1:
			values[i] = math.Inf(1 - 2*random.IntN(2))
		default:
			values[i] = math.Round(random.NormFloat64()*8) + 0 // no -0
		}
	}
	return values
}

// ask calls an RPC and fails the test when that fails.
func ask[Q, A any](w *world, rpc func(context.Context, *connect.Request[Q]) (*connect.Response[A], error), question *Q) *A {
	w.Helper()
	answer, err := rpc(context.Background(), connect.NewRequest(question))
	if err != nil {
		w.Fatal(err)
	}
	return answer.Msg
}

// refused calls an RPC that must fail with a code and a text that holds words.
func refused[Q, A any](
	w *world, rpc func(context.Context, *connect.Request[Q]) (*connect.Response[A], error), question *Q, code connect.Code, words string,
) {
	w.Helper()
	_, err := rpc(context.Background(), connect.NewRequest(question))
	if connect.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), words) {
		w.Fatalf("got %v, want %v with %q", err, code, words)
	}
}

func numbers(column []byte) []uint64 {
	var out []uint64
	for ; len(column) > 0; column = column[8:] {
		out = append(out, binary.LittleEndian.Uint64(column))
	}
	return out
}

func floats(column []byte) []float64 {
	var out []float64
	for _, bits := range numbers(column) {
		out = append(out, math.Float64frombits(bits))
	}
	return out
}
