package catalog

import "sync"

// audience are those who are told of changes of any run. Its lock is taken last.
type audience struct {
	mu      sync.Mutex
	members map[*member]struct{}
}

// member wants to hear of one project, or of all.
type member struct {
	workspace, project string
	news               chan<- struct{}
}

// NotifyOfRuns sends to news, without waiting, whenever runs of a project are created or
// anything of them changes, as Run.Notify tells it, and when the project is deleted, or
// pinned or no longer. Without names it is told of all projects. Call stop when no more are wanted.
func (c *Catalog) NotifyOfRuns(workspaceName, projectName string, news chan<- struct{}) (stop func()) {
	a := &c.audience
	m := &member{workspaceName, projectName, news}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.members == nil {
		a.members = make(map[*member]struct{})
	}
	a.members[m] = struct{}{}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.members, m)
	}
}

// announce tells who wants to hear of a project.
func (a *audience) announce(workspaceName, projectName string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for m := range a.members {
		if m.project != "" && (m.project != projectName || m.workspace != workspaceName) {
			continue
		}
		select {
		case m.news <- struct{}{}:
		default: // it has not looked yet
		}
	}
}
