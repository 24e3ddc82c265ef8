package main

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"sync"

	"github.com/metrana/metrana/go/client"
)

var errNoLogger = errors.New("there is no such logger: it was closed")

// handles are the open loggers. A handle is generation << 8 | slot; a slot's
// generation grows with each use, so that an old handle never means a new
// logger.
var handles struct {
	mu          sync.RWMutex
	open        [C.MT_SLOTS]*handle
	generations [C.MT_SLOTS]uint32
}

type handle struct {
	logger *client.Logger
	ring   ring
	number int64
	drains chan struct{} // closed when the drainer has ended

	mu      sync.Mutex
	flushes map[int64]<-chan struct{}
	flushed int64 // the last ticket
}

// maxGeneration keeps series handles positive: generation << 40.
const maxGeneration = 1<<22 - 1

func openHandle(o client.Options) (*handle, error) {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	for slot, taken := range handles.open {
		if taken != nil {
			continue
		}
		generation := handles.generations[slot]%maxGeneration + 1
		if C.shim_open(C.int(slot), C.uint32_t(generation), C.int64_t(o.QueueCapacity)) == 0 {
			return nil, &client.InitError{Text: "no memory for the queue"}
		}
		h := &handle{
			ring: ring{C.int(slot)}, number: int64(generation)<<8 | int64(slot),
			drains: make(chan struct{}), flushes: map[int64]<-chan struct{}{},
		}
		logger, err := client.New(o, h.ring)
		if err != nil {
			C.shim_shut(C.int(slot))
			C.shim_free(C.int(slot))
			return nil, err
		}
		h.logger = logger
		handles.generations[slot] = generation
		handles.open[slot] = h
		go logger.Guarded("drainer", func() {
			defer close(h.drains)
			h.ring.keepDraining(logger)
		})
		return h, nil
	}
	return nil, &client.InitError{Text: "too many runs are open in this process"}
}

func find(number C.int64_t) (*handle, error) {
	handles.mu.RLock()
	defer handles.mu.RUnlock()
	if number > 0 {
		if h := handles.open[number%C.MT_SLOTS]; h != nil && h.number == int64(number) {
			return h, nil
		}
	}
	return nil, errNoLogger
}

// free gives the slot back. The logger is closed.
func (h *handle) free() {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	if handles.open[h.ring.slot] != h {
		return
	}
	C.shim_shut(h.ring.slot)
	<-h.drains
	C.shim_free(h.ring.slot)
	handles.open[h.ring.slot] = nil
}
