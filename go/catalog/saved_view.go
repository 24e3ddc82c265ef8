package catalog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/metrana/metrana/go/store"
)

// What SaveView and DeleteSavedView answer.
var (
	ErrNoView       = errors.New("there is no such saved view")
	ErrViewExists   = errors.New("there is a saved view of this name")
	ErrTooManyViews = errors.New("a project keeps no more saved views")
)

const (
	maxViews          = 1000
	maxViewParameters = 32 << 10 // bytes
)

// pageOfRuns is the one page that is of a project; runPages are those of a run.
const pageOfRuns = "runs"

var runPages = []string{"run", "charts", "environments", "episodes", "episode", "delivery"}

// SavedView is a page of a project as it stood, under a name.
type SavedView struct {
	Name       string
	Page       string
	Run        *string // of a page of a run, otherwise nil
	Parameters string  // query of the page's address
	Saved      time.Time
}

// Records of saved views: 's' + workspace, 0, project, 0, name.
const recordSavedView = 's'

func savedViewPrefix(workspace, project string) []byte {
	key := append([]byte{recordSavedView}, workspace...)
	return append(append(append(key, 0), project...), 0)
}

func savedViewKey(workspace, project, name string) []byte {
	return append(savedViewPrefix(workspace, project), name...)
}

// Check tells what cannot be saved: a *NameError, or another error that says so.
func (v *SavedView) Check() error {
	if err := checkName("view", v.Name); err != nil {
		return err
	}
	switch {
	case v.Page == pageOfRuns && v.Run != nil:
		return fmt.Errorf("page %q is of a project, not of run %q", v.Page, *v.Run)
	case v.Page != pageOfRuns && !slices.Contains(runPages, v.Page):
		return fmt.Errorf("page %.32q is neither %q nor one of a run: %q", v.Page, pageOfRuns, runPages)
	case v.Page != pageOfRuns && v.Run == nil:
		return fmt.Errorf("page %q is of a run, and none is named", v.Page)
	case len(v.Parameters) > maxViewParameters:
		return fmt.Errorf("parameters of %d bytes are longer than %d", len(v.Parameters), maxViewParameters)
	case !utf8.ValidString(v.Parameters):
		return errors.New("parameters must be UTF-8")
	}
	for _, r := range v.Parameters {
		if unicode.IsControl(r) {
			return fmt.Errorf("parameters must not contain the control character %U", r)
		}
	}
	return nil
}

// SavedViews lists the saved views of a project by name; false when there is no such
// project.
func (c *Catalog) SavedViews(workspaceName, projectName string) ([]SavedView, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p := c.findProject(workspaceName, projectName)
	if p == nil {
		return nil, false
	}
	list := slices.Collect(maps.Values(p.views))
	slices.SortFunc(list, func(a, b SavedView) int { return cmp.Compare(a.Name, b.Name) })
	return list, true
}

// SaveView keeps a view that passed Check, in the place of the one that replaces names,
// if any; it returns when that is durable. Errors: ErrNoProject, ErrNoRun, ErrNoView,
// ErrViewExists, ErrTooManyViews, *store.FullError.
func (c *Catalog) SaveView(workspaceName, projectName string, v SavedView, replaces *string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.existingProject(workspaceName, projectName)
	if err != nil {
		return err
	}
	if err := p.takes(v, replaces); err != nil {
		return err
	}
	if err := c.db.Writable(); err != nil {
		return err
	}
	err = c.db.WriteRecords(func(w store.RecordWriter) error {
		if replaces != nil {
			if err := w.Delete(savedViewKey(workspaceName, projectName, *replaces)); err != nil {
				return err
			}
		}
		return w.Put(savedViewKey(workspaceName, projectName, v.Name), v.encode())
	})
	if err != nil {
		return fmt.Errorf("catalog: saving view %q: %w", v.Name, err)
	}
	if replaces != nil {
		delete(p.views, *replaces)
	}
	p.views[v.Name] = v
	return nil
}

// takes tells why a view cannot be saved beside those that are there. The caller
// holds the lock.
func (p *project) takes(v SavedView, replaces *string) error {
	if v.Run != nil && p.runs[*v.Run] == nil {
		return fmt.Errorf("%w: %q", ErrNoRun, *v.Run)
	}
	if replaces != nil {
		if _, known := p.views[*replaces]; !known {
			return fmt.Errorf("%w: %q", ErrNoView, *replaces)
		}
	}
	if _, known := p.views[v.Name]; known && (replaces == nil || *replaces != v.Name) {
		return fmt.Errorf("%w: %q", ErrViewExists, v.Name)
	}
	if replaces == nil && len(p.views) >= maxViews {
		return fmt.Errorf("%w than %d", ErrTooManyViews, maxViews)
	}
	return nil
}

// DeleteSavedView removes a saved view; it returns when that is durable. Errors:
// ErrNoProject, ErrNoView.
func (c *Catalog) DeleteSavedView(workspaceName, projectName, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.existingProject(workspaceName, projectName)
	if err != nil {
		return err
	}
	if _, known := p.views[name]; !known {
		return fmt.Errorf("%w: %q", ErrNoView, name)
	}
	err = c.db.WriteRecords(func(w store.RecordWriter) error { return w.Delete(savedViewKey(workspaceName, projectName, name)) })
	if err != nil {
		return fmt.Errorf("catalog: deleting view %q: %w", name, err)
	}
	delete(p.views, name)
	return nil
}

func (v *SavedView) encode() []byte {
	record := appendOptionalText(appendText([]byte{1}, v.Page), v.Run)
	return appendTime(appendText(record, v.Parameters), v.Saved)
}

func (c *Catalog) readSavedView(key, record []byte) error {
	names := bytes.Split(key, []byte{0})
	if len(names) != 3 {
		return errCorrupt
	}
	f := fields{src: record}
	if f.byte() != 1 {
		return errCorrupt
	}
	v := SavedView{Name: string(names[2]), Page: f.text(), Run: f.optionalText(), Parameters: f.text(), Saved: f.time()}
	if f.err != nil {
		return f.err
	}
	// An earlier version deletes a project without them.
	if p := c.findProject(string(names[0]), string(names[1])); p != nil {
		p.views[v.Name] = v
	}
	return nil
}
