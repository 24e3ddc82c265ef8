package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/store/chunk"
)

// checkEdits tells whether the list of the database's tables, a file of edits, is
// whole. Pebble takes the first edit that is not for one that the power cut short,
// and goes on without it and all behind it. When it is a damaged one, the tables
// that they name are lost: Pebble removes what no edit names.
func checkEdits(dir string, disk vfs.FS) (err error) {
	found, err := pebble.Peek(dir, disk)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is about to be made
	}
	if err != nil || !found.Exists {
		return err
	}
	file, err := disk.Open(found.ManifestFilename)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	edits := record.NewReader(file, 0)
	for n := 1; ; n++ {
		edit, err := edits.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, edit)
		}
		if err != nil {
			return fmt.Errorf("store: %w: %s from its edit %d on, unless the power was cut while it was written: %w", chunk.ErrCorrupt, found.ManifestFilename, n, err)
		}
	}
}
