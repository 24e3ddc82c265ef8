package views

import (
	"fmt"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

func TestProjectsArePinned(t *testing.T) {
	w := newWorld(t)
	w.run("r", func(*store.Tx, *catalog.Edit) {})
	is := func(want bool) {
		t.Helper()
		var got []string
		for _, p := range ask(w, w.client.CountRuns, &pb.CountRunsRequest{}).GetProjects() {
			got = append(got, fmt.Sprint(p.GetProject(), " ", p.GetPinned()))
		}
		if fmt.Sprint(got) != fmt.Sprintf("[p %t]", want) {
			t.Errorf("%v, want p to be pinned: %t", got, want)
		}
	}
	is(false)
	ask(w, w.client.SetPinned, &pb.SetPinnedRequest{Workspace: "w", Project: "p", Pinned: true})
	is(true)
	ask(w, w.client.SetPinned, &pb.SetPinnedRequest{Workspace: "w", Project: "p"})
	is(false)
	refused(w, w.client.SetPinned, &pb.SetPinnedRequest{Workspace: "w", Project: "q", Pinned: true}, connect.CodeNotFound, `"q"`)
}
