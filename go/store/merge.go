package store

import (
	"errors"
	"fmt"

	"github.com/metrana/metrana/go/store/chunk"
)

// Merging turns segments that lie side by side into one, in which the chunks of
// each cell are as many times longer. A chart then reads few places. Segments of
// a level are merged when there are fanIn of them, so that each point is written
// again once a level, until the chunks are long.
const (
	fanIn      = 16
	longChunk  = blockPoints / 4 // points; longer ones would not read faster
	smallChunk = spanPoints      // shorter ones are merged when a run rests
)

// chunkPoints is how many points a chunk of the segments has, on average.
func chunkPoints(segments []segmentInfo) uint64 {
	points, chunks := uint64(0), uint64(1)
	for _, s := range segments {
		points += s.points
		chunks += s.chunks
	}
	return points / chunks
}

// merge is one pass over segments of a run.
type merge struct {
	run    *Run
	inputs []segmentInfo
	number uint64
}

// startMerge merges in the background when there is something to merge. The
// caller holds the lock. There is one merge of a run at a time.
func (r *Run) startMerge(job *merge) {
	if job == nil {
		return
	}
	r.merging = true
	r.db.background.Go(func() {
		r.db.merges <- struct{}{}
		err := job.do()
		<-r.db.merges
		r.mu.Lock()
		defer r.mu.Unlock()
		r.merging = false
		r.mergeErr = err
		r.ended.Broadcast()
		if err != nil && !errors.Is(err, errSuperseded) && !errors.Is(err, ErrClosed) {
			r.db.log.Error("segments stay as they are", "run", r.id.String(), "error", err)
		} else if err == nil {
			r.startMerge(r.planMerge())
		}
	})
}

// planMerge finds segments to merge: the newest fanIn or more of one level. The
// caller holds the lock.
func (r *Run) planMerge() *merge {
	if r.merging || r.stale || r.broken != nil {
		return nil
	}
	for end := len(r.segments); end > 0; {
		start := end - 1
		for start > 0 && r.segments[start-1].level == r.segments[end-1].level {
			start--
		}
		if end-start >= fanIn && chunkPoints(r.segments[start:end]) < longChunk {
			return r.newMerge(r.segments[start:end])
		}
		end = start
	}
	return nil
}

// planTail finds what is left to merge of a run that rests: short chunks at its
// end that no merge had yet.
func (r *Run) planTail() *merge {
	start := len(r.segments)
	for start > 0 && r.segments[start-1].level == 0 {
		start--
	}
	tail := r.segments[start:]
	if r.merging || r.stale || r.broken != nil || len(tail) < 2 || chunkPoints(tail) >= smallChunk {
		return nil
	}
	return r.newMerge(tail)
}

func (r *Run) newMerge(inputs []segmentInfo) *merge {
	job := &merge{run: r, inputs: append([]segmentInfo(nil), inputs...), number: r.nextSegment}
	r.nextSegment++
	return job
}

// do writes the merged segment, puts it in the place of its inputs and removes
// those. A crash leaves either them or it; the files of the other are removed
// when the run is next read.
func (job *merge) do() error {
	r := job.run
	w := r.newSegment(job.number, job.inputs[0].level+1)
	err := job.write(w)
	if err == nil {
		err = w.finish()
	}
	if err == nil {
		r.mu.Lock()
		if r.broken == nil {
			err = r.replace(job.inputs, w, nil)
		} else {
			err = fmt.Errorf("%w: %w", errSuperseded, r.broken)
		}
		r.mu.Unlock()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("store: merging segments of run %s: %w", r.id, err), w.abandon())
	}
	// The files may go when the disk knows the manifest without them.
	if err := r.db.secure(); err != nil {
		return fmt.Errorf("store: merging segments of run %s: %w", r.id, err)
	}
	r.db.cut.RLock()
	defer r.db.cut.RUnlock()
	for _, s := range job.inputs {
		if !s.inline {
			err = errors.Join(err, r.db.removeFile(r.id, s.number))
		}
	}
	return err
}

func (job *merge) write(w *segmentWriter) (err error) {
	sources := make([]*mergeSource, len(job.inputs))
	defer func() {
		for _, s := range sources {
			if s != nil {
				err = errors.Join(err, s.reader.close())
			}
		}
	}()
	for i, info := range job.inputs {
		if sources[i], err = job.run.newMergeSource(info); err != nil {
			return err
		}
	}
	pools, err := newPoolMerge(sources, job.run.db.pools)
	if err != nil {
		return err
	}
	w.pools = pools.unpooled
	to := mergeSink{to: w}
	for {
		id, found := lowestCell(sources)
		if !found {
			return errors.Join(to.flush(), mergeSheets(w, sources), pools.write(w))
		}
		if job.run.db.stopping() {
			return ErrClosed
		}
		for _, s := range sources {
			for s.at(id) {
				if err := to.take(s); err != nil {
					return err
				}
			}
		}
		if err := to.endCell(); err != nil {
			return err
		}
	}
}

