package store

import (
	"fmt"
	"log/slog"
	"os"
)

// pebbleLog sends Pebble's words to slog. After a fatal error, such as a failed
// write of its log, Pebble must not go on; it ends the process with a reason.
type pebbleLog struct{ *slog.Logger }

func (l pebbleLog) Infof(format string, args ...any)  { l.Debug(fmt.Sprintf(format, args...)) }
func (l pebbleLog) Errorf(format string, args ...any) { l.Error(fmt.Sprintf(format, args...)) }
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.Error("the store cannot go on: " + fmt.Sprintf(format, args...))
	os.Exit(3)
}
