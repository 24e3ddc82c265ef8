package store

import (
	"container/list"
	"sync"
)

// blockCacheBytes bounds what decoded blocks may take in memory. Charts of
// neighbouring series read the same blocks, again at each update.
const blockCacheBytes = 128 << 20

type blockRef struct {
	run    RunID
	number uint64
}

// blockCache keeps the decoded blocks that were used last. Blocks never change.
type blockCache struct {
	limit int

	mu    sync.Mutex
	bytes int
	order *list.List // of *cachedBlock, last used in front
	byRef map[blockRef]*list.Element
}

type cachedBlock struct {
	ref   blockRef
	block *block
	bytes int
}

func newBlockCache(limit int) *blockCache {
	return &blockCache{limit: limit, order: list.New(), byRef: make(map[blockRef]*list.Element)}
}

func (c *blockCache) get(ref blockRef) (*block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, found := c.byRef[ref]
	if !found {
		return nil, false
	}
	c.order.MoveToFront(element)
	return element.Value.(*cachedBlock).block, true
}

func (c *blockCache) put(ref blockRef, b *block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := c.byRef[ref]; found {
		return
	}
	entry := &cachedBlock{ref, b, b.bytes()}
	c.byRef[ref] = c.order.PushFront(entry)
	c.bytes += entry.bytes
	for c.bytes > c.limit && c.order.Len() > 1 {
		oldest := c.order.Remove(c.order.Back()).(*cachedBlock)
		delete(c.byRef, oldest.ref)
		c.bytes -= oldest.bytes
	}
}