func lowestCell(sources []*mergeSource) (id cellID, found bool) {
	for _, s := range sources {
		if s.head == nil {
			continue
		}
		mine := s.head.ids[s.chunk]
		if !found || compareParts(part{id: mine}, part{id: id}) < 0 {
			id, found = mine, true
		}
	}
	return id, found
}

// mergeSource walks over the chunks of one segment.
type mergeSource struct {
	reader *segmentReader
	blocks []blockInfo
	head   *blockHead // of blocks[0]; nil at the end
	chunk  int
	ints   [rlCols]chunk.Cursor // behind the chunks before
	values []float64            // of the whole block
	rl     map[uint32]int       // RL points that it had so far, by series
}

func (r *Run) newMergeSource(info segmentInfo) (*mergeSource, error) {
	reader, err := r.openSegment(info)
	if err != nil {
		return nil, err
	}
	s := &mergeSource{reader: reader, rl: make(map[uint32]int)}
	index, err := reader.index()
	if err == nil {
		s.blocks = index.blocks
		err = s.load()
	}
	if err != nil {
		return nil, errors.Join(err, reader.close())
	}
	return s, nil
}

func (s *mergeSource) load() error {
	s.head, s.chunk = nil, 0
	if len(s.blocks) == 0 {
		return nil
	}
	b := s.blocks[0]
	record, err := s.reader.read(b.at, int(b.head))
	if err != nil {
		return err
	}
	if s.head, err = decodeHead(record); err != nil {
		return s.reader.corrupt(fmt.Errorf("block at byte %d: %w", b.at, err))
	}
	for k, runs := range s.head.ints {
		s.ints[k] = runs.Cursor()
	}
	for i, id := range s.head.ids {
		if id.rl() {
			s.rl[id.series] += s.head.starts[i+1] - s.head.starts[i]
		}
	}
	s.values, err = s.reader.values(s.values[:0], b, s.head, 0, int(b.points))
	return err
}

func (s *mergeSource) at(id cellID) bool { return s.head != nil && s.head.ids[s.chunk] == id }

func (s *mergeSource) next() error {
	if s.chunk++; s.chunk < len(s.head.ids) {
		return nil
	}
	s.blocks = s.blocks[1:]
	return s.load()
}

// mergeSink gathers the chunks of one cell after the other and cuts them into
// blocks.
type mergeSink struct {
	to      *segmentWriter
	ready   []part // whole cells, together less than a block
	points  int
	pending part   // of the cell at hand
	free    []held // memory of cells that were written
}

// room gives memory for the points of a cell.
func (m *mergeSink) room() *held {
	k := len(m.free) - 1
	if k < 0 {
		return new(held)
	}
	room := m.free[k]
	m.free = m.free[:k]
	return &room
}

// take adds the chunk at which a source is.
func (m *mergeSink) take(s *mergeSource) error {
	i := s.chunk
	from, to := s.head.starts[i], s.head.starts[i+1]
	if m.pending.points == nil {
		m.pending = part{id: s.head.ids[i], ordinal: s.head.begins[i], points: m.room()}
	}
	points := &columns{values: s.values[from:to]}
	for k := range colsOf(s.head.rl) {
		points.ints[k] = s.ints[k].Take(to - from)
	}
	m.pending.points.add(points, nil)
	if err := s.next(); err != nil {
		return err
	}
	return m.cutFull()
}

// cutFull writes blocks of the cell at hand as long as they are full.
func (m *mergeSink) cutFull() error {
	for {
		n := blockPoints - int(m.pending.ordinal%blockPoints)
		if m.pending.points.len() < n {
			return nil
		}
		if err := m.flush(); err != nil {
			return err
		}
		full, rest := m.pending.cut(n)
		if err := m.to.add([]part{full}); err != nil {
			return err
		}
		m.pending = rest
	}
}

func (m *mergeSink) endCell() error {
	p := m.pending
	m.pending = part{}
	n := p.points.len()
	if n == 0 {
		return nil
	}
	other := len(m.ready) > 0 && m.ready[0].id.rl() != p.id.rl()
	if m.points+n > blockPoints || other {
		if err := m.flush(); err != nil {
			return err
		}
	}
	m.ready = append(m.ready, p)
	m.points += n
	return nil
}

func (m *mergeSink) flush() error {
	if len(m.ready) == 0 {
		return nil
	}
	err := m.to.add(m.ready)
	for _, p := range m.ready {
		m.free = append(m.free, p.points.emptied())
	}
	m.ready, m.points = m.ready[:0], 0
	return err
}
