package catalog

// descriptionChanges are the revisions in which what describes a run changed last.
type descriptionChanges struct{ attributes, delivery uint64 }

// Notify sends to c, without waiting, whenever anything of the run changes: its points,
// attributes, status, reports, or that it is deleted. With room for one in c no change
// goes unnoticed. Call stop when no more are wanted.
//
// That nothing comes for so long that a run counts as crashed is not noticed.
func (r *Run) Notify(c chan<- struct{}) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchers == nil {
		r.watchers = make(map[chan<- struct{}]struct{})
	}
	r.watchers[c] = struct{}{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, c)
	}
}

// Watchers is how many are told of changes.
func (r *Run) Watchers() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.watchers)
}

// announce tells watchers; the caller holds mu.
func (r *Run) announce() {
	for c := range r.watchers {
		select {
		case c <- struct{}{}:
		default: // it has not looked yet
		}
	}
	r.catalog.audience.announce(r.Workspace, r.Project)
}

// announceDeletion is called when the run was deleted, or was not after all.
func (r *Run) announceDeletion() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.announce()
}

// DescriptionChanges say what changed of a run beside its points.
type DescriptionChanges struct {
	Revision             uint64 // to go on from
	Attributes, Delivery bool
}

// ChangedSince tells what changed after a revision. To a revision that the run has not
// reached everything is new.
func (r *Run) ChangedSince(revision uint64) DescriptionChanges {
	r.mu.RLock()
	defer r.mu.RUnlock()
	last := max(r.changes.attributes, r.changes.delivery)
	if revision > last {
		revision = 0
	}
	return DescriptionChanges{last, r.changes.attributes > revision, r.changes.delivery > revision}
}

// Deleted tells whether the run is not there any more.
func (r *Run) Deleted() bool {
	r.catalog.mu.RLock()
	defer r.catalog.mu.RUnlock()
	return r.catalog.runs[r.ID] != r
}
