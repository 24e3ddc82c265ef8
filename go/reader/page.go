package reader

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	pb "github.com/metrana/metrana/go/wire/pb/query"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Page is an answer ready to cross the C boundary. In memory its columns come
// first, each from a multiple of eight bytes on, then a table of the memory of
// columns that lie elsewhere, where each begins and its size, and last its tree as JSON:
// fields under their names in the schema, those that are not there left out, enums by name. A
// list of numbers, or a field of bytes, is {"$column": [memory, first byte, how many, NumPy's
// name of its type]}, the memory being that of the page, 0, or one of the table, from 1 on.
type Page struct {
	columns []column
	size    int // of the columns, with the gaps between them
	foreign [][]byte
	tree    []byte
}

// column is a list of numbers: as NumPy has it, or varints of eight bytes each.
type column struct {
	of      pieces
	size    int // in memory
	varints bool
	foreign bool // it stays where it is
}

func (c column) write(memory []byte) error {
	if c.varints {
		if !writeVarints(memory, c.of) {
			return errUneven
		}
		return nil
	}
	for _, piece := range c.of {
		memory = memory[copy(memory, piece):]
	}
	return nil
}

// NewPage decodes an answer and lays it out. The answer must not be freed before
// the page is written.
func NewPage(answer *Answer) (*Page, error) {
	parts, is, err := answer.pointsIn()
	if err != nil {
		return nil, err
	}
	if is {
		list := make([]seriesColumns, len(parts))
		for i, part := range parts {
			list[i] = part.columns()
		}
		_, inRuns := answer.kind.Zero().Interface().(*pb.ListFloatSeriesResponse)
		return newPointsPage(list, inRuns)
	}
	message, err := answer.decode()
	if err != nil {
		return nil, err
	}
	p := &Page{}
	p.message(message.ProtoReflect())
	return p, nil
}

// entry is what the table has of memory elsewhere.
const entry = 16

// Size is how much memory Write needs, and from where on table and tree lie in it.
func (p *Page) Size() (total, table, tree int) {
	tree = p.size + entry*len(p.foreign)
	return tree + len(p.tree), p.size, tree
}

// Write puts the page into memory of that size.
func (p *Page) Write(memory []byte) error {
	at := 0
	for _, column := range p.columns {
		if err := column.write(memory[at : at+column.size]); err != nil {
			return err
		}
		at = aligned(at + column.size)
	}
	for _, block := range p.foreign {
		binary.NativeEndian.PutUint64(memory[at:], uint64(uintptr(unsafe.Pointer(unsafe.SliceData(block)))))
		binary.NativeEndian.PutUint64(memory[at+8:], uint64(len(block)))
		at += entry
	}
	copy(memory[at:], p.tree)
	return nil
}

func aligned(at int) int { return (at + 7) &^ 7 }

func (p *Page) message(m protoreflect.Message) {
	p.tree = append(p.tree, '{')
	fields := m.Descriptor().Fields()
	first := true
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		if !first {
			p.tree = append(p.tree, ',')
		}
		first = false
		p.text(string(f.Name()))
		p.tree = append(p.tree, ':')
		p.field(m, f)
	}
	p.tree = append(p.tree, '}')
}

func (p *Page) field(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	switch {
	case f.IsMap():
		p.dictionary(f, m.Get(f).Map())
	case f.IsList() && isNumber(f.Kind()):
		p.column(m, f)
	case f.IsList():
		list := m.Get(f).List()
		p.tree = append(p.tree, '[')
		for i := range list.Len() {
			if i > 0 {
				p.tree = append(p.tree, ',')
			}
			p.value(f, list.Get(i))
		}
		p.tree = append(p.tree, ']')
	default:
		p.value(f, m.Get(f))
	}
}

func isNumber(kind protoreflect.Kind) bool { return dtypes[kind] != "" }

