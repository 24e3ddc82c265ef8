package catalog

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened gives the catalog of a directory until the test, or close, ends it.
func opened(t *testing.T, disk vfs.FS) (c *Catalog, end func()) {
	t.Helper()
	db, err := store.Open("data", store.Options{FS: disk})
	must(t, err)
	c, err = Open(db)
	must(t, err)
	end = sync.OnceFunc(func() { must(t, db.Close()) })
	t.Cleanup(end)
	return c, end
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func spec(run string) RunSpec {
	return RunSpec{Workspace: "w", Project: "p", Run: run, CreateProject: true, CreateWorkspace: true}
}

func created(t *testing.T, c *Catalog, s RunSpec) *Run {
	t.Helper()
	r, isNew, err := c.InitRun(s)
	must(t, err)
	if !isNew {
		t.Fatalf("run %q was there before", s.Run)
	}
	return r
}

var noon = time.Date(2024, 5, 6, 12, 0, 0, 789, time.UTC)

// edit commits a change and waits for the disk.
func edit(t *testing.T, r *Run, at time.Time, change func(*Edit)) {
	t.Helper()
	e, err := r.Begin()
	must(t, err)
	change(e)
	pending, err := e.Commit(at)
	must(t, err)
	must(t, pending.Wait())
}

func set(path string, v Value) Update { return Update{Path: path, Value: &v} }

func attributesOf(r *Run) map[string]Value {
	all := make(map[string]Value)
	for _, a := range r.Attributes() {
		all[a.Path] = a.Value
	}
	return all
}

func TestInitRunRefusals(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	refused := func(want error, change func(*RunSpec)) {
		t.Helper()
		s := spec("r")
		change(&s)
		if _, _, err := c.InitRun(s); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	misnamed := func(name, rule string) {
		t.Helper()
		s := spec(name)
		_, _, err := c.InitRun(s)
		var bad *NameError
		if !errors.As(err, &bad) || bad.What != "run" || !strings.Contains(err.Error(), rule) {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	refused(ErrNoWorkspace, func(s *RunSpec) { s.CreateWorkspace = false })
	refused(ErrNoProject, func(s *RunSpec) { s.CreateProject = false })
	refused(ErrNoParent, func(s *RunSpec) { s.Fork = &Fork{Parent: "nobody"} })
	misnamed("", "empty")
	misnamed("a\x00b", "U+0000")
	misnamed("\xff", "UTF-8")
	misnamed(strings.Repeat("x", maxName+1), "longer than 1024 bytes")
	if list := c.Workspaces(); len(list) != 0 {
		t.Errorf("a refused run left %v", list)
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	created(t, c, spec("parent"))
	text := "job"
	s := spec("child")
	s.Experiment, s.Directory, s.Orchestration, s.CreationTime = &text, &text, &text, &noon
	s.Fork = &Fork{Parent: "parent", Step: 9}
	r := created(t, c, s)
	episode := uint64(math.MaxInt64)
	edit(t, r, noon.Add(time.Hour), func(e *Edit) {
		e.Attributes([]Update{
			set("b", Truth(true)), set("s", Text("é\x00")), set("f", Value{Kind: KindFloat, Float: math.Copysign(0, -1)}),
			set("i", Whole(math.MinInt64)), set("sys/tags", SetOf([]string{"z", "a", "z"})), set("t", Moment(noon)), set("gone", Text("x")),
		})
		e.Attributes([]Update{{Path: "gone"}})
		e.EnvAttributes("e", nil, []Update{set("map", Text("one"))})
		e.EnvAttributes("e", &episode, []Update{set("map", Text("two"))})
		e.Close(noon.Add(time.Hour))
	})
	before, of := attributesOf(r), r.EnvAttributes("e", &episode)
	if len(of) != 1 || of[0].Value.Str != "two" || before["sys/status"].Str != StatusClosed {
		t.Fatalf("%v %v", of, before)
	}
	end()

	c, _ = opened(t, disk)
	again, known := c.Run(r.ID[:])
	if !known {
		t.Fatal("the run is gone")
	}
	if after := attributesOf(again); !reflect.DeepEqual(after, before) {
		t.Errorf("after  %v\nbefore %v", after, before)
	}
	if got := again.EnvAttributes("e", &episode); !reflect.DeepEqual(got, of) {
		t.Errorf("of the episode: %v", got)
	}
	if got := again.EnvAttributes("e", nil); len(got) != 1 || got[0].Value.Str != "one" {
		t.Errorf("of the environment: %v", got)
	}
	if *again.Fork != *r.Fork || *again.Directory != text || *again.Orchestration != text || !again.Created.Equal(noon) {
		t.Errorf("%+v", again)
	}
	if _, isNew, err := c.InitRun(s); err != nil || isNew {
		t.Errorf("made again: %v %v", isNew, err)
	}
}

func TestLists(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	if _, known := c.Projects("w"); known {
		t.Error("projects of a workspace that is not there")
	}
	names := []string{"b", "a", "c"}
	for i, name := range names {
		s := spec(name)
		at := noon.Add(time.Duration(i/2) * time.Minute) // two of one time
		s.CreationTime = &at
		created(t, c, s)
	}
	other := spec("r")
	other.Project = "a project"
	created(t, c, other)
	if list := c.Workspaces(); !reflect.DeepEqual(list, []Workspace{{"w", 2}}) {
		t.Errorf("workspaces %v", list)
	}
	projects, _ := c.Projects("w")
	if len(projects) != 2 || projects[0].Name != "a project" || projects[1].Runs != 3 {
		t.Errorf("projects %v", projects)
	}
	runs, _ := c.Runs("w", "p")
	var got []string
	for _, r := range runs {
		got = append(got, r.Name)
	}
	if !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Errorf("runs %q, want the newest first, then by name", got)
	}
	if _, known := c.Runs("w", "nowhere"); known {
		t.Error("runs of a project that is not there")
	}
	if _, known := c.FindRun("w", "p", "r"); known {
		t.Error("found a run of another project")
	}
}

func TestReservedPathsAreSkipped(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	r := created(t, c, spec("r"))
	skipped := func(want int, u Update) {
		t.Helper()
		edit(t, r, noon, func(e *Edit) {
			if n := e.Attributes([]Update{u}); n != want {
				t.Errorf("%s: %d skipped, want %d", u.Path, n, want)
			}
		})
	}
	skipped(1, set("", Text("x")))
	skipped(1, set("sys", Text("x")))
	skipped(1, set("sys/name", Text("x")))
	skipped(1, set("sys/tags", Text("x")))
	skipped(1, set("sys/description", Whole(1)))
	skipped(1, Update{Path: "sys/description", Delta: &Delta{}})
	skipped(0, set("sysadmin", Text("x")))
	skipped(0, set("sys/description", Text("")))
	skipped(0, Update{Path: "sys/tags", Delta: &Delta{Added: []string{"x"}}})
	skipped(0, Update{Path: "sys/tags"})
	if _, has := attributesOf(r)["sys/tags"]; has {
		t.Error("tags were not cleared")
	}
}

// Each edit sees what the one before left, whoever made it.
func TestEditsOfManyLoggersAllCount(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	r := created(t, c, spec("r"))
	const loggers, edits = 8, 25
	var all sync.WaitGroup
	for n := range loggers {
		all.Go(func() {
			for i := range edits {
				e, err := r.Begin()
				if err != nil {
					t.Error(err)
					return
				}
				e.Attributes([]Update{{Path: "sys/tags", Delta: &Delta{Added: []string{strings.Repeat("x", 1+n*edits+i)}}}})
				e.CountNotStored("things", 1)
				if _, err := e.Commit(noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := attributesOf(r)
	if n := len(got["sys/tags"].Set); n != loggers*edits {
		t.Errorf("%d tags, want %d", n, loggers*edits)
	}
	if n := got["sys/not_stored/things"].Int; n != loggers*edits {
		t.Errorf("%d things, want %d", n, loggers*edits)
	}
}

func TestAbortedEditLeavesNothing(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	r := created(t, c, spec("r"))
	e, err := r.Begin()
	must(t, err)
	e.Attributes([]Update{set("a", Text("b"))})
	e.Close(noon)
	e.Abort()
	e.Abort() // as a deferred call does
	if got := attributesOf(r); got["sys/status"].Str != StatusRunning || got["a"].Kind != 0 {
		t.Errorf("%v", got)
	}
	edit(t, r, noon, func(*Edit) {}) // the run is free
}

func TestKnownRequestChangesNothing(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	r := created(t, c, spec("r"))
	edit(t, r, noon, func(e *Edit) { e.Close(noon) })
	e, err := r.Begin()
	must(t, err)
	pending, err := e.CommitKnown()
	must(t, err)
	must(t, pending.Wait())
	if r.Status() != StatusClosed {
		t.Error("sending again reopened the run")
	}
}

// Records of the catalog may be damaged like any other bytes.
func FuzzRecords(f *testing.F) {
	f.Add(newRun(nil, store.RunID{}).encode(&noon, noon, true))
	f.Add(appendValue(nil, SetOf([]string{"a", "b"})))
	f.Add(appendValue(nil, Moment(noon)))
	f.Add([]byte{5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, record []byte) {
		read := fields{src: record}
		if v := read.value(); read.err == nil {
			again := fields{src: appendValue(nil, v)}
			if got := again.value(); again.err != nil || math.Float64bits(got.Float) != math.Float64bits(v.Float) ||
				got.Str != v.Str || got.Int != v.Int || !slices.Equal(got.Set, v.Set) || !got.Time.Equal(v.Time) {
				t.Errorf("%+v became %+v, %v", v, got, again.err)
			}
		}
		_ = newRun(nil, store.RunID{}).decode(record) // must not panic
	})
}

// A finished run must not keep its points in memory.
func TestClosedRunLeavesTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := opened(t, vfs.NewMem())
		defer end()
		r := created(t, c, spec("r"))
		change := func(change func(*Edit)) {
			edit(t, r, noon, func(e *Edit) {
				e.Tx.Append(e.Tx.Series(point.Series{Name: "loss"}, point.Unordered), 1, point.Batch{Values: []float64{1}})
				change(e)
			})
		}
		is := func(bytes, segments int) {
			t.Helper()
			time.Sleep(2 * time.Minute) // the store looks every minute
			points, err := r.Points()
			must(t, err)
			if s := points.Stats(); min(s.HeadBytes, 1) != bytes || s.Segments != segments {
				t.Errorf("%+v", s)
			}
		}
		change(func(*Edit) {})
		is(1, 0)
		change(func(e *Edit) { e.Close(noon) })
		is(0, 1)
	})
}

// A run whose logger is gone without a word has crashed, until it comes again.
func TestRunsCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := opened(t, vfs.NewMem())
		defer end()
		r := created(t, c, spec("r"))
		is := func(after time.Duration, status string) {
			t.Helper()
			time.Sleep(after)
			if got := r.Status(); got != status {
				t.Errorf("%s, want %s", got, status)
			}
		}
		left := r.Attach()
		is(time.Hour, StatusRunning)
		left()
		left() // twice is once
		is(silence-time.Second, StatusRunning)
		is(2*time.Second, StatusCrashed)
		edit(t, r, time.Now(), func(e *Edit) { e.Logged() })
		is(0, StatusRunning)
		is(silence+time.Second, StatusCrashed)
		defer r.Attach()()
		is(time.Hour, StatusRunning)
		edit(t, r, time.Now(), func(e *Edit) { e.Close(time.Now()) })
		is(time.Hour, StatusClosed)
	})
}

// Times from before the clock was set back lie ahead: they keep no run alive, and make
// room for those that come.
func TestTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		find := func(c *Catalog) *Run {
			r, _ := c.FindRun("w", "p", "r")
			return r
		}
		c, end := opened(t, disk)
		edit(t, created(t, c, spec("r")), time.Now().Add(24*time.Hour), func(e *Edit) { e.Logged() })
		end()
		c, end = opened(t, disk)
		if got := find(c).Status(); got != StatusRunning {
			t.Errorf("just opened: %s", got)
		}
		time.Sleep(silence + time.Second)
		if got := find(c).Status(); got != StatusCrashed {
			t.Errorf("after silence: %s", got)
		}
		now := time.Now().UTC()
		edit(t, find(c), now, func(e *Edit) { e.Logged() })
		end()
		c, end = opened(t, disk)
		defer end()
		if got := find(c).Modified(); !got.Equal(now) {
			t.Errorf("modified at %v, want %v", got, now)
		}
	})
}

