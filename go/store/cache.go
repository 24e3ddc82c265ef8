package store

import (
	"container/list"
	"sync"
)

// maxCachedBytes bounds what is kept of segments.
const maxCachedBytes = 144 << 20

// cache keeps what was read last of segments: their indexes and the heads of
// their blocks. Segments never change, so what is cached stays true; numbers of
// segments are never used again. Pages of values are left to the system's own
// cache of files.
type cache struct {
	mu    sync.Mutex
	limit int
	size  int
	byKey map[cacheName]*list.Element
	order *list.List // of cached, the last read in front
}

type cacheName struct {
	run     RunID
	segment uint64
	at      int64 // of the block, or indexOfSegment
}

const indexOfSegment = -1

// cacheable is an index or a head.
type cacheable interface{ bytes() int }

type cached struct {
	name  cacheName
	value cacheable
}

func newCache(limit int) *cache {
	return &cache{limit: limit, byKey: make(map[cacheName]*list.Element), order: list.New()}
}

// get gives nil for what is not kept.
func (c *cache) get(name cacheName) cacheable {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[name]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(cached).value
}

func (c *cache) put(name cacheName, value cacheable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[name] != nil {
		return
	}
	c.byKey[name] = c.order.PushFront(cached{name, value})
	c.size += value.bytes()
	for c.size > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

// take gives what is kept, if any, and keeps it no more.
func (c *cache) take(name cacheName) cacheable {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[name]
	if e == nil {
		return nil
	}
	return c.remove(e).value
}

func (c *cache) remove(e *list.Element) cached {
	old := c.order.Remove(e).(cached)
	delete(c.byKey, old.name)
	c.size -= old.value.bytes()
	return old
}
