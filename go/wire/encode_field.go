package wire

import "google.golang.org/protobuf/encoding/protowire"

// A plain proto3 field is left out at its zero value; a "present" one is
// stated all the same, as fields with presence, oneofs and list elements are.

func sizeUint(field protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return sizePresentUint(field, v)
}

func sizePresentUint(field protowire.Number, v uint64) int {
	return protowire.SizeTag(field) + protowire.SizeVarint(v)
}

func appendUint(dst []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return appendPresentUint(dst, field, v)
}

func appendPresentUint(dst []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}

func sizeBool(field protowire.Number, v bool) int {
	return sizeUint(field, protowire.EncodeBool(v))
}

func appendBool(dst []byte, field protowire.Number, v bool) []byte {
	return appendUint(dst, field, protowire.EncodeBool(v))
}

func sizeString(field protowire.Number, n int) int {
	if n == 0 {
		return 0
	}
	return sizeMessage(field, n)
}

func appendString(dst []byte, field protowire.Number, text string) []byte {
	if text == "" {
		return dst
	}
	return appendPresentString(dst, field, text)
}

func appendPresentString(dst []byte, field protowire.Number, text string) []byte {
	return append(appendHeader(dst, field, len(text)), text...)
}

func appendBytes(dst []byte, field protowire.Number, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	return append(appendHeader(dst, field, len(b)), b...)
}

// appendHeader starts a field of size bytes.
func appendHeader(dst []byte, field protowire.Number, size int) []byte {
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	return protowire.AppendVarint(dst, uint64(size))
}