// A damaged record hides what it tells of, and nothing else.
func TestDamagedRecordsAreNamedAndPassedOver(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	for _, name := range []string{"a", "b"} {
		r := created(t, c, spec(name))
		edit(t, r, noon, func(e *Edit) { e.Attributes([]Update{set("x", Text("1")), set("y", Text("2"))}) })
	}
	a, _ := c.FindRun("w", "p", "a")
	b, _ := c.FindRun("w", "p", "b")
	must(t, c.db.WriteRecords(func(w store.RecordWriter) error {
		return errors.Join(w.Put(runKey(a.ID), []byte("?")), w.Put(attributeKey(b.ID, "x"), []byte{99}))
	}))
	end()
	c, end = opened(t, disk)
	defer end()
	if _, found := c.FindRun("w", "p", "a"); found {
		t.Error("a run without its record was found")
	}
	b, found := c.FindRun("w", "p", "b")
	if all := attributesOf(b); !found || all["y"].Str != "2" {
		t.Errorf("the other run has %v", all)
	}
	// The run, its two attributes without it, and the attribute of the other.
	if faults := c.Faults(); len(faults) != 4 {
		t.Errorf("%v", faults)
	}
}

func TestArchivingAndDeletingOutliveARestart(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	for _, name := range []string{"a", "b", "c"} {
		must(t, created(t, c, spec(name)).ReportDelivery(Delivery{Logger: 1, Reported: noon, Counts: []uint64{1}}))
		edit(t, found(t, c, name), noon, func(e *Edit) {
			e.Attributes([]Update{set("x", Text(name))})
			e.EnvAttributes("env", nil, []Update{set("x", Text(name))})
		})
	}
	a, _ := c.FindRun("w", "p", "a")
	must(t, a.SetArchived(true))
	edit(t, a, noon.Add(time.Hour), func(e *Edit) { e.Logged() })
	b, _ := c.FindRun("w", "p", "b")
	must(t, c.DeleteRun("w", "p", "b"))
	if err := b.ReportDelivery(Delivery{Logger: 1}); !errors.Is(err, ErrDeleting) {
		t.Errorf("reporting to what is deleted gave %v", err)
	}
	if err := b.SetArchived(true); !errors.Is(err, ErrDeleting) {
		t.Errorf("archiving what is deleted gave %v", err)
	}
	if err := c.DeleteRun("w", "p", "b"); !errors.Is(err, ErrNoRun) {
		t.Errorf("got %v", err)
	}
	if _, err := c.DeleteProject("w", "q"); !errors.Is(err, ErrNoProject) {
		t.Errorf("got %v", err)
	}
	end()
	c, end = opened(t, disk)
	if faults := c.Faults(); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
	a, _ = c.FindRun("w", "p", "a")
	if !attributesOf(a)["sys/archived"].Bool || !a.Archived() {
		t.Error("the run is not archived any more")
	}
	if _, found := c.FindRun("w", "p", "b"); found {
		t.Error("the deleted run is back")
	}
	if runs, err := c.DeleteProject("w", "p"); err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
	end()
	c, end = opened(t, disk)
	defer end()
	if projects, _ := c.Projects("w"); len(projects) != 0 || len(c.Faults()) > 0 {
		t.Errorf("%v, %v", projects, c.Faults())
	}
	created(t, c, spec("a"))
}

// An attribute that is asked for is the one that is listed.
func TestAttributesOneByOne(t *testing.T) {
	c, end := opened(t, vfs.NewMem())
	defer end()
	directory, experiment := "a/b", "e"
	of := spec("child")
	of.Directory, of.Experiment, of.Fork = &directory, &experiment, &Fork{Parent: "parent", Step: 3}
	for _, run := range []*Run{created(t, c, spec("parent")), created(t, c, of)} {
		edit(t, run, time.Now(), func(e *Edit) {
			value := Whole(7)
			e.Attributes([]Update{{Path: "a", Value: &value}})
		})
		listed := attributesOf(run)
		for path, want := range listed {
			if got := run.Attribute(path); got == nil || !reflect.DeepEqual(*got, want) {
				t.Errorf("%s: %v, listed %v", path, got, want)
			}
		}
		for path := range run.EachAttribute {
			if _, known := listed[path]; !known {
				t.Errorf("%s is yielded and not listed", path)
			}
			delete(listed, path)
		}
		if len(listed) != 0 {
			t.Errorf("not yielded: %v", listed)
		}
	}
	if got := created(t, c, spec("bare")).Attribute("sys/forking/step"); got != nil {
		t.Errorf("%v", got)
	}
}
