package reader

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// Points come by the million, and protobuf-go makes three copies of each on its way
// to where it is looked at. So pages of points are read by hand: their columns are
// found on the wire and written once.

// errUneven tells of columns that are no points.
var errUneven = &RPCError{"INTERNAL: the server sent a series whose steps and values are not as many, or numbers of more than 64 bits"}

// seriesPart is what a page has of one series.
type seriesPart struct {
	run        string // "" where the request names it
	definition []byte // encoded
	points     int
	steps      pieces // varints
	values     pieces // doubles
	times      pieces // varints, one a point; nil where they do not come
}

// errUnusual tells of a message that is valid but not as everybody writes it: with
// a list in several parts, or number by number.
var errUnusual = errors.New("an unusual encoding")

// pointsIn finds the points of a page of a method that gives points, and reports
// false for other methods.
func (a *Answer) pointsIn() (parts []seriesPart, is bool, err error) {
	var read func(pieces) ([]seriesPart, error)
	switch a.kind.Zero().Interface().(type) {
	case *pb.ListFloatSeriesResponse:
		read = readRuns
	case *pb.ListRLEnvironmentFloatSeriesResponse:
		read = func(page pieces) ([]seriesPart, error) { return readSeriesList(nil, page, 1, func(field) {}) }
	default:
		return nil, false, nil
	}
	parts, err = read(a.pieces())
	if errors.Is(err, errUnusual) {
		parts, err = a.readAgain(read)
	}
	return parts, true, err
}

// readAgain reads a page after protobuf-go wrote it anew; it also says what is wrong
// with one that cannot be read.
func (a *Answer) readAgain(read func(pieces) ([]seriesPart, error)) ([]seriesPart, error) {
	message, err := a.decode()
	if err != nil {
		return nil, err
	}
	usual, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	return read(pieces{usual})
}

func readRuns(page pieces) (parts []seriesPart, err error) {
	for in := page.input(); in.size > 0; {
		f, ok := in.next()
		if !ok {
			return nil, errUnusual
		}
		if f.number != 1 || f.kind != protowire.BytesType {
			continue
		}
		if parts, err = readRun(parts, f.bytes); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func readRun(parts []seriesPart, run pieces) ([]seriesPart, error) {
	before, name, valid := len(parts), "", true
	parts, err := readSeriesList(parts, run, 2, func(f field) {
		if f.number == 1 && f.kind == protowire.BytesType {
			name = string(f.bytes.joined())
			valid = valid && utf8.ValidString(name)
		}
	})
	if err == nil && !valid {
		err = errUnusual // protobuf-go says so
	}
	if err != nil {
		return nil, err
	}
	for i := range parts[before:] {
		parts[before+i].run = name
	}
	return parts, nil
}

// readSeriesList reads the series under a number of a message; others gets all else.
func readSeriesList(parts []seriesPart, list pieces, number protowire.Number, others func(field)) ([]seriesPart, error) {
	for in := list.input(); in.size > 0; {
		f, ok := in.next()
		if !ok {
			return nil, errUnusual
		}
		if f.number != number {
			others(f)
			continue
		}
		part, err := readSeries(f)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// once are the fields of a message that has each at most once, all with a length;
// those of other numbers are passed over.
func once(message field, most protowire.Number) (found [4]*pieces, err error) {
	if message.kind != protowire.BytesType {
		return found, errUnusual
	}
	for in := message.bytes.input(); in.size > 0; {
		f, ok := in.next()
		if !ok || f.number <= most && (f.kind != protowire.BytesType || found[f.number] != nil) {
			return found, errUnusual
		}
		if f.number <= most {
			found[f.number] = &f.bytes
		}
	}
	return found, nil
}

func readSeries(series field) (part seriesPart, err error) {
	fields, err := once(series, 2)
	if err != nil {
		return part, err
	}
	if fields[1] != nil {
		part.definition = fields[1].joined()
	}
	if fields[2] == nil {
		return part, nil
	}
	columns, err := once(field{kind: protowire.BytesType, bytes: *fields[2]}, 3)
	if err != nil {
		return part, err
	}
	for number, to := range []*pieces{1: &part.steps, 2: &part.values, 3: &part.times} {
		if to != nil && columns[number] != nil {
			*to = *columns[number]
		}
	}
	return part, part.count()
}

// count finds how many points there are. Times of another number are no times of
// these points.
func (p *seriesPart) count() error {
	size := p.values.size()
	if size%8 != 0 {
		return errUnusual // protobuf-go says what is wrong
	}
	// Whether there are as many steps, writing them tells.
	if p.points = size / 8; p.points == 0 && p.steps.size() > 0 {
		return errUneven
	}
	if countVarints(p.times) != p.points {
		p.times = nil
	}
	return nil
}

// definitionOf reads the identity of a series.
func definitionOf(encoded []byte) (*common.SeriesDefinition, error) {
	definition := &common.SeriesDefinition{}
	if err := proto.Unmarshal(encoded, definition); err != nil {
		return nil, &RPCError{"INTERNAL: the server's answer has no SeriesDefinition: " + err.Error()}
	}
	return definition, nil
}

// seriesColumns is a series as a page has it.
type seriesColumns struct {
	run                  string
	definition           []byte // encoded
	steps, values, times column // those without numbers are left out
}

func (p seriesPart) columns() seriesColumns {
	s := seriesColumns{
		run: p.run, definition: p.definition,
		steps: column{of: p.steps, size: 8 * p.points, varints: true}, values: column{of: p.values, size: 8 * p.points},
	}
	if p.times != nil {
		s.times = column{of: p.times, size: 8 * p.points, varints: true}
	}
	return s
}

// newPointsPage lays series out as the tree of their message has them: by run, or of
// the one that the request names.
func newPointsPage(list []seriesColumns, inRuns bool) (*Page, error) {
	p := &Page{}
	if !inRuns {
		p.tree = append(p.tree, `{"series":[`...)
		err := p.seriesList(list)
		p.tree = append(p.tree, "]}"...)
		return p, err
	}
	p.tree = append(p.tree, `{"run_points":[`...)
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].run == list[0].run {
			n++
		}
		p.tree = append(p.tree, `{"run":`...)
		p.text(list[0].run)
		p.tree = append(p.tree, `,"series":[`...)
		if err := p.seriesList(list[:n]); err != nil {
			return nil, err
		}
		p.tree = append(p.tree, "]}"...)
		if list = list[n:]; len(list) > 0 {
			p.tree = append(p.tree, ',')
		}
	}
	p.tree = append(p.tree, "]}"...)
	return p, nil
}

func (p *Page) seriesList(list []seriesColumns) error {
	for i, series := range list {
		if i > 0 {
			p.tree = append(p.tree, ',')
		}
		definition, err := definitionOf(series.definition)
		if err != nil {
			return err
		}
		p.tree = append(p.tree, `{"definition":`...)
		p.message(definition.ProtoReflect())
		p.tree = append(p.tree, `,"points":{`...)
		p.points(series)
		p.tree = append(p.tree, "}}"...)
	}
	return nil
}

func (p *Page) points(series seriesColumns) {
	first := true
	for _, c := range []struct {
		column
		name, dtype string
	}{{series.steps, "steps", "u8"}, {series.values, "values", "f8"}, {series.times, "timestamp_millis", "i8"}} {
		n := c.size / 8
		if n == 0 {
			continue
		}
		if !first {
			p.tree = append(p.tree, ',')
		}
		first = false
		p.text(c.name)
		p.tree = append(p.tree, ':')
		p.add(c.column, n, c.dtype)
	}
}
