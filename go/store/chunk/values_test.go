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

// stored writes values and reads them back: whole, and in stretches.
func stored(t testing.TB, values []float64) *Values {
	t.Helper()
	return readBack(t, values, AppendValues)
}

func readBack(t testing.TB, values []float64, write func(head, pages []byte, values []float64) ([]byte, []byte)) *Values {
	t.Helper()
	head, pages := write([]byte("head"), []byte("pages"), values)
	v, rest, err := ParseValues(append(head[4:], "after"...), len(values))
	if err != nil || string(rest) != "after" {
		t.Fatalf("%d values: rest %q, error %v", len(values), rest, err)
	}
	pages = pages[5:]
	if v.Size() != len(pages) {
		t.Fatalf("%d values: pages of %d bytes, %d by the directory", len(values), len(pages), v.Size())
	}
	random := rand.New(rand.NewPCG(9, uint64(len(values))))
	from, to := 0, len(values)
	for range 5 {
		start, end := v.Bytes(from, to)
		decoded, err := v.Append([]float64{42}, pages[start:end], from, to)
		if err != nil || decoded[0] != 42 || !sameBits(decoded[1:], values[from:to]) {
			t.Fatalf("%d values, %d…%d, kind %d: got %v, error %v", len(values), from, to, v.kind, decoded, err)
		}
		from = random.IntN(len(values) + 1)
		to = from + random.IntN(len(values)+1-from)
	}
	return v
}

func TestValuesRoundTrip(t *testing.T) {
	f := func(kind byte, values ...float64) {
		t.Helper()
		if v := stored(t, values); v.kind != kind {
			t.Fatalf("%v stored as kind %d, want %d", values, v.kind, kind)
		}
	}
	payload := math.Float64frombits(0x7ff8_0000_dead_beef)
	signalling := math.Float64frombits(0x7ff0_0000_0000_0001)
	f(0)
	f(oneValue, 0.1)
	f(oneValue, payload, payload)
	f(oneValue, 0, 0)
	f(cutPages, 1, 2, 0.5, math.Inf(1), math.Inf(-1))
	f(cutPages, 0, math.Copysign(0, -1), 0.1)
	f(cutPages, math.NaN(), payload, signalling, 1)
	f(cutPages, 5e-324, math.MaxFloat64)
	f(cutPages, walk(5000, false)...)
	f(cutPages, walk(5000, true)...)
	f(rawPages, randomBits(3000)...)
}

func TestValuesOfAllSorts(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		values := make([]float64, 1+random.IntN(3*PagePoints))
		spread, digits := math.Pow(10, float64(random.IntN(40)-20)), random.IntN(60)
		for i := range values {
			v := random.NormFloat64() * spread
			values[i] = math.Float64frombits(math.Float64bits(v) &^ (1<<digits - 1))
			if random.IntN(50) == 0 {
				values[i] = []float64{0, math.NaN(), math.Inf(1), math.Inf(-1), 1}[random.IntN(5)]
			}
		}
		stored(t, values)
	}
}

// Few different values and noise of few digits cost what they carry.
func TestValuesTakeLittleRoom(t *testing.T) {
	f := func(name string, limit float64, values []float64) {
		t.Helper()
		head, pages := AppendValues(nil, nil, values)
		if got := float64(len(head)+len(pages)) / float64(len(values)); got > limit {
			t.Errorf("%s: %.3f bytes a value, want at most %.3f", name, got, limit)
		}
	}
	random := rand.New(rand.NewPCG(7, 8))
	some := func(n int, draw func() float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = draw()
		}
		return values
	}
	const n = 1 << 14
	// 23 bits of mantissa, a sign and the exponent of a normal variable, 2.3 bits
	// of information, make 3.29 bytes; a bit makes 0.125.
	f("normal float32", 3.35, some(n, func() float64 { return float64(float32(random.NormFloat64())) }))
	f("normal float64", 6.98, some(n, random.NormFloat64))
	f("random bits", 8.02, randomBits(n))
	f("rewards of 0 and 1", 0.15, some(n, func() float64 { return float64(random.IntN(2)) }))
	f("ten prices", 0.47, some(n, func() float64 { return 0.1 * float64(random.IntN(10)) }))
	f("whole numbers", 1.91, some(n, func() float64 { return float64(random.IntN(10000)) }))
}

