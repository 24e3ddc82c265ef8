package views

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

func TestRunsAreCountedByTheirStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		c, err := catalog.Open(db)
		if err != nil {
			t.Fatal(err)
		}
		log := func(project, name string, closed bool) *catalog.Run {
			run, _, err := c.InitRun(catalog.RunSpec{Workspace: "w", Project: project, Run: name, CreateProject: true, CreateWorkspace: true})
			if err != nil {
				t.Fatal(err)
			}
			edit, err := run.Begin()
			if err != nil {
				t.Fatal(err)
			}
			edit.Logged()
			if closed {
				edit.Close(time.Now())
			}
			pending, err := edit.Commit(time.Now())
			if err == nil {
				err = pending.Wait()
			}
			if err != nil {
				t.Fatal(err)
			}
			return run
		}
		log("p", "silent", false)
		log("p", "silent too", false)
		log("q", "done", true)
		time.Sleep(time.Hour)
		log("p", "busy", false)
		log("p", "done", true)
		if err := log("p", "put aside", true).SetArchived(true); err != nil {
			t.Fatal(err)
		}

		service := New(c, query.New(c, query.Options{}))
		answer, err := service.CountRuns(context.Background(), connect.NewRequest(&pb.CountRunsRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, p := range answer.Msg.GetProjects() {
			got += fmt.Sprintln(p.Workspace, p.Project, p.Running, p.Closed, p.Crashed, p.Archived, time.Since(p.Modified.AsTime()))
		}
		if want := "w p 1 1 2 1 0s\nw q 0 1 0 0 1h0m0s\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestRunsOfOneWorkspaceAreCounted(t *testing.T) {
	w := newWorld(t)
	w.run("r", func(*store.Tx, *catalog.Edit) {})
	name, none := "w", "x"
	if got := ask(w, w.client.CountRuns, &pb.CountRunsRequest{Workspace: &name}).GetProjects(); len(got) != 1 || got[0].GetRunning() != 1 {
		t.Errorf("%v", got)
	}
	refused(w, w.client.CountRuns, &pb.CountRunsRequest{Workspace: &none}, connect.CodeNotFound, `"x"`)
}
