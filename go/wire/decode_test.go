package wire

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/types"
)

func ptr[T any](v T) *T { return &v }

func TestDecodeBatch(t *testing.T) {
	f := func(b *types.PointBatch, want point.Batch) {
		t.Helper()
		got, err := DecodeBatch(b, 77)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v\nwant %+v", got, err, want)
		}
	}
	now := point.Times{Millis: 77}
	f(&types.PointBatch{}, point.Batch{Times: now})
	f(&types.PointBatch{Values: []float64{1}, FirstStep: ptr(uint64(0))}, point.Batch{Values: []float64{1}, Times: now})
	f(&types.PointBatch{Values: []float64{1, 2}, FirstStep: ptr(uint64(5)), TimestampMillis: ptr(int64(-3))},
		point.Batch{Values: []float64{1, 2}, Steps: point.Steps{First: 5}, Times: point.Times{Millis: -3}})
	f(&types.PointBatch{Values: []float64{1, 2}, Steps: []uint64{9, 4}, TimestampsMillis: []int64{5, -6}},
		point.Batch{Values: []float64{1, 2}, Steps: point.Steps{List: []uint64{9, 4}}, Times: point.Times{List: []int64{5, -6}}})
	f(&types.PointBatch{ValuesF32: []float32{0.1}, FirstStep: ptr(uint64(math.MaxInt64))},
		point.Batch{Values: []float64{float64(float32(0.1))}, Steps: point.Steps{First: math.MaxInt64}, Times: now})
}

func TestDecodeRLBatch(t *testing.T) {
	f := func(b *types.RlStepBatch, want point.RLBatch) {
		t.Helper()
		got, err := DecodeRLBatch(b, 77)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v\nwant %+v", got, err, want)
		}
	}
	now := point.Times{Millis: 77}
	f(&types.RlStepBatch{RlStep: 3, Episode: ptr(uint64(0)), Values: []float64{1}, FirstMinorStep: ptr(uint64(4))},
		point.RLBatch{RLStep: 3, HasEpisode: true, Values: []float64{1}, Minors: point.Steps{First: 4}, Times: now})
	f(&types.RlStepBatch{ValuesF32: []float32{2}, MinorSteps: []uint64{8}, TreatMinorsAsFlatSteps: true, EnvStepsFromOne: true},
		point.RLBatch{Values: []float64{2}, Minors: point.Steps{List: []uint64{8}}, Flat: true, FromOne: true, Times: now})
}

func TestDecodeRefusals(t *testing.T) {
	f := func(err error, words string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %q", err, words)
		}
	}
	standard := func(b *types.PointBatch) error {
		_, err := DecodeBatch(b, 0)
		return err
	}
	rl := func(b *types.RlStepBatch) error {
		_, err := DecodeRLBatch(b, 0)
		return err
	}
	f(standard(&types.PointBatch{Values: []float64{1}, ValuesF32: []float32{1, 2}}), "1 values and 2 values_f32")
	f(standard(&types.PointBatch{Values: []float64{1}}), "neither steps nor a first step for 1 values")
	f(standard(&types.PointBatch{Steps: []uint64{1}}), "1 steps for 0 values")
	f(standard(&types.PointBatch{Values: []float64{1}, Steps: []uint64{1}, FirstStep: ptr(uint64(1))}), "both steps and a first step")
	f(standard(&types.PointBatch{Values: []float64{1}, Steps: []uint64{math.MaxUint64}}), "18446744073709551615 is above 2^63-1")
	f(standard(&types.PointBatch{Values: []float64{1, 2}, FirstStep: ptr(uint64(math.MaxInt64))}), "9223372036854775807 with 2 values goes beyond")
	f(standard(&types.PointBatch{Values: []float64{1}, FirstStep: ptr(uint64(math.MaxUint64))}), "goes beyond")
	f(standard(&types.PointBatch{TimestampsMillis: []int64{1}}), "1 timestamps_millis for 0 values")
	f(standard(&types.PointBatch{Values: []float64{1}, FirstStep: ptr(uint64(1)), TimestampMillis: ptr(int64(1)), TimestampsMillis: []int64{1}}),
		"both timestamp_millis and timestamps_millis")
	f(rl(&types.RlStepBatch{Values: []float64{1}, MinorSteps: []uint64{1, 2}}), "2 minor_steps for 1 values")
	f(rl(&types.RlStepBatch{Values: []float64{1}, ValuesF32: []float32{1}}), "only one of them")
	f(rl(&types.RlStepBatch{RlStep: 1 << 63}), "above 2^63-1")
	f(rl(&types.RlStepBatch{Episode: ptr(uint64(1 << 63))}), "above 2^63-1")
	f(rl(&types.RlStepBatch{Values: []float64{1}, FirstMinorStep: ptr(uint64(0)), TimestampsMillis: []int64{1, 2}}), "2 timestamps_millis for 1")
}
