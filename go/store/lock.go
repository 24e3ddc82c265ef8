package store

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// LockedError tells that another process has the directory open.
type LockedError struct {
	Dir   string
	Owner string // what it said of itself; may be empty
}

func (e *LockedError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("data directory %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("data directory %s is in use by %s", e.Dir, e.Owner)
}

const ownerFile = "owner"

// acquire makes the directory and locks it for this process.
func (db *DB) acquire() error {
	if err := db.fs.MkdirAll(db.dir, 0o755); err != nil {
		return fmt.Errorf("store: making the data directory: %w", err)
	}
	lock, err := pebble.LockDirectory(db.dir, db.fs)
	if err != nil {
		if owner := db.owner(); owner != "" || isBusy(err) {
			return &LockedError{Dir: db.dir, Owner: owner}
		}
		return fmt.Errorf("store: locking %s: %w", db.dir, err)
	}
	db.lock = lock
	return nil
}

// isBusy tells a lock that another holds from a directory that cannot be used.
func isBusy(err error) bool {
	text := err.Error()
	return strings.Contains(text, "resource temporarily unavailable") || strings.Contains(text, "lock held")
}

// SetOwner stores what a second process that wants the directory is told of
// this one.
func (db *DB) SetOwner(text string) error {
	f, err := db.fs.Create(filepath.Join(db.dir, ownerFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("store: naming the owner of %s: %w", db.dir, err)
	}
	_, err = f.Write([]byte(text + "\n"))
	return errors.Join(err, f.Close())
}

func (db *DB) owner() string {
	f, err := db.fs.Open(filepath.Join(db.dir, ownerFile))
	if err != nil {
		return ""
	}
	text, readErr := io.ReadAll(f)
	if closeErr := f.Close(); readErr != nil || closeErr != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
