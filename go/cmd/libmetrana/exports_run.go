package main

/*
#include <stdint.h>
*/
import "C"

import (
	"encoding/json"
	"time"
	"unsafe"

	"github.com/metrana/metrana/go/client"
)

// memory views what the caller handed in, for the time of the call.
func memory[T any](p unsafe.Pointer, n int) []T {
	if p == nil || n <= 0 {
		return nil
	}
	return unsafe.Slice((*T)(p), n)
}

//export mt_version
func mt_version(buffer unsafe.Pointer, size C.int32_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	errorBuffer{buffer, size}.write(version)
	return statusOK
}

// mt_open starts a logger from options as JSON and returns its handle.
//
//export mt_open
func mt_open(options unsafe.Pointer, n C.int32_t, text unsafe.Pointer, size C.int32_t) (number C.int64_t) {
	errs := errorBuffer{text, size}
	var status C.int32_t
	defer func() {
		if status != 0 {
			number = C.int64_t(status)
		}
	}()
	defer errs.stopPanic(&status)
	o, err := parseOptions(memory[byte](options, int(n)))
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	h, err := openHandle(o)
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	return C.int64_t(h.number)
}

// ready is what mt_wait_ready writes.
type ready struct {
	Created         bool   `json:"created"`
	RunID           []byte `json:"run_id"`
	OrchestrationID string `json:"orchestration_id"`
	CreationTime    int64  `json:"creation_time"` // Unix milliseconds, 0: unknown
}

// mt_wait_ready waits for the end of the handshake, for at most so many
// milliseconds. It returns 1 and the answer as JSON when it ended well, 0 when
// it is not yet over.
//
//export mt_wait_ready
func mt_wait_ready(logger C.int64_t, millis C.int32_t, text unsafe.Pointer, size C.int32_t) (status C.int32_t) {
	buffer := errorBuffer{text, size}
	defer buffer.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return buffer.fail(err)
	}
	if !ended(h.logger.Ready(), millis) {
		return 0
	}
	result, err := h.logger.Init()
	if err != nil {
		return buffer.fail(err)
	}
	answer := ready{Created: result.Created, RunID: result.RunID, OrchestrationID: result.OrchestrationID}
	if !result.CreationTime.IsZero() {
		answer.CreationTime = result.CreationTime.UnixMilli()
	}
	return buffer.writeJSON(answer)
}

// writeJSON returns 1, or the code for a buffer that is too small.
func (b errorBuffer) writeJSON(value any) C.int32_t {
	text, err := json.Marshal(value)
	if err != nil {
		return b.fail(err)
	}
	if len(text) >= int(b.size) {
		return statusBufferSmall
	}
	b.write(string(text))
	return 1
}

func ended(c <-chan struct{}, millis C.int32_t) bool {
	select {
	case <-c:
		return true
	default:
	}
	timer := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}

// mt_flush_begin returns a ticket for mt_flush_wait.
//
//export mt_flush_begin
func mt_flush_begin(logger C.int64_t, text unsafe.Pointer, size C.int32_t) (ticket C.int64_t) {
	errs := errorBuffer{text, size}
	var status C.int32_t
	defer func() {
		if status != 0 {
			ticket = C.int64_t(status)
		}
	}()
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	finished, err := h.logger.Flush()
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flushed++
	h.flushes[h.flushed] = finished
	return C.int64_t(h.flushed)
}

// mt_flush_wait returns 1 when what came before the ticket is settled, 0 when
// it is not yet. With negative milliseconds it forgets the ticket.
//
//export mt_flush_wait
func mt_flush_wait(logger, ticket C.int64_t, millis C.int32_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return statusHandle
	}
	h.mu.Lock()
	finished := h.flushes[int64(ticket)]
	h.mu.Unlock()
	if finished != nil && millis >= 0 && !ended(finished, millis) {
		return 0
	}
	h.mu.Lock()
	delete(h.flushes, int64(ticket))
	h.mu.Unlock()
	return 1
}

// mt_close_begin starts closing; what is not delivered after so many
// milliseconds is dropped.
//
//export mt_close_begin
func mt_close_begin(logger, millis C.int64_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return statusHandle
	}
	h.logger.Close(time.Duration(min(millis, 1<<40)) * time.Millisecond)
	return statusOK
}

// mt_close_wait returns 1 when closing has ended well, 0 when it has not ended
// within so many milliseconds, or why something was lost.
//
//export mt_close_wait
func mt_close_wait(logger C.int64_t, millis C.int32_t, text unsafe.Pointer, size C.int32_t) (status C.int32_t) {
	errs := errorBuffer{text, size}
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return errs.fail(err)
	}
	if !ended(h.logger.Closed(), millis) {
		return 0
	}
	if err := h.logger.CloseErr(); err != nil {
		return errs.fail(err)
	}
	return 1
}

// mt_free gives back the handle of a logger that is closed.
//
//export mt_free
func mt_free(logger C.int64_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return statusHandle
	}
	h.free()
	return statusOK
}

// mt_stats writes the counters in the order of _engine.py's table.
//
//export mt_stats
func mt_stats(logger C.int64_t, out unsafe.Pointer, n C.int32_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return statusHandle
	}
	c := h.logger.Counters()
	numbers := make([]uint64, 0, 32)
	for kind := range c.Added {
		numbers = append(numbers, c.Added[kind], c.Enqueued[kind], c.Sent[kind], c.Dropped[kind])
	}
	numbers = append(numbers, c.ConnectionAttempts, c.RequestsSent, c.RequestsInFlight, c.RequestsResent,
		c.SendErrors, c.ErrorsReported, c.ErrorsEvicted)
	if int(n) != len(numbers) {
		return statusBufferSmall
	}
	copy(memory[uint64](out, len(numbers)), numbers)
	return statusOK
}

// What mt_events fetches.
const (
	eventsAtLog   = 0
	eventsAtClose = 1
	eventsLosses  = 2
)

// mt_events writes what is due as JSON: {"warnings": […], "errors": […]}. Texts
// are shortened where the buffer is too small for all of them.
//
//export mt_events
func mt_events(logger C.int64_t, when C.int32_t, text unsafe.Pointer, size C.int32_t) (status C.int32_t) {
	buffer := errorBuffer{text, size}
	defer buffer.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return buffer.fail(err)
	}
	switch when {
	case eventsAtClose:
		return buffer.writeJSON(clipped(h.logger.ClosingEvents(), int(size)))
	case eventsLosses:
		return buffer.writeJSON(clipped(client.Events{Errors: h.logger.TakeLosses()}, int(size)))
	default:
		return buffer.writeJSON(clipped(h.logger.Events(), int(size)))
	}
}

// clipped shortens texts so that they fit into the buffer as JSON.
func clipped(e client.Events, size int) client.Events {
	count := len(e.Warnings) + len(e.Errors)
	if count == 0 {
		return e
	}
	each := max(0, (size-64)/count-8) / 6 // JSON may write a byte as six
	for _, texts := range [][]string{e.Warnings, e.Errors} {
		for i, text := range texts {
			texts[i] = text[:min(len(text), each)]
		}
	}
	return e
}
