package reader

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// blocks is memory as the C library gives it: each resize moves it.
type blocks struct {
	mu   sync.Mutex
	open map[*byte][]byte
	most int // further resizes that succeed; negative: all
}

var errNoMore = errors.New("no more memory")

func (b *blocks) resize(memory []byte, size int) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if size > 0 {
		if b.most == 0 {
			return nil, errNoMore
		}
		b.most--
	}
	if memory != nil {
		if known := b.open[&memory[0]]; len(known) != len(memory) {
			panic(fmt.Sprintf("%d bytes of a block of %d", len(memory), len(known)))
		}
		delete(b.open, &memory[0])
	}
	if size == 0 {
		return nil, nil
	}
	moved := make([]byte, size)
	copy(moved, memory)
	clear(memory)
	b.open[&moved[0]] = moved
	return moved, nil
}

func newBlocks() *blocks { return &blocks{open: map[*byte][]byte{}, most: -1} }

// readBack is what Python finds in a page: the points of each series by run and labels.
type readBack map[string]*common.FloatSeriesPoints

func (b *blocks) read(t *testing.T, page *Page) readBack {
	t.Helper()
	total, table, begins := page.Size()
	memory := make([]byte, total)
	if err := page.Write(memory); err != nil {
		t.Fatal(err)
	}
	all := [][]byte{memory}
	for at := table; at < begins; at += entry {
		address := uintptr(binary.NativeEndian.Uint64(memory[at:]))
		for first, block := range b.open {
			if uintptr(unsafe.Pointer(first)) == address && uint64(len(block)) == binary.NativeEndian.Uint64(memory[at+8:]) {
				all = append(all, block)
			}
		}
	}
	type column struct {
		Column []any `json:"$column"`
	}
	type series struct {
		Definition struct {
			Regular struct{ Labels map[string]string }
		}
		Points struct {
			Steps, Values column
			Times         column `json:"timestamp_millis"`
		}
	}
	var tree struct {
		Series []series
		Runs   []struct {
			Run    string
			Series []series
		} `json:"run_points"`
	}
	if err := json.Unmarshal(memory[begins:], &tree); err != nil {
		t.Fatalf("%v: %s", err, memory[begins:])
	}
	words := func(c column) []uint64 {
		if c.Column == nil {
			return nil
		}
		from, n := all[int(c.Column[0].(float64))][int(c.Column[1].(float64)):], int(c.Column[2].(float64))
		list := make([]uint64, n)
		for i := range list {
			list[i] = binary.NativeEndian.Uint64(from[8*i:])
		}
		return list
	}
	back := readBack{}
	add := func(run string, list []series) {
		for _, s := range list {
			name := fmt.Sprint(run, s.Definition.Regular.Labels)
			if back[name] != nil {
				t.Fatalf("%s comes twice", name)
			}
			points := &common.FloatSeriesPoints{Steps: words(s.Points.Steps)}
			for _, bits := range words(s.Points.Values) {
				points.Values = append(points.Values, math.Float64frombits(bits))
			}
			for _, bits := range words(s.Points.Times) {
				points.TimestampMillis = append(points.TimestampMillis, int64(bits))
			}
			back[name] = points
		}
	}
	add("", tree.Series)
	for _, run := range tree.Runs {
		add(run.Run, run.Series)
	}
	return back
}

func labelled(labels ...string) *common.SeriesDefinition {
	d := &common.RegSeriesDefinition{MetricName: "m", Scale: "ML_STEP", Labels: map[string]string{}}
	for i := 0; i < len(labels); i += 2 {
		d.Labels[labels[i]] = labels[i+1]
	}
	return &common.SeriesDefinition{Kind: &common.SeriesDefinition_Regular{Regular: d}}
}

func gather(t *testing.T, b *blocks, c *Call) (*Page, error) {
	t.Helper()
	page, _, err := c.Gather(b.resize, time.Minute)
	if page == nil && err == nil {
		t.Fatal("it takes longer than a minute")
	}
	return page, err
}

