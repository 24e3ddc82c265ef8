package store

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/metrana/metrana/go/store/chunk"
)

// totals are the summaries of the series of a run that were asked for. When making one
// took reading segments, all are written down, so that the next start need not read them
// again. What is written is right as long as the series has as many points.
type totals struct {
	mu      sync.Mutex
	of      map[*series]*total
	written map[uint32]*total // as the record has them, by number of the series
}

// total is the summary of one series.
type total struct {
	mu      sync.Mutex // held while points are looked at
	changed uint64     // revision in which the last points came; 0 of one that was written
	taken   uint64     // points that were looked at, as they were logged
	RLSummary
}

// isOf tells whether the total is that of the series as it is now.
func (t *total) isOf(s *series) bool {
	if t.changed == 0 && t.taken > 0 && t.taken == s.rlCount() {
		t.changed = s.changed
	}
	return t.changed == s.changed
}

func (t *totals) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of, t.written = nil, nil
}

func (r *Run) totalOf(s *series) *total {
	t := &r.totals
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of, t.written = make(map[*series]*total), r.readTotals()
	}
	if t.of[s] == nil {
		if t.of[s] = t.written[s.no]; t.of[s] == nil {
			t.of[s] = &total{}
		}
	}
	return t.of[s]
}

// totalsVersion is that of the record. One of an earlier version says too little.
const totalsVersion = 2

// readTotals reads what was written; where that is damaged, points are read instead.
func (r *Run) readTotals() map[uint32]*total {
	record, found, err := r.db.get(totalsKey(r.id))
	var written map[uint32]*total
	if found && err == nil {
		written, err = decodeTotals(record)
	}
	if err != nil {
		r.db.log.Error("what sums up series of environments is worked out again", "run", r.id.String(), "error", err)
		return nil
	}
	return written
}

// keepTotals writes down what is known, once the points that it is of are durable.
// Nothing is lost but time where that fails.
func (r *Run) keepTotals(ticket uint64) {
	if r.db.readOnly {
		return
	}
	err := r.db.journal.wait(ticket)
	if err == nil {
		err = r.writeTotals()
	}
	if err != nil {
		r.db.log.Error("what sums up series of environments will be worked out again", "run", r.id.String(), "error", err)
	}
}

// writeTotals holds the lock of the run, so that none is written of one that is deleted.
func (r *Run) writeTotals() error {
	r.readLock()
	defer r.mu.RUnlock()
	if r.broken != nil {
		return r.broken
	}
	r.db.cut.RLock()
	defer r.db.cut.RUnlock()
	return r.db.pebble.Set(totalsKey(r.id), r.totals.encode(), pebble.NoSync)
}

// encode writes the totals by number of the series; FORMAT.md draws it.
func (t *totals) encode() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := maps.Clone(t.written)
	if all == nil {
		all = make(map[uint32]*total)
	}
	for s, of := range t.of {
		all[s.no] = of
	}
	record := []byte{totalsVersion}
	for _, no := range slices.Sorted(maps.Keys(all)) {
		record = all[no].append(record, no)
	}
	return sealed(record)
}

// append writes a total unless it is being made.
func (t *total) append(dst []byte, no uint32) []byte {
	if !t.mu.TryLock() {
		return dst
	}
	defer t.mu.Unlock()
	if t.taken == 0 {
		return dst
	}
	dst = appendNumbers(dst, uint64(no), t.taken, uint64(t.Environments), t.Points, t.LastStep, uint64(t.LastTime))
	m := moments{Summary: t.Summary}
	return m.append(dst)
}

func decodeTotals(record []byte) (map[uint32]*total, error) {
	src, err := opened(record)
	if err != nil {
		return nil, err
	}
	d := decoder{src: src}
	switch version := d.byte(); {
	case version > totalsVersion:
		return nil, fmt.Errorf("%w: totals of version %d", chunk.ErrCorrupt, version)
	case version < totalsVersion:
		return nil, d.err
	}
	written := make(map[uint32]*total)
	for d.err == nil && len(d.src) > 0 {
		no, t := uint32(d.number()), &total{taken: d.number()}
		t.Environments, t.Points = int(d.number()), d.number()
		t.LastStep, t.LastTime = d.number(), int64(d.number())
		t.Summary = decodeMoments(&d).Summary
		written[no] = t
	}
	return written, d.err
}
