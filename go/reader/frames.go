package reader

import "sync"

// frames is memory for what comes in frames, of which all are written whole before
// anybody reads them. The pool that gRPC has by itself clears them all before.
type frames struct{ pool sync.Pool }

// frameSize is what a frame has at most, unless both sides agree on more.
const frameSize = 16 << 10

// Get implements mem.BufferPool.
func (f *frames) Get(length int) *[]byte {
	if length > frameSize {
		b := make([]byte, length)
		return &b
	}
	b, kept := f.pool.Get().(*[]byte)
	if !kept {
		b = new([]byte)
		*b = make([]byte, frameSize)
	}
	*b = (*b)[:length]
	return b
}

// Put implements mem.BufferPool.
func (f *frames) Put(b *[]byte) {
	if cap(*b) == frameSize {
		f.pool.Put(b)
	}
}
