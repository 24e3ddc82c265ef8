package store

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// Range is a stretch of steps; both ends belong to it.
type Range struct {
	From, To uint64
}

// Columns are points of a standard series by ascending step, those of one step
// by logger.
type Columns struct {
	Steps   []uint64
	Values  []float64
	Times   []int64  // Unix milliseconds
	Loggers []uint64 // nil for ordered series
}

// ErrCorrupt is wrapped by every error about stored bytes that are damaged.
var ErrCorrupt = chunk.ErrCorrupt

// CorruptError names a segment of which something cannot be read. The rest of the
// run can.
type CorruptError struct {
	Run     RunID
	Segment uint64
	Err     error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store: segment %d of run %s: %v", e.Segment, e.Run, e.Err)
}

func (e *CorruptError) Unwrap() []error { return []error{e.Err, ErrCorrupt} }

// view is what a reader takes along from under the lock: where the points of a
// cell are at one moment.
type view struct {
	segments     []segmentInfo
	generation   uint64
	frozen, head held
	count        uint64 // of all points
	ordered      bool
	episodic     bool
	restarted    bool
}

// inSegments is how many of the points are not in memory.
func (v *view) inSegments() uint64 { return v.count - uint64(v.frozen.len()+v.head.len()) }

// view takes a view of a cell, which counts as in use until reading is counted
// down again.
func (r *Run) view(no, env uint32) (v view, found bool, err error) {
	r.readLock()
	defer r.mu.RUnlock()
	c := r.lookup(no, env)
	if c == nil || r.broken != nil {
		return view{}, false, r.broken
	}
	r.reading.Add(1)
	return view{
		segments: r.segments, generation: r.generation, frozen: c.frozen.snapshot(), head: c.head.snapshot(), count: c.count(),
		ordered: r.series[no-1].ordered(), episodic: c.episodic, restarted: c.rl.restarted,
	}, true, nil
}

func (r *Run) lookup(no, env uint32) *cell {
	if no == 0 || int(no) > len(r.series) {
		return nil
	}
	s := r.series[no-1]
	if env == 0 {
		return s.std
	}
	if int(env) > len(s.envs) {
		return nil
	}
	return s.envs[env-1]
}

// look lets read see a cell at one moment. Segments that were merged away under
// its hands make it begin again. A cell without points is not shown.
func (r *Run) look(no, env uint32, read func(v view) error) error {
	for {
		v, found, err := r.view(no, env)
		if !found {
			return err
		}
		err = read(v)
		r.reading.Add(-1)
		if err == nil || !r.outdated(v, err) {
			return err
		}
	}
}

// outdated tells whether an error says no more than that a segment is gone.
func (r *Run) outdated(v view, err error) bool {
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.generation != v.generation
}

// eachChunk visits the chunks of a cell in logged order, those of blocks that
// pass.
func (r *Run) eachChunk(id cellID, v view, passes func(blockInfo) bool, visit func(c storedChunk) error) error {
	for _, info := range v.segments {
		if err := r.eachChunkOf(info, id, passes, visit); err != nil {
			return err
		}
	}
	return nil
}

// storedChunk is a chunk of a cell in a segment.
type storedChunk struct {
	segment *segmentReader
	block   blockInfo
	head    *blockHead
	at      int // of the chunk in the block
}

func (c storedChunk) len() int { return c.head.starts[c.at+1] - c.head.starts[c.at] }

// values appends the values from..to of the chunk.
func (c storedChunk) values(dst []float64, from, to int) ([]float64, error) {
	start := c.head.starts[c.at]
	return c.segment.values(dst, c.block, c.head, start+from, start+to)
}

// spans gives the rollups of the chunk's whole spans.
func (c storedChunk) spans() ([]span, error) {
	spans, err := c.head.spansOf(c.at)
	if err != nil {
		return nil, c.segment.corrupt(fmt.Errorf("block at byte %d: %w", c.block.at, err))
	}
	return spans, nil
}

func (r *Run) eachChunkOf(info segmentInfo, id cellID, passes func(blockInfo) bool, visit func(c storedChunk) error) error {
	return r.withIndex(info, func(s *segmentReader, index *segmentIndex) error {
		for _, b := range index.of(id) {
			if !passes(b) {
				continue
			}
			head, err := s.head(b)
			if err != nil {
				return err
			}
			at, found := head.find(id)
			if !found {
				continue
			}
			if err := visit(storedChunk{s, b, head, at}); err != nil {
				return err
			}
		}
		return nil
	})
}

// gather collects the points of a cell in logged order from the blocks that
// pass, and from memory.
func (r *Run) gather(id cellID, v view, passes func(blockInfo) bool) (columns, error) {
	var out columns
	err := r.eachChunk(id, v, passes, func(c storedChunk) (err error) {
		for k, runs := range c.head.positions(c.at) {
			out.ints[k] = out.ints[k].AppendRuns(runs)
		}
		out.values, err = c.values(out.values, 0, c.len())
		return err
	})
	if err != nil {
		return columns{}, err
	}
	out.add(&v.frozen)
	out.add(&v.head)
	return out, nil
}

