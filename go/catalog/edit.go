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

// Edit gathers what one transaction changes in the catalog. Its records go into
// the transaction; the memory follows when Apply is called, after the commit.
// Between Begin and Apply the run's transaction keeps other edits out.
type Edit struct {
	run    *Run
	tx     *store.Tx
	staged []stagedValue
	closed *time.Time
	reopen bool
	err    error
}

type stagedValue struct {
	env     *string // nil: of the run
	episode *uint64
	path    string
	value   *Value // nil: cleared
}

// Edit starts the changes that belong to a transaction on the run's points.
func (r *Run) Edit(tx *store.Tx) *Edit { return &Edit{run: r, tx: tx} }

// Attributes changes attributes of the run, in order: the last of a path wins.
// It returns how many were skipped because of a path that is empty or that only
// the server writes, or a kind that the path does not take.
func (e *Edit) Attributes(updates []Update) (skipped int) {
	for _, u := range updates {
		if u.Path == "" || reserved(u.Path) || !fits(u) {
			skipped++
			continue
		}
		e.stage(stagedValue{path: u.Path, value: e.resolve(nil, nil, u)}, attributeKey(e.run.ID, u.Path))
	}
	return skipped
}

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

// EnvAttributes changes attributes of an environment, or of one of its episodes.
func (e *Edit) EnvAttributes(env string, episode *uint64, updates []Update) (skipped int) {
	for _, u := range updates {
		if u.Path == "" {
			skipped++
			continue
		}
		e.stage(stagedValue{env: &env, episode: episode, path: u.Path, value: e.resolve(&env, episode, u)},
			envAttributeKey(e.run.ID, env, episode, u.Path))
	}
	return skipped
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

// current is the value of a path as the edit stands.
func (e *Edit) current(env *string, episode *uint64, path string) *Value {
	for _, s := range slices.Backward(e.staged) {
		if s.path == path && same(s.env, env) && same(s.episode, episode) {
			return s.value
		}
	}
	e.run.mu.Lock()
	defer e.run.mu.Unlock()
	values := e.run.attributes
	if env != nil {
		values = e.run.envAttributes(*env, episode)
	}
	if v, known := values[path]; known {
		return &v
	}
	return nil
}

func same[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func (e *Edit) stage(s stagedValue, key []byte) {
	e.staged = append(e.staged, s)
	var err error
	if s.value == nil {
		err = e.tx.Records().Delete(key)
	} else {
		err = e.tx.Records().Put(key, appendValue(nil, *s.value))
	}
	if e.err == nil {
		e.err = err
	}
}

// Close marks the run as closed at a time.
func (e *Edit) Close(at time.Time) { e.closed = &at }

// modifiedEvery bounds how often the time of the last change goes to disk: a
// restart may set it back by so much.
const modifiedEvery = time.Second

// Finish writes what the edit comes to; points of a closed run reopen it. It
// must be called before the commit. After an error the transaction must be
// aborted.
func (e *Edit) Finish(at time.Time) error {
	r := e.run
	r.mu.RLock()
	closed, due := r.closed, at.Sub(r.written) >= modifiedEvery
	r.mu.RUnlock()
	e.reopen = e.closed == nil && closed != nil
	if e.closed != nil || e.reopen || due {
		if err := e.tx.Records().Put(runKey(r.ID), r.encode(e.closed, at)); err != nil {
			return err
		}
	}
	return e.err
}

// Apply makes the committed changes visible.
func (e *Edit) Apply(at time.Time) {
	r := e.run
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range e.staged {
		values := r.attributes
		if s.env != nil {
			values = r.envAttributes(*s.env, s.episode)
		}
		if s.value == nil {
			delete(values, s.path)
		} else {
			values[s.path] = *s.value
		}
	}
	if e.closed != nil || e.reopen || at.Sub(r.written) >= modifiedEvery {
		r.written = at
	}
	r.modified = at
	r.closed = e.closed
}

// CountNotStored adds to the count of things that were acknowledged but that
// this server does not store; sys/not_stored/<what> shows it.
func (e *Edit) CountNotStored(what string, n int) {
	if n == 0 {
		return
	}
	path := "sys/not_stored/" + what
	count := int64(n)
	if before := e.current(nil, nil, path); before != nil {
		count += before.Int
	}
	value := Whole(count)
	e.stage(stagedValue{path: path, value: &value}, attributeKey(e.run.ID, path))
}
