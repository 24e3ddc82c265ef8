package store

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/metrana/metrana/go/point"
)

// Run is the stored points of one run.
//
// Its state (series, environments, what the step rules need) is in memory. One
// transaction at a time writes it and holds mu from Begin to Commit; readers
// copy what they need under mu and read segments without it.
type Run struct {
	db *DB
	id RunID
	// files is what paths of its segments begin with: to join one takes longer than to
	// find the open file.
	files string

	mu           sync.RWMutex
	ended        *sync.Cond // on mu: a roll, a merge or a reload has ended
	series       []*series
	byKey        map[string]*series
	byName       map[string]*namedSeries
	byLabel      labelIndex
	environments []*environment
	byID         map[string]*environment
	sessions     map[uint64]uint64 // highest sequence number applied, by logger session
	revision     uint64            // of the last change, see changes.go
	points       uint64
	duplicates   uint64
	refused      uint64       // RL points whose position no axis can hold
	journal      uint64       // number of the next journal record
	journalFirst uint64       // number of the first that is not in segments
	ticket       uint64       // of the last one in the journal's files
	headBytes    int          // of what no roll has taken up
	uncounted    int          // of them, since the last settleCount
	held         atomic.Int64 // memory of head and frozen points
	spareBytes   int          // memory kept for heads to come
	reading      atomic.Int64 // views in use; their values may be those of heads
	idle         atomic.Int32 // rounds of the tender since the last commit
	entries      []byte       // scratch of the open Tx
	dirty        []*cell      // with points in head
	segments     []segmentInfo
	nextSegment  uint64
	generation   uint64 // of segments
	totals       totals // of RL points, see rl_totals.go
	rolling      bool
	rollingFull  bool // what is being rolled is a full head
	merging      bool
	loaded       uint64 // revision in which the run was read from disk
	stale        bool   // an undone Tx is still in memory
	rollErr      error  // of the last roll
	mergeErr     error  // of the last merge
	// broken says why this Run is of no use any more: its state was lost and not
	// found again. DB.Run reads another one from disk.
	broken error
}

func newRun(db *DB, id RunID) *Run {
	r := &Run{db: db, id: id, files: strings.TrimSuffix(db.segmentPath(id, 0), "0"+segmentSuffix)}
	r.ended = sync.NewCond(&r.mu)
	r.reset()
	return r
}

func (r *Run) reset() {
	r.series, r.environments, r.dirty, r.segments = nil, nil, nil, nil
	r.byKey = make(map[string]*series)
	r.byName = make(map[string]*namedSeries)
	r.byLabel = newLabelIndex()
	r.byID = make(map[string]*environment)
	r.sessions = make(map[uint64]uint64)
	r.points, r.duplicates, r.refused = 0, 0, 0
	r.totals.reset()
	r.revision = r.db.NextRevision()
	r.loaded = r.revision
	r.journal, r.journalFirst, r.nextSegment = 0, 0, 0
	r.growHead(-r.headBytes)
	r.settleCount()
	r.countSpare(-r.spareBytes)
}

// load reads the state as of the last roll and replays the journal behind it.
// After an error the Run holds a part.
func (r *Run) load() error {
	if err := r.loadRecords(); err != nil {
		return fmt.Errorf("store: reading run %s: %w", r.id, err)
	}
	return nil
}

func (r *Run) loadRecords() error {
	state, found, err := r.db.get(stateKey(r.id))
	if err != nil {
		return err
	}
	if found {
		if err := r.decodeState(state); err != nil {
			return fmt.Errorf("its state: %w", err)
		}
	}
	manifest, found, err := r.db.get(manifestKey(r.id))
	if err != nil {
		return err
	}
	if found {
		if err := r.decodeManifest(manifest); err != nil {
			return fmt.Errorf("its manifest: %w", err)
		}
	}
	if !r.db.readOnly {
		if err := r.removeStray(); err != nil {
			return err
		}
	}
	defer r.settleCount()
	return r.replayAll()
}

