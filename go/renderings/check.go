package renderings

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// CheckStats counts what a check has read.
type CheckStats struct{ Renderings, Files int }

// Check reads each video that a record names, and reports what is missing or of
// another content. It writes nothing.
func Check(ctx context.Context, db *store.DB, index *catalog.Catalog, report func(fault error)) (CheckStats, error) {
	var stats CheckStats
	read := make(map[sum]uint64) // bytes of each that was read; 0: it was reported
	err := index.Renderings(func(run store.RunID, v catalog.Rendering, damage error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		stats.Renderings++
		if damage != nil {
			report(damage)
			return nil
		}
		size, known := read[v.SHA256]
		if !known {
			var fault error
			if size, fault = readVideo(videoPath(db.AttachedDir(), v.SHA256), v.SHA256); fault != nil {
				size = 0
				report(fault)
			}
			read[v.SHA256] = size
			stats.Files++
		}
		if size != 0 && size != v.Size {
			report(fmt.Errorf("renderings: the video of episode %d of %q of run %s has %d bytes, its record says %d",
				v.Episode, v.Environment, run, size, v.Size))
		}
		return nil
	})
	if err != nil {
		return stats, fmt.Errorf("renderings: checking: %w", err)
	}
	return stats, nil
}

func readVideo(path string, content sum) (size uint64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("renderings: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	found, _, err := digest(file)
	if err != nil {
		return 0, fmt.Errorf("renderings: reading %s: %w", path, err)
	}
	if found != content {
		return 0, fmt.Errorf("renderings: %s is damaged: its SHA-256 is %s", path, found)
	}
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("renderings: %w", err)
	}
	return uint64(info.Size()), nil
}
