package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/metrana/metrana/go/store"
)

func pinnedOf(t *testing.T, c *Catalog) (pinned []string) {
	t.Helper()
	projects, found := c.Projects("w")
	if !found {
		t.Fatal("there is no workspace")
	}
	for _, p := range projects {
		if p.Pinned {
			pinned = append(pinned, p.Name)
		}
	}
	return pinned
}

// inProject is a run in a project of the workspace.
func inProject(project string) RunSpec {
	s := spec("r")
	s.Project = project
	return s
}

func TestPinsOutliveACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	c, _ := opened(t, disk)
	for _, project := range []string{"a", "b", "c"} {
		created(t, c, inProject(project))
		must(t, c.SetPinned("w", project, true))
	}
	must(t, c.SetPinned("w", "a", true)) // again
	must(t, c.SetPinned("w", "b", false))
	must(t, c.SetPinned("w", "b", false))
	c, _ = opened(t, disk.CrashClone(vfs.CrashCloneCfg{}))
	if len(c.Faults()) > 0 {
		t.Errorf("%v", c.Faults())
	}
	if got := strings.Join(pinnedOf(t, c), " "); got != "a c" {
		t.Errorf("pinned: %s", got)
	}
	if err := c.SetPinned("w", "none", true); !errors.Is(err, ErrNoProject) {
		t.Errorf("%v", err)
	}
}

func TestPinsGoWithTheirProject(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	for _, project := range []string{"p", "p2"} { // one begins as the other does
		created(t, c, inProject(project))
		must(t, c.SetPinned("w", project, true))
	}
	_, err := c.DeleteProject("w", "p")
	must(t, err)
	if _, known, err := c.db.Record(pinKey("w", "p")); known || err != nil {
		t.Errorf("there is a record (%t), %v", known, err)
	}
	created(t, c, inProject("p"))
	end()
	c, _ = opened(t, disk)
	if got := strings.Join(pinnedOf(t, c), " "); got != "p2" {
		t.Errorf("pinned: %s", got)
	}
}

// An earlier version knows nothing of pins, and leaves them when it deletes a project.
func TestPinsOfNoProject(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	must(t, c.db.WriteRecords(func(w store.RecordWriter) error {
		return errors.Join(w.Put(pinKey("w", "p"), []byte{1}), w.Put([]byte("kw"), []byte{1}), w.Put(pinKey("w", "q"), []byte{2}))
	}))
	end()
	c, end = opened(t, disk)
	if faults := c.Faults(); len(faults) != 2 || !strings.Contains(faults[0].Error(), `"kw"`) || !strings.Contains(faults[1].Error(), `q"`) {
		t.Errorf("%v", faults)
	}
	created(t, c, inProject("p"))
	end()
	c, _ = opened(t, disk)
	if got := pinnedOf(t, c); len(got) != 0 {
		t.Errorf("pinned: %v", got)
	}
}

func TestPinsAreAnnounced(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	created(t, c, spec("r"))
	news := make(chan struct{}, 1)
	defer c.NotifyOfRuns("", "", news)()
	heard := func(pinned, want bool) {
		t.Helper()
		must(t, c.SetPinned("w", "p", pinned))
		select {
		case <-news:
			if !want {
				t.Error("nothing changed, and it was told")
			}
		default:
			if want {
				t.Error("nobody was told")
			}
		}
	}
	heard(true, true)
	heard(true, false)
	heard(false, true)
}
