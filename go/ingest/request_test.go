package ingest_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/metrana/metrana/go/wire/pb/common"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

func rl(id uint64, environment string, batches ...*types.RlStepBatch) []*types.StreamingRLSeriesUpdate {
	return []*types.StreamingRLSeriesUpdate{{SeriesId: id, EnvironmentId: environment, RlStepBatches: batches}}
}

// Refusing costs the client all it has in flight, so it is for requests that
// could never succeed. Nothing of such a request is stored, and nothing else is
// harmed.
func TestRefusedRequests(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1), Series: floats(1, 0, 1, 2, 3)})
	u.acknowledged(1)
	u.end()
	refused := func(request *ingestion.UpdateRunRequest, code codes.Code, words ...string) {
		t.Helper()
		u := f.open(run)
		u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1)})
		u.acknowledged(1)
		// What is right in the request must not be stored either.
		request.Series = append(floats(1, 100, 9), request.Series...)
		request.Attributes = append(request.Attributes, text("config/a", "b"))
		u.send(request)
		s := u.refused()
		if s.Code() != code {
			t.Fatalf("got %v, want %v", s, code)
		}
		for _, word := range words {
			if !strings.Contains(s.Message(), word) {
				t.Errorf("%q does not say %q", s.Message(), word)
			}
		}
		got, err := f.points(run).Points(1, 0, math.MaxUint64)
		f.must(err)
		if !slices.Equal(got.Values, []float64{1, 2, 3}) {
			t.Fatalf("the series holds %v", got.Values)
		}
		if _, stored := f.attribute(run, "config/a"); stored || len(f.points(run).Environments()) > 0 {
			t.Fatal("a part of the refused request was stored")
		}
	}
	points := func(b *types.PointBatch) *ingestion.UpdateRunRequest {
		return &ingestion.UpdateRunRequest{Series: []*types.StreamingSeriesUpdate{{SeriesId: 1, PointBatches: []*types.PointBatch{b}}}}
	}
	rewards := func(environment string, b *types.RlStepBatch) *ingestion.UpdateRunRequest {
		return &ingestion.UpdateRunRequest{RlSeries: rl(1, environment, b)}
	}
	one := uint64(1)
	at := int64(1)
	unknown, err := hex.DecodeString("00112233445566778899aabbccddeeff")
	f.must(err)
	refused(&ingestion.UpdateRunRequest{RunId: unknown}, codes.NotFound, "00112233445566778899aabbccddeeff")
	refused(&ingestion.UpdateRunRequest{RunId: []byte("short")}, codes.NotFound)
	refused(&ingestion.UpdateRunRequest{Series: floats(42, 0, 1)}, codes.InvalidArgument, "series 42", "not declared")
	refused(&ingestion.UpdateRunRequest{RlSeries: rl(43, "e", rlBatch(0, 0, 0, 1))}, codes.InvalidArgument, "series 43", "not declared")
	refused(&ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{declare(1, "other", "ML_STEP", ordered)}},
		codes.InvalidArgument, "series 1", `"other"`, `"loss"`)
	refused(&ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{declare(1, "loss", "ML_STEP", unordered)}},
		codes.InvalidArgument, "series 1", "ordering 2", "ordering 3")
	refused(&ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{declare(2, "", "ML_STEP", ordered)}},
		codes.InvalidArgument, "series 2", "name")

	refused(points(&types.PointBatch{Values: []float64{1}, ValuesF32: []float32{1}, FirstStep: &one}), codes.InvalidArgument, "series 1", "values_f32")
	refused(points(&types.PointBatch{Values: []float64{1, 2}, Steps: []uint64{1}}), codes.InvalidArgument, "1 steps for 2 values")
	refused(points(&types.PointBatch{Values: []float64{1}, Steps: []uint64{1}, FirstStep: &one}), codes.InvalidArgument, "both steps and a first step")
	refused(points(&types.PointBatch{Values: []float64{1}}), codes.InvalidArgument, "neither")
	refused(points(&types.PointBatch{Values: []float64{1, 2}, FirstStep: &one, TimestampsMillis: []int64{1}}), codes.InvalidArgument, "1 timestamps_millis for 2")
	refused(points(&types.PointBatch{Values: []float64{1}, FirstStep: &one, TimestampsMillis: []int64{1}, TimestampMillis: &at}),
		codes.InvalidArgument, "both timestamp_millis")

	refused(rewards("e", &types.RlStepBatch{Values: []float64{1, 2}, MinorSteps: []uint64{1}}), codes.InvalidArgument, `environment "e"`, "1 minor_steps for 2")
	refused(rewards("e", &types.RlStepBatch{Values: []float64{1}}), codes.InvalidArgument, "neither")
}

