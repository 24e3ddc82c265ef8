package reader

import (
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// Resize gives memory that is not Go's another size, and another place where it
// must; of no memory it makes some, and of size 0 none. Errors leave it as it was.
type Resize func(memory []byte, size int) ([]byte, error)

// gathering joins the points of all pages of a call: numbers are written once, to
// where they are looked at.
type gathering struct {
	mu     sync.Mutex // guards what follows
	resize Resize
	list   []*gathered
	known  map[string]*gathered // by run and definition
	points int64
}

// gathered is a series so far.
type gathered struct {
	run                  string
	definition           []byte
	points               int
	timed                bool // each point has had a time
	steps, values, times growing
}

// Gather takes pages until the last, for no longer than this, and gives all points as
// one page. It gives none, and how many points are there, when time is over. After the
// page, or an error, the call has no more.
func (c *Call) Gather(resize Resize, within time.Duration) (page *Page, points int64, err error) {
	g := &c.gathering
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resize = resize
	for end := time.Now().Add(within); ; {
		answer, err := c.Next(max(time.Until(end), 0))
		if errors.Is(err, io.EOF) {
			page, err = g.page(c.answer.Zero().Interface())
			return page, g.points, err
		}
		if err != nil || answer == nil {
			return nil, g.points, err
		}
		if err := g.add(answer); err != nil {
			return nil, g.points, err
		}
	}
}

func (g *gathering) add(answer *Answer) error {
	defer answer.Free()
	parts, is, err := answer.pointsIn()
	if err != nil {
		return err
	}
	if !is {
		return &ConfigError{"only points can be gathered"}
	}
	for _, part := range parts {
		if part.points == 0 {
			continue
		}
		series, err := g.of(part)
		if err == nil {
			err = series.add(part, g.resize)
		}
		if err != nil {
			return err
		}
		g.points += int64(part.points)
	}
	return nil
}

// of finds the series that a part goes on. A definition may be written in several
// ways, one of which is the key.
func (g *gathering) of(part seriesPart) (*gathered, error) {
	written := part.run + "\x00" + string(part.definition)
	if series, known := g.known[written]; known {
		return series, nil
	}
	definition, err := definitionOf(part.definition)
	if err != nil {
		return nil, err
	}
	canonical, err := proto.MarshalOptions{Deterministic: true}.Marshal(definition)
	if err != nil {
		return nil, err
	}
	key := part.run + "\x00" + string(canonical)
	series := g.known[key]
	if series == nil {
		series = &gathered{run: part.run, definition: canonical, timed: true}
		g.list = append(g.list, series)
	}
	if g.known == nil {
		g.known = make(map[string]*gathered)
	}
	g.known[key], g.known[written] = series, series
	return series, nil
}

func (s *gathered) add(part seriesPart, resize Resize) error {
	s.points += part.points
	s.timed = s.timed && part.times != nil
	of := part.columns()
	err := s.steps.add(of.steps, resize)
	if err == nil {
		err = s.values.add(of.values, resize)
	}
	if err == nil && s.timed {
		err = s.times.add(of.times, resize)
	}
	return err
}

// page gives the memory away.
func (g *gathering) page(of proto.Message) (*Page, error) {
	list := make([]seriesColumns, len(g.list))
	for i, s := range g.list {
		if !s.timed {
			s.times.release(g.resize)
		}
		list[i] = seriesColumns{run: s.run, definition: s.definition}
		for from, to := range map[*growing]*column{&s.steps: &list[i].steps, &s.values: &list[i].values, &s.times: &list[i].times} {
			if err := from.fit(g.resize); err != nil {
				return nil, err
			}
			*to = column{of: pieces{from.memory}, size: len(from.memory), foreign: from.foreign}
		}
	}
	_, inRuns := of.(*pb.ListFloatSeriesResponse)
	page, err := newPointsPage(list, inRuns)
	if err != nil {
		return nil, err
	}
	g.list, g.known = nil, nil
	return page, nil
}

// release gives back the memory that no page has.
func (g *gathering) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.list {
		for _, column := range []*growing{&s.steps, &s.values, &s.times} {
			column.release(g.resize)
		}
	}
	g.list, g.known = nil, nil
}

// growing is memory of a column that grows. A long one is not Go's: it is handed
// over as it is, and grows without being copied where whole pages can be moved.
type growing struct {
	memory  []byte
	foreign bool
}

// long is from how many bytes on a column has memory of its own.
const long = 1 << 20

// grow gives room for n more bytes.
func (g *growing) grow(n int, resize Resize) ([]byte, error) {
	used := len(g.memory)
	if need := used + n; need > cap(g.memory) && need >= long {
		var before []byte
		if g.foreign {
			before = g.memory[:cap(g.memory)]
		}
		room, err := resize(before, max(need, 2*used))
		if err != nil {
			return nil, err
		}
		if !g.foreign {
			copy(room, g.memory)
		}
		g.memory, g.foreign = room[:used], true
	} else if need > cap(g.memory) {
		g.memory = append(make([]byte, 0, max(need, 2*used)), g.memory...)
	}
	g.memory = g.memory[:used+n]
	return g.memory[used:], nil
}

func (g *growing) add(c column, resize Resize) error {
	memory, err := g.grow(c.size, resize)
	if err != nil {
		return err
	}
	return c.write(memory)
}

// fit gives back the room for more.
func (g *growing) fit(resize Resize) error {
	if !g.foreign || len(g.memory) == cap(g.memory) {
		return nil
	}
	memory, err := resize(g.memory[:cap(g.memory)], len(g.memory))
	if err == nil {
		g.memory = memory
	}
	return err
}

func (g *growing) release(resize Resize) {
	if g.foreign {
		_, _ = resize(g.memory[:cap(g.memory)], 0) // giving back cannot fail
	}
	*g = growing{}
}
