package wire

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// sameAsProto checks that a request is read, or refused, as proto.Unmarshal does,
// and that nothing of data is kept; into new memory, and into what others had.
func sameAsProto(t *testing.T, data []byte) {
	t.Helper()
	var memory RequestMemory
	names := sameInto(t, &memory, data)
	kept := make([]string, len(names))
	for i, name := range names {
		kept[i] = strings.Clone(name)
	}
	memory.Reset()
	sameInto(t, &memory, marshalled(t, wholeRequest()))
	memory.Reset()
	sameInto(t, &memory, data)
	if !slices.Equal(names, kept) {
		t.Fatalf("names of environments %q became %q", kept, names)
	}
}

// sameInto gives the names of the environments.
func sameInto(t *testing.T, memory *RequestMemory, data []byte) (names []string) {
	t.Helper()
	want, got := new(ingestion.UpdateRunRequest), new(ingestion.UpdateRunRequest)
	wantErr := proto.Unmarshal(data, want)
	src := bytes.Clone(data)
	err := memory.Unmarshal(src, got)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%x: got %v, want %v", data, err, wantErr)
	}
	if err != nil {
		return nil
	}
	for i := range src {
		src[i] = 0xa5
	}
	if !proto.Equal(got, want) {
		t.Fatalf("%x:\ngot  %v\nwant %v", data, got, want)
	}
	for _, update := range got.GetRlSeries() {
		names = append(names, update.GetEnvironmentId())
	}
	return names
}

func marshalled(t testing.TB, r *ingestion.UpdateRunRequest) []byte {
	t.Helper()
	data, err := proto.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wholeRequest() *ingestion.UpdateRunRequest {
	return &ingestion.UpdateRunRequest{
		RunId: []byte("run"), LoggerId: math.MaxUint64, LoggerSessionId: 3, SequenceNumber: 512,
		SeriesDeclarations: []*types.SeriesDeclaration{{DeclarationId: 1, MetricName: "loss", Labels: map[string]string{"a": "b"}}},
		Attributes:         []*types.AttributeUpdate{{Path: "gone"}},
		CloseRun:           &types.CloseRun{},
		Series: []*types.StreamingSeriesUpdate{{}, {SeriesId: 1, PointBatches: []*types.PointBatch{
			{Values: []float64{1, math.NaN(), math.Inf(-1)}, FirstStep: ptr(uint64(0)), TimestampMillis: ptr(int64(-5))},
			{ValuesF32: []float32{1.5, -0}, Steps: []uint64{0, math.MaxUint64}, TimestampsMillis: []int64{-1, math.MaxInt64}}, {},
		}}},
		RlSeries: []*types.StreamingRLSeriesUpdate{{SeriesId: 2, EnvironmentId: "größe", RlStepBatches: []*types.RlStepBatch{
			{RlStep: 7, Episode: ptr(uint64(0)), Values: []float64{5e-324}, FirstMinorStep: ptr(uint64(9)), TimestampMillis: ptr(int64(1))},
			{ValuesF32: []float32{2}, MinorSteps: []uint64{300}, TimestampsMillis: []int64{7}, TreatMinorsAsFlatSteps: true, EnvStepsFromOne: true},
		}}},
	}
}

func TestRequestMemory(t *testing.T) {
	sameAsProto(t, nil)
	sameAsProto(t, marshalled(t, wholeRequest()))
	large := wholeRequest()
	for range 1000 {
		large.RlSeries = append(large.RlSeries, wholeRequest().RlSeries...)
		large.Series = append(large.Series, wholeRequest().Series...)
	}
	large.Series[1].PointBatches[0].Values = make([]float64, 100_000)
	sameAsProto(t, marshalled(t, large))
}

// What is not as clients write it is read all the same, or refused.
func TestRequestMemoryOutOfTheOrdinary(t *testing.T) {
	message := func(no protowire.Number, body []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, no, protowire.BytesType), body)
	}
	double := func(no protowire.Number) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, no, protowire.Fixed64Type), math.Float64bits(1.5))
	}
	varint := func(no protowire.Number) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, no, protowire.VarintType), 300)
	}
	standard := func(body []byte) { sameAsProto(t, message(5, message(2, body))) }
	rl := func(body []byte) { sameAsProto(t, message(6, message(3, body))) }
	both := func(body []byte) {
		standard(body)
		rl(body)
	}
	for no := protowire.Number(1); no < 12; no++ {
		both(double(no))
		both(varint(no))
		both(append(varint(no), varint(no)...))
		both(message(no, nil))
		both(message(no, make([]byte, 8)))
		both(append(message(no, make([]byte, 8)), message(no, make([]byte, 16))...))
		both(message(no, []byte{1, 2, 3}))
		both(message(no, bytes.Repeat([]byte{0xff}, 11)))
		both(message(no, append(bytes.Repeat([]byte{0xff}, 10), 1)))
		sameAsProto(t, message(no, []byte{0xff}))
		sameAsProto(t, message(5, varint(no)))
		sameAsProto(t, message(6, message(no, []byte{0xff})))
		sameAsProto(t, varint(no))
	}
}

func TestRequestMemoryCutAndDamaged(t *testing.T) {
	whole := marshalled(t, wholeRequest())
	for n := range whole {
		sameAsProto(t, whole[:n])
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		damaged := bytes.Clone(whole)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = byte(random.Uint32())
		}
		sameAsProto(t, damaged)
	}
}

func FuzzRequestMemory(f *testing.F) {
	f.Add(marshalled(f, wholeRequest()))
	f.Fuzz(sameAsProto)
}
