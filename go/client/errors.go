package client

import "errors"

// What a call can fail with, beside *ValidationError.
var (
	// ErrNotReady says that the handshake has not ended well (yet).
	ErrNotReady = errors.New("the run is not open")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("the run is closed")
	// ErrAgain says that the queue is full and the call may be repeated.
	ErrAgain = errors.New("the queue is full, wait on")
	// ErrQueueFull says that the points were shed, under the strategy Raise.
	ErrQueueFull = errors.New("send queue is full: the server takes less than is logged; " +
		"the points of this call were dropped")
)

// A DeadError is what every call gets after the server refused the logger for
// good, or the engine broke.
type DeadError struct{ Cause error }

func (e *DeadError) Error() string { return "logger is closed: " + e.Cause.Error() }

func (e *DeadError) Unwrap() error { return e.Cause }

// An InitError says why the run could not be opened.
type InitError struct {
	Kind InitErrorKind
	Text string
}

// InitErrorKind tells the refusals of a run apart.
type InitErrorKind int

// The ways in which opening a run fails.
const (
	// InitFailed is a refusal or the silence of the server.
	InitFailed InitErrorKind = iota
	// InitRunExists: the run cannot be tied to this job.
	InitRunExists
	// InitOtherJob: the run belongs to a job with another orchestration id.
	InitOtherJob
)

func (e *InitError) Error() string { return e.Text }

// A ClosingError says what did not arrive.
type ClosingError struct{ Text string }

func (e *ClosingError) Error() string { return e.Text }
