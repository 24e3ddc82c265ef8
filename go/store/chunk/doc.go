// Package chunk encodes the columns of points: integers as arithmetic runs,
// values as codes of
// their high bits beside their low bits. It is pure: bytes in, columns out.
//
// Encoders append to dst and return it. Decoders take the bytes they need from
// the front of src and return the rest. Damaged input gives an error that wraps
// ErrCorrupt, never a panic, and never allocates more than the caller's limit on
// the number of points allows.
package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by every error about bytes that no encoder wrote.
var ErrCorrupt = errors.New("corrupt chunk")

func corrupt(what string) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, what)
}

// Uvarint takes one unsigned number from the front of src.
func Uvarint(src []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(src)
	if n <= 0 {
		return 0, nil, corrupt("number cut short")
	}
	return v, src[n:], nil
}

// Bytes takes one length-prefixed string of bytes from the front of src. It
// points into src.
func Bytes(src []byte) (taken, rest []byte, err error) {
	n, rest, err := Uvarint(src)
	if err != nil {
		return nil, nil, err
	}
	if n > uint64(len(rest)) {
		return nil, nil, corrupt("length beyond the end")
	}
	return rest[:n], rest[n:], nil
}

// AppendBytes writes what Bytes reads.
func AppendBytes[B ~string | ~[]byte](dst []byte, b B) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}
