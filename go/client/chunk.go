package client

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Memory for copies and frames comes from chunks of powers of two, which are
// kept for reuse: allocating megabytes for each call would cost several times
// the copy itself, and the collector's work on top.

const (
	minChunkClass = 7  // 128 words
	maxChunkClass = 21 // 2 Mi words, 16 MiB; larger memory is not kept
	keptWords     = 8 << 20
)

// chunk is memory of 8-byte words. It holds no pointers.
type chunk []uint64

func (c chunk) floats() []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(c))), len(c))
}

func (c chunk) ints() []int64 {
	return unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(c))), len(c))
}

func (c chunk) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c))), 8*len(c))
}

// chunks keeps what is free, at most keptWords of it.
type chunks struct {
	mu   sync.Mutex
	free [maxChunkClass + 1][]chunk
	kept int // words
}

// get returns a chunk of n words with arbitrary content.
func (p *chunks) get(n int) chunk {
	class := max(minChunkClass, bits.Len(uint(n-1)))
	if n <= 0 {
		return nil
	}
	if class > maxChunkClass {
		return make(chunk, n)
	}
	p.mu.Lock()
	stack := p.free[class]
	if len(stack) == 0 {
		p.mu.Unlock()
		return make(chunk, 1<<class)[:n]
	}
	c := stack[len(stack)-1]
	p.free[class] = stack[:len(stack)-1]
	p.kept -= 1 << class
	p.mu.Unlock()
	return c[:n]
}

// put takes back a chunk that nobody uses any more.
func (p *chunks) put(c chunk) {
	class := bits.Len(uint(cap(c))) - 1
	if c == nil || class > maxChunkClass || cap(c) != 1<<class {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept+1<<class > keptWords {
		return
	}
	p.kept += 1 << class
	p.free[class] = append(p.free[class], c[:0])
}

// drop gives everything kept back to the collector.
func (p *chunks) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = 0
	clear(p.free[:])
}
