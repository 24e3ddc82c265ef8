package wire

import "google.golang.org/protobuf/encoding/protowire"

// ReportDeliveryMethod is where a client says what it counted. Servers of others may
// not have it.
const ReportDeliveryMethod = "/metrana.views.v1.ViewsService/ReportDelivery"

// DeliveryCounts are a client's numbers of one kind of data.
type DeliveryCounts struct{ Added, Enqueued, Sent, Dropped uint64 }

// Delivery is a metrana.views.v1.ReportDeliveryRequest.
type Delivery struct {
	RunID    []byte
	LoggerID uint64

	Points, RLPoints, Attributes, EnvAttributes DeliveryCounts

	ConnectionAttempts, RequestsSent, RequestsResent, SendErrors, ErrorsReported, ErrorsEvicted uint64
}

// Append encodes the report.
func (d *Delivery) Append(dst []byte) []byte {
	var report []byte
	for i, counts := range []DeliveryCounts{d.Points, d.RLPoints, d.Attributes, d.EnvAttributes} {
		report = appendField(report, protowire.Number(i+1), appendNumbers(nil, 1, counts.Added, counts.Enqueued, counts.Sent, counts.Dropped))
	}
	report = appendNumbers(report, 5,
		d.ConnectionAttempts, d.RequestsSent, d.RequestsResent, d.SendErrors, d.ErrorsReported, d.ErrorsEvicted)
	dst = appendField(dst, 1, d.RunID)
	dst = appendNumbers(dst, 2, d.LoggerID)
	return appendField(dst, 3, report)
}

func appendField(dst []byte, no protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, no, protowire.BytesType), value)
}

// appendNumbers appends fields with consecutive numbers, those that are not 0.
func appendNumbers(dst []byte, first protowire.Number, values ...uint64) []byte {
	for i, value := range values {
		if value != 0 {
			dst = protowire.AppendVarint(protowire.AppendTag(dst, first+protowire.Number(i), protowire.VarintType), value)
		}
	}
	return dst
}