// What a client lets through must not cost it the rest of its window.
func TestWhatCannotBeStoredIsCounted(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	tooLong, last, zero, beyond := strings.Repeat("e", 1<<20), uint64(math.MaxInt64), uint64(0), uint64(math.MaxUint64)
	standard := append(floats(1, 0, 1, 2, 3),
		&types.StreamingSeriesUpdate{SeriesId: 1, PointBatches: []*types.PointBatch{
			{Values: []float64{1}, Steps: []uint64{1 << 63}}, {ValuesF32: []float32{1, 2}, FirstStep: &last},
		}})
	rewards := slices.Concat(
		rl(1, "e", rlBatch(0, 0, 0, 1), rlBatch(1<<63, 0, 0, 1), rlBatch(0, 1<<63, 0, 1)),
		rl(1, "a\x00b", rlBatch(0, 0, 0, 1)), rl(1, tooLong, rlBatch(0, 0, 0, 1, 2)))
	attributes := func(environment string, episode *uint64, path string) *types.EnvAttrUpdates {
		return &types.EnvAttrUpdates{EnvironmentId: environment, Episode: episode, Attributes: []*types.AttributeUpdate{text(path, "b")}}
	}
	u.send(&ingestion.UpdateRunRequest{
		SeriesDeclarations: loss(1), Series: standard, RlSeries: rewards,
		Attributes: []*types.AttributeUpdate{text("config/a", "b"), text(tooLong, "b")},
		EnvAttrUpdates: []*types.EnvAttrUpdates{
			attributes("e", &zero, "a"), attributes("e", &beyond, "a"), attributes("e", nil, tooLong),
			attributes("a\x00b", nil, "a"), attributes(tooLong, nil, "a"),
		},
	})
	u.acknowledged(1)
	u.end()
	points, _ := f.attribute(run, "sys/not_stored/points")
	skipped, _ := f.attribute(run, "sys/not_stored/attributes")
	if points.Int != 8 || skipped.Int != 5 {
		t.Errorf("%d points and %d attributes counted, want 8 and 5", points.Int, skipped.Int)
	}
	if s := f.points(run).Stats(); s.Points != 4 || len(f.points(run).Environments()) != 1 {
		t.Errorf("%+v, %v", s, f.points(run).Environments())
	}
	if v, _ := f.attribute(run, "config/a"); v.Str != "b" {
		t.Error("the attribute beside is not stored")
	}
}

// Clients of the protocol bound no names: what they send is stored, and told
// them in the next handshake.
func TestLongNames(t *testing.T) {
	disk := vfs.NewMem()
	long := func(first string) string { return first + strings.Repeat("é", 70_000) }
	t.Run("write", func(t *testing.T) {
		f := startOn(t, disk, localMode)
		u := f.open(f.run("r"))
		for i := range uint64(40) {
			d := declare(i, long(fmt.Sprint("metric", i)), long("scale"), ordered)
			d.Labels = map[string]string{long("k"): long("v")}
			environment := long(fmt.Sprint("e", i))
			u.send(&ingestion.UpdateRunRequest{
				SeriesDeclarations: []*types.SeriesDeclaration{d}, Series: floats(i, i, 1), RlSeries: rl(i, environment, rlBatch(0, i, 0, 1)),
				Attributes: []*types.AttributeUpdate{text(long("path"), long("value"))},
				EnvAttrUpdates: []*types.EnvAttrUpdates{{
					EnvironmentId: environment, Attributes: []*types.AttributeUpdate{text(long("path"), "of the environment")},
				}},
			})
		}
		u.acknowledged(40)
		u.end()
	})
	f := startOn(t, disk, localMode)
	messages, err := f.handshake(initRequest("r"))
	f.must(err)
	steps, episodes, series, envs := uint64(0), uint64(0), 0, 0
	for _, m := range messages {
		for _, s := range m.GetLastLoggedSteps().GetSeries() {
			series++
			steps += s.GetLastStep()
			if !strings.HasPrefix(s.GetMetricName(), "metric") || len(s.GetMetricName()) < 140_000 || len(s.GetFlatLabels()) < 280_000 {
				t.Fatalf("a metric's name has %d bytes", len(s.GetMetricName()))
			}
		}
		for _, e := range m.GetEnvStatuses().GetEnvs() {
			envs++
			episodes += e.GetLastEpisode()
		}
	}
	if series != 40 || envs != 40 || steps != 780 || episodes != 780 {
		t.Errorf("%d series with last steps of %d, %d environments with last episodes of %d", series, steps, envs, episodes)
	}
	run := messages[0].GetInitializedRun().GetRunId()
	r, _ := f.catalog.Run(run)
	if v, _ := f.attribute(run, long("path")); v.Str != long("value") {
		t.Errorf("an attribute of %d bytes", len(v.Str))
	}
	if of := r.EnvAttributes(long("e7"), nil); len(of) != 1 || of[0].Path != long("path") {
		t.Errorf("%d attributes of an environment", len(of))
	}
	if _, skipped := f.attribute(run, "sys/not_stored/attributes"); skipped {
		t.Error("something was not stored")
	}
}

