package client

import (
	"fmt"
	"sync"
)

const (
	// keptEvents bounds what waits to be heard of; the oldest goes first.
	keptEvents = 128
	// warningBudget bounds warnings about what the program does.
	warningBudget = 32
)

// Events is what the program should hear of.
type Events struct {
	Warnings []string `json:"warnings"` // to be logged
	Errors   []string `json:"errors"`   // to be raised
}

// events keeps losses and warnings until a call, Close or TakeLosses asks.
type events struct {
	strategy ErrorStrategy
	attend   func(bool) // told whether the next log call should ask

	mu       sync.Mutex
	losses   []loss
	warnings []string
	budget   int
	reported uint64
	evicted  uint64
}

type loss struct {
	text   string
	forced bool // raised whatever the strategy
}

func newEvents(strategy ErrorStrategy, attend func(bool)) *events {
	return &events{strategy: strategy, attend: attend, budget: warningBudget}
}

// report records a loss. A forced one is raised by the next call under every
// strategy.
func (e *events) report(forced bool, format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reported++
	if e.strategy == Silent && !forced {
		return
	}
	if len(e.losses) == keptEvents {
		e.losses = append(e.losses[:0], e.losses[1:]...)
		e.evicted++
	}
	e.losses = append(e.losses, loss{fmt.Sprintf(format, args...), forced})
	if forced || e.strategy != RaiseOnClose {
		e.attend(true)
	}
}

// warn records a warning, as long as there is budget for more.
func (e *events) warn(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.budget == 0 {
		return
	}
	e.budget--
	e.warnings = append(e.warnings, fmt.Sprintf(format, args...))
	if e.budget == 0 {
		e.warnings = append(e.warnings, "no more warnings of this kind are shown for this run")
	}
	e.attend(true)
}

// notice records a warning that is not part of the budget.
func (e *events) notice(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.warnings = append(e.warnings, text)
	e.attend(true)
}

// pending says whether a log call has something to surface.
func (e *events) pending() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.warnings) > 0 || len(e.losses) > 0 && e.strategy != RaiseOnClose || e.hasForced()
}

func (e *events) hasForced() bool {
	for _, l := range e.losses {
		if l.forced {
			return true
		}
	}
	return false
}

// take returns what is due at a log call, or at closing, and forgets it.
func (e *events) take(closing bool) Events {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := Events{Warnings: e.warnings}
	e.warnings = nil
	kept := e.losses[:0]
	for _, l := range e.losses {
		switch {
		case l.forced || e.strategy == RaiseOnLog || e.strategy == RaiseOnClose && closing:
			due.Errors = append(due.Errors, l.text)
		case e.strategy == RaiseOnClose:
			kept = append(kept, l)
		default:
			due.Warnings = append(due.Warnings, l.text)
		}
	}
	e.losses = kept
	e.attend(false)
	return due
}

// takeLosses returns every loss not yet surfaced, whatever the strategy.
func (e *events) takeLosses() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	texts := make([]string, 0, len(e.losses))
	for _, l := range e.losses {
		texts = append(texts, l.text)
	}
	e.losses = nil
	e.attend(len(e.warnings) > 0)
	return texts
}

func (e *events) counts() (reported, evicted uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reported, e.evicted
}
