package main

/*
#include <stdint.h>
#include <stdlib.h>
#include "resize.h"
*/
import "C"

import (
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"
	"unsafe"

	"github.com/metrana/metrana/go/reader"
)

var (
	errNoReader = errors.New("there is no such reader or call: it was closed")
	errNoMemory = errors.New("there is no memory for a page of the answer")
)

// asking are the open readers and calls; numbers are never used again.
var asking struct {
	mu      sync.Mutex
	last    int64
	readers map[int64]*reader.Reader
	calls   map[int64]*reader.Call
}

func keep[T any](m *map[int64]T, v T) C.int64_t {
	asking.mu.Lock()
	defer asking.mu.Unlock()
	if *m == nil {
		*m = make(map[int64]T)
	}
	asking.last++
	(*m)[asking.last] = v
	return C.int64_t(asking.last)
}

func kept[T any](m *map[int64]T, number C.int64_t, take bool) (T, error) {
	asking.mu.Lock()
	defer asking.mu.Unlock()
	v, known := (*m)[int64(number)]
	if !known {
		return v, errNoReader
	}
	if take {
		delete(*m, int64(number))
	}
	return v, nil
}

type readerOptions struct {
	URL         string  `json:"query_url"`
	Key         string  `json:"api_key"`
	CallSeconds float64 `json:"call_timeout_secs"`
}

// mq_open begins to connect as options in JSON say, and returns the reader's handle.
//
//export mq_open
func mq_open(options unsafe.Pointer, n C.int32_t, text unsafe.Pointer, size C.int32_t) (number C.int64_t) {
	errs := errorBuffer{text, size}
	var status C.int32_t
	defer func() {
		if status != 0 {
			number = C.int64_t(status)
		}
	}()
	defer errs.stopPanic(&status)
	var o readerOptions
	if err := json.Unmarshal(memory[byte](options, int(n)), &o); err != nil {
		status = errs.fail(&reader.ConfigError{Text: err.Error()})
		return 0
	}
	r, err := reader.Open(reader.Options{
		URL: o.URL, Key: o.Key, UserAgent: "metrana/" + version, CallTimeout: time.Duration(o.CallSeconds * float64(time.Second)),
	})
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	return keep(&asking.readers, r)
}

// mq_ready returns 1 when the server answers, 0 when it does not yet within so
// many milliseconds.
//
//export mq_ready
func mq_ready(number C.int64_t, millis C.int32_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	r, err := kept(&asking.readers, number, false)
	if err != nil {
		return errorBuffer{}.fail(err)
	}
	if r.Ready(time.Duration(millis) * time.Millisecond) {
		return 1
	}
	return 0
}

// mq_begin calls a method with a request in JSON, and returns the call's handle.
//
//export mq_begin
func mq_begin(
	number C.int64_t, method unsafe.Pointer, methodSize C.int32_t, request unsafe.Pointer, requestSize C.int64_t, most C.int64_t,
	text unsafe.Pointer, size C.int32_t,
) (call C.int64_t) {
	errs := errorBuffer{text, size}
	var status C.int32_t
	defer func() {
		if status != 0 {
			call = C.int64_t(status)
		}
	}()
	defer errs.stopPanic(&status)
	r, err := kept(&asking.readers, number, false)
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	c, err := r.Begin(string(memory[byte](method, int(methodSize))), memory[byte](request, int(requestSize)), int64(most))
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	return keep(&asking.calls, c)
}

// mq_next waits for the next page for at most so many milliseconds. It returns 0
// when there is none yet, 2 behind the last, and 1 with a page and its place. The page
// is the caller's, until mq_release.
//
//export mq_next
func mq_next(number C.int64_t, millis C.int32_t, out unsafe.Pointer, text unsafe.Pointer, size C.int32_t) (status C.int32_t) {
	errs := errorBuffer{text, size}
	defer errs.stopPanic(&status)
	c, err := kept(&asking.calls, number, false)
	if err != nil {
		return errs.fail(err)
	}
	answer, err := c.Next(time.Duration(millis) * time.Millisecond)
	if errors.Is(err, io.EOF) {
		return 2
	}
	if err != nil {
		return errs.fail(err)
	}
	if answer == nil {
		return 0
	}
	defer answer.Free()
	page, err := reader.NewPage(answer)
	if err == nil {
		err = hand(page, memory[int64](out, placeSize))
	}
	if err != nil {
		return errs.fail(err)
	}
	return 1
}

// placeSize is how many numbers say where a page lies: its address and size, and
// where in it table and tree begin.
const placeSize = 4

func hand(page *reader.Page, place []int64) error {
	total, table, tree := page.Size()
	block, err := resize(nil, total)
	if err != nil {
		return err
	}
	if err := page.Write(block); err != nil {
		_, _ = resize(block, 0) // giving back cannot fail
		return err
	}
	place[0], place[1], place[2], place[3] = int64(uintptr(unsafe.Pointer(&block[0]))), int64(total), int64(table), int64(tree)
	return nil
}

// resize is of memory that Python looks at.
func resize(block []byte, size int) ([]byte, error) {
	resized := C.shim_resize(unsafe.Pointer(unsafe.SliceData(block)), C.size_t(size))
	if resized == nil && size > 0 {
		return nil, errNoMemory
	}
	return unsafe.Slice((*byte)(resized), size), nil
}

// mq_gather waits for the last page, for at most so many milliseconds, and joins the
// points of all. It returns 0 when it has not come, with how many points have, and 1
// with one page of them, after which the call has no more. Further memory that its table
// names is the caller's, too.
//
//export mq_gather
func mq_gather(number C.int64_t, millis C.int32_t, out unsafe.Pointer, text unsafe.Pointer, size C.int32_t) (status C.int32_t) {
	errs := errorBuffer{text, size}
	defer errs.stopPanic(&status)
	c, err := kept(&asking.calls, number, false)
	if err != nil {
		return errs.fail(err)
	}
	place := memory[int64](out, placeSize)
	page, points, err := c.Gather(resize, time.Duration(millis)*time.Millisecond)
	if err == nil && page != nil {
		err = hand(page, place)
	}
	if err != nil {
		return errs.fail(err)
	}
	if page == nil {
		place[0] = points
		return 0
	}
	return 1
}

// mq_release frees a page.
//
//export mq_release
func mq_release(block unsafe.Pointer) { C.free(block) }

// mq_end gives a call up.
//
//export mq_end
func mq_end(number C.int64_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	c, err := kept(&asking.calls, number, true)
	if err != nil {
		return errorBuffer{}.fail(err)
	}
	c.End()
	return statusOK
}

// mq_close ends a reader and its calls.
//
//export mq_close
func mq_close(number C.int64_t) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	r, err := kept(&asking.readers, number, true)
	if err == nil {
		err = r.Close()
	}
	if err != nil {
		return errorBuffer{}.fail(err)
	}
	return statusOK
}
