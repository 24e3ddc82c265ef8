package main

/*
#include "shim.h"
*/
import "C"

import (
	"unsafe"

	"github.com/metrana/metrana/go/client"
)

// ring is a slot of the shim as the engine sees it.
type ring struct{ slot C.int }

func (r ring) Register(series uint32, next uint64) {
	C.shim_register(r.slot, C.uint32_t(series), C.uint64_t(next))
}

func (r ring) Claim(series uint32, n, end uint64) (next, mark uint64) {
	claimed := C.shim_claim(r.slot, C.uint32_t(series), C.uint64_t(n), C.uint64_t(end))
	return uint64(claimed.next), uint64(claimed.mark)
}

func (r ring) Next(series uint32) uint64 {
	return uint64(C.shim_next(r.slot, C.uint32_t(series)))
}

func (r ring) Pushed() uint64 { return uint64(C.shim_view(r.slot).head) }

// drainedAtOnce bounds the blocks that Drain hands over.
const drainedAtOnce = 4096

// Drain implements client.Scalars.
func (r ring) Drain(mark uint64, take func([]client.Scalar)) {
	view := C.shim_view(r.slot)
	if view.records == nil {
		return
	}
	size := uint64(view.mask) + 1
	records := unsafe.Slice((*client.Scalar)(unsafe.Pointer(view.records)), size)
	tail, end := uint64(view.tail), min(mark, uint64(view.head))
	for tail < end {
		from := tail & uint64(view.mask)
		n := min(end-tail, size-from, drainedAtOnce)
		take(records[from : from+n])
		tail += n
		C.shim_advance(r.slot, C.uint64_t(tail))
	}
}

func (r ring) Attend(attention client.Attention) {
	C.shim_attend(r.slot, C.uint32_t(attention))
}

func (r ring) Used() *int64 { return (*int64)(unsafe.Pointer(C.shim_used(r.slot))) }

// drainAfter is how long records may wait in the ring, in milliseconds.
const drainAfter = 20

// keepDraining moves records to the logger's queue until the slot is closed.
// It sleeps in C, where a push can wake it.
func (r ring) keepDraining(logger *client.Logger) {
	for C.shim_wait(r.slot, 1, -1) != 0 {
		if C.shim_wait(r.slot, C.shim_half(r.slot), drainAfter) == 0 {
			return
		}
		logger.Drain()
	}
}
