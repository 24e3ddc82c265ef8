package views

import (
	"sync"

	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// maxLines bounds what is kept of all runs: some 4 MB.
const maxLines = 1 << 12

// lineCache keeps small curves of RL series until points come: to make one takes going
// over the sums of all environments. Answers share them, so nobody may change them.
type lineCache struct {
	mu   sync.Mutex
	kept map[lineName]keptLine
}

type lineName struct {
	run     store.RunID
	series  uint32
	buckets int
}

type keptLine struct {
	changed uint64 // revision of the series
	line    *pb.Sparkline
}

// get gives the line as of the last points, or nil.
func (c *lineCache) get(name lineName, changed uint64) *pb.Sparkline {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept := c.kept[name]; kept.changed == changed {
		return kept.line
	}
	return nil
}

// put keeps a line, in the place of any other when there is no room.
func (c *lineCache) put(name lineName, kept keptLine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = make(map[lineName]keptLine)
	}
	for other := range c.kept {
		if len(c.kept) < maxLines {
			break
		}
		delete(c.kept, other)
	}
	c.kept[name] = kept
}
