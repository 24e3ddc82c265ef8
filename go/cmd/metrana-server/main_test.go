package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// TestMain lets the test binary be the server: children are started with it.
func TestMain(m *testing.M) {
	if os.Getenv("METRANA_SERVER_TEST_CHILD") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// child is the server as a process of its own.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func command(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), "METRANA_SERVER_TEST_CHILD=1", "METRANA_DATA_DIR=", "HOME="+t.TempDir())
	c.cmd.Stderr = &c.stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdout = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// listening reads the first line and gives the address in it.
func (c *child) listening() (url string) {
	c.t.Helper()
	line, err := c.stdout.ReadString('\n')
	found := regexp.MustCompile(`^listening on (http://127\.0\.0\.1:\d+)\n$`).FindStringSubmatch(line)
	if err != nil || found == nil {
		c.t.Fatalf("first line %q, %v", line, err)
	}
	return found[1]
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// ended waits, and gives the exit code and what else was printed.
func (c *child) ended() (code int, out string) {
	c.t.Helper()
	rest, err := io.ReadAll(c.stdout)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil && c.cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return c.cmd.ProcessState.ExitCode(), string(rest)
}

func TestSignalsEndTheServerWell(t *testing.T) {
	ends := func(s os.Signal) {
		t.Helper()
		c := command(t, "serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0")
		response, err := http.Get(c.listening() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		c.signal(s)
		if code, out := c.ended(); code != 0 || out != "" || response.StatusCode != 200 {
			t.Errorf("%v: exit code %d, then printed %q, health %d\n%s", s, code, out, response.StatusCode, c.stderr.String())
		}
	}
	ends(syscall.SIGTERM)
	ends(os.Interrupt)
}

func TestBusyPortAndDirectoryNameTheOwner(t *testing.T) {
	dir := t.TempDir()
	first := command(t, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	url := first.listening()
	refused := func(says []string, args ...string) {
		t.Helper()
		c := command(t, args...)
		code, out := c.ended()
		if code != 1 || out != "" {
			t.Errorf("%q: exit code %d, printed %q", args, code, out)
		}
		for _, words := range says {
			if !strings.Contains(c.stderr.String(), words) {
				t.Errorf("%q: does not say %q:\n%s", args, words, c.stderr.String())
			}
		}
	}
	refused([]string{dir, url}, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	refused([]string{strings.TrimPrefix(url, "http://"), "--listen"}, "serve", "--data-dir", t.TempDir(), "--listen", strings.TrimPrefix(url, "http://"))
	refused([]string{dir, url}, "stat", "--data-dir", dir)
	refused([]string{"--insecure-allow-any-key"}, "serve", "--data-dir", t.TempDir(), "--listen", "0.0.0.0:0")
	first.signal(syscall.SIGTERM)
	if code, _ := first.ended(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A directory of a server that was killed is free again.
func TestKilledServerLeavesTheDirectory(t *testing.T) {
	dir := t.TempDir()
	c := command(t, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	c.listening()
	c.signal(syscall.SIGKILL)
	c.ended()
	c = command(t, "stat", "--settle", "--data-dir", dir)
	code, out := c.ended()
	var s statistics
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil || s.Points != 0 || s.Runs != 0 {
		t.Errorf("exit code %d, %q, %v\n%s", code, out, err, c.stderr.String())
	}
}

// filesOf gives everything in a directory, but for the locks: what a file holds
// and when it was written.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "LOCK" {
			return nil
		}
		if err != nil || entry.IsDir() {
			files[path] = "a directory"
			return err
		}
		data, err := os.ReadFile(path)
		info, errInfo := entry.Info()
		files[path] = fmt.Sprint(info.ModTime(), data)
		return errors.Join(err, errInfo)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestStatMakesNoDataDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, dir)
	for _, args := range [][]string{{"stat"}, {"stat", "--settle"}} {
		c := command(t, append(args, "--data-dir", dir)...)
		code, out := c.ended()
		if said := c.stderr.String(); code != 1 || out != "" || !strings.Contains(said, dir+" is no data directory") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out, said)
		}
		if !maps.Equal(filesOf(t, dir), before) {
			t.Fatalf("%q: changed the directory", args)
		}
	}
}

// What a killed server left is counted, and left for the next one to recover.
func TestStatWritesNothing(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db, err := store.Open("data", store.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Run(store.RunID{1})
	if err != nil {
		t.Fatal(err)
	}
	tx := r.Begin()
	tx.Series(store.SeriesInfo{}.Key, store.SeriesInfo{}.Ordering)
	pending, err := tx.Commit()
	if err == nil {
		err = pending.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	crashed, dir := disk.CrashClone(vfs.CrashCloneCfg{}), t.TempDir()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := vfs.Clone(crashed, vfs.Default, "data", dir); err != nil {
		t.Fatal(err)
	}
	for _, leftover := range []string{"roll-unfinished", "OWNER"} {
		if err := os.WriteFile(filepath.Join(dir, leftover), []byte("killed"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := filesOf(t, dir)
	c := command(t, "stat", "--data-dir", dir)
	code, out := c.ended()
	var s statistics
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil || s.Runs != 1 || s.Series != 1 {
		t.Errorf("exit code %d, %q, %v\n%s", code, out, err, c.stderr.String())
	}
	for path, is := range filesOf(t, dir) {
		if before[path] != is {
			t.Errorf("%s was written", path)
		}
		delete(before, path)
	}
	if len(before) > 0 {
		t.Errorf("%v were removed", slices.Collect(maps.Keys(before)))
	}
}

// What can be counted is counted, and what cannot be read is named.
func TestStatNamesDamagedRuns(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []store.RunID{{1}, {2}} {
		r, err := db.Run(id)
		if err != nil {
			t.Fatal(err)
		}
		tx := r.Begin()
		tx.Series(store.SeriesInfo{}.Key, store.SeriesInfo{}.Ordering)
		if _, err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := pebble.Open(filepath.Join(dir, "pebble"), &pebble.Options{FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	damaged := store.RunID{1}
	if err := errors.Join(raw.Set(slices.Concat([]byte("r"), damaged[:], []byte("s")), []byte("x"), pebble.Sync), raw.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"stat"}, {"stat", "--settle"}} {
		c := command(t, append(args, "--data-dir", dir)...)
		code, out := c.ended()
		var s statistics
		err := json.Unmarshal([]byte(out), &s)
		if code != 1 || err != nil || s.Runs != 2 || s.Damaged != 1 || s.Series != 1 || strings.Count(c.stderr.String(), damaged.String()) != 1 {
			t.Errorf("%q: exit code %d, %q, %v\n%s", args, code, out, err, c.stderr.String())
		}
	}
}

// within does something with the catalog of a directory that no server has.
func within(t *testing.T, dir string, do func(db *store.DB, index *catalog.Catalog) error) {
	t.Helper()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	index, err := catalog.Open(db)
	if err == nil {
		err = do(db, index)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestBackupsHaveSavedViewsAndPins(t *testing.T) {
	base := t.TempDir()
	data, backup, restored := base+"/data", base+"/backup", base+"/restored"
	run := "r"
	views := []catalog.SavedView{
		{Name: "charts of r", Page: "charts", Run: &run, Parameters: "view=smooth%3D0.6", Saved: time.Unix(2, 0).UTC()},
		{Name: "fast ones", Page: "runs", Parameters: "filter=attr(config%2Flr) < 1", Saved: time.Unix(1, 0).UTC()},
	}
	within(t, data, func(_ *store.DB, index *catalog.Catalog) error {
		_, _, err := index.InitRun(catalog.RunSpec{Workspace: "w", Project: "p", Run: run, CreateWorkspace: true, CreateProject: true})
		for _, view := range views {
			err = errors.Join(err, index.SaveView("w", "p", view, nil))
		}
		return errors.Join(err, index.SetPinned("w", "p", true))
	})
	does := func(want int, says string, args ...string) {
		t.Helper()
		c := command(t, args...)
		if code, out := c.ended(); code != want || !strings.Contains(out+c.stderr.String(), says) {
			t.Errorf("%q: exit code %d, want %d, %q, %q", args, code, want, out, c.stderr.String())
		}
	}
	server := command(t, "serve", "--data-dir", data, "--listen", "127.0.0.1:0")
	server.listening()
	does(0, backup, "backup", "--data-dir", data, backup)
	server.signal(syscall.SIGTERM)
	server.ended()
	does(0, restored, "restore", backup, restored)
	does(0, "no fault found", "check", restored)
	within(t, restored, func(_ *store.DB, index *catalog.Catalog) error {
		if got, _ := index.SavedViews("w", "p"); !reflect.DeepEqual(got, views) {
			t.Errorf("%+v, want %+v", got, views)
		}
		if got, _ := index.Projects("w"); len(got) != 1 || !got[0].Pinned {
			t.Errorf("it is not pinned: %+v", got)
		}
		return nil
	})

	// A record of a view or a pin that cannot be read is a fault, of the backup as of a directory.
	within(t, backup, func(db *store.DB, _ *catalog.Catalog) error {
		return db.WriteRecords(func(w store.RecordWriter) error {
			return errors.Join(w.Put([]byte("sw\x00p\x00fast ones"), []byte("?")), w.Put([]byte("kw\x00p"), []byte("?")))
		})
	})
	for _, fault := range []string{"fast ones", `"kw\x00p"`} {
		does(1, fault, "check", backup)
		does(1, fault, "restore", backup, base+"/again")
	}
	if _, err := os.Stat(base + "/again"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was restored: %v", err)
	}
}

func TestDataDirectory(t *testing.T) {
	t.Setenv("METRANA_DATA_DIR", "")
	t.Setenv("HOME", "/home/someone")
	is := func(named, want string) {
		t.Helper()
		if dir, err := resolveDataDir(named); err != nil || dir != want {
			t.Errorf("%q, %v; want %q", dir, err, want)
		}
	}
	is("", filepath.Join("/home/someone", ".metrana", "data"))
	is("/named", "/named")
	t.Setenv("METRANA_DATA_DIR", "/environment")
	is("", "/environment")
	is("/named", "/named")
}

func TestUsage(t *testing.T) {
	exits := func(want int, where string, says string, args ...string) {
		t.Helper()
		c := command(t, args...)
		code, out := c.ended()
		if where == "stderr" {
			out = c.stderr.String()
		}
		if code != want || !strings.Contains(out, says) {
			t.Errorf("%q: exit code %d, want %d, %s %q", args, code, want, where, out)
		}
	}
	exits(0, "stdout", "usage:", "help")
	exits(0, "stdout", "usage:", "--help")
	exits(0, "stdout", version, "version")
	exits(2, "stderr", "usage:")
	exits(2, "stderr", `"nonsense"`, "nonsense")
	exits(2, "stderr", "no-such-flag", "serve", "--no-such-flag")
	exits(1, "stderr", `"extra"`, "serve", "extra")
	exits(1, "stderr", "/nonexistent/metrana", "stat", "--data-dir", "/nonexistent/metrana")
}
