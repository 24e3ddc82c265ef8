package wire

import (
	"errors"
	"fmt"
	"math"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// ErrBeyondAxis says that points lie at a position that no axis reaches: above
// 2^63-1. The points are well formed, and those beside them are not concerned.
var ErrBeyondAxis = errors.New("beyond the axis")

// DecodeBatch reads the points that one log call added to a standard series. The
// batch shares the message's memory. Points without a time get now.
func DecodeBatch(b *types.PointBatch, now int64) (point.Batch, error) {
	values, err := decodeValues(b.GetValues(), b.GetValuesF32())
	if err != nil {
		return point.Batch{}, err
	}
	steps, err := decodeSteps("steps", b.FirstStep, b.GetSteps(), len(values))
	if err != nil {
		return point.Batch{}, err
	}
	times, err := decodeTimes(b.TimestampMillis, b.GetTimestampsMillis(), len(values), now)
	return point.Batch{Steps: steps, Times: times, Values: values}, err
}

// DecodeRLBatch reads the points that one log call added to a stretch of an
// episode. The batch shares the message's memory. Points without a time get now.
func DecodeRLBatch(b *types.RlStepBatch, now int64) (point.RLBatch, error) {
	values, err := decodeValues(b.GetValues(), b.GetValuesF32())
	if err != nil {
		return point.RLBatch{}, err
	}
	minors, err := decodeSteps("minor_steps", b.FirstMinorStep, b.GetMinorSteps(), len(values))
	if err != nil {
		return point.RLBatch{}, err
	}
	if b.GetRlStep() > math.MaxInt64 || b.GetEpisode() > math.MaxInt64 {
		return point.RLBatch{}, fmt.Errorf("%w: rl_step %d or episode %d is above 2^63-1", ErrBeyondAxis, b.GetRlStep(), b.GetEpisode())
	}
	times, err := decodeTimes(b.TimestampMillis, b.GetTimestampsMillis(), len(values), now)
	return point.RLBatch{
		RLStep: b.GetRlStep(), Episode: b.GetEpisode(), HasEpisode: b.Episode != nil,
		Minors: minors, Flat: b.GetTreatMinorsAsFlatSteps(), FromOne: b.GetEnvStepsFromOne(),
		Times: times, Values: values,
	}, err
}

func decodeValues(wide []float64, narrow []float32) ([]float64, error) {
	if len(narrow) == 0 {
		return wide, nil
	}
	if len(wide) > 0 {
		return nil, fmt.Errorf("%d values and %d values_f32: only one of them may be filled", len(wide), len(narrow))
	}
	values := make([]float64, len(narrow))
	for i, v := range narrow {
		values[i] = float64(v)
	}
	return values, nil
}

func decodeSteps(field string, first *uint64, list []uint64, n int) (point.Steps, error) {
	switch {
	case len(list) > 0 && len(list) != n:
		return point.Steps{}, fmt.Errorf("%d %s for %d values", len(list), field, n)
	case len(list) > 0 && first != nil:
		return point.Steps{}, fmt.Errorf("both %s and a first step", field)
	case len(list) > 0:
		return checkSteps(point.Steps{List: list})
	case n == 0:
		return point.Steps{}, nil
	case first == nil:
		return point.Steps{}, fmt.Errorf("neither %s nor a first step for %d values", field, n)
	case *first > math.MaxInt64-uint64(n-1):
		return point.Steps{}, fmt.Errorf("%w: first step %d with %d values goes beyond 2^63-1", ErrBeyondAxis, *first, n)
	}
	return point.Steps{First: *first}, nil
}

func checkSteps(s point.Steps) (point.Steps, error) {
	for _, step := range s.List {
		if step > math.MaxInt64 {
			return point.Steps{}, fmt.Errorf("%w: step %d is above 2^63-1", ErrBeyondAxis, step)
		}
	}
	return s, nil
}

func decodeTimes(one *int64, list []int64, n int, now int64) (point.Times, error) {
	switch {
	case len(list) > 0 && len(list) != n:
		return point.Times{}, fmt.Errorf("%d timestamps_millis for %d values", len(list), n)
	case len(list) > 0 && one != nil:
		return point.Times{}, fmt.Errorf("both timestamp_millis and timestamps_millis")
	case len(list) > 0:
		return point.Times{List: list}, nil
	case one != nil:
		return point.Times{Millis: *one}, nil
	}
	return point.Times{Millis: now}, nil
}
