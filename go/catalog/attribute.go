package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/metrana/metrana/go/store"
)

// Attribute is one attribute of a run, an environment or an episode.
type Attribute struct {
	Path  string
	Value Value
}

// Attributes lists the attributes of the run by path, its sys/ ones among them.
func (r *Run) Attributes() []Attribute {
	all := make(map[string]Value)
	for path, value := range r.EachAttribute {
		all[path] = value
	}
	return sorted(all)
}

// EachAttribute yields what Attributes lists, in no order: of thousands of runs
// that is much less work. The run is locked meanwhile.
func (r *Run) EachAttribute(yield func(path string, value Value) bool) {
	for path, valueOf := range derived {
		if value := valueOf(r); value.Kind != KindNone && !yield(path, value) {
			return
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for path, valueOf := range kept {
		if value := valueOf(r); value.Kind != KindNone && !yield(path, value) {
			return
		}
	}
	for path, value := range r.attributes {
		if !yield(path, value) {
			return
		}
	}
}

// Attribute gives the value at a path as Attributes lists it; nil when there is
// none.
func (r *Run) Attribute(path string) *Value {
	value := r.attribute(path)
	if value.Kind == KindNone {
		return nil
	}
	return &value
}

func (r *Run) attribute(path string) Value {
	if valueOf, known := derived[path]; known {
		return valueOf(r)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if valueOf, known := kept[path]; known {
		return valueOf(r)
	}
	return r.attributes[path]
}

// kept are the attributes that the catalog's record of a run comes to, under the
// run's lock; KindNone: the run has none.
var kept = map[string]func(*Run) Value{
	"sys/name":                      func(r *Run) Value { return Text(r.Name) },
	"sys/id":                        func(r *Run) Value { return Text(r.ID.String()) },
	"sys/project/name":              func(r *Run) Value { return Text(r.Project) },
	"sys/project/id":                func(r *Run) Value { return Text(idOf(r.Workspace, r.Project)) },
	"sys/data_readiness/ready":      func(r *Run) Value { return Truth(r.closed != nil) },
	"sys/creation_time":             func(r *Run) Value { return Moment(r.Created) },
	"sys/modification_time":         func(r *Run) Value { return Moment(r.modified) },
	"sys/status":                    func(r *Run) Value { return Text(r.statusLocked()) },
	"sys/archived":                  func(r *Run) Value { return Truth(r.archived) },
	"sys/close_time":                closeTime,
	"sys/data_readiness/ready_time": closeTime,
	"sys/running_time_seconds":      runningTime,
	"sys/experiment/name": func(r *Run) Value {
		return ifAny(r.Experiment, Text)
	},
	"sys/experiment/id": func(r *Run) Value {
		return ifAny(r.Experiment, func(name string) Value { return Text(idOf(r.Workspace, r.Project, name)) })
	},
	"sys/parent_directory_id": func(r *Run) Value {
		return ifAny(r.Directory, func(path string) Value { return Text(idOf(r.Workspace, r.Project, "/", path)) })
	},
	"sys/forking/parent_run_name": func(r *Run) Value {
		return ifAny(r.Fork, func(f Fork) Value { return Text(f.Parent) })
	},
	"sys/forking/parent_run_id": func(r *Run) Value {
		return ifAny(r.Fork, func(f Fork) Value { return Text(f.parent.String()) })
	},
	"sys/forking/step": func(r *Run) Value {
		return ifAny(r.Fork, func(f Fork) Value { return Whole(int64(f.Step)) })
	},
}

// derived are the attributes that are found out from points and other runs, which
// have locks of their own.
var derived = map[string]func(*Run) Value{
	"sys/rl/has_environments": func(r *Run) Value {
		points, err := r.Points()
		if err != nil {
			return Value{}
		}
		return Truth(len(points.Environments()) > 0)
	},
	"sys/family": func(r *Run) Value { return Text(r.root().ID.String()) },
}

func ifAny[T any](of *T, valueOf func(T) Value) Value {
	if of == nil {
		return Value{}
	}
	return valueOf(*of)
}

func closeTime(r *Run) Value { return ifAny(r.closed, Moment) }

func runningTime(r *Run) Value {
	end := r.modified
	if r.closed != nil {
		end = *r.closed
	}
	return Value{Kind: KindFloat, Float: max(end.Sub(r.Created).Seconds(), 0)}
}

// idOf makes an id of names: what is only named keeps its id for ever.
func idOf(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func sorted(all map[string]Value) []Attribute {
	list := make([]Attribute, 0, len(all))
	for _, path := range slices.Sorted(maps.Keys(all)) {
		list = append(list, Attribute{path, all[path]})
	}
	return list
}

func attributeKey(id store.RunID, path string) []byte {
	key := append([]byte{recordAttribute}, id[:]...)
	return append(key, path...)
}

func envAttributeKey(id store.RunID, env string, episode *uint64, path string) []byte {
	key := append([]byte{recordEnv}, id[:]...)
	key = append(append(key, env...), 0)
	key = binary.BigEndian.AppendUint64(key, plusOne(episode))
	return append(key, path...)
}

func (c *Catalog) runOfKey(key []byte) (*Run, []byte, error) {
	n := len(store.RunID{})
	if len(key) < n {
		return nil, nil, errCorrupt
	}
	r := c.runs[store.RunID(key[:n])]
	if r == nil {
		return nil, nil, errCorrupt
	}
	return r, key[n:], nil
}

func (c *Catalog) readAttribute(key, record []byte) error {
	r, path, err := c.runOfKey(key)
	if err != nil {
		return err
	}
	f := fields{src: record}
	value := f.value()
	if f.err == nil && value.Kind == KindNone {
		f.err = errCorrupt
	}
	if f.err == nil {
		r.setAttribute(string(path), &value)
	}
	return f.err
}

func (c *Catalog) readEnvAttribute(key, record []byte) error {
	r, rest, err := c.runOfKey(key)
	if err != nil {
		return err
	}
	i := slices.Index(rest, 0)
	if i < 0 || len(rest) < i+9 {
		return errCorrupt
	}
	f := fields{src: record}
	value := f.value()
	if f.err == nil {
		r.setEnv(string(rest[:i]), binary.BigEndian.Uint64(rest[i+1:]), string(rest[i+9:]), &value)
	}
	return f.err
}

// reserved tells paths that only the server writes.
func reserved(path string) bool {
	if path == "sys/tags" || path == "sys/description" {
		return false
	}
	return path == "sys" || strings.HasPrefix(path, "sys/")
}
