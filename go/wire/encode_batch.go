package wire

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/metrana/metrana/go/point"
)

// littleEndian says whether the memory of a float64 slice is what the wire
// calls packed doubles.
var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

func sizeBatch(b *point.Batch) int {
	return sizeDoubles(1, len(b.Values)) +
		sizeSteps(2, 3, b.Steps) +
		sizeTimes(4, 5, b.Times)
}

func appendBatch(dst []byte, b *point.Batch) []byte {
	dst = appendDoubles(dst, 1, b.Values)
	dst = appendSteps(dst, 2, 3, b.Steps)
	return appendTimes(dst, 4, 5, b.Times)
}

func sizeRLBatch(b *point.RLBatch) int {
	n := sizeUint(1, b.RLStep)
	if b.HasEpisode {
		n += sizePresentUint(2, b.Episode)
	}
	n += sizeDoubles(3, len(b.Values)) + sizeSteps(4, 5, b.Minors) + sizeTimes(6, 7, b.Times)
	return n + sizeBool(8, b.Flat) + sizeBool(9, b.FromOne)
}

func appendRLBatch(dst []byte, b *point.RLBatch) []byte {
	dst = appendUint(dst, 1, b.RLStep)
	if b.HasEpisode {
		dst = appendPresentUint(dst, 2, b.Episode)
	}
	dst = appendDoubles(dst, 3, b.Values)
	dst = appendSteps(dst, 4, 5, b.Minors)
	dst = appendTimes(dst, 6, 7, b.Times)
	dst = appendBool(dst, 8, b.Flat)
	return appendBool(dst, 9, b.FromOne)
}

// Steps are either consecutive, then the first is stated even when it is 0, or
// listed.
func sizeSteps(first, list protowire.Number, s point.Steps) int {
	if s.List == nil {
		return sizePresentUint(first, s.First)
	}
	return sizeMessage(list, sizeVarints(s.List))
}

func appendSteps(dst []byte, first, list protowire.Number, s point.Steps) []byte {
	if s.List == nil {
		return appendPresentUint(dst, first, s.First)
	}
	return appendVarints(appendHeader(dst, list, sizeVarints(s.List)), s.List)
}

func sizeTimes(one, list protowire.Number, t point.Times) int {
	if t.List == nil {
		return sizePresentUint(one, uint64(t.Millis))
	}
	return sizeMessage(list, sizeVarints(unsigned(t.List)))
}

func appendTimes(dst []byte, one, list protowire.Number, t point.Times) []byte {
	if t.List == nil {
		return appendPresentUint(dst, one, uint64(t.Millis))
	}
	millis := unsigned(t.List)
	return appendVarints(appendHeader(dst, list, sizeVarints(millis)), millis)
}

// unsigned views the times as the wire writes them: a negative int64 is the
// varint of its two's complement.
func unsigned(times []int64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(times))), len(times))
}

func sizeDoubles(field protowire.Number, n int) int {
	if n == 0 {
		return 0
	}
	return sizeMessage(field, 8*n)
}

func appendDoubles(dst []byte, field protowire.Number, values []float64) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = appendHeader(dst, field, 8*len(values))
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 8*len(values))
	if littleEndian {
		return append(dst, memory...)
	}
	for ; len(memory) > 0; memory = memory[8:] {
		dst = append(dst, memory[7], memory[6], memory[5], memory[4],
			memory[3], memory[2], memory[1], memory[0])
	}
	return dst
}
