package store

import (
	"container/list"
	"sync"
)

// maxCachedBytes bounds the decoded blocks that are kept.
const maxCachedBytes = 64 << 20

// blockCache keeps the decoded blocks that were read last: the series of one
// chart lie side by side. Blocks never change, so what is cached stays true.
type blockCache struct {
	mu    sync.Mutex
	limit int
	size  int
	byKey map[blockName]*list.Element
	order *list.List // of cachedBlock, the last read in front
}

type blockName struct {
	run    RunID
	number uint64
}

type cachedBlock struct {
	name  blockName
	block *block
}

func newBlockCache(limit int) *blockCache {
	return &blockCache{limit: limit, byKey: make(map[blockName]*list.Element), order: list.New()}
}

func (c *blockCache) get(name blockName) *block {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[name]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(cachedBlock).block
}

func (c *blockCache) put(name blockName, b *block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[name] != nil {
		return
	}
	c.byKey[name] = c.order.PushFront(cachedBlock{name, b})
	c.size += b.bytes()
	for c.size > c.limit && c.order.Len() > 1 {
		last := c.order.Remove(c.order.Back()).(cachedBlock)
		delete(c.byKey, last.name)
		c.size -= last.block.bytes()
	}
}
