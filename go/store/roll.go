package store

import (
	"errors"
	"fmt"
	"slices"
)

// roll is one pass of moving points from the journal into blocks. The blocks
// are written first, where nothing refers to them yet; then one atomic write puts
// the state that names them in place and removes the journal. After a crash in
// between, the journal still has the points and the next roll writes blocks of
// the same numbers.
type roll struct {
	run    *Run
	cells  []*cell
	bytes  int    // of memory that the frozen points take
	number uint64 // of the first block
	upTo   uint64 // journal records below are in the blocks
	state  runState
	infos  []blockInfo
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
	r.db.background.Go(func() {
		err := job.write()
		r.mu.Lock()
		defer r.mu.Unlock()
		job.finish(err)
	})
}

func (r *Run) freeze() *roll {
	job := &roll{run: r, cells: r.dirty, bytes: r.headBytes, number: r.nextBlock, upTo: r.journal}
	for _, c := range r.dirty {
		c.freeze()
	}
	// The memory is given back when the roll is done, but counts no longer as
	// this run's head: the next one may fill while this one is written.
	r.dirty, r.headBytes = nil, 0
	job.state = r.capture()
	return job
}

func (job *roll) write() error {
	blocks := job.blocks()
	if len(blocks) > 0 {
		if err := job.writeBlocks(blocks); err != nil {
			return err
		}
	}
	return job.putInPlace(job.state.encode(job.infos, job.number+uint64(len(job.infos)), job.upTo))
}

func (job *roll) writeBlocks(blocks [][]part) error {
	t, err := job.run.db.newTable(job.run.id, job.number)
	if err != nil {
		return err
	}
	for _, parts := range blocks {
		info := describe(parts)
		info.number = job.number + uint64(len(job.infos))
		job.infos = append(job.infos, info)
		if err := t.add(blockKey(job.run.id, info.number), encodeBlock(parts)); err != nil {
			return errors.Join(err, t.abandon())
		}
	}
	return t.ingest()
}

// blocks sorts the frozen points and cuts them into blocks.
func (job *roll) blocks() [][]part {
	var parts []part
	for _, c := range job.cells {
		parts = append(parts, cutPart(part{c.id, &c.frozen})...)
	}
	slices.SortStableFunc(parts, compareParts)
	return groups(parts)
}

// finish lets readers see the blocks in place of the frozen points. The caller
// holds the lock.
func (job *roll) finish(err error) {
	r := job.run
	r.rolling = false
	defer r.ended.Broadcast()
	r.rollErr = err
	if err != nil {
		r.rollErr = fmt.Errorf("store: rolling run %s: %w", r.id, err)
		r.db.log.Error("points stay in the journal", "run", r.id.String(), "error", err)
		r.thaw(job)
		return
	}
	// A new list: readers may hold the old one.
	r.blocks = append(r.blocks[:len(r.blocks):len(r.blocks)], job.infos...)
	r.nextBlock = job.number + uint64(len(job.infos))
	r.journalFirst = job.upTo
	r.count(-job.bytes)
	for _, c := range job.cells {
		c.frozen = columns{}
	}
}

// thaw takes the frozen points back into the head: they are still in the journal
// only, and the next commit tries again to roll them.
func (r *Run) thaw(job *roll) {
	for _, c := range job.cells {
		if len(c.head.values) == 0 {
			r.dirty = append(r.dirty, c)
		}
		c.thaw()
	}
	r.headBytes += job.bytes
}

// cutPart cuts a cell with more points than a block should have.
func cutPart(p part) []part {
	n := len(p.points.values)
	if n <= blockPoints {
		return []part{p}
	}
	var parts []part
	cursors := p.points.cursors()
	for start := 0; start < n; start += blockPoints {
		end := min(start+blockPoints, n)
		cut := columns{values: p.points.values[start:end]}
		for k := range colsOf(p.id.rl()) {
			cut.ints[k] = cursors[k].Take(end - start)
		}
		parts = append(parts, part{p.id, &cut})
	}
	return parts
}

// groups gathers sorted parts into blocks.
func groups(parts []part) [][]part {
	var cut [][]part
	start, points := 0, 0
	for i, p := range parts {
		other := i > start && p.id.rl() != parts[start].id.rl()
		if i > start && (other || points+len(p.points.values) > blockPoints) {
			cut = append(cut, parts[start:i])
			start, points = i, 0
		}
		points += len(p.points.values)
	}
	if start < len(parts) {
		cut = append(cut, parts[start:])
	}
	return cut
}

// settle rolls whatever the journal holds and waits for it.
func (r *Run) settle() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.rolling || r.stale {
		r.ended.Wait()
	}
	r.rollErr = nil
	r.startRoll()
	for r.rolling {
		r.ended.Wait()
	}
	return errors.Join(r.broken, r.rollErr)
}
