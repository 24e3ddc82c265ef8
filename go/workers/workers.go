// Package workers does things side by side, on all processors.
package workers

import (
	"cmp"
	"runtime"
	"sync"
	"sync/atomic"
)

// Count is how many things are done at a time at most: as many as there were processors at the
// start, whatever a container is given later, so that what each worker has of its own is there.
func Count() int { return count }

var count = runtime.GOMAXPROCS(0)

// Each does n things, so many at a time, and waits for all of them; worker, below that number,
// tells apart what goes on at the same time. A worker that fails does no more. Of several
// errors it gives one.
func Each(most, n int, do func(worker, i int) error) error {
	faults := make([]error, min(most, n))
	var next atomic.Int64
	start(len(faults), func(k int) {
		for i := next.Add(1) - 1; faults[k] == nil && i < int64(n); i = next.Add(1) - 1 {
			faults[k] = do(k, int(i))
		}
	})
	return cmp.Or(faults...)
}

// Parts cuts n things into parts, does these at the same time, and waits for all of them. Of
// several errors it gives that of the first part.
func Parts(parts, n int, do func(part, from, to int) error) error {
	faults := make([]error, min(parts, n))
	start(len(faults), func(k int) { faults[k] = do(k, k*n/len(faults), (k+1)*n/len(faults)) })
	return cmp.Or(faults...)
}

// PartsOf is into how many parts n things are cut, of which so few are not worth a goroutine.
func PartsOf(n, few int) int { return min(Count(), (n+few-1)/few) }

// start lets so many workers go, and waits for them. What a goroutine starts waits in the
// queue of its processor until another has nothing to do, which, while points come in, none
// has; a worker that gives way lines up in the queue of all.
func start(workers int, work func(k int)) {
	var group sync.WaitGroup
	for k := range workers {
		group.Go(func() {
			runtime.Gosched()
			work(k)
		})
	}
	group.Wait()
}
