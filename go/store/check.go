package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// CheckStats counts what a check has read.
type CheckStats struct {
	Runs     int
	Segments int
	Blocks   int
	Points   uint64 // in segments and journals
}

// Check reads everything that is stored of every run: state, manifest, journal,
// and each segment's index, heads and pages; their checksums, and that there are
// as many points as the state counts. Each fault is reported and passed over.
func (db *DB) Check(ctx context.Context, report func(fault error)) (CheckStats, error) {
	var stats CheckStats
	ids, err := db.runIDs()
	if err != nil {
		return stats, err
	}
	for _, fault := range slices.Concat(db.faults, db.journal.faults) {
		report(fault)
	}
	for _, id := range ids {
		stats.Runs++
		r, err := db.Run(id)
		if err != nil {
			report(err)
			continue
		}
		r.check(ctx, &stats, report)
		if db.readOnly {
			r.drop()
		}
		if ctx.Err() != nil {
			return stats, fmt.Errorf("store: checking: %w", ctx.Err())
		}
	}
	return stats, nil
}

func (r *Run) check(ctx context.Context, stats *CheckStats, report func(fault error)) {
	r.readLock()
	segments, counted := r.segments, r.points
	var found uint64
	for _, c := range r.cells() {
		found += uint64(c.frozen.len() + c.head.len())
	}
	r.mu.RUnlock()
	whole := true
	for _, info := range segments {
		stats.Segments++
		points, err := r.checkSegment(ctx, info, stats)
		if err != nil {
			whole = false
			report(err)
		}
		found += points
	}
	stats.Points += found
	if whole && found != counted {
		report(fmt.Errorf("store: run %s: its state counts %d points, its segments and journal have %d", r.id, counted, found))
	}
}

// cells lists those that have points. The caller holds the lock.
func (r *Run) cells() []*cell {
	var list []*cell
	for _, s := range r.series {
		for _, c := range append([]*cell{s.std}, s.envs...) {
			if c != nil {
				list = append(list, c)
			}
		}
	}
	return list
}

func (r *Run) checkSegment(ctx context.Context, info segmentInfo, stats *CheckStats) (points uint64, err error) {
	s, err := r.openSegment(info)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	index, err := s.index()
	if err != nil {
		return 0, err
	}
	var values []float64
	var faults []error
	for _, b := range index.blocks {
		if ctx.Err() != nil {
			return points, nil
		}
		stats.Blocks++
		head, err := s.head(b)
		if err == nil && !head.rl {
			if _, faulty := head.decoded(); faulty != nil {
				err = s.corrupt(fmt.Errorf("block at byte %d: %w", b.at, faulty))
			}
		}
		if err == nil {
			values, err = s.values(values[:0], b, head, 0, int(b.points))
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		points += uint64(len(values))
	}
	for _, sheet := range index.sheets {
		if _, err := s.readSheet(sheet); err != nil {
			faults = append(faults, err)
		}
	}
	for _, pool := range index.pools {
		if _, err := s.readPool(pool); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 && points != info.points {
		faults = append(faults, s.corrupt(fmt.Errorf("it has %d points, the manifest says %d", points, info.points)))
	}
	return points, errors.Join(faults...)
}
