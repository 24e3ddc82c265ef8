package store

import (
	"errors"
	"sync"
	"sync/atomic"
)

// sideBySide does n things, of which each of so many workers takes the next one, until it fails.
func sideBySide(workers, n int, do func(worker, i int) error) error {
	faults := make([]error, workers)
	var next atomic.Int64
	var group sync.WaitGroup
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
