// Package wire turns what the engine logs into the bytes of an
// UpdateRunRequest, and such requests back into batches. It is the only
// hand-written code that knows both.
//
// # Encoding
//
// The sizes of all parts are computed first, so that a request is written
// front to back into memory of exactly the right size:
//
//	frame := update.Encode(func(size int) []byte { return make([]byte, 0, size) })
//
// Values travel as packed doubles, which on little-endian machines are the
// memory of the slice: they are copied, not converted.
package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/metrana/metrana/go/point"
)

// Update is what one UpdateRunRequest carries. The zero value of a part leaves
// it out.
type Update struct {
	RunID    []byte
	LoggerID uint64

	Attributes    []AttributeUpdate
	Declarations  []Declaration
	Series        []SeriesUpdate
	RLSeries      []RLSeriesUpdate
	EnvAttributes []EnvAttributeUpdate
	// CloseRun says that the logger is done with the run.
	CloseRun bool

	// SessionID and Sequence identify the request for a server that applies
	// each one once. Both are left out when SessionID is 0.
	SessionID uint64
	Sequence  uint64

	// sizes of the groups and batches of points, in the order in which they
	// are written: each group before its batches. Size fills it.
	sizes []int
}

// Declaration binds the identity of a series to the number under which its
// points travel on one stream.
type Declaration struct {
	Series   point.Series
	Ordering point.Ordering
	ID       uint64
}

// SeriesUpdate holds points of one standard series.
type SeriesUpdate struct {
	ID      uint64
	Batches []point.Batch
}

// RLSeriesUpdate holds points of one series in one environment.
type RLSeriesUpdate struct {
	ID          uint64
	Environment string
	Batches     []point.RLBatch
}

// EnvAttributeUpdate holds attributes of an environment, or of one of its
// episodes.
type EnvAttributeUpdate struct {
	Environment string
	Episode     uint64
	HasEpisode  bool
	Attributes  []AttributeUpdate
}

// The field numbers of UpdateRunRequest.
const (
	fieldRunID         = 1
	fieldLoggerID      = 2
	fieldAttributes    = 3
	fieldDeclarations  = 4
	fieldSeries        = 5
	fieldRLSeries      = 6
	fieldCloseRun      = 7
	fieldEnvAttributes = 8
	fieldSessionID     = 11
	fieldSequence      = 12
)

// Size returns how many bytes Append adds.
func (u *Update) Size() int {
	u.sizes = u.sizes[:0]
	n := sizeString(fieldRunID, len(u.RunID)) + sizeUint(fieldLoggerID, u.LoggerID)
	for i := range u.Attributes {
		n += sizeMessage(fieldAttributes, u.Attributes[i].size())
	}
	for i := range u.Declarations {
		n += sizeMessage(fieldDeclarations, u.Declarations[i].size())
	}
	for i := range u.Series {
		n += sizeMessage(fieldSeries, u.sizeSeries(&u.Series[i]))
	}
	for i := range u.RLSeries {
		n += sizeMessage(fieldRLSeries, u.sizeRLSeries(&u.RLSeries[i]))
	}
	if u.CloseRun {
		n += sizeMessage(fieldCloseRun, 0)
	}
	for i := range u.EnvAttributes {
		n += sizeMessage(fieldEnvAttributes, u.EnvAttributes[i].size())
	}
	if u.SessionID != 0 {
		n += sizeUint(fieldSessionID, u.SessionID) + sizeUint(fieldSequence, u.Sequence)
	}
	return n
}

// Append adds the encoded request to dst and returns the longer slice.
func (u *Update) Append(dst []byte) []byte {
	u.Size()
	return u.append(dst)
}

// Encode appends the request to what memory returns for its size.
func (u *Update) Encode(memory func(size int) []byte) []byte {
	return u.append(memory(u.Size()))
}

