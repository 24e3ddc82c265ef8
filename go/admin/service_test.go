package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/admin"
	"github.com/metrana/metrana/go/wire/pb/admin/adminconnect"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a data directory whose operator asks over a real connection.
type world struct {
	*testing.T

	db      *store.DB
	catalog *catalog.Catalog
	videos  *renderings.Files
	client  adminconnect.AdminServiceClient
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	videos, err := renderings.Open(db, c, renderings.Options{Quota: renderings.DefaultQuota})
	if err != nil {
		t.Fatal(err)
	}
	_, handler := adminconnect.NewAdminServiceHandler(New(db, c, videos, slog.New(slog.DiscardHandler)))
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t, db, c, videos, adminconnect.NewAdminServiceClient(server.Client(), server.URL)}
}

// run makes a run with one point that took it at a time; closed then, unless open.
func (w *world) run(project, name string, at time.Time, closed bool, fork *catalog.Fork) {
	w.Helper()
	run, _, err := w.catalog.InitRun(catalog.RunSpec{
		Workspace: "w", Project: project, Run: name, Fork: fork, CreateWorkspace: true, CreateProject: true,
	})
	if err != nil {
		w.Fatal(err)
	}
	edit, err := run.Begin()
	if err != nil {
		w.Fatal(err)
	}
	series := edit.Tx.Series(point.Series{Name: "loss", Scale: point.ScaleMLStep}, point.Ordered)
	edit.Tx.Append(series, 1, point.Batch{Values: []float64{1}})
	edit.Logged()
	if closed {
		edit.Close(at)
	}
	pending, err := edit.Commit(at)
	if err == nil {
		err = pending.Wait()
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) names(project string) (names []string) {
	runs, _ := w.catalog.Runs("w", project)
	for _, run := range runs {
		names = append(names, run.Name)
	}
	slices.Sort(names)
	return names
}

func target(project string, run ...string) *pb.Target {
	t := &pb.Target{Workspace: "w", Project: project}
	if len(run) > 0 {
		t.Run = &run[0]
	}
	return t
}

func ask[Q, A any](w *world, rpc func(context.Context, *connect.Request[Q]) (*connect.Response[A], error), question *Q) *A {
	w.Helper()
	answer, err := rpc(w.Context(), connect.NewRequest(question))
	if err != nil {
		w.Fatal(err)
	}
	return answer.Msg
}

func refused[Q, A any](
	w *world, rpc func(context.Context, *connect.Request[Q]) (*connect.Response[A], error), question *Q, code connect.Code, why string,
) {
	w.Helper()
	_, err := rpc(w.Context(), connect.NewRequest(question))
	var status *connect.Error
	if !errors.As(err, &status) || status.Code() != code || !strings.Contains(err.Error(), why) {
		w.Errorf("%v; want %v with %q", err, code, why)
	}
}

var longAgo = time.Now().Add(-100 * 24 * time.Hour)

func TestRunsAreArchived(t *testing.T) {
	w := newWorld(t)
	w.run("p", "a", longAgo, true, nil)
	w.run("p", "b", longAgo, true, nil)
	archived := func() (names []string) {
		runs, _ := w.catalog.Runs("w", "p")
		for _, run := range runs {
			for _, attribute := range run.Attributes() {
				if attribute.Path == "sys/archived" && attribute.Value.Bool {
					names = append(names, run.Name)
				}
			}
		}
		slices.Sort(names)
		return names
	}
	set := func(to bool, target *pb.Target, count int64, want ...string) {
		t.Helper()
		answer := ask(w, w.client.SetArchived, &pb.SetArchivedRequest{Target: target, Archived: to})
		if got := archived(); answer.GetRuns() != count || !slices.Equal(got, want) {
			t.Errorf("%d runs; archived are %v, want %v", answer.GetRuns(), got, want)
		}
	}
	set(true, target("p", "a"), 1, "a")
	set(true, target("p"), 2, "a", "b")
	set(false, target("p", "b"), 1, "a")
	refused(w, w.client.SetArchived, &pb.SetArchivedRequest{Target: target("p", "x")}, connect.CodeNotFound, `"x"`)
	refused(w, w.client.SetArchived, &pb.SetArchivedRequest{Target: target("q")}, connect.CodeNotFound, `"q"`)
	refused(w, w.client.SetArchived, &pb.SetArchivedRequest{Target: target("")}, connect.CodeInvalidArgument, "a workspace and a project")
}

func TestRunsAndProjectsAreDeleted(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.run("p", name, longAgo, true, nil)
	}
	w.run("q", "a", longAgo, true, nil)
	if runs := ask(w, w.client.Delete, &pb.DeleteRequest{Target: target("p", "b")}).GetRuns(); runs != 1 || !slices.Equal(w.names("p"), []string{"a", "c"}) {
		t.Errorf("%d deleted; left are %v", runs, w.names("p"))
	}
	refused(w, w.client.Delete, &pb.DeleteRequest{Target: target("p", "b")}, connect.CodeNotFound, `"b"`)
	if runs := ask(w, w.client.Delete, &pb.DeleteRequest{Target: target("p")}).GetRuns(); runs != 2 {
		t.Errorf("%d deleted", runs)
	}
	if _, found := w.catalog.Runs("w", "p"); found {
		t.Error("the project is there still")
	}
	if stats, err := w.db.Stats(); err != nil || stats.Points != 1 || !slices.Equal(w.names("q"), []string{"a"}) {
		t.Errorf("%+v points are left of 1, of runs %v: %v", stats.Points, w.names("q"), err)
	}
}

