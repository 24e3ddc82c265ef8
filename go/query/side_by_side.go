package query

import "github.com/metrana/metrana/go/workers"

// fewRuns is how many runs are looked at so quickly that another goroutine would not pay.
const fewRuns = 64

// eachSideBySide does something with each thing of a list, on all processors when there are
// many, until one fails.
func eachSideBySide[T any](list []T, do func(*T) error) error {
	return workers.Parts(workers.PartsOf(len(list), fewRuns), len(list), func(_, from, to int) error {
		for i := from; i < to; i++ {
			if err := do(&list[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
