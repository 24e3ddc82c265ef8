package query

import (
	"errors"
	"sync"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
)

// Answers about many runs go on without the points of those that cannot be
// read: one damaged run must not hide the others. Only a question about that run
// itself fails.

// damaged remembers the runs that could not be read.
type damaged struct {
	mu   sync.Mutex
	runs map[store.RunID]bool
}

// note tells whether the run is noted for the first time.
func (d *damaged) note(id store.RunID) (first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.runs == nil {
		d.runs = make(map[store.RunID]bool)
	}
	first = !d.runs[id]
	d.runs[id] = true
	return first
}

// leaveOut says in the log, once for each run, what an answer goes without.
func (s *Service) leaveOut(run *catalog.Run, err error) {
	if s.damaged.note(run.ID) {
		s.log.Error("points of a run cannot be read; listings go without them",
			"workspace", run.Workspace, "project", run.Project, "run", run.Name, "error", err)
	}
}

// summariser sums up series of a run among many: nothing where they cannot be
// read.
func (s *Service) summariser(run runPoints) summed {
	return func(q grammar.Series) (summary, error) {
		if run.points == nil {
			return summary{}, supported(q)
		}
		sum, err := run.summarise(q)
		var refusal *connect.Error
		if err == nil || errors.As(err, &refusal) {
			return sum, err
		}
		s.leaveOut(run.Run, err)
		return summary{}, nil
	}
}
