//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// maker makes the values of batch after batch, series by series. Equal kinds
// give equal values.
type maker struct {
	kind   string
	state  uint64    // of the random numbers: xorshift64*
	walks  []float64 // where each series is
	values []float64 // of one batch, reused
}

func newMaker(kind string) (*maker, error) {
	switch kind {
	case "f32noise", "walk64", "random", "constant":
	default:
		return nil, fmt.Errorf("values %q: want f32noise, walk64, random or constant", kind)
	}
	m := &maker{kind: kind, state: 0x9e3779b97f4a7c15, walks: make([]float64, seriesCount), values: make([]float64, batchPoints)}
	return m, nil
}

func (m *maker) bits() uint64 {
	m.state ^= m.state >> 12
	m.state ^= m.state << 25
	m.state ^= m.state >> 27
	return m.state * 0x2545f4914f6cdd1d
}

// symmetric gives a random number of mean 0 and deviation 1.
func (m *maker) symmetric() float64 { return (float64(m.bits()>>11)*0x1p-52 - 1) * math.Sqrt(3) }

// batch gives the next batch; it is valid until the next call.
func (m *maker) batch() []float64 {
	for series := range m.walks {
		part := m.values[series*steps : (series+1)*steps]
		switch m.kind {
		case "f32noise": // a drifting metric under noise, logged in single precision
			for i := range part {
				m.walks[series] += 0.02 * m.symmetric()
				part[i] = float64(float32(3 + m.walks[series] + m.symmetric()))
			}
		case "walk64":
			for i := range part {
				m.walks[series] += m.symmetric()
				part[i] = m.walks[series]
			}
		case "random":
			for i := range part {
				part[i] = math.Float64frombits(m.bits())
			}
		case "constant": // what is left is the cost of everything but values
			for i := range part {
				part[i] = 1
			}
		}
	}
	return m.values
}

// batchesOf gives how many batches hold at least so many points.
func batchesOf(points int) int { return max(1, (points+batchPoints-1)/batchPoints) }

func values(args []string) (any, error) {
	flags := flag.NewFlagSet("values", flag.ExitOnError)
	kind := flags.String("kind", "f32noise", "kind of values")
	points := flags.Int("points", 100_000_000, "how many, rounded up to whole batches")
	_ = flags.Parse(args) // exits by itself
	m, err := newMaker(*kind)
	if err != nil {
		return nil, err
	}
	for range batchesOf(*points) {
		if _, err := os.Stdout.Write(bytesOf(m.batch())); err != nil {
			if errors.Is(err, syscall.EPIPE) { // the reader has enough
				return nil, nil
			}
			return nil, err
		}
	}
	return nil, nil
}

func bytesOf(values []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*8)
}

// made is a batch in memory.
type made struct{ rest []float64 }

func (m *made) next() (values []float64, err error) {
	values, m.rest = m.rest[:steps], m.rest[steps:]
	return values, nil
}

// reader reads what `values` writes, about as much at a time as one request holds, and
// notes what that takes.
type reader struct {
	in     io.Reader
	values []float64
	rest   []float64     // of values
	cpu    time.Duration // of reading
	waited time.Duration
}

func newReader(in io.Reader) *reader {
	return &reader{in: in, values: make([]float64, environments*steps)}
}

// next gives the values of the next series, io.EOF after the last; they are valid
// until the next call.
func (r *reader) next() (values []float64, err error) {
	if len(r.rest) == 0 {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	values, r.rest = r.rest[:steps], r.rest[steps:]
	return values, nil
}

func (r *reader) fill() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	before, err := threadTime()
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(r.in, bytesOf(r.values)); err != nil {
		return err
	}
	r.rest = r.values
	after, err := threadTime()
	r.cpu += after - before
	r.waited += time.Since(start)
	return err
}
