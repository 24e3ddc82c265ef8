package catalog

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/metrana/metrana/go/store"
)

func viewOf(name string, run *string) SavedView {
	page := pageOfRuns
	if run != nil {
		page = "charts"
	}
	return SavedView{Name: name, Page: page, Run: run, Parameters: "x=step&filter=ä%26", Saved: noon}
}

func viewsOf(t *testing.T, c *Catalog, project string) []SavedView {
	t.Helper()
	list, found := c.SavedViews("w", project)
	if !found {
		t.Fatalf("there is no project %q", project)
	}
	return list
}

func TestSavedViewsOutliveACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	c, _ := opened(t, disk)
	run := "r"
	created(t, c, spec(run))
	must(t, c.SaveView("w", "p", viewOf("b", &run), nil))
	must(t, c.SaveView("w", "p", viewOf("old", nil), nil))
	must(t, c.SaveView("w", "p", viewOf("gone", nil), nil))
	before := "old"
	must(t, c.SaveView("w", "p", viewOf("a", nil), &before))
	must(t, c.DeleteSavedView("w", "p", "gone"))
	c, _ = opened(t, disk.CrashClone(vfs.CrashCloneCfg{}))
	if len(c.Faults()) > 0 {
		t.Errorf("%v", c.Faults())
	}
	if got, want := viewsOf(t, c, "p"), []SavedView{viewOf("a", nil), viewOf("b", &run)}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestSavedViewsGoWithTheirProject(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	other := spec("r")
	other.Project = "p2" // begins as the other does
	created(t, c, spec("r"))
	created(t, c, other)
	must(t, c.SaveView("w", "p", viewOf("a", nil), nil))
	must(t, c.SaveView("w", "p2", viewOf("a", nil), nil))
	_, err := c.DeleteProject("w", "p")
	must(t, err)
	if _, known, err := c.db.Record(savedViewKey("w", "p", "a")); known || err != nil {
		t.Errorf("there is a record (%t), %v", known, err)
	}
	created(t, c, spec("r"))
	end()
	c, _ = opened(t, disk)
	if of, others := viewsOf(t, c, "p"), viewsOf(t, c, "p2"); len(of) != 0 || len(others) != 1 {
		t.Errorf("%v, %v", of, others)
	}
}

// An earlier version knows nothing of them, and leaves them when it deletes a project.
func TestSavedViewsOfNoProject(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	stray := viewOf("a", nil)
	must(t, c.db.WriteRecords(func(w store.RecordWriter) error { return w.Put(savedViewKey("w", "p", "a"), stray.encode()) }))
	must(t, c.db.WriteRecords(func(w store.RecordWriter) error { return w.Put([]byte("sw"), nil) }))
	end()
	c, end = opened(t, disk)
	if faults := c.Faults(); len(faults) != 1 || !strings.Contains(faults[0].Error(), `"sw"`) {
		t.Errorf("%v", faults)
	}
	created(t, c, spec("r"))
	end()
	c, _ = opened(t, disk)
	if got := viewsOf(t, c, "p"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestSavedViewsAreRefused(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	run, none, a := "r", "none", "a"
	created(t, c, spec(run))
	must(t, c.SaveView("w", "p", viewOf(a, nil), nil))
	must(t, c.SaveView("w", "p", viewOf("b", nil), nil))
	refused := func(got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	refused(c.SaveView("w", "q", viewOf("c", nil), nil), ErrNoProject)
	refused(c.SaveView("w", "p", viewOf("c", &none), nil), ErrNoRun)
	refused(c.SaveView("w", "p", viewOf(a, nil), nil), ErrViewExists)
	refused(c.SaveView("w", "p", viewOf("b", nil), &a), ErrViewExists)
	refused(c.SaveView("w", "p", viewOf("c", nil), &none), ErrNoView)
	refused(c.DeleteSavedView("w", "p", none), ErrNoView)
	refused(c.DeleteSavedView("w", "q", a), ErrNoProject)
	for i := range maxViews - 2 {
		must(t, c.SaveView("w", "p", viewOf(fmt.Sprint(i), nil), nil))
	}
	refused(c.SaveView("w", "p", viewOf("c", nil), nil), ErrTooManyViews)
	must(t, c.SaveView("w", "p", viewOf(a, nil), &a))
}

func TestCheckOfSavedViews(t *testing.T) {
	run := "r"
	for rule, change := range map[string]func(*SavedView){
		"must not be empty":                    func(v *SavedView) { v.Name = "" },
		"longer than 1024 bytes":               func(v *SavedView) { v.Name = strings.Repeat("x", 1025) },
		"must be UTF-8":                        func(v *SavedView) { v.Parameters = "\xff" },
		"control character U+000A":             func(v *SavedView) { v.Parameters = "a\nb" },
		"control character U+0000":             func(v *SavedView) { v.Name = "a\x00b" },
		"32769 bytes are longer than 32768":    func(v *SavedView) { v.Parameters = strings.Repeat("x", maxViewParameters+1) },
		`"../x" is neither "runs" nor one of`:  func(v *SavedView) { v.Page = "../x" },
		`"runs" is of a project, not of run`:   func(v *SavedView) { v.Run = &run },
		`"charts" is of a run, and none is na`: func(v *SavedView) { v.Page = "charts" },
	} {
		v := viewOf("a", nil)
		must(t, v.Check())
		change(&v)
		if err := v.Check(); err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("got %v, want %q", err, rule)
		}
	}
}
