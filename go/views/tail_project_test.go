package views

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// followProject opens a stream, which ends with the test.
func (w *world) followProject(workspace, project string) (next func() *pb.TailProjectResponse) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	stream, err := w.client.TailProject(ctx, connect.NewRequest(&pb.TailProjectRequest{Workspace: workspace, Project: project}))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		cancel()
		_ = stream.Close() // it was cancelled
	})
	return func() *pb.TailProjectResponse {
		w.Helper()
		if !stream.Receive() {
			w.Fatalf("the stream has ended: %v", stream.Err())
		}
		return stream.Msg()
	}
}

func TestWhateverBecomesDifferentOfAProjectIsTold(t *testing.T) {
	w := newWorld(t)
	ofOne, ofAll := w.followProject("w", "p"), w.followProject("", "")
	told := func(what string) {
		t.Helper()
		if !ofOne().GetChanged() || !ofAll().GetChanged() {
			t.Fatalf("%s was not told", what)
		}
	}
	told("what was before")
	w.run("r", func(*store.Tx, *catalog.Edit) {})
	told("a new run")
	w.logLoss("r", 1)
	told("a point")
	w.run("r", func(_ *store.Tx, edit *catalog.Edit) { edit.Close(time.Now()) })
	told("a status")
	if err := w.catalog.DeleteRun("w", "p", "r"); err != nil {
		t.Fatal(err)
	}
	told("a deletion")
	if _, err := w.catalog.DeleteProject("w", "p"); err != nil {
		t.Fatal(err)
	}
	told("the project's end")
}

func TestAnotherProjectIsNoNews(t *testing.T) {
	t.Parallel() // it waits for a heartbeat
	w := newWorld(t)
	ofOther, ofAll := w.followProject("w", "other"), w.followProject("", "")
	ofOther()
	ofAll()
	w.logLoss("r", 1)
	if !ofAll().GetChanged() {
		t.Fatal("a point was not told")
	}
	if ofOther().GetChanged() {
		t.Fatal("a point of another project was told")
	}
}

func TestAProjectWithoutItsWorkspaceIsRefused(t *testing.T) {
	w := newWorld(t)
	stream, err := w.client.TailProject(context.Background(), connect.NewRequest(&pb.TailProjectRequest{Project: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeInvalidArgument {
		t.Fatalf("got %v", stream.Err())
	}
	if err := stream.Close(); err != nil && connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Fatal(err)
	}
}
