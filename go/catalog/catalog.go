package catalog

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/metrana/metrana/go/store"
)

// Catalog is the index of everything that is not a point. Its methods may be
// called from any goroutine.
type Catalog struct {
	db     *store.DB
	opened time.Time

	mu         sync.RWMutex
	workspaces map[string]*workspace
	runs       map[store.RunID]*Run
	faults     []error

	audience audience
}

type workspace struct {
	projects map[string]*project
}

type project struct {
	created time.Time
	runs    map[string]*Run
	keys    *attributeKeys
	views   map[string]SavedView
	pinned  bool
}

// Records of the catalog's own: 'w' + workspace, and 'p' + workspace, 0, project
// with the time it was made.
const (
	recordWorkspace = 'w'
	recordProject   = 'p'
)

func workspaceKey(name string) []byte { return append([]byte{recordWorkspace}, name...) }

func projectKey(workspace, name string) []byte {
	key := append([]byte{recordProject}, workspace...)
	return append(append(key, 0), name...)
}

func appendUnsigned(dst []byte, v uint64) []byte { return binary.AppendUvarint(dst, v) }

// Open reads the catalog of a data directory. A record that cannot be read hides
// what it tells of and nothing else; see Faults.
func Open(db *store.DB) (*Catalog, error) {
	c := &Catalog{db: db, opened: time.Now(), workspaces: make(map[string]*workspace), runs: make(map[store.RunID]*Run)}
	for kind, read := range map[byte]func(key, record []byte) error{
		recordWorkspace: c.readWorkspace, recordProject: c.readProject, recordRun: c.readRun,
	} {
		if err := c.scan(kind, read); err != nil {
			return nil, err
		}
	}
	// These need their runs, or projects.
	for kind, read := range map[byte]func(key, record []byte) error{
		recordAttribute: c.readAttribute, recordEnv: c.readEnvAttribute, recordDelivery: c.readDelivery,
		recordSavedView: c.readSavedView, recordPin: c.readPin,
	} {
		if err := c.scan(kind, read); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Catalog) scan(kind byte, read func(key, record []byte) error) error {
	return c.db.Records([]byte{kind}, func(key, record []byte, damage error) error {
		if damage == nil {
			damage = read(key[1:], record)
		}
		if damage != nil {
			c.faults = append(c.faults, fmt.Errorf("catalog: record %q: %w", key, damage))
		}
		return nil
	})
}

// Faults names the records that could not be read. They are still on the disk.
func (c *Catalog) Faults() []error { return c.faults }

func (c *Catalog) readWorkspace(key, _ []byte) error {
	c.workspace(string(key))
	return nil
}

func (c *Catalog) readProject(key, record []byte) error {
	i := slices.Index(key, 0)
	if i < 0 {
		return errCorrupt
	}
	f := fields{src: record}
	c.project(string(key[:i]), string(key[i+1:])).created = f.time()
	return f.err
}

func (c *Catalog) readRun(key, record []byte) error {
	if len(key) != len(store.RunID{}) {
		return errCorrupt
	}
	r := newRun(c, store.RunID(key))
	if err := r.decode(record); err != nil {
		return err
	}
	c.add(r)
	return nil
}

// workspace and project give what is there, and make it in memory when it is
// not. The caller holds the lock.
func (c *Catalog) workspace(name string) *workspace {
	w, known := c.workspaces[name]
	if !known {
		w = &workspace{projects: make(map[string]*project)}
		c.workspaces[name] = w
	}
	return w
}

func (c *Catalog) project(workspaceName, name string) *project {
	w := c.workspace(workspaceName)
	p, known := w.projects[name]
	if !known {
		p = &project{
			runs: make(map[string]*Run), keys: &attributeKeys{paths: make(map[string]*attributePath)}, views: make(map[string]SavedView),
		}
		w.projects[name] = p
	}
	return p
}

func (c *Catalog) add(r *Run) {
	first := c.db.NextRevision()
	r.changes = descriptionChanges{attributes: first, delivery: first}
	p := c.project(r.Workspace, r.Project)
	p.runs[r.Name] = r
	r.keys = p.keys
	c.runs[r.ID] = r
}

// RunSpec names a run and says what may be made for it.
type RunSpec struct {
	Workspace, Project, Run string
	Experiment, Directory   *string
	Orchestration           *string
	CreationTime            *time.Time // nil: now
	Fork                    *Fork
	CreateProject           bool
	CreateWorkspace         bool
}

// InitRun gives the run of this name, which it creates when there is none. It
// returns when the run is durable. Errors: *NameError, ErrNoWorkspace,
// ErrNoProject, ErrNoParent, ErrDeleting, *store.FullError.
func (c *Catalog) InitRun(spec RunSpec) (run *Run, created bool, err error) {
	if err := cmp.Or(checkName("workspace", spec.Workspace), checkName("project", spec.Project), checkName("run", spec.Run)); err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w, known := c.workspaces[spec.Workspace]
	if !known && !spec.CreateWorkspace {
		return nil, false, fmt.Errorf("%w: %q", ErrNoWorkspace, spec.Workspace)
	}
	var p *project
	if known {
		p = w.projects[spec.Project]
	}
	if p == nil && !spec.CreateProject {
		return nil, false, fmt.Errorf("%w: %q in workspace %q", ErrNoProject, spec.Project, spec.Workspace)
	}
	if p != nil && p.runs[spec.Run] != nil {
		if p.runs[spec.Run].deleting {
			return nil, false, fmt.Errorf("%w: %q", ErrDeleting, spec.Run)
		}
		return p.runs[spec.Run], false, nil
	}
	if err := c.db.Writable(); err != nil {
		return nil, false, err
	}
	if spec.Fork != nil && (p == nil || p.runs[spec.Fork.Parent] == nil) {
		return nil, false, fmt.Errorf("%w: %q in project %q", ErrNoParent, spec.Fork.Parent, spec.Project)
	}
	r, err := c.create(spec, p == nil)
	return r, err == nil, err
}

func (c *Catalog) create(spec RunSpec, newProject bool) (*Run, error) {
	var id store.RunID
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("catalog: drawing a run id: %w", err)
	}
	r := newRun(c, id)
	r.Workspace, r.Project, r.Name = spec.Workspace, spec.Project, spec.Run
	r.Experiment, r.Directory, r.Orchestration = spec.Experiment, spec.Directory, spec.Orchestration
	if spec.Fork != nil {
		r.Fork = &Fork{spec.Fork.Parent, spec.Fork.Step, c.project(r.Workspace, r.Project).runs[spec.Fork.Parent].ID}
	}
	now := time.Now().UTC()
	r.Created, r.modified, r.written = now, now, now
	if spec.CreationTime != nil {
		r.Created = spec.CreationTime.UTC()
	}
	err := c.db.WriteRecords(func(w store.RecordWriter) error {
		if newProject {
			if err := w.Put(workspaceKey(r.Workspace), nil); err != nil {
				return err
			}
			if err := w.Put(projectKey(r.Workspace, r.Project), appendTime(nil, now)); err != nil {
				return err
			}
			// An earlier version may have deleted a project of this name without these.
			if err := deleteViewsAndPin(w, r.Workspace, r.Project); err != nil {
				return err
			}
		}
		return w.Put(runKey(id), r.encode(nil, now, false))
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: creating run %q: %w", r.Name, err)
	}
	if newProject {
		c.project(r.Workspace, r.Project).created = now
	}
	c.add(r)
	c.audience.announce(r.Workspace, r.Project)
	return r, nil
}

// Run finds a run by its id.
func (c *Catalog) Run(id []byte) (*Run, bool) {
	if len(id) != len(store.RunID{}) {
		return nil, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	r, known := c.runs[store.RunID(id)]
	return r, known
}

// FindRun finds a run by its names.
func (c *Catalog) FindRun(workspaceName, projectName, name string) (*Run, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p := c.findProject(workspaceName, projectName)
	if p == nil || p.runs[name] == nil {
		return nil, false
	}
	return p.runs[name], true
}

func (c *Catalog) findProject(workspaceName, name string) *project {
	w := c.workspaces[workspaceName]
	if w == nil {
		return nil
	}
	return w.projects[name]
}

func (c *Catalog) existingProject(workspaceName, projectName string) (*project, error) {
	p := c.findProject(workspaceName, projectName)
	if p == nil {
		return nil, fmt.Errorf("%w: %q in workspace %q", ErrNoProject, projectName, workspaceName)
	}
	return p, nil
}

// Workspace sums up one workspace.
type Workspace struct {
	Name     string
	Projects int
}

// Workspaces lists all workspaces by name.
func (c *Catalog) Workspaces() []Workspace {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]Workspace, 0, len(c.workspaces))
	for _, name := range slices.Sorted(maps.Keys(c.workspaces)) {
		list = append(list, Workspace{name, len(c.workspaces[name].projects)})
	}
	return list
}

