package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// roll is one pass of moving points from the journal into a segment. The
// segment is written first, where nothing refers to it yet; then one atomic write
// puts the manifest that names it in place, with the state as of then, and
// removes the journal. After a crash in between, the journal still has the
// points, and what was written of the segment is removed.
type roll struct {
	run    *Run
	cells  []*cell
	bytes  int    // of memory that the frozen points take
	full   bool   // the next head will be as large
	number uint64 // of the segment
	upTo   uint64 // journal records below are in the segment
	state  []byte
	parts  []part
	sums   []rolledSums
}

// rolledSums are the stretches of a cell of RL points.
type rolledSums struct {
	id     cellID
	sums   stretches
	points int
}

// startRoll freezes the head and rolls it in the background. The caller holds
// the lock. While a roll is under way there is no second one, and what an undone
// Tx left in memory is never rolled.
func (r *Run) startRoll() {
	if r.rolling || r.stale || r.journal == r.journalFirst {
		return
	}
	r.rolling = true
	job := r.freeze()
	r.rollingFull = job.full
	r.db.background.Go(func() {
		w, err := job.write()
		r.mu.Lock()
		defer r.mu.Unlock()
		if job.finish(w, err) {
			r.mu.Unlock()
			r.db.shorten(r.id, job.upTo)
			r.mu.Lock()
		}
		r.rolling, r.rollingFull = false, false
		r.ended.Broadcast()
	})
}

func (r *Run) freeze() *roll {
	job := &roll{run: r, cells: r.dirty, bytes: r.headBytes, full: r.isFull(), number: r.nextSegment, upTo: r.journal}
	r.nextSegment++
	job.parts, job.sums = make([]part, 0, 2*len(r.dirty)), make([]rolledSums, 0, len(r.dirty))
	for _, c := range r.dirty {
		c.freeze(job.full)
		r.countSpare(-c.spare.takeStretches())
		if c.id.rl() {
			job.sums = append(job.sums, rolledSums{c.id, c.rolled, c.frozen.len()})
		}
		job.parts = append(job.parts, cutPart(part{c.id, c.count() - uint64(c.frozen.len()), &c.frozen})...)
	}
	// The memory is given back when the roll is done, but counts no longer as
	// this run's head: the next one may fill while this one is written.
	r.dirty, r.headBytes = nil, 0
	job.state = r.capture()
	return job
}

func (job *roll) write() (*segmentWriter, error) {
	job.state = sealState(job.state, job.upTo)
	slices.SortStableFunc(job.parts, compareParts)
	w := job.run.newSegment(job.number, 0)
	w.pools = job.poolWriters()
	for _, parts := range groups(job.parts) {
		if err := w.add(parts); err != nil {
			return nil, errors.Join(err, w.abandon())
		}
	}
	if err := errors.Join(job.writeSheets(w), w.writePools(), w.finish()); err != nil {
		return nil, errors.Join(err, w.abandon())
	}
	return w, nil
}

// poolWriters are for the series that have enough RL points for a pool.
func (job *roll) poolWriters() map[uint32]*poolWriter {
	points, cells := make(map[uint32]int), make(map[uint32]int)
	for i := range job.sums {
		c := &job.sums[i]
		points[c.id.series] += c.points
		cells[c.id.series]++
	}
	writers, limits := make(map[uint32]*poolWriter), job.run.db.pools
	for series, n := range points {
		if n >= limits.least {
			writers[series] = &poolWriter{limits: limits.of(n, cells[series])}
		}
	}
	return writers
}

