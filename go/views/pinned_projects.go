package views

import (
	"context"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// SetPinned pins a project, or takes that back.
func (s *Service) SetPinned(_ context.Context, request *connect.Request[pb.SetPinnedRequest]) (*connect.Response[pb.SetPinnedResponse], error) {
	r := request.Msg
	if err := s.catalog.SetPinned(r.GetWorkspace(), r.GetProject(), r.GetPinned()); err != nil {
		return nil, s.changeStatus(err)
	}
	return connect.NewResponse(&pb.SetPinnedResponse{}), nil
}