// Project sums up one project.
type Project struct {
	Name        string
	Runs        int
	Experiments int
	Created     time.Time
	Modified    time.Time // when one of its runs last took anything in
	Pinned      bool
}

// Projects lists the projects of a workspace by name; false when there is no
// such workspace.
func (c *Catalog) Projects(workspaceName string) ([]Project, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	w := c.workspaces[workspaceName]
	if w == nil {
		return nil, false
	}
	list := make([]Project, 0, len(w.projects))
	for _, name := range slices.Sorted(maps.Keys(w.projects)) {
		list = append(list, w.projects[name].sum(name))
	}
	return list, true
}

func (p *project) sum(name string) Project {
	sum := Project{Name: name, Runs: len(p.runs), Created: p.created, Modified: p.created, Pinned: p.pinned}
	experiments := make(map[string]bool)
	for _, r := range p.runs {
		if r.Experiment != nil {
			experiments[*r.Experiment] = true
		}
		if modified := r.Modified(); modified.After(sum.Modified) {
			sum.Modified = modified
		}
	}
	sum.Experiments = len(experiments)
	return sum
}

// Runs lists the runs of a project, newest first; false when there is no such
// project.
func (c *Catalog) Runs(workspaceName, projectName string) ([]*Run, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p := c.findProject(workspaceName, projectName)
	if p == nil {
		return nil, false
	}
	list := slices.Collect(maps.Values(p.runs))
	slices.SortFunc(list, func(a, b *Run) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name))
	})
	return list, true
}