func TestGatherJoinsTheSeriesOfAllPages(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	want := readBack{}
	var pages []*pb.ListFloatSeriesResponse
	for number := range 5 {
		page := &pb.ListFloatSeriesResponse{}
		for _, run := range []string{"a", "b"} {
			of := &pb.ListFloatSeriesResponse_RunPoints{Run: run}
			for k, label := range []string{"short", "long", "untimed", "none"} {
				n := []int{3, 40_000, 200_000 * (number % 2), 0}[k]
				points := &common.FloatSeriesPoints{}
				for range n {
					points.Steps = append(points.Steps, random.Uint64()>>random.UintN(64))
					points.Values = append(points.Values, random.NormFloat64())
					points.TimestampMillis = append(points.TimestampMillis, -random.Int64()>>random.UintN(64))
				}
				if label == "untimed" && number == 3 && n > 0 {
					points.TimestampMillis = points.TimestampMillis[1:]
				}
				// Labels come in an order of chance.
				of.Series = append(of.Series, &pb.SeriesPoints{Definition: labelled("a", label, "b", "x", "c", ""), Points: points})
				if n == 0 {
					continue
				}
				name := fmt.Sprint(run, map[string]string{"a": label, "b": "x", "c": ""})
				if want[name] == nil {
					want[name] = &common.FloatSeriesPoints{}
				}
				proto.Merge(want[name], points)
				if label == "untimed" {
					want[name].TimestampMillis = nil
				}
			}
			page.RunPoints = append(page.RunPoints, of)
		}
		if number < 4 {
			page.ResumeToken = proto.String(fmt.Sprint(number + 1))
		}
		pages = append(pages, page)
	}
	r := serve(t, &server{series: func(call int64, _ *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
		return pages[call-1], nil
	}})
	b := newBlocks()
	c := begin(t, r, "ListFloatSeries", `{}`, 0)
	page, err := gather(t, b, c)
	if err != nil {
		t.Fatal(err)
	}
	got := b.read(t, page)
	if len(got) != len(want) {
		t.Fatalf("%d series, not %d", len(got), len(want))
	}
	for name, points := range want {
		if !proto.Equal(got[name], points) {
			t.Errorf("%s: %d, %d and %d numbers, not %d, %d and %d, or others", name, len(got[name].GetSteps()),
				len(got[name].GetValues()), len(got[name].GetTimestampMillis()), len(points.Steps), len(points.Values), len(points.TimestampMillis))
		}
	}
	if c.End(); len(b.open) != len(page.foreign) {
		t.Errorf("%d blocks are left, the page has %d", len(b.open), len(page.foreign))
	}
}

func TestGatheringThatEndsEarlyGivesItsMemoryBack(t *testing.T) {
	huge := points(make([]float64, 2*long/8)...)
	f := func(most int, later *pb.ListFloatSeriesResponse, failure, want string) {
		t.Helper()
		r := serve(t, &server{series: func(call int64, _ *pb.ListFloatSeriesRequest) (*pb.ListFloatSeriesResponse, error) {
			if call == 1 {
				first := proto.Clone(huge).(*pb.ListFloatSeriesResponse)
				first.ResumeToken = proto.String("more")
				return first, nil
			}
			if failure != "" {
				return nil, errors.New(failure)
			}
			return later, nil
		}})
		b := newBlocks()
		b.most = most
		c := begin(t, r, "ListFloatSeries", `{}`, 0)
		if _, err := gather(t, b, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if c.End(); len(b.open) != 0 {
			t.Errorf("%d blocks are left", len(b.open))
		}
	}
	f(-1, nil, "gone mad", "gone mad")
	f(1, huge, "", errNoMore.Error())
	f(3, huge, "", errNoMore.Error())
	uneven := points(1, 2, 3)
	uneven.RunPoints[0].Series[0].Points.Steps = []uint64{1}
	f(-1, uneven, "", "not as many")
}

func TestOnlyPointsAreGathered(t *testing.T) {
	r := serve(t, &server{runs: func(*pb.ListRunsRequest) *pb.ListRunsResponse { return &pb.ListRunsResponse{} }})
	c := begin(t, r, "ListRuns", `{}`, 0)
	defer c.End()
	if _, err := gather(t, newBlocks(), c); err == nil || !strings.Contains(err.Error(), "only points") {
		t.Error(err)
	}
}

// cut gives bytes in pieces of chance, some of them empty.
func cut(random *rand.Rand, whole []byte) (p pieces) {
	for len(whole) > 0 {
		n := min(len(whole), random.IntN(40)*random.IntN(2))
		p, whole = append(p, whole[:n:n]), whole[n:]
	}
	return p
}

func TestUnusualEncodingsAreReadToo(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	field := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	number := func(number protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
	}
	double := func(v float64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), math.Float64bits(v))
	}
	definition, err := proto.Marshal(labelled("k", "v"))
	if err != nil {
		t.Fatal(err)
	}
	packed := field(1, []byte{1, 0x82, 0x00}) // two, in a byte more than it needs
	values := field(2, slices.Concat(double(1)[1:], double(2)[1:]))
	want := &common.FloatSeriesPoints{Steps: []uint64{1, 2}, Values: []float64{1, 2}}
	f := func(points ...[]byte) {
		t.Helper()
		series := slices.Concat(number(9, 7), field(1, definition), field(2, slices.Concat(points...)), field(8, []byte("new")))
		run := slices.Concat(field(2, series), field(1, []byte("r")))
		for range 50 {
			answer := &Answer{kind: (&pb.ListFloatSeriesResponse{}).ProtoReflect().Type()}
			for _, piece := range cut(random, slices.Concat(field(7, nil), field(1, run), field(2, []byte("token")))) {
				answer.data = append(answer.data, mem.SliceBuffer(piece))
			}
			page, err := NewPage(answer)
			if err != nil {
				t.Fatal(err)
			}
			if got := newBlocks().read(t, page)["rmap[k:v]"]; !proto.Equal(got, want) {
				t.Fatalf("got %v", got)
			}
			if token, _ := answer.field(2); string(token) != "token" {
				t.Fatalf("token %q", token)
			}
		}
	}
	f(packed, values)
	f(values, number(12, 5), packed)
	f(number(1, 1), number(1, 2), double(1), double(2))
	f(field(1, []byte{1}), values, field(1, []byte{2}))
	f(packed, double(1), field(2, double(2)[1:]), field(3, []byte{5}))
}

