package catalog

import (
	"maps"
	"slices"
	"sync"
)

// AttributeKey is a path of attributes and a kind of values that they have there.
type AttributeKey struct {
	Path string
	Kind Kind
}

// attributeKeys counts the runs of a project that have an attribute, by its path and
// kind: what there is would else be known to nobody who has not looked at every attribute
// of every run. It is in memory only, as all attributes are.
type attributeKeys struct {
	mu    sync.Mutex // taken last
	paths map[string]*attributePath
}

// attributePath is a path with the runs that have a value there, by its kind.
type attributePath struct {
	path string
	runs [KindTimestamp + 1]int
}

// count notes that an attribute of a run had a value of one kind and has one of another,
// KindNone where it was or is not there. It gives the path in the memory that all runs of
// the project share.
func (k *attributeKeys) count(path string, before, after Kind) (shared string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := k.paths[path]
	if known == nil {
		known = &attributePath{path: path}
		k.paths[path] = known
	}
	known.runs[before]--
	known.runs[after]++
	if known.runs[KindNone] == 0 { // as many lost one as ever had one
		delete(k.paths, path)
	}
	return known.path
}

// list gives what any run has, in no order.
func (k *attributeKeys) list() []AttributeKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	var keys []AttributeKey
	for path, known := range k.paths {
		for kind, runs := range known.runs {
			if Kind(kind) != KindNone && runs > 0 {
				keys = append(keys, AttributeKey{path, Kind(kind)})
			}
		}
	}
	return keys
}

// AttributeKeys lists paths and kinds of the attributes that runs of a project have, their
// sys/ ones among them, in no order; false when there is no such project.
func (c *Catalog) AttributeKeys(workspaceName, projectName string) ([]AttributeKey, bool) {
	c.mu.RLock()
	p := c.findProject(workspaceName, projectName)
	if p == nil {
		c.mu.RUnlock()
		return nil, false
	}
	runs, keys := slices.Collect(maps.Values(p.runs)), p.keys.list()
	c.mu.RUnlock()
	return append(keys, serverKeys(runs)...), true
}

// serverKeys lists the keys of what the server says of runs: it is looked for until one
// has it, which nearly always is the first.
func serverKeys(runs []*Run) (keys []AttributeKey) {
	wanted, wantedDerived := maps.Clone(kept), maps.Clone(derived)
	find := func(r *Run, wanted map[string]func(*Run) Value) {
		for path, valueOf := range wanted {
			if kind := valueOf(r).Kind; kind != KindNone {
				keys = append(keys, AttributeKey{path, kind})
				delete(wanted, path)
			}
		}
	}
	for _, r := range runs {
		find(r, wantedDerived)
		r.mu.RLock()
		find(r, wanted)
		r.mu.RUnlock()
	}
	return keys
}

// setAttribute makes a value that of a path; nil clears it. The caller holds mu.
func (r *Run) setAttribute(path string, value *Value) {
	before := r.attributes[path].Kind
	if value == nil {
		r.keys.count(path, before, KindNone)
		delete(r.attributes, path)
		return
	}
	r.attributes[r.keys.count(path, before, value.Kind)] = *value
}

// uncountAttributes takes those of a run that was deleted out of the counts.
func (r *Run) uncountAttributes() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for path, value := range r.attributes {
		r.keys.count(path, value.Kind, KindNone)
	}
}
