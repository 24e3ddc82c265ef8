package store

import (
	"encoding/binary"
	"math"
)

// moments sum up the values of a series as they were logged. Those that are not
// finite count nowhere but as first and last.
type moments struct {
	Summary

	firstOther uint64 // lowest step plus one of a value that is not finite; 0 for none
}

// observe takes values in: their mean and squares first, and then both sets together.
func (m *moments) observe(values []float64) (others int) {
	s := sumUpAbreast(values)
	if others = int(s.others()); s.count == 0 {
		return others
	}
	n := float64(s.count)
	mean := s.sum / n
	if !finite(mean) {
		mean = runningMean(values)
	}
	m.Join(&Summary{Finite: s.count, Sum: s.sum, Min: s.min, Max: s.max, Mean: mean, M2: squares(values, mean, others)})
	return others
}

// sumUpAbreast is sumUp where the order of adding is free: sums side by side do not
// wait for each other.
func sumUpAbreast(values []float64) span {
	s := span{count: uint64(len(values)), first: values[0], last: values[len(values)-1]}
	low, high := values[0], values[0]
	var sum, other float64
	rest := values
	for ; len(rest) > 1; rest = rest[2:] {
		a, b := rest[0], rest[1]
		sum += a
		other += b
		if a < low {
			low = a
		}
		if a > high {
			high = a
		}
		if b < low {
			low = b
		}
		if b > high {
			high = b
		}
	}
	if len(rest) == 1 {
		sum += rest[0]
		low, high = min(low, rest[0]), max(high, rest[0])
	}
	s.sum, s.min, s.max = sum+other, low, high
	if !finite(s.sum) {
		return sumUp(values)
	}
	return s
}

// squares adds up the squared distances of the finite values from their mean.
func squares(values []float64, mean float64, others int) float64 {
	var sum, other float64
	if others > 0 {
		for _, v := range values {
			if d := v - mean; finite(v) {
				sum += d * d
			}
		}
		return sum
	}
	for ; len(values) > 1; values = values[2:] {
		a, b := values[0]-mean, values[1]-mean
		sum += a * a
		other += b * b
	}
	if len(values) == 1 {
		d := values[0] - mean
		sum += d * d
	}
	return sum + other
}

// meanSoFar cannot overflow where the sum does.
type meanSoFar struct {
	count uint64
	mean  float64
}

func (m *meanSoFar) add(values []float64) {
	for _, v := range values {
		if finite(v) {
			m.count++
			m.mean += v/float64(m.count) - m.mean/float64(m.count)
		}
	}
}

func runningMean(values []float64) float64 {
	var m meanSoFar
	m.add(values)
	return m.mean
}

func (m *moments) append(dst []byte) []byte {
	dst = appendNumbers(dst, m.Finite, m.firstOther)
	for _, v := range []float64{m.First, m.Last, m.Sum, m.Min, m.Max, m.Mean, m.M2} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func decodeMoments(d *decoder) moments {
	var m moments
	m.Finite, m.firstOther = d.number(), d.number()
	for _, v := range []*float64{&m.First, &m.Last, &m.Sum, &m.Min, &m.Max, &m.Mean, &m.M2} {
		*v = math.Float64frombits(d.bits())
	}
	return m
}
