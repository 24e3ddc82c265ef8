package store

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/point"
)

func TestCheckFindsWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	db.maxInline = 0
	check := func() (CheckStats, []string) {
		t.Helper()
		var faults []string
		stats, err := db.Check(context.Background(), func(fault error) { faults = append(faults, fault.Error()) })
		must(t, err)
		return stats, faults
	}
	r := runOf(t, db)
	for i := range uint64(3) {
		commit(t, r, func(tx *Tx) { request(tx, i) })
		must(t, r.settle(false))
	}
	commit(t, r, func(tx *Tx) {
		tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: 1000}, Values: []float64{1}})
	})
	points := r.Stats().Points
	stats, faults := check()
	if len(faults) != 0 || stats != (CheckStats{Runs: 1, Segments: 3, Blocks: 6, Points: points}) {
		t.Fatalf("%+v, %v", stats, faults)
	}
	page, gone := db.segmentPath(r.id, r.segments[0].number), db.segmentPath(r.id, r.segments[1].number)
	closed(t, db)
	damage(t, page)
	must(t, os.Remove(gone))
	db = open(t, dir)
	defer closed(t, db)
	_, faults = check()
	if len(faults) != 2 || !strings.Contains(faults[0], "segment 0 of run") || !strings.Contains(faults[1], "segment 1 of run") {
		t.Fatalf("%v", faults)
	}
}
