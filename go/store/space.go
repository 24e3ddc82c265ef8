package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// spaceReserve is what the disk must have left for anything to be stored: enough
// to move into segments what the journal holds, and for the database, which
// cannot go on after a write that found no room.
const spaceReserve = 256 << 20

// FullError says that the disk is too full to store anything. What is stored is
// still read; storing goes on by itself when there is room.
type FullError struct {
	Dir     string
	Left    uint64 // bytes
	Reserve uint64 // bytes that it must have left
}

func (e *FullError) Error() string {
	return fmt.Sprintf("store: the disk of %s has %d MB left; nothing more is stored below %d MB", e.Dir, e.Left>>20, e.Reserve>>20)
}

// space looks now and then how much room the disk has left.
type space struct {
	fs  vfs.FS
	dir string

	mu     sync.Mutex
	looked time.Time
	left   uint64
	known  bool // false: this file system does not tell
}

const lookEvery = 200 * time.Millisecond

// check gives a *FullError while there is less than that.
func (s *space) check(reserve uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A clock that is set back must not stop the looking.
	if since := time.Since(s.looked); since >= lookEvery || since < 0 {
		usage, err := s.fs.GetDiskUsage(s.dir)
		s.looked, s.left, s.known = time.Now(), usage.AvailBytes, err == nil
	}
	if s.known && s.left < reserve {
		return &FullError{Dir: s.dir, Left: s.left, Reserve: reserve}
	}
	return nil
}

// Writable gives a *FullError while the disk is too full to store anything. It is
// to be asked before a Tx is begun, whose refusal costs reading the run again.
func (db *DB) Writable() error { return db.space.check(spaceReserve) }
