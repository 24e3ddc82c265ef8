package query

import (
	"cmp"
	"runtime"
	"sync"
)

// fewRuns is how many runs are looked at so quickly that another goroutine would not pay.
const fewRuns = 64

// sideBySide cuts n things into stretches, of few at least, and does them on all
// processors. Of several errors it gives that of the first.
func sideBySide(n, few int, do func(from, to int) error) error {
	faults := make([]error, min(runtime.GOMAXPROCS(0), (n+few-1)/few))
	var group sync.WaitGroup
	for k := range faults {
		group.Go(func() { faults[k] = do(k*n/len(faults), (k+1)*n/len(faults)) })
	}
	group.Wait()
	return cmp.Or(faults...)
}

// eachSideBySide does the same with what is in a list, until one fails.
func eachSideBySide[T any](list []T, do func(*T) error) error {
	return sideBySide(len(list), fewRuns, func(from, to int) error {
		for i := from; i < to; i++ {
			if err := do(&list[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