// The requests before a refused one were applied: they are acknowledged.
func TestWhatCameBeforeARefusalIsAcknowledged(t *testing.T) {
	f := start(t, localMode)
	u := f.open(f.run("r"))
	for i := range uint64(3) {
		u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: loss(1), Series: floats(1, i, 1)})
	}
	u.send(&ingestion.UpdateRunRequest{Series: floats(2, 0, 1)})
	u.acknowledged(3)
	if s := u.refused(); s.Code() != codes.InvalidArgument {
		t.Error(s)
	}
}

func TestRefusedSequenceNumberIsNotUsedUp(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	u.send(&ingestion.UpdateRunRequest{LoggerSessionId: 1, SequenceNumber: 256, SeriesDeclarations: loss(1), Series: floats(2, 0, 1)})
	u.refused()
	u = f.open(run)
	u.send(&ingestion.UpdateRunRequest{LoggerSessionId: 1, SequenceNumber: 256, SeriesDeclarations: loss(1), Series: floats(1, 0, 1)})
	u.acknowledged(1)
	u.end()
	if n := f.points(run).Stats().Points; n != 1 {
		t.Errorf("%d points", n)
	}
}

func TestDeclarationsMayRepeatAndHaveGaps(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	for range 2 {
		u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{
			declare(9, "b", "", ordered), declare(4, "a", "own-scale", ordered), declare(1<<40, "c", "EPISODE", types.OrderingMode_ORDERING_MODE_UNDEFINED),
		}})
	}
	u.send(&ingestion.UpdateRunRequest{Series: append(floats(4, 0, 1), floats(9, 0, 2)...)})
	u.acknowledged(3)
	u.end()
	// Series of which nothing was logged are not made.
	infos := f.points(run).SeriesInfos()
	if len(infos) != 2 || infos[0].Key.Scale != "own-scale" || infos[1].Key.Scale != "ML_STEP" {
		t.Errorf("%+v", infos)
	}
}

// What clients refuse to log is refused of one that does not, too: no query has quotes
// to ask for it with.
func TestNamesThatNoQueryCanWriteAreRefused(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	labelled := func(key, value string) *types.SeriesDeclaration {
		d := declare(1, "loss", "", ordered)
		d.Labels = map[string]string{key: value}
		return d
	}
	for _, c := range []struct {
		declared *types.SeriesDeclaration
		words    string
	}{
		{declare(1, "", "", ordered), `invalid metric name "": it must not be empty`},
		{declare(1, "train loss", "", ordered), `invalid metric name "train loss": it must not contain whitespace or control characters, such as ' '`},
		{declare(1, `the"loss"`, "", ordered), `invalid metric name "the\"loss\"": it must not contain '"'`},
		{declare(1, ":loss", "", ordered), `invalid metric name ":loss": it must not start with ':'`},
		{declare(1, "loss", "a,b", ordered), `invalid scale "a,b": it must not contain ','`},
		{labelled("a key", "v"), `invalid label key "a key": it must not contain whitespace`},
		{labelled("key", "a&b=c"), `invalid label value "a&b=c" of "key": it must not contain '&'`},
	} {
		u := f.open(run)
		u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{c.declared}, Series: floats(1, 0, 1)})
		if s := u.refused(); s.Code() != codes.InvalidArgument || !strings.Contains(s.Message(), "series 1: "+c.words) {
			t.Errorf("%v, want %s", s, c.words)
		}
	}
	u := f.open(run)
	u.send(&ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{labelled("$column", `any text, "quoted"`)}, Series: floats(1, 0, 1)})
	u.acknowledged(1)
	u.end()
	if n := len(f.points(run).SeriesFrom(0)); n != 1 {
		t.Errorf("%d series", n)
	}
}

