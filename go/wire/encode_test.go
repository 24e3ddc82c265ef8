package wire

import (
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/common"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// parsed encodes the update and reads it back with the generated code.
func parsed(t *testing.T, u *Update) *ingestion.UpdateRunRequest {
	t.Helper()
	size := u.Size()
	frame := u.Append(nil)
	if len(frame) != size {
		t.Fatalf("Size says %d, Append wrote %d bytes", size, len(frame))
	}
	message := &ingestion.UpdateRunRequest{}
	if err := (proto.UnmarshalOptions{DiscardUnknown: false}).Unmarshal(frame, message); err != nil {
		t.Fatalf("the generated code cannot read the frame: %v", err)
	}
	if unknown := message.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		t.Fatalf("unknown fields: %x", unknown)
	}
	return message
}

func TestAppendReadsBackAsTheEqualMessage(t *testing.T) {
	f := func(u *Update, want *ingestion.UpdateRunRequest) {
		t.Helper()
		if got := parsed(t, u); !proto.Equal(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	}
	f(&Update{}, &ingestion.UpdateRunRequest{})
	f(&Update{RunID: []byte{0, 1}, LoggerID: math.MaxUint64, CloseRun: true, SessionID: 7, Sequence: 256},
		&ingestion.UpdateRunRequest{
			RunId: []byte{0, 1}, LoggerId: math.MaxUint64, CloseRun: &types.CloseRun{},
			LoggerSessionId: 7, SequenceNumber: 256,
		})
	f(&Update{Declarations: []Declaration{
		{Series: point.Series{Name: "loss", Scale: "ML_STEP"}, Ordering: point.Ordered, ID: 1},
		{
			Series:   point.Series{Name: "é", Labels: []point.Label{{Key: "a", Value: ""}, {Key: "b", Value: "x y"}}},
			Ordering: point.Unordered, ID: 300,
		},
	}}, &ingestion.UpdateRunRequest{SeriesDeclarations: []*types.SeriesDeclaration{
		{MetricName: "loss", Scale: "ML_STEP", Ordering: 3, DeclarationId: 1},
		{MetricName: "é", Labels: map[string]string{"a": "", "b": "x y"}, Ordering: 2, DeclarationId: 300},
	}})
	f(&Update{Series: []SeriesUpdate{{ID: 5, Batches: []point.Batch{
		{Values: []float64{1, math.Inf(1), -1}, Times: point.Times{Millis: -5}},
		{
			Values: []float64{2, 3}, Steps: point.Steps{List: []uint64{0, math.MaxInt64}},
			Times: point.Times{List: []int64{-1, 0}},
		},
	}}}}, &ingestion.UpdateRunRequest{Series: []*types.StreamingSeriesUpdate{{
		SeriesId: 5,
		PointBatches: []*types.PointBatch{
			{Values: []float64{1, math.Inf(1), -1}, FirstStep: new(uint64), TimestampMillis: proto.Int64(-5)},
			{Values: []float64{2, 3}, Steps: []uint64{0, math.MaxInt64}, TimestampsMillis: []int64{-1, 0}},
		},
	}}})
	f(&Update{RLSeries: []RLSeriesUpdate{{ID: 2, Environment: "env-1", Batches: []point.RLBatch{
		{RLStep: 9, Values: []float64{1}, Minors: point.Steps{First: 4}, Flat: true},
		{HasEpisode: true, Values: []float64{2}, Minors: point.Steps{List: []uint64{7}}, FromOne: true},
	}}}}, &ingestion.UpdateRunRequest{RlSeries: []*types.StreamingRLSeriesUpdate{{
		SeriesId: 2, EnvironmentId: "env-1",
		RlStepBatches: []*types.RlStepBatch{
			{
				RlStep: 9, Values: []float64{1}, FirstMinorStep: proto.Uint64(4),
				TimestampMillis: proto.Int64(0), TreatMinorsAsFlatSteps: true,
			},
			{
				Episode: proto.Uint64(0), Values: []float64{2}, MinorSteps: []uint64{7},
				TimestampMillis: proto.Int64(0), EnvStepsFromOne: true,
			},
		},
	}}})
}

func TestAppendKeepsTheBitsOfEveryValue(t *testing.T) {
	signalling := math.Float64frombits(0x7ff0000000000001)
	values := []float64{math.NaN(), signalling, math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64}
	update := Update{Series: []SeriesUpdate{{ID: 1, Batches: []point.Batch{{Values: values}}}}}
	got := parsed(t, &update).Series[0].PointBatches[0].Values
	for i, want := range values {
		if math.Float64bits(got[i]) != math.Float64bits(want) {
			t.Fatalf("value %d became %x, was %x", i, math.Float64bits(got[i]), math.Float64bits(want))
		}
	}
}

func TestAppendWritesEveryKindOfAttribute(t *testing.T) {
	at := time.Unix(-5, 250)
	update := Update{
		Attributes: []AttributeUpdate{
			{Path: "null"},
			{Path: "bool", Kind: AttributeBool},
			{Path: "string", Kind: AttributeString},
			{Path: "float", Kind: AttributeFloat},
			{Path: "int", Kind: AttributeInt, Int: -1},
			{Path: "set", Kind: AttributeStringSet, Strings: []string{"a", ""}},
			{Path: "empty set", Kind: AttributeStringSet},
			{Path: "delta", Kind: AttributeStringSetDelta, Strings: []string{"a"}, Removed: []string{"b"}},
			{Path: "time", Kind: AttributeTimestamp, Time: at},
		},
		EnvAttributes: []EnvAttributeUpdate{
			{Environment: "e", Attributes: []AttributeUpdate{{Path: "x", Kind: AttributeInt, Int: 3}}},
			{Environment: "e", HasEpisode: true, Attributes: []AttributeUpdate{{Path: "y"}}},
		},
	}
	want := &ingestion.UpdateRunRequest{
		Attributes: []*types.AttributeUpdate{
			{Path: "null"},
			{Path: "bool", Value: &types.AttributeUpdate_BoolValue{}},
			{Path: "string", Value: &types.AttributeUpdate_StringValue{}},
			{Path: "float", Value: &types.AttributeUpdate_FloatValue{}},
			{Path: "int", Value: &types.AttributeUpdate_IntValue{IntValue: -1}},
			{Path: "set", Value: &types.AttributeUpdate_StringSetValue{
				StringSetValue: &common.StringSet{Values: []string{"a", ""}},
			}},
			{Path: "empty set", Value: &types.AttributeUpdate_StringSetValue{StringSetValue: &common.StringSet{}}},
			{Path: "delta", Value: &types.AttributeUpdate_StringSetDeltaValue{
				StringSetDeltaValue: &types.StringSetDelta{AddedValues: []string{"a"}, RemovedValues: []string{"b"}},
			}},
			{Path: "time", Value: &types.AttributeUpdate_TimestampValue{TimestampValue: timestamppb.New(at)}},
		},
		EnvAttrUpdates: []*types.EnvAttrUpdates{
			{EnvironmentId: "e", Attributes: []*types.AttributeUpdate{
				{Path: "x", Value: &types.AttributeUpdate_IntValue{IntValue: 3}},
			}},
			{EnvironmentId: "e", Episode: new(uint64), Attributes: []*types.AttributeUpdate{{Path: "y"}}},
		},
	}
	if got := parsed(t, &update); !proto.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

// One request of a block of 1,024 environments by 100 steps.
func BenchmarkAppendBlock(b *testing.B) {
	values := make([]float64, 102_400)
	var update Update
	for env := range 1024 {
		update.RLSeries = append(update.RLSeries, RLSeriesUpdate{
			ID: 1, Environment: "env-0123",
			Batches: []point.RLBatch{{RLStep: 5, Values: values[100*env : 100*env+100], Flat: true}},
		})
	}
	frame := make([]byte, 0, update.Size())
	b.SetBytes(int64(8 * len(values)))
	b.ReportAllocs()
	for b.Loop() {
		frame = update.Append(frame[:0])
	}
	b.ReportMetric(float64(len(frame))/float64(len(values)), "bytes/point")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(values)), "ns/point")
}