func TestTagsAndDescriptionsAreEdited(t *testing.T) {
	w := newWorld(t)
	w.run("p", "r", longAgo, true, nil)
	edit := func(add, remove []string, description *string) *pb.EditRunResponse {
		t.Helper()
		return ask(w, w.client.EditRun, &pb.EditRunRequest{Target: target("p", "r"), AddTags: add, RemoveTags: remove, Description: description})
	}
	text, none := "<b>best</b>", ""
	if got := edit([]string{"b", "a"}, nil, &text); !slices.Equal(got.GetTags(), []string{"a", "b"}) || got.GetDescription() != text {
		t.Errorf("%v", got)
	}
	if got := edit([]string{"c"}, []string{"a", "z"}, nil); !slices.Equal(got.GetTags(), []string{"b", "c"}) || got.GetDescription() != text {
		t.Errorf("%v", got)
	}
	run, _ := w.catalog.FindRun("w", "p", "r")
	if run.Status() != catalog.StatusClosed || !run.Modified().Equal(longAgo) {
		t.Errorf("editing made a closed run %s, modified %v", run.Status(), run.Modified())
	}
	if got := edit(nil, []string{"b", "c"}, &none); len(got.GetTags()) != 0 || got.GetDescription() != "" || run.Attribute("sys/description") != nil {
		t.Errorf("%v", got)
	}
	refused(w, w.client.EditRun, &pb.EditRunRequest{Target: target("p")}, connect.CodeInvalidArgument, "names no run")
	refused(w, w.client.EditRun, &pb.EditRunRequest{Target: target("p", "r"), AddTags: []string{""}}, connect.CodeInvalidArgument, "not empty")
	refused(w, w.client.EditRun, &pb.EditRunRequest{Target: target("p", "x")}, connect.CodeNotFound, `"x"`)
}

