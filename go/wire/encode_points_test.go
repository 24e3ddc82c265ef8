package wire

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire/pb/common"
	"github.com/metrana/metrana/go/wire/pb/query"
)

// definition has labels enough that maps would come in an order of chance.
func definition(name string) *common.SeriesDefinition {
	return &common.SeriesDefinition{Kind: &common.SeriesDefinition_Regular{Regular: &common.RegSeriesDefinition{
		MetricName: name, Scale: "ML_STEP", Labels: map[string]string{"a": "1", "b": "2", "c": "", "": "d"},
	}}}
}

// anySize is a number of random length in bits.
func anySize(random *rand.Rand) uint64 { return random.Uint64() >> random.UintN(65) }

func anyPoints(random *rand.Rand, n int) *common.FloatSeriesPoints {
	p := &common.FloatSeriesPoints{}
	for range n {
		p.Steps = append(p.Steps, anySize(random))
		p.Values = append(p.Values, math.Float64frombits(random.Uint64()))
		p.TimestampMillis = append(p.TimestampMillis, int64(anySize(random)))
	}
	return p
}

func TestPagesOfPointsAreWhatProtobufWrites(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	token, empty := "1f.200", ""
	var series []*query.SeriesPoints
	f := func(token *string) {
		t.Helper()
		check := func(page proto.Message, got []byte, err error) {
			t.Helper()
			want, wrong := proto.MarshalOptions{Deterministic: true}.Marshal(page)
			if err != nil || wrong != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Fatalf("%d series: %v, %v\ngot  %x\nwant %x", len(series), err, wrong, got, want)
			}
		}
		rl := &query.ListRLEnvironmentFloatSeriesResponse{Series: series, ResumeToken: token}
		got, err := AppendRLSeriesPage([]byte("before"), rl)
		check(rl, got, err)
		runs := &query.ListFloatSeriesResponse{ResumeToken: token, RunPoints: []*query.ListFloatSeriesResponse_RunPoints{
			{Run: "a", Series: series}, {Run: "b"}, {Series: series},
		}}
		got, err = AppendSeriesPage([]byte("before"), runs)
		check(runs, got, err)
	}
	f(nil)
	f(&empty)
	for n := range 40 {
		points := anyPoints(random, n)
		if n%3 == 1 {
			points.TimestampMillis = nil
		}
		series = append(series, &query.SeriesPoints{Definition: definition("loss"), Points: points})
		f(&token)
	}
	series = append(series, &query.SeriesPoints{}, &query.SeriesPoints{Points: anyPoints(random, 100_000)})
	f(nil)
}

// byBoth runs a test as any processor does it, and as this one does.
func byBoth(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for _, vectors = range []bool{false, vectors} {
		t.Run(fmt.Sprint("vectors ", vectors), test)
	}
}

func TestVarintsAtEveryLengthAndInEveryRoom(t *testing.T) {
	byBoth(t, testVarintsAtEveryLengthAndInEveryRoom)
}

func testVarintsAtEveryLengthAndInEveryRoom(t *testing.T) {
	var values []uint64
	for bit := range 64 {
		values = append(values, 1<<bit-1, 1<<bit, math.MaxUint64>>bit)
	}
	var want []byte
	for n := range values {
		if got := appendVarints(nil, values[:n]); !bytes.Equal(got, want) || len(got) != sizeVarints(values[:n]) {
			t.Fatalf("%d numbers: %x, not %x", n, got, want)
		}
		for room := 1; room < 20; room++ {
			dst := make([]byte, 0, len(want)+room)
			if got := appendVarints(dst, values[:n]); !bytes.Equal(got, want) || cap(got) != cap(dst) {
				t.Fatalf("%d numbers in %d bytes more than they need: %x, not %x", n, room, got, want)
			}
		}
		want = protowire.AppendVarint(want, values[n])
	}
}

func TestVarintsOfProgressions(t *testing.T) { byBoth(t, testVarintsOfProgressions) }

func testVarintsOfProgressions(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		var values []uint64
		var want []byte
		for range 1 + random.IntN(4) {
			v, delta := anySize(random), anySize(random)
			for range random.IntN(300) {
				values = append(values, v)
				want = protowire.AppendVarint(want, v)
				v += delta
			}
		}
		if got := appendVarints(make([]byte, 0, len(want)+8), values); !bytes.Equal(got, want) || len(got) != sizeVarints(values) {
			t.Fatalf("%d became %x, not %x", values, got, want)
		}
	}
}

func BenchmarkPageOfPoints(b *testing.B) {
	points := &common.FloatSeriesPoints{}
	for i := range 250_000 {
		points.Steps, points.Values = append(points.Steps, uint64(5_000_000+i)), append(points.Values, float64(i))
	}
	page := &query.ListFloatSeriesResponse{RunPoints: []*query.ListFloatSeriesResponse_RunPoints{
		{Run: "a", Series: []*query.SeriesPoints{{Definition: definition("loss"), Points: points}}},
	}}
	b.Run("ours", func(b *testing.B) {
		var dst []byte
		for b.Loop() {
			dst, _ = AppendSeriesPage(dst[:0], page)
		}
		b.SetBytes(int64(len(dst)))
	})
	b.Run("protobuf", func(b *testing.B) {
		var dst []byte
		for b.Loop() {
			dst, _ = proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst[:0], page)
		}
		b.SetBytes(int64(len(dst)))
	})
}
