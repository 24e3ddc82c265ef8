package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/point"
)

// oddValues are those whose bits a conversion could change.
var oddValues = []float64{
	0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0xfff8_0000_2000_0000),
	math.Float64frombits(0x7ff0_0000_2000_0000), // a signalling NaN
	math.Float64frombits(0x7ff8_0000_0000_0001), math.SmallestNonzeroFloat32, math.SmallestNonzeroFloat64,
	math.SmallestNonzeroFloat32 / 2, math.MaxFloat32, math.MaxFloat64, 1 << 24, 1<<24 + 1, 0.1, float64(float32(0.1)),
}

func TestShortValues(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		values := make([]float64, random.IntN(600))
		exact := true
		for i := range values {
			values[i] = float64(float32(random.NormFloat64()))
		}
		for range random.IntN(3) * min(len(values), 1) {
			values[random.IntN(len(values))] = oddValues[random.IntN(len(oddValues))]
		}
		for _, v := range values {
			exact = exact && math.Float64bits(float64(math.Float32frombits(shortBitsOf(v)))) == math.Float64bits(v)
		}
		prefix := []byte("abc")
		short, ok := appendShort(prefix, values)
		if ok != exact {
			t.Fatalf("%v: exact is %v", values, ok)
		}
		if exact && !sameBits(decodeShort(short[3:]), values) {
			t.Fatalf("%v became %v", values, decodeShort(short[3:]))
		}
		if exact && !sameBits(widen([]float64{7}, appendFloat32s(nil, short[3:]))[1:], values) {
			t.Fatalf("%v became other values", values)
		}
	}
}

// shortBitsOf converts bit by bit where a conversion by the processor would not say
// that it lost something.
func shortBitsOf(v float64) uint32 {
	if math.IsNaN(v) {
		bits := math.Float64bits(v)
		short := uint32(bits>>32)&0x80000000 | 0x7f800000 | uint32(bits>>29)&0x7fffff
		if bits&(1<<51) == 0 { // signalling: must stay as it is
			return 0
		}
		return short
	}
	return math.Float32bits(float32(v))
}

func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// TestHeld compares what is held with plain columns, however short and long values
// follow each other.
func TestHeld(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var h, other held
		var all []float64
		for range 1 + random.IntN(6) {
			batch := columns{values: make([]float64, 1+random.IntN(40))}
			for i := range batch.values {
				batch.values[i] = float64(random.IntN(100))
				if random.IntN(200) == 0 {
					batch.values[i] += 0.1
				}
			}
			batch.ints[0] = batch.ints[0].Append(uint64(len(all)), 1, len(batch.values))
			short, exact := appendShort(nil, batch.values)
			if !exact {
				short = nil
			}
			all = append(all, batch.values...)
			to := &h
			if other.len() > 0 || random.IntN(4) == 0 {
				to = &other
			}
			before := to.valueBytes()
			if more := to.add(&batch, short); more != to.valueBytes()-before+runBytes {
				t.Fatalf("%d bytes more, not %d", more, to.valueBytes()-before+runBytes)
			}
		}
		parts := h.valueBytes() + other.valueBytes()
		if more := h.join(&other); more != h.valueBytes()-parts {
			t.Fatalf("%d bytes more, not %d", more, h.valueBytes()-parts)
		}
		if h.len() != len(all) || !sameBits(h.values(), all) || h.ints[0].Len() != len(all) {
			t.Fatalf("%v became %v", all, h.values())
		}
		at := random.IntN(len(all) + 1)
		before, behind := h.cut(at)
		if !sameBits(append(before.values(), behind.values()...), all) || before.ints[0].Len() != at {
			t.Fatalf("%v cut at %d became %v and %v", all, at, before, behind)
		}
	}
}

// Values that are no float32 make those before them long, and the head is as much
// larger, also where those before were to be rolled and could not.
func TestLengthenedHeadIsCountedWhole(t *testing.T) {
	const many = 1 << 12
	for name, around := range map[string]func(r *Run, more func()){
		"added":   func(_ *Run, more func()) { more() },
		"refused": refused,
	} {
		t.Run(name, func(t *testing.T) {
			db := openOn(t, vfs.NewMem())
			defer closed(t, db)
			r := runOf(t, db)
			add := func(first uint64, value float64) {
				values := slices.Repeat([]float64{value}, many)
				commit(t, r, func(tx *Tx) {
					tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Values: values})
				})
			}
			add(0, 1)
			around(r, func() { add(many, 0.1) })
			if held := r.held.Load(); held < 2*many*longBytes || held != int64(r.headBytes) {
				t.Fatalf("%d bytes are counted, %d of them in the head, of %d values of eight", held, r.headBytes, 2*many)
			}
		})
	}
}