// reload forgets the state in memory and reads it again from disk. A roll or merge
// that is under way is waited for: it works on this state. The caller holds the lock.
// Where the disk does not give the state the Run is broken, for good: there may
// be another one of the same id from then on.
func (r *Run) reload() {
	r.stale = true
	for r.rolling || r.merging {
		r.ended.Wait()
	}
	r.reset()
	if r.broken == nil {
		if r.broken = r.load(); r.broken != nil {
			r.reset()
			r.db.forget(r.id)
		}
	}
	r.stale = false
	r.ended.Broadcast()
}

// drop takes the Run out of memory; nothing may have been written to it.
func (r *Run) drop() {
	r.db.forget(r.id)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reset()
}

// readLock takes mu for reading when no undone Tx is in memory.
func (r *Run) readLock() {
	for {
		r.mu.RLock()
		if !r.stale {
			return
		}
		r.mu.RUnlock()
		r.mu.Lock()
		for r.stale {
			r.ended.Wait()
		}
		r.mu.Unlock()
	}
}

func (r *Run) addSeries(key point.Series, ordering point.Ordering) *series {
	s := &series{no: uint32(len(r.series) + 1), key: key, identity: key.Identity(), labels: key.FlatLabels(), ordering: ordering, changed: r.revision}
	r.series = append(r.series, s)
	r.byKey[key.Key()] = s
	if r.byName[key.Name] == nil {
		r.byName[key.Name] = &namedSeries{}
	}
	named := r.byName[key.Name]
	named.list = append(named.list, s)
	r.byLabel.add(s)
	return s
}

func (r *Run) addEnvironment(id string) *environment {
	e := &environment{no: uint32(len(r.environments) + 1), id: id, changed: r.revision}
	r.environments = append(r.environments, e)
	r.byID[id] = e
	return e
}

// cellOf gives the cell of a series, in an environment unless env is 0; it is
// made when it is new.
func (r *Run) cellOf(s *series, env uint32) *cell {
	if env == 0 {
		if s.std == nil {
			s.std = &cell{id: cellID{s.no, 0}}
		}
		return s.std
	}
	for int(env) > len(s.envs) {
		s.envs = append(s.envs, nil)
	}
	if s.envs[env-1] == nil {
		s.envs[env-1] = r.newEnvCell(s, env)
	}
	return s.envs[env-1]
}

func (r *Run) newEnvCell(s *series, env uint32) *cell {
	c := &cell{id: cellID{s.no, env}, episodic: s.key.Scale == point.ScaleEpisode}
	if !c.episodic {
		c.clock = r.environments[env-1].clockOf(s.labels)
	}
	return c
}

// take adds columns that the step rules let through to a cell and to all that
// sums it up. RL columns are those of one batch; of short see held.add.
func (r *Run) take(c *cell, more *columns, short []byte) {
	if len(more.values) == 0 {
		return
	}
	if c.head.len() == 0 {
		r.dirty = append(r.dirty, c)
		r.begin(c, len(more.values), short != nil)
	} else {
		r.extend(c, len(more.values), short != nil)
	}
	r.growHead(c.head.add(more, short))
	r.points += uint64(len(more.values))
	if !c.id.rl() {
		c.std.observeAll(more)
		return
	}
	c.rl.observeAll(more, c.episodic)
	before := len(c.sums.list)
	c.sums.add(more)
	r.growHead(stretchBytes * max(len(c.sums.list)-before, 0))
	c.sums.trim(c.head.len())
	e := r.environments[c.id.env-1]
	e.points += uint64(len(more.values))
	e.lastRLStep = max(e.lastRLStep, more.ints[colRLStep][0].First)
	if c.episodic {
		e.lastMinorEpisode = max(e.lastMinorEpisode, c.rl.maxEpisode)
	} else {
		e.lastEpisode = max(e.lastEpisode, c.rl.maxEpisode)
		end, before := more.totalEnd(), c.rl.total
		c.rl.advance(more, end)
		c.clock.observe(more, end, before, c.rl.total)
	}
}