func text(path, value string) *types.AttributeUpdate {
	return &types.AttributeUpdate{Path: path, Value: &types.AttributeUpdate_StringValue{StringValue: value}}
}

func tags(values ...string) *types.AttributeUpdate {
	return &types.AttributeUpdate{Path: "sys/tags", Value: &types.AttributeUpdate_StringSetValue{StringSetValue: &common.StringSet{Values: values}}}
}

func tagDelta(added, removed []string) *types.AttributeUpdate {
	return &types.AttributeUpdate{Path: "sys/tags", Value: &types.AttributeUpdate_StringSetDeltaValue{
		StringSetDeltaValue: &types.StringSetDelta{AddedValues: added, RemovedValues: removed},
	}}
}

func TestAttributes(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	noTime := &types.AttributeUpdate{Path: "when", Value: &types.AttributeUpdate_TimestampValue{TimestampValue: &timestamppb.Timestamp{Seconds: math.MaxInt64}}}
	u.send(&ingestion.UpdateRunRequest{Attributes: []*types.AttributeUpdate{
		text("config/lr", "first"), text("config/lr", "last"),
		text("gone", "x"), {Path: "gone"},
		tags("a", "b"), tagDelta([]string{"c"}, []string{"a"}),
		text("sys/description", "what it is"),
		text("sys/name", "forged"), text("sys/tags", "not a set"), text("", "no path"), noTime, // skipped
	}})
	u.send(&ingestion.UpdateRunRequest{Attributes: []*types.AttributeUpdate{tagDelta([]string{"d"}, nil)}})
	u.acknowledged(2)
	u.end()
	is := func(path, want string) {
		t.Helper()
		if v, _ := f.attribute(run, path); v.Str != want {
			t.Errorf("%s is %q, want %q", path, v.Str, want)
		}
	}
	is("config/lr", "last")
	is("sys/description", "what it is")
	is("sys/name", "r")
	if v, _ := f.attribute(run, "sys/tags"); !slices.Equal(v.Set, []string{"b", "c", "d"}) {
		t.Errorf("tags %q", v.Set)
	}
	if _, has := f.attribute(run, "gone"); has {
		t.Error("an update without a value did not clear")
	}
	if v, _ := f.attribute(run, "sys/not_stored/attributes"); v.Int != 4 {
		t.Errorf("%d attributes counted as skipped, want 4", v.Int)
	}
}

func TestEnvironmentAttributes(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	zero := uint64(0)
	u.send(&ingestion.UpdateRunRequest{EnvAttrUpdates: []*types.EnvAttrUpdates{
		{EnvironmentId: "e", Attributes: []*types.AttributeUpdate{text("map", "one"), text("seed", "1"), text("latest_episode", "9")}},
		{EnvironmentId: "e", Episode: &zero, Attributes: []*types.AttributeUpdate{text("map", "two")}},
	}})
	u.acknowledged(1)
	u.end()
	r, _ := f.catalog.Run(run)
	value := func(episode *uint64) (all []string) {
		for _, a := range r.EnvAttributes("e", episode) {
			all = append(all, a.Path+"="+a.Value.Str)
		}
		return all
	}
	if got := value(nil); !slices.Equal(got, []string{"map=one", "seed=1"}) {
		t.Errorf("of the environment: %q", got)
	}
	if got := value(&zero); !slices.Equal(got, []string{"map=two", "seed=1"}) {
		t.Errorf("of episode 0: %q", got)
	}
}

// An error would cost the client its window: what is not stored yet is
// acknowledged and counted.
func TestHistogramsAndScattersAreCounted(t *testing.T) {
	f := start(t, localMode)
	run := f.run("r")
	u := f.open(run)
	for range 2 {
		u.send(&ingestion.UpdateRunRequest{
			HistogramSeries: []*types.StreamingHistogramSeriesUpdate{{SeriesId: 1, Points: []*types.HistogramPoint{{}, {}}}},
			ScatterSeries:   []*types.StreamingScatterSeriesUpdate{{SeriesId: 2, Points: []*types.ScatterPoint{{}}}},
		})
	}
	u.acknowledged(2)
	u.end()
	histograms, _ := f.attribute(run, "sys/not_stored/histograms")
	scatters, _ := f.attribute(run, "sys/not_stored/scatters")
	if histograms.Int != 4 || scatters.Int != 2 {
		t.Errorf("%d histograms and %d scatters", histograms.Int, scatters.Int)
	}
}
