package store

import (
	"os"
	"runtime/debug"
)

// A process that serves a data directory may take heapLimit: above what heads, caches
// and merges need at once, and below a GiB. Within it garbage may take three times what
// is in use before it is collected: heads are few large pieces that stay, but cells and
// columns are many small ones, and to go over them took a tenth of the time of logging.
const (
	heapLimit = 896 << 20
	gcPercent = 300
)

// SetMemoryPolicy sets this for the whole process, but for what GOMEMLIMIT and GOGC say.
func SetMemoryPolicy() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