// A run goes when it ended before the time, and no run that stays inherits from it.
func TestRunsThatEndedLongAgoAreDeleted(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	w.run("p", "old", longAgo, true, nil)
	w.run("p", "new", now, true, nil)
	w.run("p", "ancestor", longAgo, true, nil)
	w.run("p", "parent", longAgo, true, &catalog.Fork{Parent: "ancestor", Step: 1})
	w.run("p", "child", now, true, &catalog.Fork{Parent: "parent", Step: 1})
	w.run("p", "running", longAgo, false, nil)
	w.run("q", "old", longAgo, true, nil)
	workspace, project := "w", "p"
	request := &pb.RetainRequest{EndedBefore: timestamppb.New(now.Add(-time.Hour)), Workspace: &workspace, Project: &project, DryRun: true}
	listed := func() (names []string) {
		for _, run := range ask(w, w.client.Retain, request).GetRuns() {
			names = append(names, run.GetProject()+"/"+run.GetRun())
		}
		slices.Sort(names)
		return names
	}
	all := w.names("p")
	if got := listed(); !slices.Equal(got, []string{"p/old"}) || !slices.Equal(w.names("p"), all) {
		t.Errorf("%v would go; there are %v of %v", got, w.names("p"), all)
	}
	request.DryRun, request.Workspace, request.Project = false, nil, nil
	if got := listed(); !slices.Equal(got, []string{"p/old", "q/old"}) {
		t.Errorf("%v went", got)
	}
	if left := w.names("p"); !slices.Equal(left, []string{"ancestor", "child", "new", "parent", "running"}) || len(w.names("q")) != 0 {
		t.Errorf("%v and %v are left", left, w.names("q"))
	}
	refused(w, w.client.Retain, &pb.RetainRequest{EndedBefore: timestamppb.Now(), Project: &project}, connect.CodeInvalidArgument, "without a workspace")
	refused(w, w.client.Retain, &pb.RetainRequest{}, connect.CodeInvalidArgument, "ended_before")
}

func TestBackups(t *testing.T) {
	w := newWorld(t)
	w.run("p", "a", longAgo, true, nil)
	to := filepath.Join(t.TempDir(), "copy")
	ask(w, w.client.Backup, &pb.BackupRequest{Directory: to})
	restored := filepath.Join(t.TempDir(), "restored")
	stats, err := store.Restore(t.Context(), to, restored, store.Options{}, func(fault error) { t.Error(fault) })
	if err != nil || stats.Points != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	refused(w, w.client.Backup, &pb.BackupRequest{Directory: "copy"}, connect.CodeInvalidArgument, "absolute")
	refused(w, w.client.Backup, &pb.BackupRequest{Directory: to}, connect.CodeInternal, to)
}

// film uploads a video of a run and gives its file.
func (w *world) film(project, name string) string {
	w.Helper()
	run, _ := w.catalog.FindRun("w", project, name)
	video := []byte("\x00\x00\x00\x18ftyp" + project + name)
	content := sha256.Sum256(video)
	p, err := w.videos.Begin(renderings.Spec{
		RunID: run.ID[:], Environment: "e", FPS: 1, Frames: 1, Size: uint64(len(video)), SHA256: hex.EncodeToString(content[:]),
	})
	if err == nil {
		p, err = w.videos.Write(w.Context(), p.ID, 0, bytes.NewReader(video), func() {})
	}
	if err != nil {
		w.Fatal(err)
	}
	name = path.Base(p.URL)
	return filepath.Join(w.db.AttachedDir(), name[:2], name)
}

// Every way to delete a run removes the files of its videos.
func TestVideosGoWithTheirRuns(t *testing.T) {
	w := newWorld(t)
	for _, project := range []string{"p", "q"} {
		for _, name := range []string{"a", "b"} {
			w.run(project, name, longAgo, true, nil)
		}
	}
	w.run("p", "new", time.Now(), true, nil)
	one, retained, stays := w.film("p", "a"), w.film("p", "b"), w.film("p", "new")
	ofProject := []string{w.film("q", "a"), w.film("q", "b")}
	gone := func(files ...string) {
		t.Helper()
		for _, file := range files {
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	ask(w, w.client.Delete, &pb.DeleteRequest{Target: target("p", "a")})
	gone(one)
	ask(w, w.client.Delete, &pb.DeleteRequest{Target: target("q")})
	gone(ofProject...)
	ask(w, w.client.Retain, &pb.RetainRequest{EndedBefore: timestamppb.New(time.Now().Add(-time.Hour))})
	gone(retained)
	if _, err := os.Stat(stays); err != nil {
		t.Error(err)
	}
}
