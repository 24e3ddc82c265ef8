package query

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/wire/pb/query/queryconnect"
)

// Pages lie in memory that answers share, one after the other.
func TestLongPagesReadSideBySideHoldTheirOwnPoints(t *testing.T) {
	const points, readers = 4 * ownColumns, 4
	w := newWorld(t)
	names := []string{"a", "b", "c", "d"}[:readers]
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		for k, name := range names {
			values := make([]float64, points)
			for i := range values {
				values[i] = float64(k*points + i)
			}
			steps(tx, series(name), uint64(k), values...)
		}
	})
	var all sync.WaitGroup
	for k, name := range names {
		all.Go(func() {
			for round := range 3 {
				request := &pb.ListFloatSeriesRequest{
					Workspace: "w", Project: "p", RunNames: []string{"r"}, SeriesQueries: []string{name + "()"},
					IncludeTimestamps: round%2 == 0, MaxPointsPerPage: pointer(int64(ownColumns + 1000*k)),
				}
				at := 0
				for more := true; more; more = request.ResumeToken != nil {
					answer, err := w.client.ListFloatSeries(context.Background(), connect.NewRequest(request))
					if err != nil {
						t.Error(err)
						return
					}
					page := answer.Msg.GetRunPoints()[0].GetSeries()[0].GetPoints()
					if got := len(page.GetTimestampMillis()); len(page.GetSteps()) != len(page.GetValues()) || got != 0 && round%2 == 1 {
						t.Errorf("%d steps, %d values, %d times", len(page.GetSteps()), len(page.GetValues()), got)
					}
					for i, value := range page.GetValues() {
						if value != float64(k*points+at) || page.GetSteps()[i] != uint64(k+at) {
							t.Errorf("point %d of %s: %v at %d", at, name, value, page.GetSteps()[i])
							return
						}
						at++
					}
					request.ResumeToken = answer.Msg.ResumeToken
				}
				if at != points {
					t.Errorf("%d points of %s", at, name)
				}
			}
		})
	}
	all.Wait()
}

func TestEqualRequestsGiveEqualBytes(t *testing.T) {
	w := newWorld(t)
	w.run("r", nil, func(tx *store.Tx, _ *catalog.Edit) {
		steps(tx, series("loss", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5"), 0, 1, 2, 3)
	})
	request := &pb.ListFloatSeriesRequest{Workspace: "w", Project: "p", RunNames: []string{"r"}, SeriesQueries: []string{"loss()"}}
	body, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	f := func(procedure, kind string, body []byte) []byte {
		t.Helper()
		answer, err := http.Post(w.url+procedure, kind, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v: %s", answer.Status, err, got)
		}
		return got
	}
	first := f(queryconnect.QueryServiceListFloatSeriesProcedure, "application/proto", body)
	definitions, err := proto.Marshal(&pb.ListSeriesDefinitionsRequest{Workspace: "w", Project: "p"})
	if err != nil {
		t.Fatal(err)
	}
	listed := f(queryconnect.QueryServiceListSeriesDefinitionsProcedure, "application/proto", definitions)
	for range 20 {
		if again := f(queryconnect.QueryServiceListFloatSeriesProcedure, "application/proto", body); !bytes.Equal(again, first) {
			t.Fatalf("%x\nand then\n%x", first, again)
		}
		if again := f(queryconnect.QueryServiceListSeriesDefinitionsProcedure, "application/proto", definitions); !bytes.Equal(again, listed) {
			t.Fatalf("%x\nand then\n%x", listed, again)
		}
	}
	// The same in JSON.
	text, err := protojson.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var binary, fromJSON pb.ListFloatSeriesResponse
	if err := proto.Unmarshal(first, &binary); err != nil {
		t.Fatal(err)
	}
	got := f(queryconnect.QueryServiceListFloatSeriesProcedure, "application/json", text)
	if err := protojson.Unmarshal(got, &fromJSON); err != nil || !proto.Equal(&binary, &fromJSON) {
		t.Fatalf("%v: %s", err, got)
	}
}
