package catalog

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/metrana/metrana/go/store"
)

// Kind is the kind of an attribute's value. The numbers are those of the wire's
// AttributeKind, and on disk.
type Kind uint8

// The kinds of values. None is that of a value that was cleared.
const (
	KindNone      Kind = 0
	KindBool      Kind = 1
	KindString    Kind = 2
	KindFloat     Kind = 3
	KindInt       Kind = 4
	KindStringSet Kind = 5
	KindTimestamp Kind = 6
)

// Value is the value of an attribute: the field of its Kind.
type Value struct {
	Kind  Kind
	Bool  bool
	Str   string
	Float float64
	Int   int64
	Set   []string  // sorted, each text once
	Time  time.Time // UTC
}

// Text makes a string.
func Text(s string) Value { return Value{Kind: KindString, Str: s} }

// Moment makes a timestamp.
func Moment(t time.Time) Value { return Value{Kind: KindTimestamp, Time: t.UTC()} }

// Truth makes a bool.
func Truth(b bool) Value { return Value{Kind: KindBool, Bool: b} }

// Whole makes an int.
func Whole(i int64) Value { return Value{Kind: KindInt, Int: i} }

// SetOf makes a string set.
func SetOf(texts []string) Value {
	set := slices.Clone(texts)
	slices.Sort(set)
	return Value{Kind: KindStringSet, Set: slices.Compact(set)}
}

var errCorrupt = errors.New("catalog: corrupt record")

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendOptionalText(dst []byte, s *string) []byte {
	if s == nil {
		return append(dst, 0)
	}
	return appendText(append(dst, 1), *s)
}

func appendTime(dst []byte, t time.Time) []byte {
	return binary.AppendVarint(binary.AppendVarint(dst, t.Unix()), int64(t.Nanosecond()))
}

func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.Kind))
	switch v.Kind {
	case KindNone:
		return dst
	case KindBool:
		return append(dst, map[bool]byte{true: 1}[v.Bool])
	case KindString:
		return appendText(dst, v.Str)
	case KindFloat:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float))
	case KindInt:
		return binary.AppendVarint(dst, v.Int)
	case KindStringSet:
		dst = binary.AppendUvarint(dst, uint64(len(v.Set)))
		for _, text := range v.Set {
			dst = appendText(dst, text)
		}
		return dst
	case KindTimestamp:
		return appendTime(dst, v.Time)
	}
	panic("BUG: value without a kind")
}

// fields takes the fields of a record from its front; after the first error it
// gives zeros.
type fields struct {
	src []byte
	err error
}

func (f *fields) take(n int) []byte {
	if f.err == nil && (n < 0 || n > len(f.src)) {
		f.err = errCorrupt
	}
	if f.err != nil {
		return nil
	}
	taken := f.src[:n]
	f.src = f.src[n:]
	return taken
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) unsigned() uint64 {
	v, n := binary.Uvarint(f.src)
	if f.take(max(n, 0)); n <= 0 {
		f.err = errCorrupt
		return 0
	}
	return v
}

func (f *fields) signed() int64 {
	v, n := binary.Varint(f.src)
	if f.take(max(n, 0)); n <= 0 {
		f.err = errCorrupt
		return 0
	}
	return v
}

func (f *fields) text() string {
	n := f.unsigned()
	if n > uint64(len(f.src)) {
		f.err = errCorrupt
		return ""
	}
	return string(f.take(int(n)))
}

func (f *fields) optionalText() *string {
	if f.byte() != 1 {
		return nil
	}
	s := f.text()
	return &s
}

func (f *fields) id() (id store.RunID) {
	copy(id[:], f.take(len(id)))
	return id
}

func (f *fields) time() time.Time {
	seconds := f.signed()
	return time.Unix(seconds, f.signed()).UTC()
}

func (f *fields) value() Value {
	v := Value{Kind: Kind(f.byte())}
	switch v.Kind {
	case KindNone:
	case KindBool:
		v.Bool = f.byte() == 1
	case KindString:
		v.Str = f.text()
	case KindFloat:
		if b := f.take(8); b != nil {
			v.Float = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case KindInt:
		v.Int = f.signed()
	case KindStringSet:
		for n := f.unsigned(); n > 0 && f.err == nil; n-- {
			v.Set = append(v.Set, f.text())
		}
	case KindTimestamp:
		v.Time = f.time()
	default:
		f.err = errCorrupt
	}
	return v
}
