package catalog

import (
	"sync"
	"time"

	"github.com/metrana/metrana/go/store"
)

// Status of a run, as sys/status says it.
const (
	StatusRunning = "RUNNING"
	StatusClosed  = "CLOSED"
	StatusCrashed = "CRASHED"
)

// silence is how long a run may be without a stream and without anything new
// before it counts as crashed. Clients come again within seconds.
const silence = 5 * time.Minute

// Fork says which run a run inherits points from, and up to which step,
// inclusive (major step of RL points).
type Fork struct {
	Parent string
	Step   uint64

	// parent is the id: another run may get the name when this one was deleted.
	parent store.RunID
}

// Run is one run of a project. What is exported never changes.
type Run struct {
	ID            store.RunID
	Workspace     string
	Project       string
	Name          string
	Experiment    *string
	Directory     *string
	Orchestration *string
	Created       time.Time
	Fork          *Fork

	catalog  *Catalog
	keys     *attributeKeys // of its project
	deleting bool           // under the catalog's lock

	editing sync.Mutex // held by the one Edit under way, taken before mu

	mu         sync.RWMutex
	streams    int        // open ones that brought something of the run
	left       time.Time  // when the last of them ended
	closed     *time.Time // nil while the run is open
	archived   bool
	modified   time.Time
	written    time.Time // modified, as the record on disk has it
	attributes map[string]Value
	envs       map[string]envAttributes
	deliveries map[uint64]Delivery // by logger; nil while there are none
	changes    descriptionChanges
	watchers   map[chan<- struct{}]struct{}
}

func newRun(c *Catalog, id store.RunID) *Run {
	return &Run{ID: id, catalog: c, attributes: make(map[string]Value), envs: make(map[string]envAttributes)}
}

// Points gives the stored points of the run.
func (r *Run) Points() (*store.Run, error) { return r.catalog.db.Run(r.ID) }

// Attach says that a stream of the run is open, until left is called.
func (r *Run) Attach() (left func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams++
	r.announce()
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.streams--
		r.left = time.Now()
		r.announce()
	})
}

// Status is RUNNING until the run is closed; CRASHED when it was not, no stream
// of it is open and nothing came for five minutes, and RUNNING again once
// something comes. Time in which the server did not run does not count.
func (r *Run) Status() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.statusLocked()
}

func (r *Run) statusLocked() string {
	if r.closed != nil {
		return StatusClosed
	}
	seen, now := r.catalog.opened, time.Now()
	for _, at := range []time.Time{r.modified, r.left} {
		if at.After(seen) && !at.After(now) { // what lies ahead is of before the clock was set back
			seen = at
		}
	}
	if r.streams == 0 && now.Sub(seen) > silence {
		return StatusCrashed
	}
	return StatusRunning
}

// Parent is the run that this one was forked from; false where there is none, or it was
// deleted since.
func (r *Run) Parent() (*Run, bool) {
	if r.Fork == nil {
		return nil, false
	}
	return r.catalog.Run(r.Fork.parent[:])
}

// root is the oldest run that this one descends from, itself without a parent.
func (r *Run) root() *Run {
	for {
		parent, found := r.Parent()
		if !found {
			return r
		}
		r = parent
	}
}

// Modified is when the run last took anything in.
func (r *Run) Modified() time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.modified
}

// Records of a run: 'r' + id holds what follows; 'a' + id + path an attribute;
// 'e' + id + environment, 0, episode plus one (8 bytes, big endian), path an
// attribute of an environment.
const (
	recordRun       = 'r'
	recordAttribute = 'a'
	recordEnv       = 'e'
)

func runKey(id store.RunID) []byte { return append([]byte{recordRun}, id[:]...) }

// encode writes the run's own record, as it is or will be.
func (r *Run) encode(closed *time.Time, modified time.Time, archived bool) []byte {
	b := appendText([]byte{2}, r.Workspace)
	b = appendText(b, r.Project)
	b = appendText(b, r.Name)
	b = appendTime(b, r.Created)
	b = appendTime(b, modified)
	for _, text := range []*string{r.Experiment, r.Directory, r.Orchestration} {
		b = appendOptionalText(b, text)
	}
	if closed == nil {
		b = append(b, 0)
	} else {
		b = appendTime(append(b, 1), *closed)
	}
	if r.Fork == nil {
		b = append(b, 0)
	} else {
		b = append(appendUnsigned(appendText(append(b, 1), r.Fork.Parent), r.Fork.Step), r.Fork.parent[:]...)
	}
	if archived {
		return append(b, 1)
	}
	return append(b, 0)
}

func (r *Run) decode(record []byte) error {
	f := fields{src: record}
	if version := f.byte(); version != 2 {
		return errCorrupt
	}
	r.Workspace, r.Project, r.Name = f.text(), f.text(), f.text()
	r.Created, r.modified = f.time(), f.time()
	r.written = r.modified
	for _, text := range []**string{&r.Experiment, &r.Directory, &r.Orchestration} {
		*text = f.optionalText()
	}
	if f.byte() == 1 {
		closed := f.time()
		r.closed = &closed
	}
	if f.byte() == 1 {
		r.Fork = &Fork{Parent: f.text(), Step: f.unsigned(), parent: f.id()}
	}
	r.archived = f.byte() == 1
	return f.err
}
