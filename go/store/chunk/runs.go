package chunk

import (
	"encoding/binary"
	"math"
	"slices"
)

// Run is an arithmetic progression: First, First+Delta, … with N members.
// Arithmetic wraps around at 64 bits, so that any integers have runs.
type Run struct {
	First uint64
	Delta uint64
	N     uint32
}

// Last is the last member.
func (r *Run) Last() uint64 { return r.First + r.Delta*uint64(r.N-1) }

// Runs is a column of integers. Steps that count up by one, a time shared by a
// call, an episode that does not change: the integers of points are runs, so a
// column costs a few bytes a call and not a few bytes a point. In memory it is
// what it is on disk.
type Runs []Run

// Append adds n numbers: first, first+delta, …
func (r Runs) Append(first, delta uint64, n int) Runs {
	if n == 0 {
		return r
	}
	if n == 1 {
		return r.AppendOne(first)
	}
	if k := len(r) - 1; k >= 0 {
		tail := &r[k]
		extends := tail.N == 1 || tail.Delta == delta
		if extends && tail.Last()+delta == first && tail.N <= math.MaxUint32-uint32(n) {
			tail.Delta = delta
			tail.N += uint32(n)
			return r
		}
	}
	return append(r, Run{First: first, Delta: delta, N: uint32(n)})
}

// AppendOne adds one number.
func (r Runs) AppendOne(v uint64) Runs {
	if k := len(r) - 1; k >= 0 {
		tail := &r[k]
		delta := v - tail.Last()
		if (tail.N == 1 || tail.Delta == delta) && tail.N < math.MaxUint32 {
			tail.Delta = delta
			tail.N++
			return r
		}
	}
	return append(r, Run{First: v, N: 1})
}

// AppendRuns adds another column behind this one.
func (r Runs) AppendRuns(more Runs) Runs {
	for i := range more {
		r = r.Append(more[i].First, more[i].Delta, int(more[i].N))
	}
	return r
}

// Len counts the numbers.
func (r Runs) Len() int {
	n := 0
	for _, run := range r {
		n += int(run.N)
	}
	return n
}

// AppendTo writes the numbers out one by one behind dst.
func (r Runs) AppendTo(dst []uint64) []uint64 {
	for _, run := range r {
		start := len(dst)
		dst = slices.Grow(dst, int(run.N))[:start+int(run.N)]
		v := run.First
		for i := range dst[start:] {
			dst[start+i] = v
			v += run.Delta
		}
	}
	return dst
}

// AppendRuns encodes a column: the count of runs, then for each the distance of
// its first number from the end of the run before, its delta and its length.
func AppendRuns(dst []byte, r Runs) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(r)))
	var end uint64
	for i := range r {
		run := &r[i]
		dst = appendRun(dst, run, end)
		end = run.Last()
	}
	return dst
}

func appendRun(dst []byte, run *Run, end uint64) []byte {
	first, n, delta := zigzag(run.First-end), uint64(run.N), zigzag(run.Delta)
	if n == 1 {
		delta = 0
	}
	if first|n|delta < 0x80 { // as most are
		dst = append(dst, byte(first), byte(n), byte(delta))
		if n == 1 {
			return dst[:len(dst)-1]
		}
		return dst
	}
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, first), n)
	if n == 1 {
		return dst
	}
	return binary.AppendUvarint(dst, delta)
}

// zigzag turns a difference, which may wrap around, into what is short when it is small.
func zigzag(v uint64) uint64 { return v<<1 ^ uint64(int64(v)>>63) }

// DecodeRuns reads a column of exactly n numbers behind dst.
func DecodeRuns(dst Runs, src []byte, n int) (Runs, []byte, error) {
	count, src, err := Uvarint(src)
	if err != nil {
		return nil, nil, err
	}
	// A run takes two bytes at least and holds one number at least.
	if count > uint64(len(src)/2) || count > uint64(n) {
		return nil, nil, corrupt("more runs than numbers")
	}
	var end uint64
	left := uint64(n)
	dst = slices.Grow(dst, int(count))
	for range count {
		var run Run
		if run, src, err = decodeRun(src, end, left); err != nil {
			return nil, nil, err
		}
		left -= uint64(run.N)
		end = run.Last()
		dst = append(dst, run)
	}
	if left != 0 {
		return nil, nil, corrupt("fewer numbers than points")
	}
	return dst, src, nil
}

func decodeRun(src []byte, end, left uint64) (Run, []byte, error) {
	// Most numbers take a byte.
	if len(src) > 2 && src[0]|src[1]|src[2] < 0x80 && src[1] > 0 && uint64(src[1]) <= left {
		run := Run{First: end + unzigzag(src[0]), N: uint32(src[1])}
		if run.N == 1 {
			return run, src[2:], nil
		}
		run.Delta = unzigzag(src[2])
		return run, src[3:], nil
	}
	first, src, err := varint(src)
	if err != nil {
		return Run{}, nil, err
	}
	n, src, err := Uvarint(src)
	if err != nil {
		return Run{}, nil, err
	}
	if n == 0 || n > left || n > math.MaxUint32 {
		return Run{}, nil, corrupt("run of impossible length")
	}
	run := Run{First: end + uint64(first), N: uint32(n)}
	if n > 1 {
		var delta int64
		if delta, src, err = varint(src); err != nil {
			return Run{}, nil, err
		}
		run.Delta = uint64(delta)
	}
	return run, src, nil
}

// unzigzag reads a varint of one byte.
func unzigzag(b byte) uint64 { return uint64(b>>1) ^ -uint64(b&1) }

func varint(src []byte) (int64, []byte, error) {
	v, n := binary.Varint(src)
	if n <= 0 {
		return 0, nil, corrupt("number cut short")
	}
	return v, src[n:], nil
}

// Cursor walks a column from its front, a stretch at a time.
type Cursor struct {
	runs Runs
	used uint32 // numbers of runs[0] already taken
}

// Cursor starts at the first number.
func (r Runs) Cursor() Cursor { return Cursor{runs: r} }

// Take cuts the next n numbers off as a column of their own.
func (c *Cursor) Take(n int) Runs { return c.AppendTo(nil, n) }

// AppendTo is Take behind others.
func (c *Cursor) AppendTo(out Runs, n int) Runs {
	for n > 0 && len(c.runs) > 0 {
		run := c.runs[0]
		k := min(uint32(n), run.N-c.used)
		out = out.Append(run.First+run.Delta*uint64(c.used), run.Delta, int(k))
		c.used += k
		n -= int(k)
		if c.used == run.N {
			c.runs, c.used = c.runs[1:], 0
		}
	}
	return out
}

// Skip passes over the next n numbers.
func (c *Cursor) Skip(n int) {
	for n > 0 && len(c.runs) > 0 {
		k := min(uint32(n), c.runs[0].N-c.used)
		c.used += k
		n -= int(k)
		if c.used == c.runs[0].N {
			c.runs, c.used = c.runs[1:], 0
		}
	}
}

// Peek gives what is left of the run at hand; it must not be called at the end.
func (c *Cursor) Peek() Run {
	run := c.runs[0]
	return Run{First: run.First + run.Delta*uint64(c.used), Delta: run.Delta, N: run.N - c.used}
}

// Next takes one number; it must not be called beyond the last.
func (c *Cursor) Next() uint64 {
	run := c.runs[0]
	v := run.First + run.Delta*uint64(c.used)
	if c.used++; c.used == run.N {
		c.runs, c.used = c.runs[1:], 0
	}
	return v
}
