package store

import (
	"fmt"
	"math"

	"github.com/metrana/metrana/go/store/chunk"
)

// totalling brings the sums of a series up to a moment.
type totalling struct {
	view

	run     *Run
	no      uint32
	total   *total
	changed uint64
	ticket  uint64 // of the last change seen
	sums    *seriesSums
	stored  bool // segments were read
	fresh   []freshPoints
	byEnv   []*freshPoints // by number - 1; nil where nothing is missing from segments
}

// freshPoints are those of an environment behind its sums.
type freshPoints struct {
	env    uint32
	anew   bool    // all points are to be taken
	stored uint64  // how many points of the cell are in segments
	memory [2]held // those behind, with the sumColumns only
}

// newTotalling takes along what it needs from under the lock; nil when there is nothing
// to do, with what is known. Of one series there is one at a time.
func (r *Run) newTotalling(no uint32) (q *totalling, known RLSummary, err error) {
	t, err := r.lockTotal(no)
	if t == nil || err != nil {
		return nil, known, err
	}
	defer r.mu.RUnlock()
	of := r.series[no-1]
	if t.isOf(of) {
		defer t.mu.Unlock()
		return nil, t.RLSummary, nil
	}
	q = &totalling{run: r, no: no, total: t, changed: of.changed, ticket: r.ticket, sums: r.takeSums(of, t)}
	q.segments, q.generation = r.segments, r.generation
	q.byEnv = make([]*freshPoints, len(of.envs))
	q.fresh = make([]freshPoints, 0, len(of.envs))
	for i, c := range of.envs {
		if e := &q.sums.envs[i]; c != nil && c.rl.count > e.taken {
			q.fresh = append(q.fresh, freshOf(c, e))
		}
	}
	r.reading.Add(1)
	return q, known, nil
}

// lockTotal locks the total of a series and, for reading, the run; neither when there is
// no such series. The total comes first: others may take long to bring it up to date.
func (r *Run) lockTotal(no uint32) (*total, error) {
	for {
		r.readLock()
		if no == 0 || int(no) > len(r.series) || r.broken != nil {
			defer r.mu.RUnlock()
			return nil, r.broken
		}
		of := r.series[no-1]
		r.mu.RUnlock()
		t := r.totalOf(of)
		t.mu.Lock()
		r.readLock()
		if int(no) <= len(r.series) && r.series[no-1] == of {
			return t, nil
		}
		r.mu.RUnlock() // the run was read again
		t.mu.Unlock()
	}
}

// takeSums takes the sums of a series out of what is kept. The caller holds the lock.
func (r *Run) takeSums(of *series, t *total) *seriesSums {
	sums, _ := r.db.sums.take(sumsName(r.id, of.no)).(*seriesSums)
	if sums == nil || sums.of != t {
		sums = &seriesSums{of: t}
	}
	if more := len(of.envs) - len(sums.envs); more > 0 {
		sums.envs = append(sums.envs, make([]environmentSums, more)...)
	}
	return sums
}

func sumsName(id RunID, no uint32) cacheName { return cacheName{run: id, segment: uint64(no)} }

func freshOf(c *cell, e *environmentSums) freshPoints {
	f := freshPoints{env: c.id.env, anew: e.taken == 0 && c.rl.restarted}
	f.stored = c.rl.count - uint64(c.frozen.len()+c.head.len())
	if f.anew {
		return f
	}
	missing := int(c.rl.count - max(e.taken, f.stored))
	inHead := min(missing, c.head.len())
	f.memory = [2]held{c.frozen.tail(missing - inHead), c.head.tail(inHead)}
	return f
}

// stretchColumns are those that tell stretches apart.
var stretchColumns = []int{colRLStep, colEpisode, colAttempt}

// sumColumns are those that sums are made from.
var sumColumns = []int{colRLStep, colEpisode, colAttempt, colRLTime}

// tail keeps the last n points as they are now, as snapshot does, with the sumColumns.
func (h *held) tail(n int) (kept held) {
	if h.long != nil {
		kept.long = h.long[len(h.long)-n:]
	} else {
		kept.short = h.short[len(h.short)-n:]
	}
	for _, k := range sumColumns {
		kept.ints[k] = tailOf(h.ints[k], n)
	}
	return kept
}

func tailOf(runs chunk.Runs, n int) chunk.Runs {
	from, have := len(runs), 0
	for from > 0 && have < n {
		from--
		have += int(runs[from].N)
	}
	cursor := runs[from:].Cursor()
	cursor.Skip(have - n)
	return cursor.Take(n)
}

// finish keeps the sums, and what they come to if all were read, and lets others ask.
func (q *totalling) finish(all bool) RLSummary {
	defer q.total.mu.Unlock()
	q.run.db.sums.put(sumsName(q.run.id, q.no), q.sums)
	if !all {
		return RLSummary{}
	}
	q.total.changed, q.total.taken, q.total.RLSummary = q.changed, q.sums.taken(), q.sums.summary()
	return q.total.RLSummary
}

