package main

/*
#include <stdint.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime/debug"
	"unsafe"

	"github.com/metrana/metrana/go/client"
	"github.com/metrana/metrana/go/reader"
)

// What an exported function returns. _engine.py holds the same table.
const (
	statusOK     = 0
	statusEvents = 1 // good, and there are events to fetch

	statusHandle      = -1 // no such logger
	statusInvalid     = -2
	statusAgain       = -3 // the queue is full: call again
	statusQueueFull   = -4
	statusDead        = -5
	statusClosed      = -6
	statusNotReady    = -7
	statusInit        = -8
	statusRunExists   = -9
	statusOtherJob    = -10
	statusClosing     = -11
	statusBroken      = -12 // a panic
	statusBufferSmall = -13
	statusConfig      = -14 // of a reader
	statusTransport   = -15
	statusRefused     = -16
)

// errorBuffer is memory of the caller for the text of an error.
type errorBuffer struct {
	memory unsafe.Pointer
	size   C.int32_t
}

func (b errorBuffer) write(text string) {
	if b.memory == nil || b.size <= 0 {
		return
	}
	memory := unsafe.Slice((*byte)(b.memory), int(b.size))
	n := copy(memory[:len(memory)-1], text)
	memory[n] = 0
}

// fail writes the error's text and returns its status.
func (b errorBuffer) fail(err error) C.int32_t {
	b.write(err.Error())
	return C.int32_t(statusOf(err))
}

func statusOf(err error) int {
	var invalid *client.ValidationError
	var dead *client.DeadError
	var init *client.InitError
	var closing *client.ClosingError
	var config *reader.ConfigError
	var transport *reader.TransportError
	var refused *reader.RPCError
	switch {
	case errors.As(err, &invalid):
		return statusInvalid
	case errors.Is(err, client.ErrAgain):
		return statusAgain
	case errors.Is(err, client.ErrQueueFull):
		return statusQueueFull
	case errors.As(err, &dead):
		return statusDead
	case errors.Is(err, client.ErrClosed):
		return statusClosed
	case errors.Is(err, client.ErrNotReady):
		return statusNotReady
	case errors.As(err, &closing):
		return statusClosing
	case errors.As(err, &config):
		return statusConfig
	case errors.As(err, &transport):
		return statusTransport
	case errors.As(err, &refused):
		return statusRefused
	case errors.Is(err, reader.ErrClosed):
		return statusClosed
	case errors.Is(err, errNoLogger), errors.Is(err, errNoReader):
		return statusHandle
	case errors.As(err, &init):
		return map[client.InitErrorKind]int{
			client.InitFailed: statusInit, client.InitRunExists: statusRunExists, client.InitOtherJob: statusOtherJob,
		}[init.Kind]
	default:
		return statusBroken
	}
}

// stopPanic turns a panic into a status. Every exported function defers it.
func (b errorBuffer) stopPanic(status *C.int32_t) {
	if broken := recover(); broken != nil {
		b.write(fmt.Sprintf("BUG: the engine panicked: %v\n%s", broken, debug.Stack()))
		*status = statusBroken
	}
}