// dtypes are NumPy's names of the types that columns have here.
var dtypes = map[protoreflect.Kind]string{
	protoreflect.DoubleKind: "f8", protoreflect.Uint64Kind: "u8", protoreflect.Int64Kind: "i8", protoreflect.Uint32Kind: "u4",
}

func (p *Page) dictionary(f protoreflect.FieldDescriptor, m protoreflect.Map) {
	p.tree = append(p.tree, '{')
	first := true
	m.Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
		if !first {
			p.tree = append(p.tree, ',')
		}
		first = false
		p.text(key.String())
		p.tree = append(p.tree, ':')
		p.value(f.MapValue(), v)
		return true
	})
	p.tree = append(p.tree, '}')
}

func (p *Page) value(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		p.message(v.Message())
	case protoreflect.EnumKind:
		if known := f.Enum().Values().ByNumber(v.Enum()); known != nil {
			p.text(string(known.Name()))
		} else {
			p.tree = strconv.AppendInt(p.tree, int64(v.Enum()), 10)
		}
	case protoreflect.StringKind:
		p.text(v.String())
	case protoreflect.BoolKind:
		p.tree = strconv.AppendBool(p.tree, v.Bool())
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		p.number(v.Float())
	case protoreflect.Uint64Kind, protoreflect.Uint32Kind, protoreflect.Fixed64Kind:
		p.tree = strconv.AppendUint(p.tree, v.Uint(), 10)
	case protoreflect.BytesKind:
		b := v.Bytes()
		p.add(column{of: pieces{b}, size: len(b)}, len(b), "u1")
	default:
		p.tree = strconv.AppendInt(p.tree, v.Int(), 10)
	}
}

// number writes NaN and infinities as Python's json reads them.
func (p *Page) number(v float64) {
	switch {
	case math.IsNaN(v):
		p.tree = append(p.tree, "NaN"...)
	case math.IsInf(v, 1):
		p.tree = append(p.tree, "Infinity"...)
	case math.IsInf(v, -1):
		p.tree = append(p.tree, "-Infinity"...)
	default:
		p.tree = strconv.AppendFloat(p.tree, v, 'g', -1, 64)
	}
}

func (p *Page) text(s string) {
	encoded, _ := json.Marshal(s) // of a string it cannot fail
	p.tree = append(p.tree, encoded...)
}

// column refers to the numbers where the decoded message has them: through
// protoreflect each would cost a call.
func (p *Page) column(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	slice := reflect.ValueOf(m.Interface()).Elem().Field(structField(m, f))
	n := slice.Len()
	width := int(slice.Type().Elem().Size())
	memory := unsafe.Slice((*byte)(slice.UnsafePointer()), n*width)
	p.add(column{of: pieces{memory}, size: len(memory)}, n, dtypes[f.Kind()])
}

// add lays a column out and refers to it.
func (p *Page) add(c column, n int, dtype string) {
	memory, at := 0, p.size
	if c.foreign {
		p.foreign = append(p.foreign, c.of[0])
		memory, at = len(p.foreign), 0
	} else {
		p.columns = append(p.columns, c)
		p.size = aligned(p.size + c.size)
	}
	p.tree = fmt.Appendf(p.tree, `{"$column":[%d,%d,%d,"%s"]}`, memory, at, n, dtype)
}

// structFields finds the field of a generated struct by its schema name, which
// its tag tells.
var structFields sync.Map // of protoreflect.FullName to int

func structField(m protoreflect.Message, f protoreflect.FieldDescriptor) int {
	if at, known := structFields.Load(f.FullName()); known {
		return at.(int)
	}
	t := reflect.TypeOf(m.Interface()).Elem()
	for i := range t.NumField() {
		for part := range strings.SplitSeq(t.Field(i).Tag.Get("protobuf"), ",") {
			if part == "name="+string(f.Name()) {
				structFields.Store(f.FullName(), i)
				return i
			}
		}
	}
	panic("reader: no field of " + t.String() + " is " + string(f.Name()))
}
