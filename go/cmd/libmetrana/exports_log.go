package main

/*
#include <stdint.h>
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/metrana/metrana/go/client"
	"github.com/metrana/metrana/go/point"
)

// done is the status of a log call: events may wait to be surfaced.
func (h *handle) done(err error, errs errorBuffer) C.int32_t {
	if err != nil {
		return errs.fail(err)
	}
	if h.logger.HasEvents() {
		return statusEvents
	}
	return statusOK
}

// identity reads the name of a series: lengths of name, scale and then label
// keys and values in turn, and their bytes one after the other.
func identity(lengths []int32, text []byte) (point.Series, bool) {
	parts := make([]string, 0, len(lengths))
	for _, n := range lengths {
		if n < 0 || int(n) > len(text) {
			return point.Series{}, false
		}
		parts = append(parts, string(text[:n]))
		text = text[n:]
	}
	if len(parts) < 2 || len(parts)%2 != 0 {
		return point.Series{}, false
	}
	labels := make(map[string]string, len(parts)/2-1)
	for i := 2; i < len(parts); i += 2 {
		labels[parts[i]] = parts[i+1]
	}
	return point.Series{Name: parts[0], Scale: parts[1], Labels: point.SortLabels(labels)}, true
}

var errIdentity = &client.ValidationError{Text: "BUG: the series is not described as it should be"}

// mt_series returns the handle of a series, which is made when it is new: the
// logger's handle << 32 | the series' number.
//
//export mt_series
func mt_series(
	logger C.int64_t, lengths unsafe.Pointer, parts C.int32_t, name unsafe.Pointer, n C.int32_t,
	ordering C.int32_t, text unsafe.Pointer, size C.int32_t,
) (series C.int64_t) {
	errs := errorBuffer{text, size}
	var status C.int32_t
	defer func() {
		if status != 0 {
			series = C.int64_t(status)
		}
	}()
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	key, ok := identity(memory[int32](lengths, int(parts)), memory[byte](name, int(n)))
	if !ok {
		status = errs.fail(errIdentity)
		return 0
	}
	number, err := h.logger.Series(key, point.Ordering(ordering))
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	return logger<<32 | C.int64_t(number)
}

// mt_find_series returns the handle of a series that exists, else 0.
//
//export mt_find_series
func mt_find_series(
	logger C.int64_t, lengths unsafe.Pointer, parts C.int32_t, name unsafe.Pointer, n C.int32_t,
) (series C.int64_t) {
	var status C.int32_t
	defer func() {
		if status != 0 {
			series = C.int64_t(status)
		}
	}()
	defer errorBuffer{}.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return statusHandle
	}
	key, ok := identity(memory[int32](lengths, int(parts)), memory[byte](name, int(n)))
	if !ok {
		return 0
	}
	number := h.logger.FindSeries(key)
	if number == 0 {
		return 0
	}
	return logger<<32 | C.int64_t(number)
}

// mt_last_step returns 1 and the last step, or 0 when there is none.
//
//export mt_last_step
func mt_last_step(logger, series C.int64_t, out unsafe.Pointer) (status C.int32_t) {
	defer errorBuffer{}.stopPanic(&status)
	h, err := find(logger)
	if err != nil || series>>32 != logger {
		return statusHandle
	}
	step, ok := h.logger.LastStep(uint32(series))
	if !ok {
		return 0
	}
	*(*uint64)(out) = step
	return 1
}

// mt_environment returns the number of an environment, which is made when it
// is new.
//
//export mt_environment
func mt_environment(
	logger C.int64_t, id unsafe.Pointer, n C.int32_t, text unsafe.Pointer, size C.int32_t,
) (number C.int64_t) {
	errs := errorBuffer{text, size}
	var status C.int32_t
	defer func() {
		if status != 0 {
			number = C.int64_t(status)
		}
	}()
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	e, err := h.logger.Environment(string(memory[byte](id, int(n))))
	if err != nil {
		status = errs.fail(err)
		return 0
	}
	return C.int64_t(e)
}

// mt_environment_last writes the last rl_step and episode of an environment.
// It returns which are known, as bits 1 and 2.
//
//export mt_environment_last
func mt_environment_last(
	logger C.int64_t, id unsafe.Pointer, n C.int32_t, out unsafe.Pointer,
) (known C.int32_t) {
	defer errorBuffer{}.stopPanic(&known)
	h, err := find(logger)
	if err != nil {
		return statusHandle
	}
	last := h.logger.EnvironmentLast(string(memory[byte](id, int(n))))
	copy(memory[uint64](out, 2), []uint64{last.RLStep, last.Episode})
	if last.HasRLStep {
		known |= 1
	}
	if last.HasEpisode {
		known |= 2
	}
	return known
}

// mt_points logs n points of a standard series. first is the first step where
// steps is null, -1 for the next one. millis is the time where times is null.
//
//export mt_points
func mt_points(
	logger, series C.int64_t, values unsafe.Pointer, n C.int64_t, first C.int64_t, steps unsafe.Pointer,
	millis C.int64_t, times unsafe.Pointer, waited C.int32_t, text unsafe.Pointer, size C.int32_t,
) (status C.int32_t) {
	errs := errorBuffer{text, size}
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil || series>>32 != logger {
		return errs.fail(errNoLogger)
	}
	p := client.Points{
		Series: uint32(series),
		Values: memory[float64](values, int(n)),
		Steps:  memory[uint64](steps, int(n)),
		Millis: int64(millis),
		Times:  memory[int64](times, int(n)),
	}
	if steps == nil && first >= 0 {
		p.First, p.HasFirst = uint64(first), true
	}
	return h.done(h.logger.Points(&p, time.Duration(waited)*time.Millisecond), errs)
}

// mt_rl logs values [m, t] of m environments. The shapes are client.Shape.
//
//export mt_rl
func mt_rl(
	logger, series C.int64_t, ofEpisodes C.int32_t, environments unsafe.Pointer, m C.int64_t,
	values unsafe.Pointer, t C.int64_t, rlStep C.uint64_t, episodeShape C.int32_t, episodes unsafe.Pointer,
	timeShape C.int32_t, times unsafe.Pointer, waited C.int32_t, text unsafe.Pointer, size C.int32_t,
) (status C.int32_t) {
	errs := errorBuffer{text, size}
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil || series>>32 != logger {
		return errs.fail(errNoLogger)
	}
	p := client.RLPoints{
		Series:       uint32(series),
		Environments: memory[uint32](environments, int(m)),
		Values:       memory[float64](values, int(m*t)),
		RLStep:       uint64(rlStep),
		OfEpisodes:   ofEpisodes != 0,
		EpisodeShape: client.Shape(episodeShape),
		Episodes:     memory[uint64](episodes, client.Shape(episodeShape).Size(int(m), int(t))),
		TimeShape:    client.Shape(timeShape),
		Times:        memory[int64](times, client.Shape(timeShape).Size(int(m), int(t))),
	}
	return h.done(h.logger.RLPoints(&p, time.Duration(waited)*time.Millisecond), errs)
}

// mt_attributes sets attributes given as JSON: [[path, kind, value], …]; of the
// run, or of an environment where its id is not null, or of its episode where
// that is not negative.
//
//export mt_attributes
func mt_attributes(
	logger C.int64_t, environment unsafe.Pointer, idLength C.int32_t, episode C.int64_t,
	updates unsafe.Pointer, n C.int32_t, waited C.int32_t, text unsafe.Pointer, size C.int32_t,
) (status C.int32_t) {
	errs := errorBuffer{text, size}
	defer errs.stopPanic(&status)
	h, err := find(logger)
	if err != nil {
		return errs.fail(err)
	}
	parsed, err := parseAttributes(memory[byte](updates, int(n)))
	if err != nil {
		return errs.fail(err)
	}
	wait := time.Duration(waited) * time.Millisecond
	if environment == nil {
		return h.done(h.logger.Attributes(parsed, wait), errs)
	}
	id := string(memory[byte](environment, int(idLength)))
	var of *uint64
	if episode >= 0 {
		number := uint64(episode)
		of = &number
	}
	return h.done(h.logger.EnvAttributes(id, of, parsed, wait), errs)
}
