package reader

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// pieces are a stretch of a message in the buffers in which it came. Putting
// them together would be a copy of every page.
type pieces [][]byte

func (p pieces) size() (n int) {
	for _, piece := range p {
		n += len(piece)
	}
	return n
}

func (p pieces) joined() []byte {
	if len(p) == 1 {
		return p[0]
	}
	whole := make([]byte, 0, p.size())
	for _, piece := range p {
		whole = append(whole, piece...)
	}
	return whole
}

// input walks over a message. Its methods tell of a message that ends too early.
type input struct {
	piece []byte // at hand
	rest  pieces
	size  int // of what is left
}

func (p pieces) input() input { return input{rest: p, size: p.size()} }

// varint reads a number.
func (in *input) varint() (uint64, bool) {
	if len(in.piece) < binary.MaxVarintLen64 {
		return in.splitVarint()
	}
	v, n := protowire.ConsumeVarint(in.piece)
	if n < 0 {
		return 0, false
	}
	in.piece, in.size = in.piece[n:], in.size-n
	return v, true
}

// splitVarint reads a number that may go over the end of a piece.
func (in *input) splitVarint() (uint64, bool) {
	var room [binary.MaxVarintLen64]byte
	n := copy(room[:], in.piece)
	for _, piece := range in.rest {
		n += copy(room[n:], piece)
	}
	v, n := protowire.ConsumeVarint(room[:n])
	if n < 0 {
		return 0, false
	}
	_, enough := in.take(n)
	return v, enough
}

// take cuts the next n bytes off.
func (in *input) take(n int) (pieces, bool) {
	if n > in.size {
		return nil, false
	}
	in.size -= n
	taken := pieces{}
	for n > 0 {
		if len(in.piece) == 0 {
			in.piece, in.rest = in.rest[0], in.rest[1:]
			continue
		}
		k := min(n, len(in.piece))
		taken = append(taken, in.piece[:k:k])
		in.piece = in.piece[k:]
		n -= k
	}
	return taken, true
}

// field is one field of a message, as it lies on the wire.
type field struct {
	number protowire.Number
	kind   protowire.Type
	bytes  pieces // of what has a length
}

// next reads a field; the value of one that has no length is passed over.
func (in *input) next() (f field, ok bool) {
	tag, ok := in.varint()
	if !ok {
		return f, false
	}
	f.number, f.kind = protowire.DecodeTag(tag)
	switch f.kind {
	case protowire.VarintType:
		_, ok = in.varint()
	case protowire.Fixed32Type:
		_, ok = in.take(4)
	case protowire.Fixed64Type:
		_, ok = in.take(8)
	case protowire.BytesType:
		var n uint64
		if n, ok = in.varint(); ok && n <= uint64(in.size) {
			f.bytes, ok = in.take(int(n))
			return f, ok
		}
		return f, false
	default: // groups are in none of our messages
		return f, false
	}
	return f, ok && f.number > 0
}
