package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/metrana/metrana/go/store"
)

// Errors of changes to what is there.
var (
	ErrNoRun = errors.New("there is no such run")
	// ErrDeleting says that the run of this name is being deleted at the moment.
	ErrDeleting = errors.New("the run is being deleted")
)

// SetArchived archives a run, or takes it back: sys/archived says so. Nothing
// else changes; it returns when that is durable. Errors: ErrDeleting, also when the
// run is deleted already.
func (r *Run) SetArchived(archived bool) error {
	r.editing.Lock()
	defer r.editing.Unlock()
	if r.isDeleting() {
		return fmt.Errorf("%w: %q", ErrDeleting, r.Name)
	}
	r.mu.RLock()
	before, closed, modified := r.archived, r.closed, r.modified
	r.mu.RUnlock()
	if before == archived {
		return nil
	}
	err := r.catalog.db.WriteRecords(func(w store.RecordWriter) error {
		return w.Put(runKey(r.ID), r.encode(closed, modified, archived))
	})
	if err != nil {
		return fmt.Errorf("catalog: archiving run %q: %w", r.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.archived = archived
	r.changes.attributes = r.catalog.db.NextRevision()
	r.announce()
	return nil
}

func (r *Run) isDeleting() bool {
	r.catalog.mu.RLock()
	defer r.catalog.mu.RUnlock()
	return r.deleting
}

// Archived tells whether the run was put aside.
func (r *Run) Archived() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.archived
}

// DeleteRun removes a run with all of its points, and gives their space back. Who
// still logs to it gets store.ErrDeleted; runs that were forked from it lose what they
// inherit. Its name is free again afterwards. Errors: ErrNoRun, ErrDeleting.
func (c *Catalog) DeleteRun(workspaceName, projectName, name string) error {
	r, err := c.beginDeletion(workspaceName, projectName, name)
	if err != nil {
		return err
	}
	r.editing.Lock()
	err = c.db.DeleteRun(r.ID, r.deleteRecords)
	r.editing.Unlock()
	defer r.announceDeletion()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		r.deleting = false
		return fmt.Errorf("catalog: deleting run %q: %w", name, err)
	}
	r.uncountAttributes()
	delete(c.runs, r.ID)
	delete(c.project(workspaceName, projectName).runs, name)
	return nil
}

func (c *Catalog) beginDeletion(workspaceName, projectName, name string) (*Run, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.findProject(workspaceName, projectName)
	if p == nil || p.runs[name] == nil {
		return nil, fmt.Errorf("%w: %q in project %q of workspace %q", ErrNoRun, name, projectName, workspaceName)
	}
	r := p.runs[name]
	if r.deleting {
		return nil, fmt.Errorf("%w: %q", ErrDeleting, name)
	}
	r.deleting = true
	return r, nil
}

func (r *Run) deleteRecords(w store.RecordWriter) error {
	return errors.Join(
		w.Delete(runKey(r.ID)),
		w.DeletePrefix(append([]byte{recordAttribute}, r.ID[:]...)),
		w.DeletePrefix(append([]byte{recordEnv}, r.ID[:]...)),
		w.DeletePrefix(append([]byte{recordDelivery}, r.ID[:]...)),
		w.DeletePrefix(renderingPrefix(r.ID, nil)),
	)
}

// DeleteProject removes a project with its runs, saved views and pin, and tells how many runs
// those were. When it fails part of the way, the runs left are still there. Errors:
// ErrNoProject, ErrDeleting.
func (c *Catalog) DeleteProject(workspaceName, name string) (runs int, err error) {
	for {
		next, err := c.nextOf(workspaceName, name)
		if err != nil || next == nil {
			return runs, err
		}
		if err := c.DeleteRun(workspaceName, name, *next); err != nil {
			return runs, err
		}
		runs++
	}
}

// nextOf names a run of a project; without one it removes the project and gives
// nil.
func (c *Catalog) nextOf(workspaceName, name string) (*string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.existingProject(workspaceName, name)
	if err != nil {
		return nil, err
	}
	if names := slices.Sorted(maps.Keys(p.runs)); len(names) > 0 {
		return &names[0], nil
	}
	err = c.db.WriteRecords(func(w store.RecordWriter) error {
		return errors.Join(w.Delete(projectKey(workspaceName, name)), deleteViewsAndPin(w, workspaceName, name))
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: deleting project %q: %w", name, err)
	}
	delete(c.workspaces[workspaceName].projects, name)
	c.audience.announce(workspaceName, name)
	return nil, nil
}

func deleteViewsAndPin(w store.RecordWriter, workspaceName, name string) error {
	return errors.Join(w.DeletePrefix(savedViewPrefix(workspaceName, name)), w.Delete(pinKey(workspaceName, name)))
}
