package views

import (
	"context"
	"errors"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ReportDelivery keeps what a client counted of its own logging.
func (s *Service) ReportDelivery(
	_ context.Context, request *connect.Request[pb.ReportDeliveryRequest],
) (*connect.Response[pb.ReportDeliveryResponse], error) {
	r := request.Msg
	if r.GetLoggerId() == 0 || r.GetDelivery() == nil {
		return nil, invalid("a report has a logger_id that is not 0, and a delivery")
	}
	run, found := s.catalog.Run(r.GetRunId())
	if !found {
		return nil, notFound("no run has the id %x", r.GetRunId())
	}
	err := run.ReportDelivery(catalog.Delivery{Logger: r.GetLoggerId(), Reported: time.Now(), Counts: countsOf(r.GetDelivery())})
	switch {
	case errors.Is(err, catalog.ErrDeleting):
		return nil, connect.NewError(connect.CodeNotFound, err)
	case errors.Is(err, catalog.ErrTooManyLoggers):
		return nil, connect.NewError(connect.CodeResourceExhausted, err)
	case err != nil:
		return nil, s.queries.Status(err)
	}
	return connect.NewResponse(&pb.ReportDeliveryResponse{}), nil
}

// countFields are the counts of a report in the order in which they are kept.
func countFields(d *pb.Delivery) []*uint64 {
	var fields []*uint64
	for _, kind := range []**pb.DeliveryCounts{&d.FloatPoints, &d.RlFloatPoints, &d.AttributeUpdates, &d.EnvAttributeUpdates} {
		if *kind == nil {
			*kind = &pb.DeliveryCounts{}
		}
		c := *kind
		fields = append(fields, &c.Added, &c.Enqueued, &c.Sent, &c.Dropped)
	}
	return append(fields, &d.ConnectionAttempts, &d.RequestsSent, &d.RequestsResent, &d.SendErrors, &d.ErrorsReported, &d.ErrorsEvicted)
}

// droppedPlaces are those of dropped points among the counts of a report.
var droppedPlaces = func() (places []int) {
	d := &pb.Delivery{}
	fields := countFields(d)
	for _, dropped := range []*uint64{&d.FloatPoints.Dropped, &d.RlFloatPoints.Dropped} {
		places = append(places, slices.Index(fields, dropped))
	}
	return places
}()

// droppedPoints is how many points of either kind a client dropped.
func droppedPoints(d catalog.Delivery) (dropped uint64) {
	for _, place := range droppedPlaces {
		if place < len(d.Counts) {
			dropped += d.Counts[place]
		}
	}
	return dropped
}

func countsOf(d *pb.Delivery) []uint64 {
	var counts []uint64
	for _, field := range countFields(d) {
		counts = append(counts, *field)
	}
	return counts
}

// encodeReport leaves counts that the report did not have at 0.
func encodeReport(d catalog.Delivery) *pb.DeliveryReport {
	out := &pb.DeliveryReport{LoggerId: d.Logger, Reported: timestamppb.New(d.Reported), Delivery: &pb.Delivery{}}
	fields := countFields(out.Delivery)
	for i, n := range d.Counts[:min(len(d.Counts), len(fields))] {
		*fields[i] = n
	}
	return out
}
