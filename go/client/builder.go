package client

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire"
)

// builder collects what goes into the next request: points grouped by series
// (and environment), what follows on in one series merged into one batch.
//
// size is an upper bound of the encoded size, so that no request is larger
// than the limit unless one single value or attribute is.
type builder struct {
	limit    int
	declared []bool // by series number, in any request so far

	update wire.Update
	base   int // size of an empty request
	size   int
	counts counts
	items  []*item // whose memory the request refers to

	generation uint32
	std        []slot   // by series number
	rl         [][]slot // by series and environment number
	stdRuns    []run    // beside update.Series
	rlRuns     []run    // beside update.RLSeries
}

// slot says where in the request a series' group is; stale when it is of an
// earlier generation.
type slot struct {
	generation uint32
	index      int32
}

// run is memory for merged values of one group, reused from request to
// request. The group's last batch grows in it while it is open.
type run struct {
	open   bool
	values []float64
	times  []int64
}

const (
	// Bounds of what surrounds the parts of a request.
	groupOverhead = 40
	batchOverhead = 72
	// Batches up to this length are merged, which copies them once more.
	mergedValues = 64
)

func newBuilder(limit int, runID []byte, loggerID, sessionID uint64) *builder {
	b := &builder{limit: limit, generation: 1}
	b.update = wire.Update{RunID: runID, LoggerID: loggerID, SessionID: sessionID, Sequence: 1<<64 - 1}
	b.base = b.update.Size() + 8
	b.size = b.base
	return b
}

func (b *builder) empty() bool { return b.size == b.base }

// reset makes the builder empty, keeping its memory.
func (b *builder) reset() {
	u := &b.update
	clear(u.Attributes)
	clear(u.EnvAttributes)
	u.Attributes, u.EnvAttributes = u.Attributes[:0], u.EnvAttributes[:0]
	u.Declarations = nil // the request keeps them
	for i := range u.Series {
		clear(u.Series[i].Batches)
	}
	for i := range u.RLSeries {
		clear(u.RLSeries[i].Batches)
	}
	u.Series, u.RLSeries = u.Series[:0], u.RLSeries[:0]
	u.CloseRun = false
	clear(b.items)
	b.items = b.items[:0]
	b.size, b.counts = b.base, counts{}
	b.generation++
}

// fits returns how many of n points fit into the request now, given the bytes
// around them and of each; in an empty request at least one does.
func (b *builder) fits(n, around, each int) int {
	room := (b.limit - b.size - around) / each
	if room < 1 && b.empty() {
		room = 1
	}
	return min(n, max(0, room))
}

// declare adds the series' declaration unless it has been sent.
func (b *builder) declare(s *series) {
	for len(b.declared) <= int(s.number) {
		b.declared = append(b.declared, false)
	}
	if b.declared[s.number] {
		return
	}
	b.declared[s.number] = true
	d := declaration(s)
	b.size += d.Size()
	b.update.Declarations = append(b.update.Declarations, d)
}

func (b *builder) declarationSize(s *series) int {
	if int(s.number) < len(b.declared) && b.declared[s.number] {
		return 0
	}
	d := declaration(s)
	return d.Size()
}

func declaration(s *series) wire.Declaration {
	return wire.Declaration{Series: s.identity, Ordering: s.ordering, ID: uint64(s.number)}
}

// seriesGroup returns the index of the series' group.
func (b *builder) seriesGroup(s *series) int {
	for len(b.std) <= int(s.number) {
		b.std = append(b.std, slot{})
	}
	at := &b.std[s.number]
	if at.generation == b.generation {
		return int(at.index)
	}
	b.declare(s)
	groups, i := grown(b.update.Series)
	groups[i].ID, groups[i].Batches = uint64(s.number), groups[i].Batches[:0]
	b.update.Series = groups
	b.stdRuns = openRun(b.stdRuns, i)
	b.size += groupOverhead
	*at = slot{b.generation, int32(i)}
	return i
}

// rlGroup returns the index of the group of a series in an environment.
func (b *builder) rlGroup(s *series, e *environment) int {
	for len(b.rl) <= int(s.number) {
		b.rl = append(b.rl, nil)
	}
	slots := b.rl[s.number]
	if missing := int(e.number) + 1 - len(slots); missing > 0 {
		slots = append(slots, make([]slot, missing)...)
		b.rl[s.number] = slots
	}
	at := &slots[e.number]
	if at.generation == b.generation {
		return int(at.index)
	}
	b.declare(s)
	groups, i := grown(b.update.RLSeries)
	groups[i].ID, groups[i].Environment = uint64(s.number), e.id
	groups[i].Batches = groups[i].Batches[:0]
	b.update.RLSeries = groups
	b.rlRuns = openRun(b.rlRuns, i)
	b.size += groupOverhead + len(e.id)
	*at = slot{b.generation, int32(i)}
	return i
}

