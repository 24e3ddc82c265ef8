//go:build amd64 || arm64

package store

import "unsafe"

// prefetch asks the processor for the cache lines of size bytes from p on; nothing
// waits for them.
//
//go:noescape
func prefetch(p unsafe.Pointer, size uintptr)
