package chunk

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// How a column of values is stored. The numbers are on disk.
const (
	float64Planes = 0 // eight byte planes
	float32Planes = 1 // four: every value is exactly a float32
	oneValue      = 2 // one float64: all values have the same bits
)

// Whether a plane is compressed. The numbers are on disk.
const (
	planeRaw  = 0
	planeZstd = 1
)

// One encoder and one decoder serve all goroutines: EncodeAll and DecodeAll
// keep no state between calls.
var (
	zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
		if err != nil {
			panic("BUG: zstd options: " + err.Error())
		}
		return e
	})
	zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			panic("BUG: zstd options: " + err.Error())
		}
		return d
	})
)

// AppendValues encodes values without losing a bit, those of NaNs included.
//
// The bytes of equal weight are gathered into planes: sign and exponent of
// noisy values repeat and compress well, the low bytes of the mantissa are
// noise and are stored as they are. A column whose values all came from
// float32 has four planes instead of eight.
func AppendValues(dst []byte, values []float64) []byte {
	if len(values) == 0 {
		return dst
	}
	kind := kindOf(values)
	dst = append(dst, kind)
	if kind == oneValue {
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(values[0]))
	}
	scratch := planePool.Get().(*[]byte)
	defer planePool.Put(scratch)
	n, width := len(values), planesOf(kind)
	planes := grow(*scratch, n*width)
	*scratch = planes
	if kind == float32Planes {
		shuffle32(planes, values)
	} else {
		shuffle64(planes, values)
	}
	for p := range width {
		dst = appendPlane(dst, planes[p*n:(p+1)*n])
	}
	return dst
}

var planePool = sync.Pool{New: func() any { return new([]byte) }}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

func planesOf(kind byte) int {
	if kind == float32Planes {
		return 4
	}
	return 8
}

func kindOf(values []float64) byte {
	first := math.Float64bits(values[0])
	same, narrow := true, true
	for _, v := range values {
		bits := math.Float64bits(v)
		same = same && bits == first
		narrow = narrow && math.Float64bits(float64(float32(v))) == bits
		if !same && !narrow {
			return float64Planes
		}
	}
	if same {
		return oneValue
	}
	return float32Planes
}

func shuffle64(planes []byte, values []float64) {
	n := len(values)
	p0, p1, p2, p3 := planes[:n], planes[n:2*n], planes[2*n:3*n], planes[3*n:4*n]
	p4, p5, p6, p7 := planes[4*n:5*n], planes[5*n:6*n], planes[6*n:7*n], planes[7*n:8*n]
	for i, v := range values {
		b := math.Float64bits(v)
		p0[i], p1[i], p2[i], p3[i] = byte(b), byte(b>>8), byte(b>>16), byte(b>>24)
		p4[i], p5[i], p6[i], p7[i] = byte(b>>32), byte(b>>40), byte(b>>48), byte(b>>56)
	}
}

func shuffle32(planes []byte, values []float64) {
	n := len(values)
	p0, p1, p2, p3 := planes[:n], planes[n:2*n], planes[2*n:3*n], planes[3*n:4*n]
	for i, v := range values {
		b := math.Float32bits(float32(v))
		p0[i], p1[i], p2[i], p3[i] = byte(b), byte(b>>8), byte(b>>16), byte(b>>24)
	}
}

// A plane: one byte that says whether it is compressed, then its bytes, with
// their length before them when compressed.
func appendPlane(dst, plane []byte) []byte {
	if worthCompressing(plane) {
		scratch := planePool.Get().(*[]byte)
		defer planePool.Put(scratch)
		packed := zstdEncoder().EncodeAll(plane, (*scratch)[:0])
		*scratch = packed
		if len(packed)+4 < len(plane) {
			return AppendBytes(append(dst, planeZstd), packed)
		}
	}
	return append(append(dst, planeRaw), plane...)
}

// worthCompressing samples a plane: noise holds nearly every byte value nearly
// equally often, and would only cost the compressor its time.
func worthCompressing(plane []byte) bool {
	const sample = 1024
	if len(plane) < sample {
		return len(plane) > 16
	}
	var counts [256]uint16
	stride := len(plane) / sample
	for i := range sample {
		counts[plane[i*stride]]++
	}
	squares := 0
	for _, c := range counts {
		squares += int(c) * int(c)
	}
	// Uniform bytes give sample + sample²/256, about 5,100; twice that is an
	// order-0 gain of roughly a bit in eight.
	return squares > 2*(sample+sample*sample/256)
}

// DecodeValues reads n values behind dst.
func DecodeValues(dst []float64, src []byte, n int) ([]float64, []byte, error) {
	if n == 0 {
		return dst, src, nil
	}
	if len(src) == 0 {
		return nil, nil, corrupt("values cut short")
	}
	kind, src := src[0], src[1:]
	switch kind {
	case oneValue:
		return decodeOneValue(dst, src, n)
	case float64Planes, float32Planes:
		return decodePlanes(dst, src, n, kind)
	}
	return nil, nil, corrupt("unknown kind of values")
}

func decodeOneValue(dst []float64, src []byte, n int) ([]float64, []byte, error) {
	if len(src) < 8 {
		return nil, nil, corrupt("values cut short")
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(src))
	for range n {
		dst = append(dst, v)
	}
	return dst, src[8:], nil
}

func decodePlanes(dst []float64, src []byte, n int, kind byte) ([]float64, []byte, error) {
	var planes [8][]byte
	var err error
	for p := range planesOf(kind) {
		if planes[p], src, err = decodePlane(src, n); err != nil {
			return nil, nil, err
		}
	}
	for i := range n {
		var b uint64
		for p := range planesOf(kind) {
			b |= uint64(planes[p][i]) << (8 * p)
		}
		if kind == float32Planes {
			dst = append(dst, float64(math.Float32frombits(uint32(b))))
		} else {
			dst = append(dst, math.Float64frombits(b))
		}
	}
	return dst, src, nil
}

func decodePlane(src []byte, n int) (plane, rest []byte, err error) {
	if len(src) == 0 {
		return nil, nil, corrupt("plane cut short")
	}
	kind, src := src[0], src[1:]
	switch kind {
	case planeRaw:
		if len(src) < n {
			return nil, nil, corrupt("plane cut short")
		}
		return src[:n], src[n:], nil
	case planeZstd:
		packed, rest, err := Bytes(src)
		if err != nil {
			return nil, nil, err
		}
		plane, err := Decompress(packed, n)
		if err != nil {
			return nil, nil, err
		}
		return plane, rest, nil
	}
	return nil, nil, corrupt("unknown kind of plane")
}

// Compress appends src, compressed, to dst.
func Compress(dst, src []byte) []byte {
	return zstdEncoder().EncodeAll(src, dst)
}

// Decompress undoes Compress; the result must have exactly n bytes.
func Decompress(packed []byte, n int) ([]byte, error) {
	var header zstd.Header
	if err := header.Decode(packed); err != nil {
		return nil, corrupt("compressed bytes: " + err.Error())
	}
	if header.HasFCS && header.FrameContentSize != uint64(n) {
		return nil, corrupt("compressed bytes of another length")
	}
	plain, err := zstdDecoder().DecodeAll(packed, make([]byte, 0, n))
	if err != nil {
		return nil, corrupt("compressed bytes: " + err.Error())
	}
	if len(plain) != n {
		return nil, corrupt("compressed bytes of another length")
	}
	return plain, nil
}