// PointsAt reads points of an ordered standard series by their number in logged
// order, from 0: those from..to, or as many of them as there are. They are put into
// the memory of dst where it is large enough; times are left out unless wanted.
func (r *Run) PointsAt(dst *Columns, no uint32, from, to uint64, times bool) error {
	return r.look(no, 0, func(v view) error {
		var all columns
		take := func(begin uint64, n int, ints [rlCols]chunk.Runs, read func(dst []float64, from, to int) ([]float64, error)) (err error) {
			low, high := max(from, begin), min(to, begin+uint64(n))
			if low >= high {
				return nil
			}
			for k := range stdCols {
				if k != colStep && (k != colTime || !times) {
					continue
				}
				cursor := ints[k].Cursor()
				cursor.Skip(int(low - begin))
				all.ints[k] = all.ints[k].AppendRuns(cursor.Take(int(high - low)))
			}
			all.values, err = read(all.values, int(low-begin), int(high-begin))
			return err
		}
		all.values = slices.Grow(dst.Values[:0], int(min(to, max(v.count, from))-from))
		err := r.eachChunk(cellID{series: no}, v, func(blockInfo) bool { return true }, func(c storedChunk) error {
			begin := c.head.begins[c.at]
			if begin >= to || begin+uint64(c.len()) <= from {
				return nil
			}
			return take(begin, c.len(), c.head.positions(c.at), c.values)
		})
		begin := v.inSegments()
		for _, c := range []*held{&v.frozen, &v.head} {
			src := inMemory(begin, c)
			if err == nil {
				err = take(begin, src.n, src.ints, src.read)
			}
			begin += uint64(src.n)
		}
		dst.Steps, dst.Values = all.ints[colStep].AppendTo(slices.Grow(dst.Steps[:0], len(all.values))), all.values
		dst.Times = takeTimes(dst.Times[:0], all.ints[colTime])
		return err
	})
}

// Points reads the points of a standard series with steps from…to, both
// included. A series without points, or unknown, gives none.
func (r *Run) Points(no uint32, from, to uint64) (Columns, error) {
	if from > to {
		return Columns{}, nil
	}
	want := Range{from, to}
	var out Columns
	err := r.look(no, 0, func(v view) error {
		all, err := r.gather(cellID{series: no}, v, func(b blockInfo) bool { return b.steps.meets(want) })
		if err != nil {
			return err
		}
		out = Columns{Steps: all.numbers(colStep), Values: all.values, Times: all.times(colTime)}
		if !v.ordered {
			out.Loggers = all.numbers(colLogger)
			out = out.merge()
		}
		return nil
	})
	if err != nil {
		return Columns{}, err
	}
	return out.between(from, to), nil
}

func (r Range) meets(other Range) bool { return r.From <= other.To && other.From <= r.To }

func (r *Range) include(v uint64) {
	r.From, r.To = min(r.From, v), max(r.To, v)
}

// nothing is the Range that include begins with.
var nothing = Range{From: math.MaxUint64, To: 0}

func (c *columns) numbers(k int) []uint64 {
	return c.ints[k].AppendTo(make([]uint64, 0, len(c.values)))
}

func (c *columns) times(k int) []int64 {
	return takeTimes(make([]int64, 0, len(c.values)), c.ints[k])
}

func takeTimes(dst []int64, runs chunk.Runs) []int64 {
	dst = slices.Grow(dst, runs.Len())
	for _, run := range runs {
		for i, v := uint32(0), run.First; i < run.N; i, v = i+1, v+run.Delta {
			dst = append(dst, int64(v))
		}
	}
	return dst
}

func (c Columns) between(from, to uint64) Columns {
	low, _ := slices.BinarySearch(c.Steps, from)
	high := len(c.Steps)
	if to != math.MaxUint64 {
		high, _ = slices.BinarySearch(c.Steps, to+1)
	}
	c.Steps, c.Values, c.Times = c.Steps[low:high:high], c.Values[low:high:high], c.Times[low:high:high]
	if c.Loggers != nil {
		c.Loggers = c.Loggers[low:high:high]
	}
	return c
}

// merge sorts by step and logger and keeps, of points that agree in both, the
// one that was logged last.
func (c Columns) merge() Columns {
	compare := func(a, b int) int {
		return cmp.Or(cmp.Compare(c.Steps[a], c.Steps[b]), cmp.Compare(c.Loggers[a], c.Loggers[b]))
	}
	order := make([]int, len(c.Steps))
	sorted := true
	for i := range order {
		order[i] = i
		sorted = sorted && (i == 0 || compare(i-1, i) < 0)
	}
	if sorted {
		return c
	}
	slices.SortStableFunc(order, compare)
	out := Columns{Loggers: []uint64{}}
	for i, at := range order {
		if i+1 < len(order) && compare(at, order[i+1]) == 0 {
			continue
		}
		out.Steps = append(out.Steps, c.Steps[at])
		out.Values = append(out.Values, c.Values[at])
		out.Times = append(out.Times, c.Times[at])
		out.Loggers = append(out.Loggers, c.Loggers[at])
	}
	return out
}
