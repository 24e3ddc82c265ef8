package query

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// What clients may log but this server does not store is said so.

var (
	errNoTraces     = connect.NewError(connect.CodeUnimplemented, errors.New("this server stores no traces"))
	errNoHistograms = connect.NewError(connect.CodeUnimplemented, errors.New("this server stores no histograms; sys/not_stored/ counts those that were sent"))
	errNoScatters   = connect.NewError(connect.CodeUnimplemented, errors.New("this server stores no scatter series; sys/not_stored/ counts those that were sent"))
)

// ListHistogramSeries is not offered.
func (s *Service) ListHistogramSeries(
	context.Context, *connect.Request[pb.ListHistogramSeriesRequest],
) (*connect.Response[pb.ListHistogramSeriesResponse], error) {
	return nil, errNoHistograms
}

// ListScatterSeries is not offered.
func (s *Service) ListScatterSeries(
	context.Context, *connect.Request[pb.ListScatterSeriesRequest],
) (*connect.Response[pb.ListScatterSeriesResponse], error) {
	return nil, errNoScatters
}

// ListSpans is not offered.
func (s *Service) ListSpans(
	context.Context, *connect.Request[pb.ListSpansRequest],
) (*connect.Response[pb.ListSpansResponse], error) {
	return nil, errNoTraces
}

// ListTraceSpans is not offered.
func (s *Service) ListTraceSpans(
	context.Context, *connect.Request[pb.ListTraceSpansRequest],
) (*connect.Response[pb.ListTraceSpansResponse], error) {
	return nil, errNoTraces
}

// GetSpanPayload is not offered.
func (s *Service) GetSpanPayload(
	context.Context, *connect.Request[pb.GetSpanPayloadRequest],
) (*connect.Response[pb.GetSpanPayloadResponse], error) {
	return nil, errNoTraces
}

// ListTracingOpNames is not offered.
func (s *Service) ListTracingOpNames(
	context.Context, *connect.Request[pb.ListTracingOpNamesRequest],
) (*connect.Response[pb.ListTracingOpNamesResponse], error) {
	return nil, errNoTraces
}

// ListTracingAttributeDefinitions is not offered.
func (s *Service) ListTracingAttributeDefinitions(
	context.Context, *connect.Request[pb.ListTracingAttributeDefinitionsRequest],
) (*connect.Response[pb.ListTracingAttributeDefinitionsResponse], error) {
	return nil, errNoTraces
}

// ListTracingAttributeValues is not offered.
func (s *Service) ListTracingAttributeValues(
	context.Context, *connect.Request[pb.ListTracingAttributeValuesRequest],
) (*connect.Response[pb.ListTracingAttributeValuesResponse], error) {
	return nil, errNoTraces
}
