package views

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// sideBySide does n things on all processors; worker, below workers(), tells apart
// what goes on at the same time. A worker that fails does no more.
func sideBySide(n int, do func(worker, i int) error) error {
	faults := make([]error, min(workers(), n))
	var group sync.WaitGroup
	var next atomic.Int64
	for k := range faults {
		group.Go(func() {
			for i := next.Add(1) - 1; faults[k] == nil && i < int64(n); i = next.Add(1) - 1 {
				faults[k] = do(k, int(i))
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

func workers() int { return runtime.GOMAXPROCS(0) }
