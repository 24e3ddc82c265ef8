package store

import (
	"cmp"
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

// CorruptError names a block that cannot be read. The rest of the run can.
type CorruptError struct {
	Run   RunID
	Block uint64
	Err   error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store: block %d of run %s: %v", e.Block, e.Run, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// view is what a reader takes along from under the lock: where the points of a
// cell are at one moment.
type view struct {
	blocks       []blockInfo
	frozen, head columns
	ordered      bool
	episodic     bool
	restarted    bool
}

// snapshot keeps columns as they are now. Values only ever grow at their end, so
// they are shared; the last run of a column may still grow, so runs are copied.
func (c *columns) snapshot() columns {
	kept := columns{values: c.values}
	for k, runs := range c.ints {
		kept.ints[k] = slices.Clone(runs)
	}
	return kept
}

func (r *Run) view(no, env uint32) (v view, found bool, err error) {
	r.readLock()
	defer r.mu.RUnlock()
	c := r.lookup(no, env)
	if c == nil || r.broken != nil {
		return view{}, false, r.broken
	}
	return view{
		blocks: r.blocks, frozen: c.frozen.snapshot(), head: c.head.snapshot(),
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

// gather collects the points of a cell in logged order from the blocks that
// pass, and from memory.
func (r *Run) gather(id cellID, v view, passes func(blockInfo) bool) (columns, error) {
	var out columns
	for _, info := range v.blocks {
		if !info.mayHold(id) || !passes(info) {
			continue
		}
		b, err := r.readBlock(info.number)
		if err != nil {
			return columns{}, err
		}
		b.addTo(&out, id)
	}
	out.add(&v.frozen)
	out.add(&v.head)
	return out, nil
}

func (r *Run) readBlock(number uint64) (*block, error) {
	name := blockName{r.id, number}
	if b := r.db.blocks.get(name); b != nil {
		return b, nil
	}
	b, err := r.loadBlock(number)
	if err != nil {
		return nil, &CorruptError{Run: r.id, Block: number, Err: err}
	}
	r.db.blocks.put(name, b)
	return b, nil
}

func (r *Run) loadBlock(number uint64) (*block, error) {
	record, found, err := r.db.get(blockKey(r.id, number))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: the block is missing", chunk.ErrCorrupt)
	}
	return decodeBlock(record)
}

// Points reads the points of a standard series with steps from…to, both
// included. A series without points, or unknown, gives none.
func (r *Run) Points(no uint32, from, to uint64) (Columns, error) {
	id := cellID{series: no}
	v, found, err := r.view(no, 0)
	if !found || from > to {
		return Columns{}, err
	}
	want := Range{from, to}
	all, err := r.gather(id, v, func(b blockInfo) bool { return b.steps.meets(want) })
	if err != nil {
		return Columns{}, err
	}
	out := Columns{Steps: all.numbers(colStep), Values: all.values, Times: all.times(colTime)}
	if v.ordered {
		return out.between(from, to), nil
	}
	out.Loggers = all.numbers(colLogger)
	return out.merge().between(from, to), nil
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
	times := make([]int64, 0, len(c.values))
	for _, run := range c.ints[k] {
		for i, v := uint32(0), run.First; i < run.N; i, v = i+1, v+run.Delta {
			times = append(times, int64(v))
		}
	}
	return times
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
