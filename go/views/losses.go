package views

import (
	"context"

	"connectrpc.com/connect"

	pb "github.com/metrana/metrana/go/wire/pb/views"
	"github.com/metrana/metrana/go/workers"
)

// maxLosses is how many runs may be asked of at once.
const maxLosses = 1000

// CountLosses tells in short of each of several runs whether all of it arrived.
func (s *Service) CountLosses(
	_ context.Context, request *connect.Request[pb.CountLossesRequest],
) (*connect.Response[pb.CountLossesResponse], error) {
	r := request.Msg
	if n := len(r.GetRuns()); n > maxLosses {
		return nil, invalid("%d runs; at most %d may be", n, maxLosses)
	}
	losses := make([]*pb.RunLosses, len(r.GetRuns()))
	err := workers.Each(workers.Count(), len(losses), func(_, i int) (err error) {
		losses[i], err = s.losses(&pb.RunName{Workspace: r.GetWorkspace(), Project: r.GetProject(), Run: r.GetRuns()[i]})
		return err
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.CountLossesResponse{Runs: losses}), nil
}

func (s *Service) losses(name *pb.RunName) (*pb.RunLosses, error) {
	run, err := s.findRun(name)
	if connect.CodeOf(err) == connect.CodeNotFound {
		return &pb.RunLosses{}, nil // it was deleted since the page listed it
	}
	if err != nil {
		return nil, err
	}
	stats := run.points.Stats()
	lost := &pb.RunLosses{PointsRefused: stats.Late + stats.Refused}
	for _, d := range run.Deliveries() {
		lost.PointsDropped += droppedPoints(d)
	}
	return lost, nil
}
