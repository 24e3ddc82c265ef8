package store

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/metrana/metrana/go/point"
)

// Tx is one atomic change to a run. Its methods change the state in memory at
// once, where nobody sees it before Commit; Abort puts it back. A Tx is used by
// one goroutine.
type Tx struct {
	run     *Run
	records *pebble.Batch // of the catalog; nil while there are none
	entries []byte        // behind room for the head of a journal record
	kept    columns       // scratch
	number  uint64        // the run's revision once it is committed
	nextEnv int           // in the run's list, behind the environment asked for last
	last    bool          // nothing is expected after it
	err     error         // first failure; Commit reports it
}

// Begin starts the only transaction of the run at this moment; it waits for the
// one before, and, when points come faster than they can be rolled into blocks,
// for a roll of this run or of one with more points in memory. It must be ended by
// Commit or Abort, and whoever holds an open Tx must not begin another.
func (r *Run) Begin() *Tx {
	r.db.relieve(r.db.maxHeads)
	r.mu.Lock()
	for r.stale || r.rolling && r.headBytes > r.db.maxHead {
		r.ended.Wait()
	}
	return &Tx{run: r, entries: framed(r.entries), number: r.db.NextRevision()}
}

// Applied tells whether the request with this number was applied before. The
// session 0 is that of clients that number nothing.
func (tx *Tx) Applied(session, sequence uint64) bool {
	last, known := tx.run.sessions[session]
	return session != 0 && known && sequence <= last
}

// MarkApplied notes that the request with this number is part of the Tx.
func (tx *Tx) MarkApplied(session, sequence uint64) {
	if session == 0 {
		return
	}
	tx.run.sessions[session] = max(tx.run.sessions[session], sequence)
	tx.entries = appendNumbersEntry(tx.entries, entrySession, session, sequence)
}

// Series numbers a series, from 1. The ordering of the first mention stays.
func (tx *Tx) Series(key point.Series, ordering point.Ordering) uint32 {
	if s, known := tx.run.byKey[key.Key()]; known {
		return s.no
	}
	s := tx.run.addSeries(key, ordering)
	tx.entries = appendSeriesEntry(tx.entries, s)
	return s.no
}

// Environment numbers an environment, from 1.
func (tx *Tx) Environment(id string) uint32 {
	e := tx.environment(id)
	tx.nextEnv = int(e.no)
	return e.no
}

func (tx *Tx) environment(id string) *environment {
	// Mostly they are asked for in the order in which they came first.
	if all := tx.run.environments; tx.nextEnv < len(all) && all[tx.nextEnv].id == id {
		return all[tx.nextEnv]
	}
	if e, known := tx.run.byID[id]; known {
		return e
	}
	e := tx.run.addEnvironment(id)
	tx.entries = appendEnvironmentEntry(tx.entries, e)
	return e
}

// Append adds standard points under the rules of the series' ordering. The
// values are copied. A number that Series did not give is a bug.
func (tx *Tx) Append(no uint32, logger uint64, b point.Batch) {
	r := tx.run
	s := r.series[no-1]
	c := r.cellOf(s, 0)
	r.prefetchAfter(no)
	tx.clear()
	late := keepStandard(&c.std, s.ordered(), logger, b, &tx.kept)
	if late > 0 {
		c.std.late += late
		tx.entries = appendNumbersEntry(tx.entries, entryLate, uint64(no), late)
	}
	tx.add(c, s)
}

// AppendRL adds RL points of a series in an environment. Only a request with a
// new sequence number may restart an episode. The values are copied.
func (tx *Tx) AppendRL(no, env uint32, b point.RLBatch, mayRestart bool) {
	if tx.err != nil || len(b.Values) == 0 {
		return
	}
	r := tx.run
	if !placeable(b) {
		r.refused += uint64(len(b.Values))
		tx.entries = appendNumbersEntry(tx.entries, entryRefused, uint64(len(b.Values)))
		return
	}
	s := r.series[no-1]
	c := r.cellOf(s, env)
	s.prefetchAfter(env)
	tx.clear()
	keeper := rlKeeper{
		state: &c.rl, episodic: c.episodic, clock: c.clock,
		stored: func(episode uint64, rlStep *uint64) (columns, error) { return r.storedAt(c, episode, rlStep) },
		endOf:  func(episode uint64) uint64 { return r.environments[env-1].endOf(s.labels, episode) },
	}
	duplicates, err := keeper.keep(b, mayRestart, &tx.kept)
	if err != nil {
		tx.err = err
		return
	}
	if duplicates > 0 {
		r.duplicates += duplicates
		tx.entries = appendNumbersEntry(tx.entries, entryDuplicates, duplicates)
	}
	if tx.add(c, s) {
		r.environments[env-1].changed = tx.number
	}
}