func randomBits(n int) []float64 {
	random := rand.New(rand.NewPCG(11, 12))
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Float64frombits(random.Uint64())
	}
	return values
}

func TestCodeLengths(t *testing.T) {
	fibonacci := []uint32{1, 1}
	for len(fibonacci) < 24 {
		fibonacci = append(fibonacci, fibonacci[len(fibonacci)-1]+fibonacci[len(fibonacci)-2])
	}
	many := make([]uint32, maxSymbols)
	for i := range many {
		many[i] = uint32(1 + i*i*i)
	}
	for _, counts := range [][]uint32{{5}, {5, 5}, {1, 1000}, fibonacci, many} {
		lengths := codeLengths(counts)
		fits, codes := fitTree(lengths), codesOf(lengths)
		if !fits || slices.Max(lengths) > maxCodeBits {
			t.Fatalf("%v: lengths %v", counts, lengths)
		}
		if len(counts) == 1 {
			continue
		}
		table := newDecodeTable(lengths)
		for symbol, c := range codes {
			if entry := table.entry(uint64(c.bits)); int(entry.first()) != symbol {
				t.Fatalf("%v: code %v of symbol %d reads as %x", counts, c, symbol, entry)
			}
		}
	}
}

func FuzzValues(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values := make([]float64, len(raw)/8)
		for i := range values {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		stored(t, values)
	})
}

func FuzzDecodeDamaged(f *testing.F) {
	head, pages := AppendValues(nil, nil, []float64{1, 2, 3})
	f.Add(head, pages, 3)
	head, pages = AppendValues(nil, nil, walk(2000, false))
	f.Add(head, pages, 2000)
	f.Add(AppendRuns(nil, Runs{{First: 3, Delta: 1, N: 9}}), []byte{}, 9)
	f.Fuzz(func(t *testing.T, head, pages []byte, n int) {
		n = min(max(n, 0), 1<<16)
		v, _, err := ParseValues(head, n)
		if err == nil {
			// Also what a right checksum does not keep away.
			for at := crcSize; at <= len(pages); at += 64 {
				page := appendSum(slices.Clone(pages[:at-crcSize]), 0)
				_, _ = v.Append(nil, page, 0, min(n, PagePoints))
			}
			_, err = v.Append(nil, pages, 0, n)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if _, _, err := DecodeRuns(nil, head, n); err != nil && !errors.Is(err, ErrCorrupt) {
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
		head, pages := AppendValues(nil, nil, values)
		b.Run(name+"/encode", func(b *testing.B) {
			for b.Loop() {
				head, pages = AppendValues(head[:0], pages[:0], values)
			}
			report(b, len(values), len(head)+len(pages))
		})
		b.Run(name+"/decode", func(b *testing.B) {
			var dst []float64
			for b.Loop() {
				v, _, _ := ParseValues(head, len(values))
				dst, _ = v.Append(dst[:0], pages, 0, len(values))
			}
			report(b, len(values), len(head)+len(pages))
		})
	}
	f("walk64", walk(16384, false))
	f("walk32", walk(16384, true))
	f("random", randomBits(16384))
}

func report(b *testing.B, points, bytes int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(points), "ns/point")
	b.ReportMetric(float64(bytes)/float64(points), "bytes/point")
}

// The size of a page's first codes is checked even where the checksum is right.
func TestCodesLongerThanTheirPageAreRefused(t *testing.T) {
	head, pages := AppendValues(nil, nil, walk(PagePoints, true))
	binary.LittleEndian.PutUint16(pages, uint16(len(pages)))
	pages = appendSum(pages[:len(pages)-crcSize], 0)
	v, _, err := ParseValues(head, PagePoints)
	if err == nil {
		_, err = v.Append(nil, pages, 0, PagePoints)
	}
	if !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}
