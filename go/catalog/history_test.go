package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logged is one update, in the order they came: what the plain model keeps.
type loggedUpdate struct {
	path    string
	episode int // -1: without
	Update
}

// holds works the value of a path at an episode out of everything that was logged.
func holds(log []loggedUpdate, path string, episode int) *Value {
	var value *Value
	from := -2
	for i, u := range log {
		if u.path != path || u.episode > episode || u.episode < from {
			continue
		}
		switch {
		case u.Delta != nil:
			set := []string{}
			if before := holds(log[:i], path, u.episode); before != nil && before.Kind == KindStringSet {
				set = slices.Clone(before.Set)
			}
			set = slices.DeleteFunc(append(set, u.Delta.Added...), func(s string) bool { return slices.Contains(u.Delta.Removed, s) })
			v := SetOf(set)
			value = &v
		default:
			value = u.Value
		}
		from = u.episode
	}
	return value
}

func randomUpdate(random *rand.Rand) loggedUpdate {
	u := loggedUpdate{path: string(rune('a' + random.IntN(3))), episode: random.IntN(12) - 1}
	u.Path = u.path
	text := fmt.Sprint(random.IntN(5))
	switch random.IntN(6) {
	case 0: // cleared
	case 1:
		u.Delta = &Delta{Added: []string{text}, Removed: []string{fmt.Sprint(random.IntN(5))}}
	case 2:
		v := SetOf([]string{text, "x"})
		u.Value = &v
	default:
		v := Text(text)
		u.Value = &v
	}
	return u
}

// At every episode holds what the model says, in the edit that logs it, after it and
// after a restart.
func TestHistoriesOfEnvironmentsAgainstAModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	id := created(t, c, spec("r")).ID
	var log []loggedUpdate
	for range 60 {
		r, _ := c.Run(id[:])
		old := r.EnvHistory("e", "a")
		wantOld := holds(log, "a", 20)
		edit(t, r, noon, func(e *Edit) {
			for range 1 + random.IntN(12) {
				u := randomUpdate(random)
				var episode *uint64
				if u.episode >= 0 {
					at := uint64(u.episode)
					episode = &at
				}
				log = append(log, u)
				e.EnvAttributes("e", episode, []Update{u.Update})
			}
		})
		last := uint64(20)
		if got := old.At(&last); fmt.Sprint(got) != fmt.Sprint(wantOld) {
			t.Fatalf("a history that somebody holds has changed from %v to %v", wantOld, got)
		}
		if random.IntN(4) == 0 {
			end()
			c, end = opened(t, disk)
			r, _ = c.Run(id[:])
		}
		checkHistories(t, r, log)
	}
}

func checkHistories(t *testing.T, r *Run, log []loggedUpdate) {
	t.Helper()
	for at := -1; at < 14; at++ {
		var episode *uint64
		if at >= 0 {
			e := uint64(at)
			episode = &e
		}
		var want []string
		for _, path := range []string{"a", "b", "c"} {
			value := holds(log, path, at)
			if got := r.EnvHistory("e", path).At(episode); fmt.Sprint(got) != fmt.Sprint(value) {
				t.Fatalf("%s at %d is %v, want %v", path, at, got, value)
			}
			if value != nil {
				want = append(want, fmt.Sprint(path, *value))
			}
		}
		var got []string
		for _, a := range r.EnvAttributes("e", episode) {
			got = append(got, fmt.Sprint(a.Path, a.Value))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("at %d: %v, want %v", at, got, want)
		}
	}
	changed := map[int]bool{}
	for _, u := range log {
		changed[u.episode] = changed[u.episode] || u.path == "a"
	}
	for _, episode := range r.EnvHistory("e", "a").Changes() {
		if !changed[int(episode)] {
			t.Fatalf("a changes at %d, where nothing was logged", episode)
		}
		delete(changed, int(episode))
	}
	for episode, missed := range changed {
		if missed && episode >= 0 {
			t.Fatalf("a change at %d is missed", episode)
		}
	}
}
