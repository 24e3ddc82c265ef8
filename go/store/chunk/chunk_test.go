package chunk

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRunsRoundTrip(t *testing.T) {
	f := func(wantRuns int, numbers ...uint64) {
		t.Helper()
		var column Runs
		for _, v := range numbers {
			column = column.AppendOne(v)
		}
		if len(column) != wantRuns || column.Len() != len(numbers) {
			t.Fatalf("%v: %d runs of %d numbers, want %d runs", numbers, len(column), column.Len(), wantRuns)
		}
		decoded, rest, err := DecodeRuns(nil, AppendRuns(nil, column), len(numbers))
		if err != nil || len(rest) != 0 {
			t.Fatalf("%v: %v, %d bytes left", numbers, err, len(rest))
		}
		if got := decoded.AppendTo(nil); !slices.Equal(got, numbers) {
			t.Fatalf("got %v, want %v", got, numbers)
		}
	}
	f(0)
	f(1, 7)
	f(1, 0, 1, 2, 3)
	f(1, 5, 5, 5)
	f(1, math.MaxUint64, 0, 1) // arithmetic wraps
	f(2, 1, 2, 3, 9)
	f(1, 9, 6, 3, 0)
	f(3, 1, 2, 10, 20, 5)
}

func TestRunsAppendEqualsAppendOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var whole Runs
		var numbers []uint64
		for range random.IntN(20) {
			first, delta, n := random.Uint64N(5), random.Uint64N(3), random.IntN(4)
			whole = whole.Append(first, delta, n)
			for i := range n {
				numbers = append(numbers, first+delta*uint64(i))
			}
		}
		if got := whole.AppendTo(nil); !slices.Equal(got, numbers) {
			t.Fatalf("got %v, want %v", got, numbers)
		}
		cursor := whole.Cursor()
		var taken []uint64
		for len(taken) < len(numbers) {
			taken = cursor.Take(1 + random.IntN(5)).AppendTo(taken)
		}
		if !slices.Equal(taken, numbers) {
			t.Fatalf("taken %v, want %v", taken, numbers)
		}
	}
}

func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

func TestValuesRoundTrip(t *testing.T) {
	f := func(kind byte, values ...float64) {
		t.Helper()
		encoded := AppendValues([]byte("before"), values)
		if len(values) > 0 && encoded[6] != kind {
			t.Fatalf("%v stored as kind %d, want %d", values, encoded[6], kind)
		}
		decoded, rest, err := DecodeValues(nil, append(encoded[6:], "after"...), len(values))
		if err != nil || string(rest) != "after" || !sameBits(decoded, values) {
			t.Fatalf("%v: got %v, rest %q, error %v", values, decoded, rest, err)
		}
	}
	payload := math.Float64frombits(0x7ff8_0000_dead_beef)
	signalling := math.Float64frombits(0x7ff0_0000_0000_0001)
	f(0)
	f(oneValue, 0.1)
	f(oneValue, payload, payload)
	f(float32Planes, 1, 2, 0.5, math.Inf(1), math.Inf(-1))
	f(float64Planes, 0, math.Copysign(0, -1), 0.1)
	f(float64Planes, math.NaN(), payload, signalling, 1)
	f(float64Planes, 5e-324, math.MaxFloat64)
}

func FuzzValues(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values := make([]float64, len(raw)/8)
		for i := range values {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		decoded, rest, err := DecodeValues(nil, AppendValues(nil, values), len(values))
		if err != nil || len(rest) != 0 || !sameBits(decoded, values) {
			t.Fatalf("%v came back as %v: %v", values, decoded, err)
		}
	})
}

func FuzzDecodeDamaged(f *testing.F) {
	f.Add(AppendValues(nil, []float64{1, 2, 3}), 3)
	f.Add(AppendRuns(nil, Runs{{First: 3, Delta: 1, N: 9}}), 9)
	f.Fuzz(func(t *testing.T, src []byte, n int) {
		n = min(max(n, 0), 1<<16)
		if _, _, err := DecodeValues(nil, src, n); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if _, _, err := DecodeRuns(nil, src, n); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	})
}

func walk(n int, narrow bool) []float64 {
	random := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, n)
	sum := 0.0
	for i := range values {
		sum += random.NormFloat64()
		values[i] = sum
		if narrow {
			values[i] = float64(float32(sum))
		}
	}
	return values
}

func BenchmarkValues(b *testing.B) {
	f := func(name string, values []float64) {
		b.Run(name+"/encode", func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				dst = AppendValues(dst[:0], values)
			}
			report(b, len(values), len(dst))
		})
		b.Run(name+"/decode", func(b *testing.B) {
			src := AppendValues(nil, values)
			var dst []float64
			for b.Loop() {
				dst, _, _ = DecodeValues(dst[:0], src, len(values))
			}
			report(b, len(values), len(src))
		})
	}
	f("walk64", walk(16384, false))
	f("walk32", walk(16384, true))
}

func report(b *testing.B, points, bytes int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(points), "ns/point")
	b.ReportMetric(float64(bytes)/float64(points), "bytes/point")
}
