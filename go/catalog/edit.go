package catalog

import (
	"slices"
	"time"

	"github.com/metrana/metrana/go/store"
)

// Update is one change of an attribute.
type Update struct {
	Path  string
	Value *Value // nil: the attribute is cleared, unless Delta is set
	Delta *Delta // of a string set
}

// Delta adds texts to a string set and removes others.
type Delta struct{ Added, Removed []string }

// Edit is one atomic change of a run: its transaction of points and what changes
// with it in the catalog. Records go into the transaction; the memory follows
// the commit. From Begin to Commit or Abort it keeps other edits of the run out.
type Edit struct {
	Tx *store.Tx

	run    *Run
	staged []stagedValue
	closed *time.Time
	logged bool // brings something
	reopen bool
	ended  bool
	err    error
}

type stagedValue struct {
	env     *string // nil: of the run
	episode *uint64
	path    string
	value   *Value // nil: cleared
}

// Begin starts an edit. It must be ended by Commit, CommitKnown or Abort.
func (r *Run) Begin() (*Edit, error) {
	if err := r.catalog.db.Writable(); err != nil {
		return nil, err
	}
	points, err := r.Points()
	if err != nil {
		return nil, err
	}
	r.editing.Lock()
	return &Edit{run: r, Tx: points.Begin()}, nil
}

// Commit makes the edit visible; the time is that of the run's last change.
// A closed run is open again when the edit has Logged something. After an error
// nothing of the edit is left.
func (e *Edit) Commit(at time.Time) (store.Pending, error) {
	defer e.end()
	if err := e.writeRun(at); err != nil {
		e.Tx.Abort()
		return store.Pending{}, err
	}
	pending, err := e.Tx.Commit()
	if err == nil {
		e.apply(at)
	}
	return pending, err
}

// CommitKnown ends an edit that was made before: it changes nothing, and what it
// returns waits for the first one, too.
func (e *Edit) CommitKnown() (store.Pending, error) {
	defer e.end()
	return e.Tx.Commit()
}

// Abort undoes an edit that was not ended; after that it does nothing.
func (e *Edit) Abort() {
	if e.ended {
		return
	}
	defer e.end()
	e.Tx.Abort()
}

func (e *Edit) end() {
	e.ended = true
	e.run.editing.Unlock()
}

// Attributes changes attributes of the run, in order: the last of a path wins.
// It returns how many were skipped because of a path that is empty or too long or
// that only the server writes, or a kind that the path does not take.
func (e *Edit) Attributes(updates []Update) (skipped int) {
	for _, u := range updates {
		if !storable(u.Path) || reserved(u.Path) || !fits(u) {
			skipped++
			continue
		}
		e.stage(stagedValue{path: u.Path, value: e.resolve(nil, nil, u)}, attributeKey(e.run.ID, u.Path))
	}
	return skipped
}

// MaxKeyText bounds, in bytes, paths of attributes and ids of environments, which
// are parts of keys. It is well above what anybody would write.
const MaxKeyText = 512 << 10

func storable(path string) bool { return path != "" && len(path) <= MaxKeyText }

// fits tells whether sys/tags and sys/description get what they hold.
func fits(u Update) bool {
	cleared := u.Value == nil && u.Delta == nil
	switch u.Path {
	case "sys/tags":
		return cleared || u.Delta != nil || u.Value.Kind == KindStringSet
	case "sys/description":
		return cleared || u.Delta == nil && u.Value.Kind == KindString
	}
	return true
}

// EnvAttributes changes attributes of an environment, or of it from an episode on.
// It skips those whose path is empty or too long, and those that listings work
// out themselves.
func (e *Edit) EnvAttributes(env string, episode *uint64, updates []Update) (skipped int) {
	for _, u := range updates {
		if !storable(u.Path) || workedOut(u.Path) {
			skipped++
			continue
		}
		e.stage(stagedValue{env: &env, episode: episode, path: u.Path, value: e.resolve(&env, episode, u)},
			envAttributeKey(e.run.ID, env, episode, u.Path))
	}
	return skipped
}

// workedOut tells the names under which listings of environments show what the
// points say.
func workedOut(path string) bool {
	return path == "environment_id" || path == "latest_episode" || path == "latest_rl_step"
}

