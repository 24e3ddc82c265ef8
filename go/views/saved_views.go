package views

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ListSavedViews lists the views that were saved of a project.
func (s *Service) ListSavedViews(
	_ context.Context, request *connect.Request[pb.ListSavedViewsRequest],
) (*connect.Response[pb.ListSavedViewsResponse], error) {
	r := request.Msg
	list, found := s.catalog.SavedViews(r.GetWorkspace(), r.GetProject())
	if !found {
		return nil, notFound("no project %q in workspace %q", r.GetProject(), r.GetWorkspace())
	}
	answer := &pb.ListSavedViewsResponse{}
	for _, view := range list {
		answer.Views = append(answer.Views, encodeSavedView(view))
	}
	return connect.NewResponse(answer), nil
}

// SaveView saves a view of a project.
func (s *Service) SaveView(_ context.Context, request *connect.Request[pb.SaveViewRequest]) (*connect.Response[pb.SaveViewResponse], error) {
	r, v := request.Msg, request.Msg.GetView()
	if v == nil {
		return nil, invalid("the request has no view")
	}
	view := catalog.SavedView{Name: v.GetName(), Page: v.GetPage(), Run: v.Run, Parameters: v.GetParameters(), Saved: time.Now().UTC()}
	if err := view.Check(); err != nil {
		return nil, invalid("%w", err)
	}
	if err := s.catalog.SaveView(r.GetWorkspace(), r.GetProject(), view, r.Replaces); err != nil {
		return nil, s.changeStatus(err)
	}
	return connect.NewResponse(&pb.SaveViewResponse{View: encodeSavedView(view)}), nil
}

// DeleteSavedView deletes a saved view.
func (s *Service) DeleteSavedView(
	_ context.Context, request *connect.Request[pb.DeleteSavedViewRequest],
) (*connect.Response[pb.DeleteSavedViewResponse], error) {
	r := request.Msg
	if err := s.catalog.DeleteSavedView(r.GetWorkspace(), r.GetProject(), r.GetName()); err != nil {
		return nil, s.changeStatus(err)
	}
	return connect.NewResponse(&pb.DeleteSavedViewResponse{}), nil
}

func encodeSavedView(v catalog.SavedView) *pb.SavedView {
	return &pb.SavedView{Name: v.Name, Page: v.Page, Run: v.Run, Parameters: v.Parameters, Saved: timestamppb.New(v.Saved)}
}

// changeStatus is the status of a change to what is kept of a project.
func (s *Service) changeStatus(err error) error {
	var full *store.FullError
	switch {
	case errors.Is(err, catalog.ErrNoProject), errors.Is(err, catalog.ErrNoRun), errors.Is(err, catalog.ErrNoView):
		return connect.NewError(connect.CodeNotFound, err)
	case errors.Is(err, catalog.ErrViewExists):
		return connect.NewError(connect.CodeAlreadyExists, err)
	case errors.Is(err, catalog.ErrTooManyViews), errors.As(err, &full):
		return connect.NewError(connect.CodeResourceExhausted, err)
	}
	return s.queries.Status(err)
}
