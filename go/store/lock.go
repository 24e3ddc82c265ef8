package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// LockedError says that somebody else has the directory open.
type LockedError struct {
	Dir   string
	Owner string // what the owner told SetOwner, else its process id
	Err   error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("store: %s is in use by %s", e.Dir, e.Owner)
}

func (e *LockedError) Unwrap() error { return e.Err }

// directoryLock keeps a second process out. The lock itself is the operating
// system's and goes with the process; the file OWNER only says whose it is.
type directoryLock struct {
	fs    vfs.FS
	owner string // path
	named bool   // owner is written
	held  io.Closer
}

// lockDirectory keeps others out and, when it should be named, writes down who
// does.
func lockDirectory(files vfs.FS, dir string, named bool) (*directoryLock, error) {
	l := &directoryLock{fs: files, owner: files.PathJoin(dir, "OWNER")}
	held, err := files.Lock(files.PathJoin(dir, "LOCK"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("store: locking %s: %w", dir, err)
	}
	if err != nil {
		return nil, &LockedError{Dir: dir, Owner: l.readOwner(), Err: err}
	}
	l.held, l.named = held, named
	if !named {
		return l, nil
	}
	if err := l.setOwner(fmt.Sprintf("pid %d", os.Getpid())); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return l, nil
}

func (l *directoryLock) readOwner() string {
	const unknown = "another process"
	file, err := l.fs.Open(l.owner)
	if err != nil {
		return unknown
	}
	text, err := io.ReadAll(io.LimitReader(file, 1024))
	if err = errors.Join(err, file.Close()); err != nil || len(text) == 0 {
		return unknown
	}
	return string(text)
}

func (l *directoryLock) setOwner(text string) error {
	file, err := l.fs.Create(l.owner, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = file.Write([]byte(text))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("store: writing %s: %w", l.owner, err)
	}
	return nil
}

func (l *directoryLock) release() error {
	var failed error
	if l.named {
		failed = l.fs.Remove(l.owner)
	}
	if err := errors.Join(failed, l.held.Close()); err != nil {
		return fmt.Errorf("store: giving the directory back: %w", err)
	}
	return nil
}
