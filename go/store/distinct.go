package store

import (
	"math"

	"github.com/metrana/metrana/go/store/chunk"
)

// DistinctSummary sums up the points of an unordered series by what is kept of it: no
// values are read but those at its ends. Where a logger went back behind a step of its
// own that is not known, because what is kept counts points that were overwritten, too.
func (r *Run) DistinctSummary(no uint32) (points uint64, sum Summary, known bool, err error) {
	highest, count, err := r.ascending(no)
	if err != nil || len(highest) == 0 {
		return 0, Summary{}, false, err
	}
	info := r.infoOf(no)
	if info.Count != count { // more have come meanwhile
		return 0, Summary{}, false, nil
	}
	sum = info.Summary
	if len(highest) == 1 {
		return count, sum, true, nil
	}
	// Of the points at one step the one of the lowest logger comes first.
	low, err := r.Points(no, info.FirstStep, info.FirstStep)
	if err != nil {
		return 0, Summary{}, false, err
	}
	high, err := r.Points(no, info.LastStep, info.LastStep)
	if err != nil {
		return 0, Summary{}, false, err
	}
	sum.First, sum.Last = low.Values[0], high.Values[len(high.Values)-1]
	return count, sum, true, nil
}

func (r *Run) infoOf(no uint32) SeriesInfo {
	r.readLock()
	defer r.mu.RUnlock()
	return r.series[no-1].info()
}

// highestSteps are those of the loggers of a series.
type highestSteps map[uint64]uint64

// ascending reads the positions of a standard series: the highest step of each logger,
// none when the steps of one do not ascend, and how many points there are.
func (r *Run) ascending(no uint32) (highest highestSteps, count uint64, err error) {
	err = r.look(no, 0, func(v view) error {
		highest, count = make(highestSteps), v.count
		ascend := true
		err := r.eachChunk(cellID{series: no}, v, func(blockInfo) bool { return ascend }, func(c storedChunk) error {
			ascend = ascend && highest.take(c.head.position(c.at, colStep), c.head.position(c.at, colLogger))
			return nil
		})
		for _, c := range []*held{&v.frozen, &v.head} {
			ascend = ascend && highest.take(c.ints[colStep], c.ints[colLogger])
		}
		if !ascend {
			highest = nil
		}
		return err
	})
	return highest, count, err
}

// take goes on with points as they were logged, and tells whether each logger's ascend.
func (h highestSteps) take(steps, loggers chunk.Runs) bool {
	step, logger := steps.Cursor(), loggers.Cursor()
	for left := steps.Len(); left > 0; {
		a, b := step.Peek(), logger.Peek()
		n := min(int(a.N), levelOf(b), left)
		last := a.First + a.Delta*uint64(n-1)
		if n > 1 && (a.Delta == 0 || a.Delta > math.MaxInt64 || last <= a.First) {
			return false
		}
		if before, known := h[b.First]; known && a.First <= before {
			return false
		}
		h[b.First] = last
		step.Skip(n)
		logger.Skip(n)
		left -= n
	}
	return true
}
