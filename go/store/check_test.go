package store

import (
	"context"
	"os"
	"slices"
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
	// A manifest that counts other points than there are.
	manifest, _, err := db.get(manifestKey(r.id))
	must(t, err)
	wrong := slices.Clone(r.segments)
	wrong[2].points++
	must(t, db.pebble.Set(manifestKey(r.id), encodeManifest(r.nextSegment, wrong), nil))
	db.forget(r.id)
	if _, faults = check(); len(faults) != 1 || !strings.Contains(faults[0], "the manifest says") {
		t.Fatalf("%v", faults)
	}
	must(t, db.pebble.Set(manifestKey(r.id), manifest, nil))
	db.forget(r.id)
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
