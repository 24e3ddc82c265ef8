package store

import "time"

// Revisions number changes, so that who knows one can ask for what came after it.
// They grow over all runs of a data directory and, unless the clock is set back, over
// its openings: each begins at its time, and reading a run from disk is a change of
// all that it has.

// firstRevision is well above what an opening before can have counted to.
func firstRevision() uint64 { return uint64(max(time.Now().UnixMicro(), 1)) }

// NextRevision is above all that it gave before.
func (db *DB) NextRevision() uint64 { return db.revisions.Add(1) }

// Changes are what points came to.
type Changes struct {
	Revision     uint64 // to go on from
	Points       uint64 // of the run, stored
	Series       []SeriesInfo
	Environments []EnvInfo
}

// Revision is that of the last change.
func (r *Run) Revision() uint64 {
	r.readLock()
	defer r.mu.RUnlock()
	return r.revision
}

// ChangedSince lists the series and environments that points came to after a revision,
// by number. To a revision that the run has not reached all are new.
func (r *Run) ChangedSince(revision uint64) Changes {
	r.readLock()
	defer r.mu.RUnlock()
	c := Changes{Revision: r.revision, Points: r.points}
	if revision == r.revision {
		return c
	}
	if revision > r.revision {
		revision = 0
	}
	for _, s := range r.series {
		if s.changed > revision {
			if info := s.info(); info.Standard || info.RL {
				c.Series = append(c.Series, info)
			}
		}
	}
	for _, e := range r.environments {
		if e.changed > revision && e.points > 0 {
			c.Environments = append(c.Environments, e.info())
		}
	}
	return c
}

// SeriesChanged is the revision in which points of a series came last; 0 of one that is
// not there.
func (r *Run) SeriesChanged(no uint32) uint64 {
	r.readLock()
	defer r.mu.RUnlock()
	if no == 0 || int(no) > len(r.series) {
		return 0
	}
	return r.series[no-1].changed
}
