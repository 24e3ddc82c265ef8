// Command libmetrana is the engine as a C shared library, which the Python
// package loads. It is the only place with cgo.
//
// Every function returns a status: 0 or positive is good, negative one of the
// codes in status.go; its text is written into the caller's buffer. Handles
// are numbers; an unknown one is an error, never a crash. Memory that is handed
// in is only read during the call, and no pointer of ours is handed out.
package main

/*
#cgo CFLAGS: -O2 -Wall -Wextra -Werror
*/
import "C"

import (
	"runtime"
	"runtime/debug"
)

// version is that of the Python package the library was built for.
var version = "dev"

// heapLimit is above what the queue may hold, see client.DefaultMemoryLimit.
const heapLimit = 2<<30 + 64<<20

// The runtime shares the process with a training: two processors do, one for
// the sender and one for the collector. The variables that would set this are
// meant for the user's own Go programs.
func init() {
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(heapLimit)
}

func main() {}
