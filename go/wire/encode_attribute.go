package wire

import (
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// AttributeKind says which value an attribute update carries.
type AttributeKind uint8

// The kinds of attribute values.
const (
	// AttributeNull is an update without a value: it clears the attribute.
	AttributeNull AttributeKind = iota
	AttributeBool
	AttributeString
	AttributeFloat
	AttributeInt
	// AttributeStringSet replaces a set by Strings.
	AttributeStringSet
	// AttributeStringSetDelta adds Strings to a set and removes Removed.
	AttributeStringSetDelta
	AttributeTimestamp
)

// AttributeUpdate sets or clears the attribute at a path. Kind says which of
// the other fields counts.
type AttributeUpdate struct {
	Path    string
	Kind    AttributeKind
	Bool    bool
	String  string
	Float   float64
	Int     int64
	Strings []string
	Removed []string
	Time    time.Time
}

// Size returns how many bytes the update takes in a request.
func (a *AttributeUpdate) Size() int { return sizeMessage(fieldAttributes, a.size()) }

func (a *AttributeUpdate) size() int {
	n := sizeString(1, len(a.Path))
	switch a.Kind {
	case AttributeBool:
		n += protowire.SizeTag(2) + 1
	case AttributeString:
		n += sizeMessage(3, len(a.String))
	case AttributeFloat:
		n += protowire.SizeTag(4) + 8
	case AttributeInt:
		n += sizePresentUint(5, uint64(a.Int))
	case AttributeStringSet:
		n += sizeMessage(6, sizeStrings(1, a.Strings))
	case AttributeStringSetDelta:
		n += sizeMessage(7, sizeStrings(1, a.Strings)+sizeStrings(2, a.Removed))
	case AttributeTimestamp:
		n += sizeMessage(8, sizeTime(a.Time))
	case AttributeNull:
	}
	return n
}

func (a *AttributeUpdate) append(dst []byte) []byte {
	dst = appendString(dst, 1, a.Path)
	switch a.Kind {
	case AttributeBool:
		return appendPresentUint(dst, 2, protowire.EncodeBool(a.Bool))
	case AttributeString:
		return appendPresentString(dst, 3, a.String)
	case AttributeFloat:
		dst = protowire.AppendTag(dst, 4, protowire.Fixed64Type)
		return protowire.AppendFixed64(dst, math.Float64bits(a.Float))
	case AttributeInt:
		return appendPresentUint(dst, 5, uint64(a.Int))
	case AttributeStringSet:
		dst = appendHeader(dst, 6, sizeStrings(1, a.Strings))
		return appendStrings(dst, 1, a.Strings)
	case AttributeStringSetDelta:
		dst = appendHeader(dst, 7, sizeStrings(1, a.Strings)+sizeStrings(2, a.Removed))
		return appendStrings(appendStrings(dst, 1, a.Strings), 2, a.Removed)
	case AttributeTimestamp:
		dst = appendHeader(dst, 8, sizeTime(a.Time))
		dst = appendUint(dst, 1, uint64(a.Time.Unix()))
		return appendUint(dst, 2, uint64(a.Time.Nanosecond()))
	case AttributeNull:
	}
	return dst
}

func sizeTime(t time.Time) int {
	return sizeUint(1, uint64(t.Unix())) + sizeUint(2, uint64(t.Nanosecond()))
}

func sizeStrings(field protowire.Number, texts []string) int {
	n := 0
	for _, text := range texts {
		n += sizeMessage(field, len(text))
	}
	return n
}

func appendStrings(dst []byte, field protowire.Number, texts []string) []byte {
	for _, text := range texts {
		dst = appendPresentString(dst, field, text)
	}
	return dst
}
