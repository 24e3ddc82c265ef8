package views

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxNonFinite is how many series with a point that is not finite are named.
const maxNonFinite = 100

// GetRunHealth tells what arrived of a run and what did not.
func (s *Service) GetRunHealth(
	_ context.Context, request *connect.Request[pb.GetRunHealthRequest],
) (*connect.Response[pb.GetRunHealthResponse], error) {
	run, err := s.findRun(request.Msg.GetRun())
	if err != nil {
		return nil, err
	}
	stats := run.points.Stats()
	answer := &pb.GetRunHealthResponse{
		PointsStored: stats.Points, PointsLate: stats.Late, PointsDuplicate: stats.Duplicates, PointsRefused: stats.Refused,
		NotStored: run.notStored(), LastReceived: timestamppb.New(run.Modified()),
	}
	newest, found, err := run.points.NewestTime()
	if err != nil {
		return nil, s.queries.Status(err)
	}
	if found {
		lag := run.Modified().UnixMilli() - newest
		answer.NewestPoint, answer.IngestLagMillis = timestamppb.New(time.UnixMilli(newest)), &lag
	}
	for _, d := range run.Deliveries() {
		answer.Deliveries = append(answer.Deliveries, encodeReport(d))
	}
	if request.Msg.GetIncludeNonFinite() {
		if answer.NonFinite, answer.MoreNonFinite, err = run.nonFinite(); err != nil {
			return nil, s.queries.Status(err)
		}
	}
	return connect.NewResponse(answer), nil
}

func (r runPoints) notStored() []*pb.NotStored {
	var out []*pb.NotStored
	for _, a := range r.Attributes() {
		if kind, found := strings.CutPrefix(a.Path, "sys/not_stored/"); found {
			out = append(out, &pb.NotStored{Kind: kind, Count: uint64(a.Value.Int)})
		}
	}
	return out
}

// nonFinite finds the first point of each series that is not finite.
func (r runPoints) nonFinite() (list []*pb.NonFinitePoint, more bool, err error) {
	for _, info := range query.All().Of(r.points) {
		p, err := r.firstNonFinite(info)
		if err != nil {
			return nil, false, err
		}
		if p == nil {
			continue
		}
		if len(list) == maxNonFinite {
			return list, true, nil
		}
		p.MetricName, p.Scale, p.Labels = info.Key.Name, info.Key.Scale, labelsOf(info.Key)
		list = append(list, p)
	}
	return list, false, nil
}

// firstNonFinite is nil of a series whose points are all finite. Of one that has
// standard points and RL points, a standard one comes first.
func (r runPoints) firstNonFinite(info store.SeriesInfo) (*pb.NonFinitePoint, error) {
	if info.HasOther {
		return r.standardNonFinite(info)
	}
	if !info.RL {
		return nil, nil //nolint:nilnil // no such point, no error
	}
	other, found, err := r.points.FirstRLOther(info.No)
	if !found {
		return nil, err
	}
	p := &pb.NonFinitePoint{Step: other.RLStep, Value: &other.Value, EnvStep: other.EnvStep}
	if other.HasEpisode {
		p.Episode = &other.Episode
	}
	for _, env := range r.points.Environments() {
		if env.No == other.Env {
			p.Environment = env.ID
		}
	}
	return p, nil
}

func (r runPoints) standardNonFinite(info store.SeriesInfo) (*pb.NonFinitePoint, error) {
	p := &pb.NonFinitePoint{Step: info.FirstOther}
	points, err := r.points.Points(info.No, info.FirstOther, info.FirstOther)
	for _, v := range points.Values {
		if v-v != 0 {
			p.Value = &v
			break
		}
	}
	return p, err
}
