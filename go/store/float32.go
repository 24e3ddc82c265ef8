package store

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"
)

// Most values that are logged were float32 before: the journal and heads keep them so.

// appendShort writes values as float32, if all of them keep their bits. A NaN
// whose bits a conversion changes does not.
func appendShort(dst []byte, values []float64) (longer []byte, exact bool) {
	start := len(dst)
	dst = slices.Grow(dst, shortBytes*len(values))
	to := dst[start : start+shortBytes*len(values)]
	// What is not exact mostly shows early on.
	const most = 256
	for from := 0; from < len(values); from += most {
		if !narrow(to[shortBytes*from:], values[from:min(from+most, len(values))]) {
			return dst, false
		}
	}
	return dst[:start+shortBytes*len(values)], true
}

// narrow writes values as float32 and tells whether all of them kept their bits.
func narrow(dst []byte, values []float64) (exact bool) {
	if k := len(values) &^ 7; eights && k > 0 {
		if !narrowEights(unsafe.SliceData(dst), unsafe.SliceData(values), k) {
			return false
		}
		dst, values = dst[shortBytes*k:], values[k:]
	}
	for i, v := range values {
		f := float32(v)
		if math.Float64bits(float64(f)) != math.Float64bits(v) {
			return false
		}
		binary.LittleEndian.PutUint32(dst[shortBytes*i:], math.Float32bits(f))
	}
	return true
}

// shortAt reads one of the values that appendShort wrote.
func shortAt(src []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(src[shortBytes*i:]))
}

func decodeShort(src []byte) []float64 {
	values := make([]float64, len(src)/shortBytes)
	for i := range values {
		values[i] = float64(shortAt(src, i))
	}
	return values
}

// appendFloat32s copies values that appendShort wrote.
func appendFloat32s(dst []float32, src []byte) []float32 {
	start, n := len(dst), len(src)/shortBytes
	dst = slices.Grow(dst, n)[:start+n]
	if littleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst[start:]))), shortBytes*n), src)
		return dst
	}
	for i := range dst[start:] {
		dst[start+i] = shortAt(src, i)
	}
	return dst
}

// widen appends values as float64.
func widen(dst []float64, values []float32) []float64 {
	start := len(dst)
	dst = slices.Grow(dst, len(values))[:start+len(values)]
	to := dst[start:]
	if k := len(values) &^ 7; eights && k > 0 {
		widenEights(unsafe.SliceData(to), unsafe.SliceData(values), k)
		to, values = to[k:], values[k:]
	}
	for i, v := range values {
		to[i] = float64(v)
	}
	return dst
}
