package store

import "time"

// A head of a run that nothing is written to any more is rolled after a while: a
// large one soon; a small one late, since a run that logs now and then would
// get a tiny block each time. Counted in rounds of the tender.
const (
	tendEvery     = time.Minute
	largeHead     = 1 << 20
	largeHeadIdle = 5
	anyHeadIdle   = 60
)

// tend rolls heads that no writer rolls: of idle runs, and the largest when all
// together take much memory. It ends with the DB.
func (db *DB) tend() {
	defer close(db.tended)
	round := time.NewTicker(tendEvery)
	defer round.Stop()
	for {
		select {
		case <-db.stop:
			return
		case <-round.C:
			db.rollIdle()
			if err := db.journal.rest(); err != nil {
				db.log.Error("spare files of the journal stay", "error", err)
			}
		case <-db.crowded:
			// Ahead of the writers, which wait at the limit.
			db.relieve(db.maxHeads / 4 * 3)
			db.shortenJournal()
		}
	}
}

func (db *DB) stopping() bool {
	select {
	case <-db.stop:
		return true
	default:
		return false
	}
}

// rollIdle is one round over all runs. They are rolled one after the other, so
// that many runs that end together take little memory.
func (db *DB) rollIdle() {
	for _, r := range db.openRuns() {
		if db.stopping() {
			return
		}
		if r.isIdle() {
			r.rollOnce()
		}
	}
}

// isIdle counts a round and tells whether the head should be rolled.
func (r *Run) isIdle() bool {
	rounds, bytes := r.idle.Add(1), r.held.Load()
	if rounds > 1 {
		r.mu.Lock()
		r.dropSpares()
		r.mu.Unlock()
	}
	return bytes > 0 && (rounds >= anyHeadIdle || rounds >= largeHeadIdle && bytes >= largeHead)
}

// shortenJournal rolls the runs whose few records keep the oldest files of a
// journal that has grown too long. Each is tried once: one that cannot be read or
// rolled now keeps its files until it is.
func (db *DB) shortenJournal() {
	tried := make(map[RunID]bool)
	for !db.stopping() {
		progress := false
		for _, id := range db.journal.oldest(db.maxJournal) {
			if tried[id] || db.stopping() {
				continue
			}
			tried[id], progress = true, true
			if r, err := db.Run(id); err != nil {
				db.log.Error("a run keeps files of the journal", "run", id.String(), "error", err)
			} else {
				r.rollOnce()
			}
		}
		if !progress {
			return
		}
	}
}

// notice has the tender make room before the heads, or the journal, have reached
// their limit.
func (db *DB) notice() {
	if db.headBytes.Load() <= db.maxHeads/4*3 && db.journal.size() <= db.maxJournal {
		return
	}
	select {
	case db.crowded <- struct{}{}:
	default: // it knows
	}
}

// relieve rolls the heads that take most memory, whoever's they are, until all
// together take no more than limit. When the disk does not take them it gives up:
// then the memory grows. The caller holds no run's lock.
func (db *DB) relieve(limit int64) {
	for db.headBytes.Load() > limit && !db.stopping() {
		if !db.rollLargest(limit) {
			return
		}
	}
}

// rollLargest goes one step of relieve and tells whether it helped. There is one
// at a time; whoever waited for it looks again whether there is room now.
func (db *DB) rollLargest(limit int64) bool {
	db.relieving.Lock()
	defer db.relieving.Unlock()
	if db.headBytes.Load() <= limit {
		return true
	}
	var largest *Run
	for _, r := range db.openRuns() {
		if largest == nil || r.held.Load() > largest.held.Load() {
			largest = r
		}
	}
	return largest != nil && largest.rollOnce()
}

// rollOnce rolls the head, or waits for the roll under way, and tells whether
// points went into blocks.
func (r *Run) rollOnce() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.stale {
		r.ended.Wait()
	}
	r.startRoll()
	began := r.rolling
	for r.rolling {
		r.ended.Wait()
	}
	return began && r.rollErr == nil
}
