package views

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

// Limits of listings of videos.
const (
	defaultRenderings = 100
	maxRenderings     = 1000
)

// ListRenderings gives a page of the videos of a run.
func (s *Service) ListRenderings(
	_ context.Context, request *connect.Request[pb.ListRenderingsRequest],
) (*connect.Response[pb.ListRenderingsResponse], error) {
	r := request.Msg
	run, found := s.catalog.FindRun(r.GetRun().GetWorkspace(), r.GetRun().GetProject(), r.GetRun().GetRun())
	if !found {
		return nil, notFound("no run %q in project %q of workspace %q", r.GetRun().GetRun(), r.GetRun().GetProject(), r.GetRun().GetWorkspace())
	}
	l, err := parseRenderingList(r)
	if err != nil {
		return nil, err
	}
	if err := run.Renderings(r.Environment, l.take); err != nil {
		return nil, s.queries.Status(err)
	}
	return connect.NewResponse(l.answer()), nil
}

// renderingList is a request for a page of videos, and what was found for it.
type renderingList struct {
	request  *pb.ListRenderingsRequest
	episodes store.Range
	limit    int
	after    string // place of the last video of the page before
	total    uint64
	rows     []catalog.Rendering
	more     bool
}

func parseRenderingList(r *pb.ListRenderingsRequest) (*renderingList, error) {
	l := &renderingList{request: r, limit: int(r.GetLimit())}
	if l.limit == 0 {
		l.limit = defaultRenderings
	}
	if l.limit > maxRenderings {
		return nil, invalid("limit %d is above %d", r.GetLimit(), maxRenderings)
	}
	if r.Environment != nil && r.GetEnvironment() == "" {
		return nil, invalid("environment is an id that is not empty, or is left out")
	}
	var err error
	if l.episodes, err = rangeOf("episodes", r.GetEpisodes()); err != nil {
		return nil, err
	}
	if token := r.GetPageToken(); token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		question, place, whole := strings.Cut(string(text), ".")
		if err != nil || !whole || question != l.question() {
			return nil, invalid("page_token %q was not given for this request", token)
		}
		l.after = place
	}
	return l, nil
}

// question is what tells requests apart of which one's token is no other's.
func (l *renderingList) question() string {
	asked := proto.CloneOf(l.request)
	asked.PageToken, asked.Limit = "", 0
	h := fnv.New64a()
	bytes, _ := proto.MarshalOptions{Deterministic: true}.Marshal(asked) // it came as such a message
	_, _ = h.Write(bytes)                                                // a hash takes everything
	return fmt.Sprintf("%x", h.Sum64())
}

// placeOf orders as the listing does.
func placeOf(v *catalog.Rendering) string {
	return fmt.Sprintf("%s\x00%016x%016x%016x%s", v.Environment, v.Episode, v.FirstRLStep, v.LastRLStep, hex.EncodeToString(v.SHA256[:]))
}

// take takes what the page is to show. A damaged record hides its own video only.
func (l *renderingList) take(v catalog.Rendering, damage error) error {
	if damage != nil || v.Episode < l.episodes.From || v.Episode > l.episodes.To {
		return nil
	}
	l.total++
	switch {
	case placeOf(&v) <= l.after:
	case len(l.rows) < l.limit:
		l.rows = append(l.rows, v)
	default:
		l.more = true
	}
	return nil
}

func (l *renderingList) answer() *pb.ListRenderingsResponse {
	answer := &pb.ListRenderingsResponse{TotalCount: l.total}
	for i := range l.rows {
		v := &l.rows[i]
		answer.Renderings = append(answer.Renderings, &pb.Rendering{
			Environment: v.Environment, Episode: v.Episode, FirstRlStep: v.FirstRLStep, LastRlStep: v.LastRLStep,
			Fps: v.FPS, Frames: v.Frames, Bytes: v.Size, ContentType: renderings.ContentType, Url: renderings.PathOf(v.SHA256),
		})
	}
	if l.more {
		last := &l.rows[len(l.rows)-1]
		answer.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(l.question() + "." + placeOf(last)))
	}
	return answer
}
