package query

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/cockroachdb/pebble/v2"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// damagedWorld has a project of three runs: of one the state is damaged, of the
// second the points, the third is whole. log is what the service says.
func damagedWorld(t *testing.T, log *bytes.Buffer) *world {
	t.Helper()
	dir := t.TempDir()
	w := worldOn(t, dir, Options{})
	ids := make(map[string]store.RunID)
	for i, name := range []string{"lost", "holed", "whole"} {
		w.run(name, nil, func(tx *store.Tx, edit *catalog.Edit) {
			steps(tx, series("loss"), 0, float64(i))
			steps(tx, series("of "+name), 0, 1)
			// Of such a series, points that were overwritten count no more: it is summed up from them.
			tx.Append(tx.Series(series("free"), point.Unordered), 1, point.Batch{Values: []float64{1}})
			edit.Attributes([]catalog.Update{{Path: "config/i", Value: value(catalog.Whole(int64(i)))}})
		})
		run, _ := w.catalog.FindRun("w", "p", name)
		ids[name] = run.ID
	}
	w.end()
	raw, err := pebble.Open(filepath.Join(dir, "pebble"), &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	lost, holed := ids["lost"], ids["holed"]
	state := append(append([]byte{'r'}, lost[:]...), 's')
	block := binary.BigEndian.AppendUint64(append(append([]byte{'r'}, holed[:]...), 'b'), 0)
	for _, key := range [][]byte{state, block} {
		if err := raw.Set(key, []byte("damaged"), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	return worldOn(t, dir, Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
}

// silent keeps Pebble's talk out of the test's.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(format)
}

func TestOneDamagedRunDoesNotHideTheOthers(t *testing.T) {
	var log bytes.Buffer
	w := damagedWorld(t, &log)
	runs := func(change func(r *pb.ListRunsRequest)) *pb.ListRunsResponse {
		t.Helper()
		r := &pb.ListRunsRequest{Workspace: "w", Project: "p", OrderBy: pointer("attr(config/i) ASC")}
		change(r)
		return ask(w, w.client.ListRuns, r)
	}
	answer := runs(func(r *pb.ListRunsRequest) {
		r.AttributePaths, r.SeriesSummaries = []string{"config/i"}, []string{"loss():last"}
	})
	same(t, "runs", names(answer), []string{"lost", "holed", "whole"})
	summaries, attributes := 0, 0
	for _, run := range answer.GetRuns() {
		attributes += len(run.GetAttributes())
		summaries += len(run.GetSeriesSummaries())
	}
	if attributes != 3 || summaries != 2 || answer.GetRuns()[2].GetSeriesSummaries()[0].GetValue() != 2 {
		t.Errorf("%v", answer)
	}
	same(t, "by a series", names(runs(func(r *pb.ListRunsRequest) { r.OrderBy = pointer("loss():last ASC") }))[:2], []string{"holed", "whole"})
	same(t, "with a series", names(runs(func(r *pb.ListRunsRequest) { r.Filter = pointer("loss() EXISTS") })), []string{"holed", "whole"})
	same(t, "with a series of points", names(runs(func(r *pb.ListRunsRequest) { r.Filter = pointer("free() EXISTS") })), []string{"whole"})
	definitions := ask(w, w.client.ListMetricDefinitions, &pb.ListMetricDefinitionsRequest{Workspace: "w", Project: "p"})
	var metrics []string
	for _, m := range definitions.GetMetricDefinitions() {
		metrics = append(metrics, m.GetMetricName())
	}
	same(t, "metrics", metrics, []string{"free", "loss", "of holed", "of whole"}) // the state of holed names its series
	list := &pb.ListAttributesRequest{Workspace: "w", Source: &pb.ListAttributesRequest_RunSource{
		RunSource: &pb.AttrRunSource{Project: "p", Run: "lost"},
	}}
	if n := len(ask(w, w.client.ListAttributes, list).GetAttributes()); n == 0 {
		t.Error("a damaged run has no attributes")
	}

	// What is asked of the run itself says what is wrong.
	read := func(run string) *pb.ListFloatSeriesRequest {
		return &pb.ListFloatSeriesRequest{Workspace: "w", Project: "p", RunNames: []string{run}, SeriesQueries: []string{"loss()"}}
	}
	refused(w, w.client.ListFloatSeries, read("lost"), connect.CodeDataLoss, "its state")
	refused(w, w.client.ListFloatSeries, read("holed"), connect.CodeDataLoss, "segment 0")
	for _, run := range []string{"lost", "holed"} {
		if n := strings.Count(log.String(), "run="+run+" "); n != 1 {
			t.Errorf("the log names %s %d times:\n%s", run, n, &log)
		}
	}
}
