package catalog

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// keyWorld is a catalog that random changes are made to.
type keyWorld struct {
	*testing.T

	disk   vfs.FS
	c      *Catalog
	end    func()
	random *rand.Rand
}

func (w *keyWorld) reopen() {
	if w.end != nil {
		w.end()
	}
	w.c, w.end = opened(w.T, w.disk)
}

// TestAttributeKeysAreThoseThatRunsHave compares what is counted with a plain count over
// all runs, after each of many changes.
func TestAttributeKeysAreThoseThatRunsHave(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &keyWorld{T: t, disk: vfs.NewMem(), random: rand.New(rand.NewPCG(seed, 1))}
			w.reopen()
			for range 150 {
				w.change()
				for _, project := range []string{"p", "q"} {
					w.compare(project)
				}
			}
		})
	}
}

// change makes one of the changes that can come to a project's attributes.
func (w *keyWorld) change() {
	run, name := w.someRun()
	switch w.random.IntN(10) {
	case 0:
		w.reopen()
	case 1:
		if run != nil {
			must(w.T, w.c.DeleteRun("w", run.Project, run.Name))
		}
	case 2:
		if run != nil {
			must(w.T, run.SetArchived(!run.Archived()))
		}
	case 3:
		if run != nil {
			_, _, err := w.c.InitRun(RunSpec{Workspace: "w", Project: run.Project, Run: name, Fork: &Fork{Parent: run.Name, Step: 3}})
			must(w.T, err)
		}
	case 4:
		if _, there := w.c.FindRun("w", "q", name); there {
			_, err := w.c.DeleteProject("w", "q")
			must(w.T, err)
		}
	case 5:
		w.undone(run)
	default:
		w.log(name)
	}
}

// someRun gives a run, if the name that was drawn has one.
func (w *keyWorld) someRun() (*Run, string) {
	name := fmt.Sprint("run-", w.random.IntN(6))
	run, _ := w.c.FindRun("w", []string{"p", "q"}[w.random.IntN(2)], name)
	return run, name
}

// log changes several attributes at once, some of them twice, and closes the run or not.
func (w *keyWorld) log(name string) {
	s := spec(name)
	s.Project = []string{"p", "p", "q"}[w.random.IntN(3)]
	run, _, err := w.c.InitRun(s)
	must(w.T, err)
	edit(w.T, run, noon, func(e *Edit) {
		e.Logged()
		e.Attributes(w.updates())
		e.EnvAttributes("env", nil, []Update{set("of-the-environment", Whole(1))})
		e.CountNotStored("histograms", w.random.IntN(2))
		if w.random.IntN(4) == 0 {
			e.Close(noon)
		}
	})
}

// undone begins a change that is not made.
func (w *keyWorld) undone(run *Run) {
	if run == nil {
		return
	}
	e, err := run.Begin()
	must(w.T, err)
	e.Attributes(w.updates())
	e.Abort()
}

func (w *keyWorld) updates() []Update {
	values := []Value{Whole(1), Text("a"), Truth(true), Moment(noon), SetOf([]string{"x"}), {Kind: KindFloat, Float: 2}}
	var updates []Update
	for range 1 + w.random.IntN(5) {
		path := fmt.Sprint("config/", w.random.IntN(5))
		switch w.random.IntN(4) {
		case 0:
			updates = append(updates, Update{Path: path})
		case 1:
			updates = append(updates, Update{Path: "sys/tags", Delta: &Delta{Added: []string{"t"}}})
		default:
			updates = append(updates, set(path, values[w.random.IntN(len(values))]))
		}
	}
	return updates
}

// compare reads every attribute of every run.
func (w *keyWorld) compare(project string) {
	w.Helper()
	got, found := w.c.AttributeKeys("w", project)
	runs, there := w.c.Runs("w", project)
	if found != there {
		w.Fatalf("project %q is there: %v, and has keys: %v", project, there, found)
	}
	if !there {
		return
	}
	want, counts := make(map[AttributeKey]bool), make(map[AttributeKey]int)
	for _, run := range runs {
		for path, value := range run.EachAttribute {
			want[AttributeKey{path, value.Kind}] = true
			if _, logged := run.attributes[path]; logged {
				counts[AttributeKey{path, value.Kind}]++
			}
		}
	}
	if keys := slices.Collect(maps.Keys(want)); !sameKeys(got, keys) {
		w.Fatalf("project %q has the keys %v, want %v", project, got, keys)
	}
	w.compareCounts(project, counts)
}

func (w *keyWorld) compareCounts(project string, want map[AttributeKey]int) {
	w.Helper()
	keys := w.c.project("w", project).keys
	got, paths := make(map[AttributeKey]int), make(map[string]bool)
	for _, key := range keys.list() {
		got[key], paths[key.Path] = keys.paths[key.Path].runs[key.Kind], true
	}
	if len(keys.paths) != len(paths) {
		w.Fatalf("project %q keeps %d paths, of which runs have %d", project, len(keys.paths), len(paths))
	}
	if !maps.Equal(got, want) {
		w.Fatalf("project %q counts %v, want %v", project, got, want)
	}
}

func sameKeys(a, b []AttributeKey) bool {
	texts := func(keys []AttributeKey) []string {
		var list []string
		for _, key := range keys {
			list = append(list, fmt.Sprint(key))
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(texts(a), texts(b))
}