func (u *Update) append(dst []byte) []byte {
	sizes := u.sizes
	dst = appendBytes(dst, fieldRunID, u.RunID)
	dst = appendUint(dst, fieldLoggerID, u.LoggerID)
	for i := range u.Attributes {
		dst = appendHeader(dst, fieldAttributes, u.Attributes[i].size())
		dst = u.Attributes[i].append(dst)
	}
	for i := range u.Declarations {
		dst = appendHeader(dst, fieldDeclarations, u.Declarations[i].size())
		dst = u.Declarations[i].append(dst)
	}
	for i := range u.Series {
		dst = appendHeader(dst, fieldSeries, sizes[0])
		dst = u.Series[i].append(dst, sizes[1:])
		sizes = sizes[1+len(u.Series[i].Batches):]
	}
	for i := range u.RLSeries {
		dst = appendHeader(dst, fieldRLSeries, sizes[0])
		dst = u.RLSeries[i].append(dst, sizes[1:])
		sizes = sizes[1+len(u.RLSeries[i].Batches):]
	}
	if u.CloseRun {
		dst = appendHeader(dst, fieldCloseRun, 0)
	}
	for i := range u.EnvAttributes {
		dst = appendHeader(dst, fieldEnvAttributes, u.EnvAttributes[i].size())
		dst = u.EnvAttributes[i].append(dst)
	}
	if u.SessionID != 0 {
		dst = appendUint(dst, fieldSessionID, u.SessionID)
		dst = appendUint(dst, fieldSequence, u.Sequence)
	}
	return dst
}

// Size returns about how many bytes the declaration takes in a request: never
// fewer than it does.
func (d *Declaration) Size() int { return sizeMessage(fieldDeclarations, d.size()) }

func (d *Declaration) size() int {
	n := sizeString(1, len(d.Series.Name)) + sizeString(2, len(d.Series.Scale))
	for _, label := range d.Series.Labels {
		n += sizeMessage(3, sizeLabel(label))
	}
	return n + sizeUint(4, uint64(d.Ordering)) + sizeUint(5, d.ID)
}

func (d *Declaration) append(dst []byte) []byte {
	dst = appendString(dst, 1, d.Series.Name)
	dst = appendString(dst, 2, d.Series.Scale)
	for _, label := range d.Series.Labels {
		dst = appendHeader(dst, 3, sizeLabel(label))
		dst = appendPresentString(dst, 1, label.Key)
		dst = appendPresentString(dst, 2, label.Value)
	}
	dst = appendUint(dst, 4, uint64(d.Ordering))
	return appendUint(dst, 5, d.ID)
}

// A map entry states key and value even when they are empty.
func sizeLabel(label point.Label) int {
	return sizeMessage(1, len(label.Key)) + sizeMessage(2, len(label.Value))
}

func (u *Update) sizeSeries(s *SeriesUpdate) int {
	group := len(u.sizes)
	u.sizes = append(u.sizes, 0)
	n := sizeUint(1, s.ID)
	for i := range s.Batches {
		size := sizeBatch(&s.Batches[i])
		u.sizes = append(u.sizes, size)
		n += sizeMessage(2, size)
	}
	u.sizes[group] = n
	return n
}

func (s *SeriesUpdate) append(dst []byte, sizes []int) []byte {
	dst = appendUint(dst, 1, s.ID)
	for i := range s.Batches {
		dst = appendHeader(dst, 2, sizes[i])
		dst = appendBatch(dst, &s.Batches[i])
	}
	return dst
}

func (u *Update) sizeRLSeries(s *RLSeriesUpdate) int {
	group := len(u.sizes)
	u.sizes = append(u.sizes, 0)
	n := sizeUint(1, s.ID) + sizeString(2, len(s.Environment))
	for i := range s.Batches {
		size := sizeRLBatch(&s.Batches[i])
		u.sizes = append(u.sizes, size)
		n += sizeMessage(3, size)
	}
	u.sizes[group] = n
	return n
}

func (s *RLSeriesUpdate) append(dst []byte, sizes []int) []byte {
	dst = appendUint(dst, 1, s.ID)
	dst = appendString(dst, 2, s.Environment)
	for i := range s.Batches {
		dst = appendHeader(dst, 3, sizes[i])
		dst = appendRLBatch(dst, &s.Batches[i])
	}
	return dst
}

func (e *EnvAttributeUpdate) size() int {
	n := sizeString(1, len(e.Environment))
	if e.HasEpisode {
		n += sizePresentUint(2, e.Episode)
	}
	for i := range e.Attributes {
		n += sizeMessage(3, e.Attributes[i].size())
	}
	return n
}

func (e *EnvAttributeUpdate) append(dst []byte) []byte {
	dst = appendString(dst, 1, e.Environment)
	if e.HasEpisode {
		dst = appendPresentUint(dst, 2, e.Episode)
	}
	for i := range e.Attributes {
		dst = appendHeader(dst, 3, e.Attributes[i].size())
		dst = e.Attributes[i].append(dst)
	}
	return dst
}

func sizeMessage(field protowire.Number, size int) int {
	return protowire.SizeTag(field) + protowire.SizeBytes(size)
}
