package main

// #include "copy.h"
import "C"

import "unsafe"

// copyBlock copies values of equal length around the caches.
func copyBlock(to, from []float64) {
	if len(from) > 0 {
		C.mt_copy_block(unsafe.Pointer(&to[0]), unsafe.Pointer(&from[0]), C.size_t(8*len(from)))
	}
}