func (tx *Tx) clear() {
	for k := range tx.kept.ints {
		tx.kept.ints[k] = tx.kept.ints[k][:0]
	}
	tx.kept.values = nil // it may be the caller's
}

func (tx *Tx) add(c *cell, s *series) (added bool) {
	if len(tx.kept.values) == 0 {
		return false
	}
	var short []byte
	tx.entries, short = appendPointsEntry(tx.entries, c.id, &tx.kept)
	tx.run.take(c, &tx.kept, short)
	s.changed = tx.number
	return true
}

// Records writes records in the same atomic change.
func (tx *Tx) Records() RecordWriter {
	if tx.records == nil {
		tx.records = tx.run.db.pebble.NewBatch()
	}
	return recordWriter{tx.records}
}

// changed tells whether the Tx did anything to the run's state.
func (tx *Tx) changed() bool { return len(tx.entries) > frameHeadSize }

// Last says that nothing is expected to come after this Tx: soon after its
// commit the run's points are moved into blocks, unless another Tx follows.
func (tx *Tx) Last() { tx.last = true }

// Abort undoes the Tx. Where it changed anything the run is read again.
func (tx *Tx) Abort() {
	defer tx.run.mu.Unlock()
	if err := tx.dropRecords(); err != nil {
		tx.run.db.log.Error("closing an unused batch", "error", err)
	}
	if tx.changed() || tx.err != nil {
		tx.run.reload()
	}
}

func (tx *Tx) dropRecords() error {
	if tx.records == nil {
		return nil
	}
	return tx.records.Close()
}

// Pending is a committed change that may not be durable yet.
type Pending struct {
	journal *journal // nil: nothing to wait for
	ticket  uint64
}

// Wait returns when the change is durable, or with the reason why it is not.
// One sync of the disk serves all changes that wait.
func (p Pending) Wait() error {
	if p.journal == nil {
		return nil
	}
	return p.journal.wait(p.ticket)
}

// Commit makes the change visible to readers; Pending.Wait makes sure of the
// disk. After an error nothing of the change is left.
func (tx *Tx) Commit() (Pending, error) {
	r := tx.run
	if err := errors.Join(tx.err, r.broken); err != nil {
		tx.err = err
		tx.Abort()
		return Pending{}, err
	}
	defer runtime.Gosched() // to questions, which are short beside what is logged
	defer r.mu.Unlock()
	if err := tx.write(); err != nil {
		r.reload()
		return Pending{}, fmt.Errorf("store: committing to run %s: %w", r.id, err)
	}
	if tx.changed() {
		r.journal++
		r.revision = tx.number
	}
	r.entries = tx.entries
	r.settleCount()
	r.idle.Store(0)
	if tx.last {
		r.idle.Store(anyHeadIdle)
	}
	if r.isFull() || r.journal-r.journalFirst > maxJournalRecords {
		r.startRoll()
	}
	r.db.notice()
	return Pending{r.db.journal, r.ticket}, nil
}

// write hands the change to the journal, or, when it has records, to the database.
func (tx *Tx) write() (err error) {
	r := tx.run
	r.db.cut.RLock()
	defer r.db.cut.RUnlock()
	switch {
	case tx.records != nil:
		return tx.writeRecords()
	case tx.changed():
		r.ticket, err = r.db.journal.append(r.id, r.journal, tx.entries)
	}
	return err
}

// writeRecords waits for the disk twice, see journal.
func (tx *Tx) writeRecords() (err error) {
	r := tx.run
	defer func() { err = errors.Join(err, tx.dropRecords()) }()
	if tx.changed() {
		if err := r.db.journal.wait(r.ticket); err != nil {
			return err
		}
		if err := tx.records.Set(journalKey(r.id, r.journal), sealed(tx.entries[frameHeadSize:]), nil); err != nil {
			return err
		}
	}
	return tx.records.Commit(pebble.Sync)
}
