package store

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/metrana/metrana/go/point"
)

// Columns are standard points in ascending order of steps, and of loggers at
// equal steps of an unordered series.
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

// Points reads the standard points of a series with steps from..to, both
// included. An unknown number has none.
func (r *Run) Points(no uint32, from, to uint64) (Columns, error) {
	r.mu.RLock()
	if no == 0 || int(no) > len(r.series) || r.series[no-1].std == nil {
		r.mu.RUnlock()
		return Columns{}, nil
	}
	s := r.series[no-1]
	snapshot := r.snapshot(s.std)
	r.mu.RUnlock()
	points, err := snapshot.read()
	if err != nil {
		return Columns{}, err
	}
	out := Columns{
		Steps:  points.ints[colStep].AppendTo(nil),
		Values: points.values,
		Times:  signed(points.ints[colTime].AppendTo(nil)),
	}
	if s.ordering == point.Unordered {
		out.Loggers = points.ints[colLogger].AppendTo(nil)
		out.sortUnordered()
	}
	return out.cut(from, to), nil
}

func signed(v []uint64) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

// sortUnordered sorts by (step, logger) and keeps the last write of each.
func (c *Columns) sortUnordered() {
	order := make([]int, len(c.Steps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if by := cmp.Compare(c.Steps[a], c.Steps[b]); by != 0 {
			return by
		}
		return cmp.Compare(c.Loggers[a], c.Loggers[b])
	})
	var out Columns
	for k, i := range order {
		if k+1 < len(order) && c.Steps[order[k+1]] == c.Steps[i] && c.Loggers[order[k+1]] == c.Loggers[i] {
			continue
		}
		out.Steps = append(out.Steps, c.Steps[i])
		out.Values = append(out.Values, c.Values[i])
		out.Times = append(out.Times, c.Times[i])
		out.Loggers = append(out.Loggers, c.Loggers[i])
	}
	*c = out
}

func (c Columns) cut(from, to uint64) Columns {
	low, _ := slices.BinarySearch(c.Steps, from)
	high := len(c.Steps)
	if to < math.MaxUint64 {
		high, _ = slices.BinarySearch(c.Steps, to+1)
	}
	high = max(low, high)
	out := Columns{Steps: c.Steps[low:high], Values: c.Values[low:high], Times: c.Times[low:high]}
	if c.Loggers != nil {
		out.Loggers = c.Loggers[low:high]
	}
	return out
}

// snapshot is what reading a cell needs once the lock is gone.
type snapshot struct {
	run    *Run
	id     cellID
	blocks []blockInfo
	recent columns // frozen and head, copied
}

// snapshot is taken under the lock, for reading or for writing.
func (r *Run) snapshot(c *cell) snapshot {
	s := snapshot{run: r, id: c.id, blocks: r.blocks[:len(r.blocks):len(r.blocks)]}
	s.recent.add(&c.frozen)
	s.recent.add(&c.head)
	return s
}

func (s snapshot) read() (columns, error) {
	var out columns
	for _, info := range s.blocks {
		if !info.mayHold(s.id) {
			continue
		}
		b, err := s.run.block(info.number)
		if err != nil {
			return columns{}, err
		}
		b.addTo(&out, s.id)
	}
	if len(out.values) == 0 {
		return s.recent, nil
	}
	out.add(&s.recent)
	return out, nil
}

func (r *Run) block(number uint64) (*block, error) {
	ref := blockRef{r.id, number}
	if b, cached := r.db.cache.get(ref); cached {
		return b, nil
	}
	record, found, err := r.db.get(blockKey(r.id, number))
	if err == nil && !found {
		err = fmt.Errorf("block is missing")
	}
	if err != nil {
		return nil, &CorruptError{r.id, number, err}
	}
	b, err := decodeBlock(record)
	if err != nil {
		return nil, &CorruptError{r.id, number, err}
	}
	r.db.cache.put(ref, b)
	return b, nil
}
