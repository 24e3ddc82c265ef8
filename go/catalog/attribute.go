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
	r.mu.RLock()
	all := maps.Clone(r.attributes)
	r.system(all)
	r.mu.RUnlock()
	if points, err := r.Points(); err == nil {
		all["sys/rl/has_environments"] = Truth(len(points.Environments()) > 0)
	}
	all["sys/family"] = Text(r.root().ID.String())
	return sorted(all)
}

// Attribute gives the value at a path as Attributes lists it; nil when there is
// none.
func (r *Run) Attribute(path string) *Value {
	if !strings.HasPrefix(path, "sys/") {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if v, known := r.attributes[path]; known {
			return &v
		}
		return nil
	}
	if path == "sys/creation_time" { // what listings are sorted by
		v := Moment(r.Created)
		return &v
	}
	for _, a := range r.Attributes() {
		if a.Path == path {
			return &a.Value
		}
	}
	return nil
}

// system adds what the catalog knows of the run itself.
func (r *Run) system(all map[string]Value) {
	all["sys/name"] = Text(r.Name)
	all["sys/id"] = Text(r.ID.String())
	all["sys/project/name"] = Text(r.Project)
	all["sys/project/id"] = Text(idOf(r.Workspace, r.Project))
	all["sys/data_readiness/ready"] = Truth(r.closed != nil)
	all["sys/creation_time"] = Moment(r.Created)
	all["sys/modification_time"] = Moment(r.modified)
	all["sys/status"] = Text(r.statusLocked())
	all["sys/archived"] = Truth(r.archived)
	end := r.modified
	if r.closed != nil {
		end = *r.closed
		all["sys/close_time"] = Moment(*r.closed)
		all["sys/data_readiness/ready_time"] = Moment(*r.closed)
	}
	all["sys/running_time_seconds"] = Value{Kind: KindFloat, Float: max(end.Sub(r.Created).Seconds(), 0)}
	if r.Experiment != nil {
		all["sys/experiment/name"] = Text(*r.Experiment)
		all["sys/experiment/id"] = Text(idOf(r.Workspace, r.Project, *r.Experiment))
	}
	if r.Directory != nil {
		all["sys/parent_directory_id"] = Text(idOf(r.Workspace, r.Project, "/", *r.Directory))
	}
	if r.Fork != nil {
		all["sys/forking/parent_run_name"] = Text(r.Fork.Parent)
		all["sys/forking/parent_run_id"] = Text(r.Fork.parent.String())
		all["sys/forking/step"] = Whole(int64(r.Fork.Step))
	}
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
	r.attributes[string(path)] = value
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