func (job *roll) writeSheets(w *segmentWriter) error {
	slices.SortFunc(job.sums, func(a, b rolledSums) int {
		return cmp.Or(cmp.Compare(a.id.series, b.id.series), cmp.Compare(a.id.env, b.id.env))
	})
	for from := 0; from < len(job.sums); {
		to, rows, points, dropped := from, 0, 0, false
		for ; to < len(job.sums) && job.sums[to].id.series == job.sums[from].id.series; to++ {
			c := &job.sums[to]
			rows, points, dropped = rows+c.sums.count(), points+c.points, dropped || c.sums.dropped
		}
		if !dropped && worthKeeping(rows, points) {
			if err := writeSheet(w, job.sums[from:to]); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// writeSheet writes the stretches of one series.
func writeSheet(w *segmentWriter, cells []rolledSums) error {
	to := sheetWriter{w, cells[0].id.series}
	var stretches []stretch
	for _, c := range cells {
		stretches = c.sums.appendTo(stretches[:0])
		for _, row := range stretches {
			if err := to.add(sheetRow{c.id.env, row}); err != nil {
				return err
			}
		}
	}
	return to.finish()
}

// finish lets readers see the segment in place of the frozen points. The caller
// holds the lock.
func (job *roll) finish(w *segmentWriter, err error) (done bool) {
	r := job.run
	if err == nil {
		err = job.putInPlace(w)
	}
	r.rollErr = err
	if err != nil {
		r.rollErr = fmt.Errorf("store: rolling run %s: %w", r.id, err)
		r.db.log.Error("points stay in the journal", "run", r.id.String(), "error", err)
		r.thaw(job)
		return false
	}
	r.journalFirst = job.upTo
	r.count(-job.bytes)
	r.melt(job.cells, job.full && r.reading.Load() == 0 && r.db.spareBytes.Load()+int64(job.bytes) <= maxSpareBytes)
	r.startMerge(r.planMerge())
	return true
}

// shorten takes the records that are in segments now from the journal. What it
// cannot remove stays until the next time.
func (db *DB) shorten(id RunID, upTo uint64) {
	db.cut.RLock()
	defer db.cut.RUnlock()
	if err := db.journal.forget(id, upTo, db.secure); err != nil {
		db.log.Error("files of the journal stay", "error", err)
	}
}

// putInPlace is the last step: one small atomic write that names the segment
// and removes the journal records whose points it holds. It waits for no sync:
// until the disk has it, it has the journal.
func (job *roll) putInPlace(w *segmentWriter) error {
	id := job.run.id
	err := job.run.replace(nil, w, func(batch *pebble.Batch) error {
		return errors.Join(
			batch.Set(stateKey(id), job.state, nil),
			batch.DeleteRange(journalKey(id, 0), journalKey(id, job.upTo), nil),
		)
	})
	if err != nil {
		return errors.Join(err, w.abandon())
	}
	return nil
}

// thaw takes the frozen points back into the head: they are still in the journal
// only, and the next commit tries again to roll them.
func (r *Run) thaw(job *roll) {
	for _, c := range job.cells {
		if c.head.len() == 0 {
			r.dirty = append(r.dirty, c)
		}
		r.growHead(c.thaw())
	}
	r.settleCount()
	r.headBytes += job.bytes
}

// cutPart cuts a cell with more points than a block should have.
func cutPart(p part) []part {
	var parts []part
	for {
		n := blockPoints - int(p.ordinal%blockPoints)
		if p.points.len() <= n {
			return append(parts, p)
		}
		var full part
		full, p = p.cut(n)
		parts = append(parts, full)
	}
}

// cut takes the first n points of a part away.
func (p part) cut(n int) (first, rest part) {
	before, behind := p.points.cut(n)
	return part{p.id, p.ordinal, &before}, part{p.id, p.ordinal + uint64(n), &behind}
}

// groups gathers sorted parts into blocks; of a cell each has one chunk at most.
func groups(parts []part) [][]part {
	var cut [][]part
	start, points := 0, 0
	for i, p := range parts {
		other := i > start && (p.id.rl() != parts[start].id.rl() || p.id == parts[i-1].id)
		if i > start && (other || points+p.points.len() > blockPoints) {
			cut = append(cut, parts[start:i])
			start, points = i, 0
		}
		points += p.points.len()
	}
	if start < len(parts) {
		cut = append(cut, parts[start:])
	}
	return cut
}

// settle rolls whatever the journal holds and, when asked to, merges what is
// still as it was rolled. It waits for both.
func (r *Run) settle(merge bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait()
	r.rollErr, r.mergeErr = nil, nil
	r.startRoll()
	r.wait()
	if !merge {
		return errors.Join(r.broken, r.rollErr)
	}
	r.startMerge(r.planTail())
	r.wait()
	return errors.Join(r.broken, r.rollErr, r.mergeErr)
}

// wait returns when no background job of the run is under way. The caller holds
// the lock.
func (r *Run) wait() {
	for r.rolling || r.merging || r.stale {
		r.ended.Wait()
	}
}
