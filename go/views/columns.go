package views

import (
	"encoding/binary"
	"math"
)

// Columns of numbers cross as bytes: little-endian, 8 a number; flags are a byte each.

func floatColumn(values []float64) []byte {
	b := make([]byte, 0, 8*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// column writes one number of each thing.
func column[T any, N ~uint64 | ~int64](things []T, number func(T) N) []byte {
	b := make([]byte, 0, 8*len(things))
	for _, thing := range things {
		b = binary.LittleEndian.AppendUint64(b, uint64(number(thing)))
	}
	return b
}

// itself is the number of a number.
func itself(n uint64) uint64 { return n }

// flagColumn writes a byte for each thing: 1 where it holds.
func flagColumn(flags []bool) []byte {
	b := make([]byte, len(flags))
	for i, holds := range flags {
		if holds {
			b[i] = 1
		}
	}
	return b
}
