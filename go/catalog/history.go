package catalog

import (
	"maps"
	"slices"
)

// History is what was logged of one attribute of an environment: at episodes, and
// without one.
//
// At an episode holds the value that was logged at the highest episode that is not
// above it, or else the one that was logged without; a value that was cleared at an
// episode does not hold from there on. Without an episode holds what was logged
// without. A History does not change.
type History struct {
	from   []uint64 // episodes plus one, ascending; 0 for what was logged without
	values []Value  // from there on; KindNone where it was cleared
}

// plusOne is an episode in keys and histories: 0 is none.
func plusOne(episode *uint64) uint64 {
	if episode == nil {
		return 0
	}
	return *episode + 1
}

// At gives the value that holds at an episode, or, with nil, without one; nil when
// there is none.
func (h History) At(episode *uint64) *Value {
	_, value := h.last(plusOne(episode))
	return value
}

// last finds the value that holds at an episode plus one, and since when; 0 also
// where nothing was logged.
func (h History) last(plusOne uint64) (from uint64, value *Value) {
	i, exact := slices.BinarySearch(h.from, plusOne)
	if !exact {
		i--
	}
	if i < 0 {
		return 0, nil
	}
	if h.values[i].Kind == KindNone {
		return h.from[i], nil
	}
	return h.from[i], &h.values[i]
}

// Changes lists the episodes from which on another value may hold, ascending.
func (h History) Changes() []uint64 {
	var episodes []uint64
	for _, from := range h.from {
		if from > 0 {
			episodes = append(episodes, from-1)
		}
	}
	return episodes
}

// with is the History with one value more; nil is cleared. Only where it goes behind
// all others does it use the memory of this one.
func (h History) with(plusOne uint64, value *Value) History {
	i, known := slices.BinarySearch(h.from, plusOne)
	if value == nil && plusOne == 0 {
		if !known {
			return h
		}
		return History{h.from[1:], h.values[1:]}
	}
	logged := Value{}
	if value != nil {
		logged = *value
	}
	if i == len(h.from) {
		return History{append(h.from, plusOne), append(h.values, logged)}
	}
	from, values := slices.Clone(h.from), slices.Clone(h.values)
	if known {
		values[i] = logged
		return History{from, values}
	}
	return History{slices.Insert(from, i, plusOne), slices.Insert(values, i, logged)}
}

// envAttributes are the attributes of one environment, by path.
type envAttributes map[string]History

// EnvHistory gives the history of an attribute of an environment.
func (r *Run) EnvHistory(environment, path string) History {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.envs[environment][path]
}

// EnvAttributes lists the attributes of an environment that hold at an episode, or
// without one, by path.
func (r *Run) EnvAttributes(environment string, episode *uint64) []Attribute {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make(map[string]Value)
	for path, history := range r.envs[environment] {
		if value := history.At(episode); value != nil {
			all[path] = *value
		}
	}
	return sorted(all)
}

// EveryEnvAttribute lists all that was logged of the attributes of an environment: a
// path may come several times, with values of other kinds.
func (r *Run) EveryEnvAttribute(environment string) []Attribute {
	r.mu.RLock()
	defer r.mu.RUnlock()
	env := r.envs[environment]
	var all []Attribute
	for _, path := range slices.Sorted(maps.Keys(env)) {
		for _, value := range env[path].values {
			if value.Kind != KindNone {
				all = append(all, Attribute{path, value})
			}
		}
	}
	return all
}

// setEnv notes a value of an attribute of an environment; nil is cleared.
func (r *Run) setEnv(environment string, plusOne uint64, path string, value *Value) {
	env := r.envs[environment]
	if env == nil {
		env = make(envAttributes)
		r.envs[environment] = env
	}
	env[path] = env[path].with(plusOne, value)
}
