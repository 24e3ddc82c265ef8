package wire

import (
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// RequestMemory is what the points of requests are read into: of one after the
// other, so that it is in the processor's caches already, and no garbage.
//
// A request of many environments is thousands of small messages. Those of points
// are read by hand into slabs, one allocation for hundreds; all other fields go
// to proto.Unmarshal. Points that are not as clients write them (fields that
// are unknown, repeated or not packed, bytes that are no message) send the
// whole request there, so that what is accepted is decided in one place.
type RequestMemory struct{ requestDecoder }

// Unmarshal reads a request as proto.Unmarshal does, several times as fast. Its
// points lie in the memory until that is reset; of data nothing is kept.
func (m *RequestMemory) Unmarshal(data []byte, request *ingestion.UpdateRunRequest) error {
	if littleEndian && m.request(data, request) {
		return nil
	}
	return proto.Unmarshal(data, request)
}

// Reset takes back the points of all requests. Names of environments stay theirs.
func (m *RequestMemory) Reset() {
	m.series.reset()
	m.rl.reset()
	m.batch.reset()
	m.rlBatch.reset()
	m.batches.reset()
	m.rlOnes.reset()
	m.doubles.reset()
	m.floats.reset()
	m.naturals.reset()
	m.integers.reset()
	m.text.pieces, m.text.used = nil, 0
}

// slabBytes bounds the pieces of a slab, keptPieces how many are kept of it.
const (
	slabBytes  = 64 << 10
	keptPieces = 64
)

// slab hands out memory from pieces that grow with what is asked for. What it
// hands out is the receiver's until the slab is reset.
type slab[T any] struct {
	free   []T
	size   int   // of the last piece made
	pieces [][]T // all, those used first
	used   int   // of the pieces
}

// take gives n zeroed elements.
func (s *slab[T]) take(n int) []T {
	taken := s.room(n)
	clear(taken)
	return taken
}

// room gives n elements for the receiver to fill.
func (s *slab[T]) room(n int) []T {
	if n > len(s.free) && !s.more(n) {
		return make([]T, n)
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}

// more takes the next piece, unless n elements are too many for one.
func (s *slab[T]) more(n int) bool {
	for ; s.used < len(s.pieces); s.used++ {
		if piece := s.pieces[s.used]; n <= len(piece) {
			s.free, s.used = piece, s.used+1
			return true
		}
	}
	s.size = min(max(2*s.size, 16), slabBytes/int(unsafe.Sizeof(*new(T))))
	if n > s.size/4 {
		return false
	}
	s.free = make([]T, s.size)
	s.pieces = append(s.pieces, s.free)
	s.used = len(s.pieces)
	return true
}

func (s *slab[T]) reset() {
	if len(s.pieces) > keptPieces {
		clear(s.pieces[keptPieces:])
		s.pieces = s.pieces[:keptPieces]
	}
	s.free, s.used = nil, 0
}

func (s *slab[T]) one() *T { return &s.take(1)[0] }

// requestDecoder reads one request. Its methods return false for bytes that are
// to be left to proto.Unmarshal.
type requestDecoder struct {
	series   slab[types.StreamingSeriesUpdate]
	rl       slab[types.StreamingRLSeriesUpdate]
	batch    slab[types.PointBatch]
	rlBatch  slab[types.RlStepBatch]
	batches  slab[*types.PointBatch]
	rlOnes   slab[*types.RlStepBatch]
	text     slab[byte]
	doubles  slab[float64]
	floats   slab[float32]
	naturals slab[uint64]
	integers slab[int64]
}

// field is one field of a message: of number or bytes, the one that its type says.
type field struct {
	no     protowire.Number
	kind   protowire.Type
	number uint64
	bytes  []byte
}

func nextField(data []byte) (f field, rest []byte, ok bool) {
	var n int
	f.no, f.kind, n = protowire.ConsumeTag(data)
	if n < 0 {
		return f, nil, false
	}
	data = data[n:]
	switch f.kind {
	case protowire.VarintType:
		f.number, n = protowire.ConsumeVarint(data)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(data)
	default:
		n = -1
	}
	if n < 0 {
		return f, nil, false
	}
	return f, data[n:], true
}

func (d *requestDecoder) request(data []byte, request *ingestion.UpdateRunRequest) bool {
	others := make([]byte, 0, 256)
	var series []*types.StreamingSeriesUpdate
	var rl []*types.StreamingRLSeriesUpdate
	for len(data) > 0 {
		f, rest, ok := nextField(data)
		switch {
		case !ok:
			return false
		case f.no == 5 && f.kind == protowire.BytesType:
			update := d.series.one()
			ok = d.seriesUpdate(f.bytes, update)
			series = append(series, update)
		case f.no == 6 && f.kind == protowire.BytesType:
			update := d.rl.one()
			ok = d.rlUpdate(f.bytes, update)
			rl = append(rl, update)
		default:
			others = append(others, data[:len(data)-len(rest)]...)
		}
		if !ok {
			return false
		}
		data = rest
	}
	if proto.Unmarshal(others, request) != nil {
		return false
	}
	request.Series, request.RlSeries = series, rl
	return true
}

// count tells how often a field of bytes comes.
func count(data []byte, no protowire.Number) (n int) {
	for len(data) > 0 {
		f, rest, ok := nextField(data)
		if !ok {
			return n
		}
		if f.no == no {
			n++
		}
		data = rest
	}
	return n
}

func (d *requestDecoder) seriesUpdate(data []byte, update *types.StreamingSeriesUpdate) bool {
	update.PointBatches = d.batches.take(count(data, 2))[:0]
	for len(data) > 0 {
		f, rest, ok := nextField(data)
		switch {
		case ok && f.no == 1 && f.kind == protowire.VarintType:
			update.SeriesId = f.number
		case ok && f.no == 2 && f.kind == protowire.BytesType:
			batch := d.batch.one()
			ok = d.pointBatch(f.bytes, batch)
			update.PointBatches = append(update.PointBatches, batch)
		default:
			ok = false
		}
		if !ok {
			return false
		}
		data = rest
	}
	return true
}

func (d *requestDecoder) rlUpdate(data []byte, update *types.StreamingRLSeriesUpdate) bool {
	update.RlStepBatches = d.rlOnes.take(count(data, 3))[:0]
	for len(data) > 0 {
		f, rest, ok := nextField(data)
		switch {
		case ok && f.no == 1 && f.kind == protowire.VarintType:
			update.SeriesId = f.number
		case ok && f.no == 2 && f.kind == protowire.BytesType && utf8.Valid(f.bytes):
			update.EnvironmentId = d.string(f.bytes)
		case ok && f.no == 3 && f.kind == protowire.BytesType:
			batch := d.rlBatch.one()
			ok = d.rlStepBatch(f.bytes, batch)
			update.RlStepBatches = append(update.RlStepBatches, batch)
		default:
			ok = false
		}
		if !ok {
			return false
		}
		data = rest
	}
	return true
}

func (d *requestDecoder) pointBatch(data []byte, b *types.PointBatch) bool {
	for len(data) > 0 {
		f, rest, ok := nextField(data)
		if ok && f.kind == protowire.VarintType {
			switch f.no {
			case 2:
				b.FirstStep = d.natural(f.number)
			case 4:
				b.TimestampMillis = d.integer(f.number)
			default:
				ok = false
			}
		} else if ok {
			switch f.no {
			case 1:
				ok = packed(&d.doubles, &b.Values, f.bytes)
			case 3:
				ok = varints(&d.naturals, &b.Steps, f.bytes)
			case 5:
				ok = varints(&d.integers, &b.TimestampsMillis, f.bytes)
			case 6:
				ok = packed(&d.floats, &b.ValuesF32, f.bytes)
			default:
				ok = false
			}
		}
		if !ok {
			return false
		}
		data = rest
	}
	return true
}

func (d *requestDecoder) rlStepBatch(data []byte, b *types.RlStepBatch) bool {
	for len(data) > 0 {
		f, rest, ok := nextField(data)
		if ok && f.kind == protowire.VarintType {
			ok = d.rlNumber(f, b)
		} else if ok {
			switch f.no {
			case 3:
				ok = packed(&d.doubles, &b.Values, f.bytes)
			case 5:
				ok = varints(&d.naturals, &b.MinorSteps, f.bytes)
			case 7:
				ok = varints(&d.integers, &b.TimestampsMillis, f.bytes)
			case 10:
				ok = packed(&d.floats, &b.ValuesF32, f.bytes)
			default:
				ok = false
			}
		}
		if !ok {
			return false
		}
		data = rest
	}
	return true
}

func (d *requestDecoder) rlNumber(f field, b *types.RlStepBatch) bool {
	switch f.no {
	case 1:
		b.RlStep = f.number
	case 2:
		b.Episode = d.natural(f.number)
	case 4:
		b.FirstMinorStep = d.natural(f.number)
	case 6:
		b.TimestampMillis = d.integer(f.number)
	case 8:
		b.TreatMinorsAsFlatSteps = f.number != 0
	case 9:
		b.EnvStepsFromOne = f.number != 0
	default:
		return false
	}
	return true
}

func (d *requestDecoder) natural(v uint64) *uint64 {
	p := d.naturals.one()
	*p = v
	return p
}

func (d *requestDecoder) integer(v uint64) *int64 {
	p := d.integers.one()
	*p = int64(v)
	return p
}

func (d *requestDecoder) string(src []byte) string {
	if len(src) == 0 {
		return ""
	}
	dst := d.text.room(len(src))
	copy(dst, src)
	return unsafe.String(&dst[0], len(dst)) // nobody else has dst
}

// packed reads a packed field of fixed-size numbers, which memory holds as the
// wire does.
func packed[T float32 | float64](s *slab[T], into *[]T, src []byte) bool {
	size := int(unsafe.Sizeof(T(0)))
	if *into != nil || len(src)%size != 0 {
		return false
	}
	if len(src) == 0 {
		return true
	}
	values := s.room(len(src) / size)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(src)), src)
	*into = values
	return true
}

// varints reads a packed field of varints: one ends at each byte below 0x80.
func varints[T int64 | uint64](s *slab[T], into *[]T, src []byte) bool {
	if *into != nil {
		return false
	}
	n := 0
	for _, b := range src {
		if b < 0x80 {
			n++
		}
	}
	if n == 0 {
		return len(src) == 0
	}
	values := s.room(n)
	for i := range values {
		v, size := protowire.ConsumeVarint(src)
		if size < 0 {
			return false
		}
		values[i] = T(v)
		src = src[size:]
	}
	*into = values
	return len(src) == 0
}