// resolve gives the value that an update leaves behind.
func (e *Edit) resolve(env *string, episode *uint64, u Update) *Value {
	if u.Delta == nil {
		return u.Value
	}
	set := slices.Clone(u.Delta.Added)
	if before := e.current(env, episode, u.Path); before != nil && before.Kind == KindStringSet {
		set = append(set, before.Set...)
	}
	set = slices.DeleteFunc(set, func(text string) bool { return slices.Contains(u.Delta.Removed, text) })
	value := SetOf(set)
	return &value
}

// current is the value of a path as the edit stands; of an environment, the one that
// holds at the episode.
func (e *Edit) current(env *string, episode *uint64, path string) *Value {
	from, value := e.committed(env, episode, path)
	for _, s := range e.staged {
		if at := plusOne(s.episode); s.path == path && same(s.env, env) && at >= from && at <= plusOne(episode) {
			from, value = at, s.value
		}
	}
	return value
}

func (e *Edit) committed(env *string, episode *uint64, path string) (from uint64, value *Value) {
	if env != nil {
		return e.run.EnvHistory(*env, path).last(plusOne(episode))
	}
	e.run.mu.RLock()
	defer e.run.mu.RUnlock()
	if v, known := e.run.attributes[path]; known {
		return 0, &v
	}
	return 0, nil
}

func same[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func (e *Edit) stage(s stagedValue, key []byte) {
	e.staged = append(e.staged, s)
	var err error
	switch {
	case s.value != nil:
		err = e.Tx.Records().Put(key, appendValue(nil, *s.value))
	case s.episode != nil: // what was logged before does not hold from there on
		err = e.Tx.Records().Put(key, appendValue(nil, Value{}))
	default:
		err = e.Tx.Records().Delete(key)
	}
	if e.err == nil {
		e.err = err
	}
}

// Close marks the run as closed at a time.
func (e *Edit) Close(at time.Time) {
	e.closed = &at
	e.Tx.Last()
}

// Logged says that the edit brings points or attributes. One that does not, such
// as the last request of a logger that only leaves, changes neither whether the
// run is closed nor when it was modified.
func (e *Edit) Logged() { e.logged = true }

// modifiedEvery bounds how often the time of the last change goes to disk: a
// restart may set it back by so much.
const modifiedEvery = time.Second

// writeDue tells whether the time of the last change goes to disk; also where the clock
// was set back, behind the one that is there. The caller holds the lock.
func (r *Run) writeDue(at time.Time) bool {
	return at.Sub(r.written) >= modifiedEvery || at.Before(r.written)
}

// writeRun writes the run's own record when it changed enough.
func (e *Edit) writeRun(at time.Time) error {
	r := e.run
	r.mu.RLock()
	closed, archived, due := r.closed, r.archived, r.writeDue(at)
	r.mu.RUnlock()
	e.reopen = e.logged && e.closed == nil && closed != nil
	if e.closed != nil || e.reopen || e.logged && due {
		if err := e.Tx.Records().Put(runKey(r.ID), r.encode(e.closed, at, archived)); err != nil {
			return err
		}
	}
	return e.err
}

// apply makes the committed changes visible.
func (e *Edit) apply(at time.Time) {
	r := e.run
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.announce()
	if len(e.staged) > 0 {
		r.changes.attributes = r.catalog.db.NextRevision()
	}
	for _, s := range e.staged {
		if s.env != nil {
			r.setEnv(*s.env, plusOne(s.episode), s.path, s.value)
		} else {
			r.setAttribute(s.path, s.value)
		}
	}
	if e.closed == nil && !e.logged {
		return
	}
	if e.closed != nil || e.reopen || r.writeDue(at) {
		r.written = at
	}
	r.modified = at
	r.closed = e.closed
}

// CountNotStored adds to the count of things that were acknowledged but that
// this server does not store; sys/not_stored/<what> shows it. It tells whether
// they are the first of the run.
func (e *Edit) CountNotStored(what string, n int) (first bool) {
	if n == 0 {
		return false
	}
	path := "sys/not_stored/" + what
	count := int64(n)
	before := e.current(nil, nil, path)
	if before != nil {
		count += before.Int
	}
	value := Whole(count)
	e.stage(stagedValue{path: path, value: &value}, attributeKey(e.run.ID, path))
	return before == nil
}