func (q *totalling) read() error {
	if err := q.readSegments(); err != nil {
		return err
	}
	for i := range q.fresh {
		f := &q.fresh[i]
		for k := range f.memory {
			points := f.memory[k].columns()
			q.take(f, &points)
		}
		if f.anew {
			if err := q.takeAnew(f.env); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *totalling) sumsOf(f *freshPoints) *environmentSums { return &q.sums.envs[f.env-1] }

// take adds points of an environment unless all have to be taken.
func (q *totalling) take(f *freshPoints, points *columns) {
	if e := q.sumsOf(f); !f.anew && e.take(&points.ints, points.values) {
		f.anew = true
		*e = environmentSums{}
	}
}

// takeAnew reads all points of an environment; some may have come since.
func (q *totalling) takeAnew(env uint32) error {
	return q.run.look(q.no, env, func(v view) error {
		all, err := q.run.gather(cellID{q.no, env}, v, func(blockInfo) bool { return true })
		if err == nil {
			q.sums.envs[env-1].takeAnew(&all)
		}
		return err
	})
}

// readSegments takes what is missing of the segments' points. It looks for where that
// begins from the last segment on.
func (q *totalling) readSegments() error {
	missing := uint64(0)
	for i := range q.fresh {
		f := &q.fresh[i]
		if e := q.sumsOf(f); !f.anew && e.taken < f.stored {
			q.byEnv[f.env-1] = f
			missing += f.stored - e.taken
		}
	}
	from := len(q.segments)
	q.stored = missing > 0
	for from > 0 && missing > 0 {
		from--
		found, err := q.countSegment(q.segments[from])
		if err != nil {
			return err
		}
		missing -= min(found, missing)
	}
	for _, info := range q.segments[from:] {
		if err := q.takeSegment(info); err != nil {
			return err
		}
	}
	return nil
}

// eachBlock visits the heads of the blocks of a segment that have points of the series.
func (q *totalling) eachBlock(info segmentInfo, visit func(reader *segmentReader, b blockInfo, head *blockHead, from, to int) error) error {
	return q.run.withIndex(info, func(reader *segmentReader, index *segmentIndex) error {
		first, last := cellID{q.no, 1}, cellID{q.no, math.MaxUint32}
		for _, b := range index.between(first, last) {
			head, err := reader.head(b)
			if err != nil {
				return err
			}
			from, to := head.chunksBetween(first, last)
			if from == to {
				continue
			}
			if int(head.ids[to-1].env) > len(q.byEnv) {
				return reader.corrupt(errUnknownEnvironment)
			}
			if err := visit(reader, b, head, from, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// countSegment counts the points of a segment that are missing.
func (q *totalling) countSegment(info segmentInfo) (found uint64, err error) {
	err = q.eachBlock(info, func(_ *segmentReader, _ blockInfo, head *blockHead, from, to int) error {
		for i := from; i < to; i++ {
			if f := q.byEnv[head.ids[i].env-1]; f != nil {
				end := head.begins[i] + uint64(head.starts[i+1]-head.starts[i])
				begin := max(head.begins[i], q.sumsOf(f).taken)
				found += max(end, begin) - begin
			}
		}
		return nil
	})
	return found, err
}

// takeSegment takes the missing points of a segment.
func (q *totalling) takeSegment(info segmentInfo) error {
	var values []float64
	var points columns
	return q.eachBlock(info, func(reader *segmentReader, b blockInfo, head *blockHead, from, to int) (err error) {
		start := head.starts[from]
		if values, err = reader.values(values[:0], b, head, start, head.starts[to]); err != nil {
			return err
		}
		cursors := head.cursorsAt(from)
		for i := from; i < to; i++ {
			f := q.byEnv[head.ids[i].env-1]
			skip, err := q.known(f, head, i)
			if err != nil {
				return reader.corrupt(err)
			}
			points.values = values[head.starts[i]-start+skip : head.starts[i+1]-start]
			for _, k := range sumColumns {
				cursors[k].Skip(skip)
				points.ints[k] = cursors[k].AppendTo(points.ints[k][:0], len(points.values))
			}
			if len(points.values) > 0 {
				q.take(f, &points)
			}
		}
		return nil
	})
}

// known is how many points of a chunk need not be taken.
func (q *totalling) known(f *freshPoints, head *blockHead, i int) (int, error) {
	n, begin := head.starts[i+1]-head.starts[i], head.begins[i]
	if f == nil || f.anew {
		return n, nil
	}
	taken := q.sumsOf(f).taken
	if taken < begin {
		return 0, fmt.Errorf("%w: points %d to %d of a series in environment %d are missing", chunk.ErrCorrupt, taken, begin-1, f.env)
	}
	return int(min(taken-begin, uint64(n))), nil
}
