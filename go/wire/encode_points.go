package wire

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire/pb/common"
	"github.com/metrana/metrana/go/wire/pb/query"
)

// Points are read by the million, and protobuf-go takes longer to write a column
// of them than the store to read it. What is written here is the same, to the
// byte, with the labels of a series in the order of their keys.

// AppendSeriesPage encodes a page of points of runs behind dst.
func AppendSeriesPage(dst []byte, page *query.ListFloatSeriesResponse) ([]byte, error) {
	for _, of := range page.GetRunPoints() {
		series, size, err := sizeSeriesPoints(2, of.GetSeries())
		if err != nil {
			return nil, err
		}
		size += sizeString(1, len(of.GetRun()))
		dst = appendHeader(slices.Grow(dst, size+pageRoom), 1, size)
		dst = appendString(dst, 1, of.GetRun())
		dst = appendSeriesPoints(dst, 2, series)
	}
	return appendToken(dst, 2, page.ResumeToken), nil
}

// AppendRLSeriesPage encodes a page of points of an environment behind dst.
func AppendRLSeriesPage(dst []byte, page *query.ListRLEnvironmentFloatSeriesResponse) ([]byte, error) {
	series, size, err := sizeSeriesPoints(1, page.GetSeries())
	if err != nil {
		return nil, err
	}
	dst = appendSeriesPoints(slices.Grow(dst, size+pageRoom), 1, series)
	return appendToken(dst, 2, page.ResumeToken), nil
}

// pageRoom is for a header and a token besides the points.
const pageRoom = 256

func appendToken(dst []byte, field protowire.Number, token *string) []byte {
	if token == nil {
		return dst
	}
	return appendPresentString(dst, field, *token)
}

// sizedSeries is a series with the sizes of its parts, headers not counted.
type sizedSeries struct {
	definition *[]byte // encoded; nil: there is none
	points     *common.FloatSeriesPoints
	size       int // of all of it
	pointsSize int
	stepsSize  int
	timesSize  int
}

func sizeSeriesPoints(field protowire.Number, list []*query.SeriesPoints) (sized []sizedSeries, size int, err error) {
	sized = make([]sizedSeries, len(list))
	for i, series := range list {
		s := &sized[i]
		if series.GetDefinition() != nil {
			definition, err := proto.MarshalOptions{Deterministic: true}.Marshal(series.GetDefinition())
			if err != nil {
				return nil, 0, err
			}
			s.definition = &definition
			s.size += sizeMessage(1, len(definition))
		}
		if s.points = series.GetPoints(); s.points != nil {
			s.stepsSize = sizeVarints(s.points.GetSteps())
			s.timesSize = sizeVarints(unsigned(s.points.GetTimestampMillis()))
			s.pointsSize = sizeString(1, s.stepsSize) + sizeDoubles(2, len(s.points.GetValues())) + sizeString(3, s.timesSize)
			s.size += sizeMessage(2, s.pointsSize)
		}
		size += sizeMessage(field, s.size)
	}
	return sized, size, nil
}

func appendSeriesPoints(dst []byte, field protowire.Number, list []sizedSeries) []byte {
	for i := range list {
		s := &list[i]
		dst = appendHeader(dst, field, s.size)
		if s.definition != nil {
			dst = append(appendHeader(dst, 1, len(*s.definition)), *s.definition...)
		}
		if s.points == nil {
			continue
		}
		dst = appendHeader(dst, 2, s.pointsSize)
		if s.stepsSize > 0 {
			dst = appendVarints(appendHeader(dst, 1, s.stepsSize), s.points.GetSteps())
		}
		dst = appendDoubles(dst, 2, s.points.GetValues())
		if s.timesSize > 0 {
			dst = appendVarints(appendHeader(dst, 3, s.timesSize), unsigned(s.points.GetTimestampMillis()))
		}
	}
	return dst
}
