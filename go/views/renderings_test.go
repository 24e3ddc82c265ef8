package views

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// film notes a video of an episode, whose file is nobody's concern here.
func film(t *testing.T, run *catalog.Run, environment string, episode, first uint64) {
	t.Helper()
	err := run.AddRendering(catalog.Rendering{
		Environment: environment, Episode: episode, FirstRLStep: first, LastRLStep: first + 2,
		SHA256: sha256.Sum256([]byte(fmt.Sprint(environment, episode, first))), FPS: 24, Frames: 3, Size: 1000 + episode, Received: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) films(request *pb.ListRenderingsRequest) (shown []string, answer *pb.ListRenderingsResponse) {
	w.Helper()
	response, err := w.client.ListRenderings(w.Context(), connect.NewRequest(request))
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range response.Msg.GetRenderings() {
		shown = append(shown, fmt.Sprintf("%s %d %d", r.GetEnvironment(), r.GetEpisode(), r.GetFirstRlStep()))
	}
	return shown, response.Msg
}

func TestVideosAreListedInTheirOrder(t *testing.T) {
	w := newWorld(t)
	run := w.run("r", func(*store.Tx, *catalog.Edit) {})
	other := w.run("other", func(*store.Tx, *catalog.Edit) {})
	film(t, other, "env-1", 1, 1)
	for _, episode := range []uint64{300, 2, 1} {
		film(t, run, "env-1", episode, 7)
	}
	film(t, run, "env-1", 2, 3)
	film(t, run, "env-10", 1, 1)
	film(t, run, "env", 5, 1)
	want := []string{"env 5 1", "env-1 1 7", "env-1 2 3", "env-1 2 7", "env-1 300 7", "env-10 1 1"}
	shown, answer := w.films(&pb.ListRenderingsRequest{Run: named("r")})
	if fmt.Sprint(shown) != fmt.Sprint(want) || answer.GetTotalCount() != 6 || answer.GetNextPageToken() != "" {
		t.Errorf("%q, %d in all, %q", shown, answer.GetTotalCount(), answer.GetNextPageToken())
	}
	r := answer.GetRenderings()[0]
	if r.GetLastRlStep() != 3 || r.GetFps() != 24 || r.GetFrames() != 3 || r.GetBytes() != 1005 || r.GetContentType() != "video/mp4" {
		t.Errorf("%v", r)
	}
	if wanted := fmt.Sprintf("/renderings/%x.mp4", sha256.Sum256([]byte(fmt.Sprint("env", uint64(5), uint64(1))))); r.GetUrl() != wanted {
		t.Errorf("%q, want %q", r.GetUrl(), wanted)
	}
	var paged []string
	request := &pb.ListRenderingsRequest{Run: named("r"), Limit: 2}
	for {
		shown, answer := w.films(request)
		if len(shown) > 2 || answer.GetTotalCount() != 6 {
			t.Fatalf("%q, %d in all", shown, answer.GetTotalCount())
		}
		paged = append(paged, shown...)
		if request.PageToken = answer.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	if fmt.Sprint(paged) != fmt.Sprint(want) {
		t.Errorf("pages: %q", paged)
	}
}

func TestVideosOfEnvironmentsAndEpisodes(t *testing.T) {
	w := newWorld(t)
	run := w.run("r", func(*store.Tx, *catalog.Edit) {})
	for _, environment := range []string{"env-1", "env-10"} {
		for episode := range uint64(4) {
			film(t, run, environment, episode, 0)
		}
	}
	one, two := "env-1", uint64(2)
	shown, answer := w.films(&pb.ListRenderingsRequest{Run: named("r"), Environment: &one, Episodes: &pb.IndexRange{From: 1, To: &two}})
	if fmt.Sprint(shown) != "[env-1 1 0 env-1 2 0]" || answer.GetTotalCount() != 2 {
		t.Errorf("%q, %d in all", shown, answer.GetTotalCount())
	}
	none := "nobody"
	if shown, _ = w.films(&pb.ListRenderingsRequest{Run: named("r"), Environment: &none}); len(shown) != 0 {
		t.Errorf("%q", shown)
	}
}

func TestQuestionsForVideosThatCannotBe(t *testing.T) {
	w := newWorld(t)
	film(t, w.run("r", func(*store.Tx, *catalog.Edit) {}), "e", 1, 1)
	film(t, w.run("r", func(*store.Tx, *catalog.Edit) {}), "e", 2, 1)
	_, page := w.films(&pb.ListRenderingsRequest{Run: named("r"), Limit: 1})
	empty, one := "", uint64(1)
	refused := func(code connect.Code, says string, request *pb.ListRenderingsRequest) {
		t.Helper()
		_, err := w.client.ListRenderings(t.Context(), connect.NewRequest(request))
		if connect.CodeOf(err) != code || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %v that says %q", err, code, says)
		}
	}
	refused(connect.CodeNotFound, `no run "x"`, &pb.ListRenderingsRequest{Run: named("x")})
	refused(connect.CodeInvalidArgument, "1001", &pb.ListRenderingsRequest{Run: named("r"), Limit: 1001})
	refused(connect.CodeInvalidArgument, "not empty", &pb.ListRenderingsRequest{Run: named("r"), Environment: &empty})
	refused(connect.CodeInvalidArgument, "from 3 to 1", &pb.ListRenderingsRequest{Run: named("r"), Episodes: &pb.IndexRange{From: 3, To: &one}})
	refused(connect.CodeInvalidArgument, "page_token", &pb.ListRenderingsRequest{Run: named("r"), PageToken: "!"})
	refused(connect.CodeInvalidArgument, "page_token", &pb.ListRenderingsRequest{
		Run: named("r"), PageToken: page.GetNextPageToken(), Episodes: &pb.IndexRange{From: 1},
	})
}
