package catalog

import (
	"bytes"
	"fmt"

	"github.com/metrana/metrana/go/store"
)

// Records of pinned projects: 'k' + workspace, 0, project.
const recordPin = 'k'

func pinKey(workspace, project string) []byte {
	key := append([]byte{recordPin}, workspace...)
	return append(append(key, 0), project...)
}

// SetPinned pins a project, which lists show before others, or takes that back; it
// returns when that is durable. Errors: ErrNoProject, *store.FullError.
func (c *Catalog) SetPinned(workspaceName, projectName string, pinned bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.existingProject(workspaceName, projectName)
	if err != nil || p.pinned == pinned {
		return err
	}
	key := pinKey(workspaceName, projectName)
	write := func(w store.RecordWriter) error { return w.Delete(key) }
	if pinned {
		if err := c.db.Writable(); err != nil {
			return err
		}
		write = func(w store.RecordWriter) error { return w.Put(key, []byte{1}) }
	}
	if err := c.db.WriteRecords(write); err != nil {
		return fmt.Errorf("catalog: pinning project %q: %w", projectName, err)
	}
	p.pinned = pinned
	c.audience.announce(workspaceName, projectName)
	return nil
}

func (c *Catalog) readPin(key, record []byte) error {
	workspaceName, projectName, found := bytes.Cut(key, []byte{0})
	if !found || !bytes.Equal(record, []byte{1}) {
		return errCorrupt
	}
	// An earlier version deletes a project without it.
	if p := c.findProject(string(workspaceName), string(projectName)); p != nil {
		p.pinned = true
	}
	return nil
}