// grown returns the slice with one more element, with what it held earlier
// where it had one, and the element's index.
func grown[T any](s []T) ([]T, int) {
	if len(s) < cap(s) {
		return s[:len(s)+1], len(s)
	}
	var zero T
	return append(s, zero), len(s)
}

func openRun(runs []run, i int) []run {
	if i == len(runs) {
		return append(runs, run{})
	}
	r := &runs[i]
	r.open, r.values, r.times = false, r.values[:0], r.times[:0]
	return runs
}

// addScalar adds one point of a standard series.
func (b *builder) addScalar(s *series, step uint64, value float64, millis int64) {
	i := b.seriesGroup(s)
	group, r := &b.update.Series[i], &b.stdRuns[i]
	if r.open {
		last := &group.Batches[len(group.Batches)-1]
		if last.Steps.First+uint64(len(last.Values)) == step {
			r.extend(&last.Values, &last.Times, []float64{value}, millis)
			b.size += mergedSize(millis)
			return
		}
	}
	b.size += batchOverhead + mergedSize(millis)
	group.Batches = append(group.Batches, point.Batch{
		Steps: point.Steps{First: step}, Times: point.Times{Millis: millis}, Values: r.start(value),
	})
}

// addBatch adds a batch that refers to the memory of an item.
func (b *builder) addBatch(s *series, batch point.Batch, each int) {
	i := b.seriesGroup(s)
	group := &b.update.Series[i]
	b.stdRuns[i].open = false
	group.Batches = append(group.Batches, batch)
	b.size += batchOverhead + each*len(batch.Values)
}

// addRL adds a batch of one environment. Short ones are merged with what they
// follow.
func (b *builder) addRL(s *series, e *environment, batch *point.RLBatch, each int) {
	i := b.rlGroup(s, e)
	group, r := &b.update.RLSeries[i], &b.rlRuns[i]
	short := len(batch.Values) <= mergedValues && batch.Minors.List == nil && batch.Times.List == nil
	if short && r.open {
		last := &group.Batches[len(group.Batches)-1]
		if follows(last, batch) {
			r.extend(&last.Values, &last.Times, batch.Values, batch.Times.Millis)
			b.size += len(batch.Values) * mergedSize(batch.Times.Millis)
			return
		}
	}
	b.size += batchOverhead + each*len(batch.Values)
	group.Batches = append(group.Batches, *batch)
	r.open = false
	if short {
		b.size += len(batch.Values) * (mergedSize(batch.Times.Millis) - each)
		group.Batches[len(group.Batches)-1].Values = r.start(batch.Values...)
	}
}

func follows(last, next *point.RLBatch) bool {
	return last.RLStep == next.RLStep && last.Episode == next.Episode && last.HasEpisode == next.HasEpisode &&
		last.Flat == next.Flat && last.Minors.First+uint64(len(last.Values)) == next.Minors.First
}

// start opens a batch with some values in the run's memory.
func (r *run) start(values ...float64) []float64 {
	from := len(r.values)
	r.values = append(r.values, values...)
	r.open = true
	return r.values[from:]
}

// extend adds values of one time to the open batch. Batches closed before keep
// the memory they refer to.
func (r *run) extend(values *[]float64, times *point.Times, more []float64, millis int64) {
	n := len(*values)
	from := len(r.values) - n
	r.values = append(r.values, more...)
	*values = r.values[from:]
	if times.List == nil && times.Millis == millis {
		return
	}
	if times.List == nil {
		tfrom := len(r.times)
		for range n {
			r.times = append(r.times, times.Millis)
		}
		times.List = r.times[tfrom:]
	}
	tfrom := len(r.times) - len(times.List)
	for range more {
		r.times = append(r.times, millis)
	}
	times.List = r.times[tfrom:]
}

// mergedSize bounds what a value in a merged batch takes: each may come to
// have a time of its own.
func mergedSize(millis int64) int { return 8 + protowire.SizeVarint(uint64(millis)) }
