package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/metrana/metrana/go/store/chunk"
)

// The manifest of a run lists its segments, oldest first: each holds the points
// of a stretch of time, so that the points of a cell are in logged order when
// they are read segment after segment. FORMAT.md draws its record.
const manifestVersion = 1

func encodeManifest(next uint64, segments []segmentInfo) []byte {
	record := appendNumbers([]byte{manifestVersion}, next, uint64(len(segments)))
	for _, s := range segments {
		record = appendNumbers(record, s.number, s.level, uint64(boolInt(s.inline)), s.size, s.points, s.chunks)
	}
	return sealed(record)
}

func (r *Run) decodeManifest(record []byte) error {
	src, err := opened(record)
	if err != nil {
		return err
	}
	d := decoder{src: src}
	if version := d.byte(); d.err == nil && version != manifestVersion {
		return fmt.Errorf("%w: manifest of version %d", chunk.ErrCorrupt, version)
	}
	r.nextSegment = d.number()
	for range d.count() {
		r.segments = append(r.segments, segmentInfo{
			number: d.number(), level: d.number(), inline: d.number() == 1,
			size: d.number(), points: d.number(), chunks: d.number(),
		})
	}
	return d.err
}

// replace puts segments in the place of others, which lie side by side, or
// behind all where none is replaced: in one atomic write with what fill adds. It
// does not wait for the disk. The caller holds the lock.
func (r *Run) replace(old []segmentInfo, w *segmentWriter, fill func(*pebble.Batch) error) error {
	at := len(r.segments)
	if len(old) > 0 {
		at = slices.IndexFunc(r.segments, func(s segmentInfo) bool { return s.number == old[0].number })
		if at < 0 || len(r.segments)-at < len(old) {
			return fmt.Errorf("%w: segments to be replaced are gone", errSuperseded)
		}
	}
	// A new list: readers may hold the old one.
	segments := slices.Clone(r.segments[:at])
	if w.info.points > 0 {
		segments = append(segments, w.info)
	}
	segments = append(segments, r.segments[at+len(old):]...)
	batch := r.db.pebble.NewBatch()
	err := batch.Set(manifestKey(r.id), encodeManifest(r.nextSegment, segments), nil)
	if w.info.inline && err == nil {
		err = batch.Set(segmentKey(r.id, w.info.number), w.small, nil)
	}
	for _, s := range old {
		if s.inline && err == nil {
			err = batch.Delete(segmentKey(r.id, s.number), nil)
		}
	}
	if fill != nil && err == nil {
		err = fill(batch)
	}
	if err == nil {
		err = batch.Commit(pebble.NoSync)
	}
	if err = errors.Join(err, batch.Close()); err != nil {
		return err
	}
	r.segments = segments
	r.generation++
	return nil
}

// errSuperseded says that the run changed under a background job.
var errSuperseded = errors.New("store: superseded")
