package query

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/query/queryconnect"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a store with runs in it, asked over a real connection.
type world struct {
	*testing.T

	db      *store.DB
	catalog *catalog.Catalog
	client  queryconnect.QueryServiceClient
	url     string
	end     func() // closes the store and the server
}

func newWorld(t *testing.T) *world { return worldOn(t, t.TempDir(), Options{}) }

func worldOn(t *testing.T, dir string, o Options) *world {
	t.Helper()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	_, handler := NewHandler(New(c, o))
	server := httptest.NewServer(handler)
	end := sync.OnceFunc(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return &world{t, db, c, queryconnect.NewQueryServiceClient(server.Client(), server.URL), server.URL, end}
}

// run makes a run and lets change write to it.
func (w *world) run(name string, fork *catalog.Fork, change func(tx *store.Tx, edit *catalog.Edit)) {
	w.Helper()
	run, _, err := w.catalog.InitRun(catalog.RunSpec{
		Workspace: "w", Project: "p", Run: name, Fork: fork, CreateProject: true, CreateWorkspace: true,
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
}

func series(name string, labels ...string) point.Series {
	s := point.Series{Name: name, Scale: point.ScaleMLStep}
	for i := 0; i < len(labels); i += 2 {
		s.Labels = append(s.Labels, point.Label{Key: labels[i], Value: labels[i+1]})
	}
	return s
}

func steps(tx *store.Tx, s point.Series, first uint64, values ...float64) {
	tx.Append(tx.Series(s, point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Times: point.Times{Millis: 1000}, Values: values})
}

func episode(tx *store.Tx, env string, rlStep, episode uint64, values ...float64) {
	s := point.Series{Name: "reward", Scale: point.ScaleEnvironmentStep}
	tx.AppendRL(tx.Series(s, point.Ordered), tx.Environment(env), point.RLBatch{
		RLStep: rlStep, Episode: episode, HasEpisode: true, Times: point.Times{Millis: 1000}, Values: values,
	}, true)
}

func episodeReturn(tx *store.Tx, env string, rlStep, episode uint64, value float64) {
	s := point.Series{Name: "return", Scale: point.ScaleEpisode}
	tx.AppendRL(tx.Series(s, point.Ordered), tx.Environment(env), point.RLBatch{
		RLStep: rlStep, Minors: point.Steps{First: episode}, Values: []float64{value},
	}, true)
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
	if connect.CodeOf(err) != code || !contains(err, words) {
		w.Fatalf("got %v, want %v with %q", err, code, words)
	}
}

func contains(err error, words string) bool { return strings.Contains(fmt.Sprint(err), words) }

func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

var nan, inf = math.NaN(), math.Inf(1)