func TestDamagedPagesAreErrors(t *testing.T) {
	page := points(1, 2, 3)
	page.RunPoints[0].Series[0].Definition = labelled("k", "v")
	whole, err := proto.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(9, 10))
	for range 20_000 {
		damaged := slices.Clone(whole)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = byte(random.Uint32())
		}
		damaged = damaged[:random.IntN(len(damaged)+1)]
		answer := &Answer{kind: page.ProtoReflect().Type()}
		for _, piece := range cut(random, damaged) {
			answer.data = append(answer.data, mem.SliceBuffer(piece))
		}
		got, err := NewPage(answer)
		if err == nil {
			total, _, _ := got.Size()
			err = got.Write(make([]byte, total))
		}
		var refused *RPCError
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%x: %v", damaged, err)
		}
		if proto.Unmarshal(damaged, &pb.ListFloatSeriesResponse{}) != nil && err == nil {
			t.Fatalf("%x is no message, and was read", damaged)
		}
	}
}

// Numbers are read as any processor does it, and as this one does.
func TestVarintsInPieces(t *testing.T) {
	for _, vectors = range []bool{false, vectors} {
		t.Run(fmt.Sprint("vectors ", vectors), testVarintsInPieces)
	}
}

func testVarintsInPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 3_000 {
		var want []uint64
		var packed []byte
		v, bits := uint64(0), random.UintN(65)
		for range random.IntN(60) {
			if random.IntN(4) == 0 {
				bits = random.UintN(65)
			}
			v = random.Uint64() >> bits
			want, packed = append(want, v), protowire.AppendVarint(packed, v)
		}
		column := cut(random, packed)
		memory := make([]byte, 8*len(want))
		if countVarints(column) != len(want) || !writeVarints(memory, column) {
			t.Fatalf("%d were not read from %x", want, packed)
		}
		for i, v := range want {
			if binary.NativeEndian.Uint64(memory[8*i:]) != v {
				t.Fatalf("number %d of %d", i, want)
			}
		}
		if n := len(want); n > 0 && (writeVarints(memory[8:], column) || writeVarints(make([]byte, 8*n+8), column)) {
			t.Fatal("they were put where there is room for others")
		}
	}
	f := func(packed ...byte) {
		t.Helper()
		if writeVarints(make([]byte, 8*countVarints(pieces{packed})), pieces{packed}) {
			t.Errorf("%x was read", packed)
		}
	}
	f(0x80)
	f(1, 0xff, 0xff)
	f(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2)
	f(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0)
}
