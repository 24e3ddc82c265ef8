package views

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

func TestViewsAreSaved(t *testing.T) {
	w := newWorld(t)
	w.run("r", func(*store.Tx, *catalog.Edit) {})
	save := func(name string, replaces *string) *pb.SaveViewRequest {
		run := "r"
		view := &pb.SavedView{Name: name, Page: "charts", Run: &run, Parameters: "x=step"}
		return &pb.SaveViewRequest{Workspace: "w", Project: "p", View: view, Replaces: replaces}
	}
	a, b := "a", "b"
	if saved := ask(w, w.client.SaveView, save(a, nil)).GetView().GetSaved(); !saved.IsValid() || saved.GetSeconds() == 0 {
		t.Errorf("saved at %v", saved)
	}
	ask(w, w.client.SaveView, save(b, &a))
	list := &pb.ListSavedViewsRequest{Workspace: "w", Project: "p"}
	views := ask(w, w.client.ListSavedViews, list).GetViews()
	if len(views) != 1 || views[0].GetName() != b || views[0].GetPage() != "charts" || views[0].GetRun() != "r" || views[0].GetParameters() != "x=step" {
		t.Errorf("%v", views)
	}
	refused(w, w.client.SaveView, save(b, nil), connect.CodeAlreadyExists, `"b"`)
	refused(w, w.client.SaveView, save("c", &a), connect.CodeNotFound, `"a"`)
	refused(w, w.client.SaveView, save(strings.Repeat("x", 1025), nil), connect.CodeInvalidArgument, "1024 bytes")
	refused(w, w.client.SaveView, &pb.SaveViewRequest{Workspace: "w", Project: "p"}, connect.CodeInvalidArgument, "no view")
	refused(w, w.client.ListSavedViews, &pb.ListSavedViewsRequest{Workspace: "w", Project: "q"}, connect.CodeNotFound, `"q"`)
	remove := &pb.DeleteSavedViewRequest{Workspace: "w", Project: "p", Name: b}
	ask(w, w.client.DeleteSavedView, remove)
	refused(w, w.client.DeleteSavedView, remove, connect.CodeNotFound, `"b"`)
}
