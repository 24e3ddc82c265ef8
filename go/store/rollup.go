package store

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/metrana/metrana/go/store/chunk"
)

// Rollups let readers sum up stretches of points without decoding them.
//
// Sums of floating-point numbers depend on the order of adding. So that an answer
// never depends on how points happen to lie in chunks, what is summed up has fixed
// places: a span is spanPoints points of a cell, counted from the first that it
// ever got, and its sum is taken from its first point to its last; a whole block
// of one series adds up its spans in turn.
const spanPoints = 256

// span sums up points that lie side by side. Those that are not finite are
// counted apart and are first and last alone.
type span struct {
	count         uint64 // of finite points
	sum, min, max float64
	first, last   float64
	otherCounts
	// Time of the last finite point is that of the last point unless there are
	// other points; then readers look for it.
}

func finite(v float64) bool { return v-v == 0 }

// otherCounts counts values that are not finite.
type otherCounts struct {
	nans       uint32
	infinities uint32
	negatives  uint32 // negative infinities
}

func (c *otherCounts) countOther(v float64) {
	switch {
	case math.IsNaN(v):
		c.nans++
	case v > 0:
		c.infinities++
	default:
		c.negatives++
	}
}

// others is how many there are.
func (c *otherCounts) others() uint32 { return c.nans + c.infinities + c.negatives }

// sumUp makes the span of values.
func sumUp(values []float64) (s span) {
	s.continueWith(values)
	return s
}

// continueWith adds the values behind those of the span, one after the other.
func (s *span) continueWith(values []float64) {
	if len(values) == 0 {
		return
	}
	if s.count+uint64(s.others()) == 0 {
		s.min, s.max, s.first = math.Inf(1), math.Inf(-1), values[0]
	}
	sum, low, high := s.sum, orderOf(s.min), orderOf(s.max)
	others := s.others()
	for _, v := range values {
		if !finite(v) {
			s.countOther(v)
			continue
		}
		sum += v
		order := orderOf(v)
		low, high = min(low, order), max(high, order)
	}
	s.sum, s.min, s.max, s.last = sum, inOrder(low), inOrder(high), values[len(values)-1]
	s.count += uint64(len(values)) - uint64(s.others()-others)
}

// setFinite makes an empty span that of values, if they and their sum are finite.
func (s *span) setFinite(values []float64) bool {
	sum := 0.0
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, v := range values {
		sum += v
		order := orderOf(v)
		low, high = min(low, order), max(high, order)
	}
	if len(values) == 0 || !finite(sum) {
		return false
	}
	s.count, s.sum, s.min, s.max = uint64(len(values)), sum, inOrder(low), inOrder(high)
	s.first, s.last = values[0], values[len(values)-1]
	return true
}

// orderOf gives whole numbers in the order of the values, -0 before 0. The extremes of
// few values are found by them without a branch, which would often go the other way.
func orderOf(v float64) int64 {
	bits := int64(math.Float64bits(v))
	return bits ^ int64(uint64(bits>>63)>>1)
}

// inOrder gives the value of a number of orderOf.
func inOrder(order int64) float64 {
	return math.Float64frombits(uint64(order ^ int64(uint64(order>>63)>>1)))
}

// add takes in the span behind.
func (s *span) add(more *span) {
	if more.count+uint64(more.others()) == 0 {
		return
	}
	if s.count+uint64(s.others()) == 0 {
		*s = *more
		return
	}
	s.count += more.count
	s.sum += more.sum
	s.min, s.max = min(s.min, more.min), max(s.max, more.max)
	s.last = more.last
	s.nans += more.nans
	s.infinities += more.infinities
	s.negatives += more.negatives
}

func joinSpans(spans []span) (all span) {
	for i := range spans {
		all.add(&spans[i])
	}
	return all
}

func (s span) append(dst []byte) []byte {
	dst = appendNumbers(dst, s.count, uint64(s.nans), uint64(s.infinities), uint64(s.negatives))
	for _, v := range []float64{s.sum, s.min, s.max, s.first, s.last} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func decodeSpan(d *decoder) span {
	s := span{count: d.number(), otherCounts: otherCounts{uint32(d.number()), uint32(d.number()), uint32(d.number())}}
	for _, v := range []*float64{&s.sum, &s.min, &s.max, &s.first, &s.last} {
		*v = math.Float64frombits(d.bits())
	}
	return s
}

// rollups are those of a block of standard points, chunk after chunk. What sums up
// RL points is in sheets.
type rollups struct {
	spans    []span // of the whole spans in each chunk
	spanEnds []int  // by chunk
}

func (r *rollups) reset() { r.spans, r.spanEnds = r.spans[:0], r.spanEnds[:0] }

// wholeSpans says which stretch of a chunk its whole spans cover.
func wholeSpans(ordinal uint64, n int) (from, count int) {
	from = int(-ordinal % spanPoints)
	return from, max(n-from, 0) / spanPoints
}

// add sums up the values of a chunk, of which the first has this number in its cell.
func (r *rollups) add(ordinal uint64, values []float64) {
	from, count := wholeSpans(ordinal, len(values))
	for ; count > 1; count -= 2 {
		r.spans = appendTwo(r.spans, values[from:from+2*spanPoints])
		from += 2 * spanPoints
	}
	for range count {
		r.spans = append(r.spans, sumUp(values[from:from+spanPoints]))
		from += spanPoints
	}
	r.spanEnds = append(r.spanEnds, len(r.spans))
}

// appendTwo sums up two spans side by side: an addition waits for the one before it
// in its own span only.
func appendTwo(spans []span, values []float64) []span {
	one, two := values[:spanPoints:spanPoints], values[spanPoints:2*spanPoints:2*spanPoints]
	a := span{count: spanPoints, min: one[0], max: one[0], first: one[0], last: one[spanPoints-1]}
	b := span{count: spanPoints, min: two[0], max: two[0], first: two[0], last: two[spanPoints-1]}
	var sumA, sumB float64
	for i, v := range one {
		w := two[i]
		sumA += v
		sumB += w
		if v < a.min {
			a.min = v
		}
		if v > a.max {
			a.max = v
		}
		if w < b.min {
			b.min = w
		}
		if w > b.max {
			b.max = w
		}
	}
	if a.sum = sumA; !finite(sumA) {
		a = sumUp(one)
	}
	if b.sum = sumB; !finite(sumB) {
		b = sumUp(two)
	}
	return append(spans, a, b)
}

// append writes the rollups; where each chunk's begin follows from its positions.
func (r *rollups) append(dst []byte) []byte {
	dst = appendNumbers(dst, uint64(len(r.spans)))
	if len(r.spans) > 0 {
		dst = r.appendSpans(dst)
	}
	return dst
}

func (r *rollups) appendSpans(dst []byte) []byte {
	var others [3]chunk.Runs
	column := make([]float64, len(r.spans))
	for _, field := range spanFields {
		for i := range r.spans {
			column[i] = *field(&r.spans[i])
		}
		dst = appendColumn(dst, column)
	}
	for i := range r.spans {
		s := &r.spans[i]
		for k, n := range []uint32{s.nans, s.infinities, s.negatives} {
			others[k] = others[k].AppendOne(uint64(n))
		}
	}
	for _, runs := range others {
		dst = chunk.AppendRuns(dst, runs)
	}
	return dst
}

var spanFields = []func(*span) *float64{
	func(s *span) *float64 { return &s.sum },
	func(s *span) *float64 { return &s.min },
	func(s *span) *float64 { return &s.max },
	func(s *span) *float64 { return &s.first },
	func(s *span) *float64 { return &s.last },
}

// appendColumn writes a short column of values with its pages.
func appendColumn(dst []byte, values []float64) []byte {
	head, pages := chunk.AppendValues(nil, nil, values)
	return append(append(dst, head...), pages...)
}

func (d *decoder) column(n int) []float64 {
	if d.err != nil {
		return nil
	}
	v, rest, err := chunk.ParseValues(d.src, n)
	if err == nil && v.Size() > len(rest) {
		err = fmt.Errorf("%w: column cut short", chunk.ErrCorrupt)
	}
	var values []float64
	if err == nil {
		values, err = v.Append(make([]float64, 0, n), rest[:v.Size()], 0, n)
	}
	if d.err = err; err == nil {
		d.src = rest[v.Size():]
	}
	return values
}

// lazyRollups are decoded when they are first asked for: a chart of short series
// does not need them.
type lazyRollups struct {
	record []byte // behind the directory of the values
	once   sync.Once
	rollups
	err error
}

// decoded gives the rollups of the block.
func (b *blockHead) decoded() (*rollups, error) {
	l := &b.lazy
	l.once.Do(func() {
		d := decoder{src: l.record}
		l.err = l.decode(&d, b)
		l.record = nil
	})
	return &l.rollups, l.err
}

func (r *rollups) decode(d *decoder, b *blockHead) error {
	spans := d.number()
	if points := b.starts[len(b.starts)-1]; d.err == nil && spans > uint64(points/spanPoints) {
		d.fail("more rollups than points")
	}
	if d.err == nil && spans > 0 {
		r.decodeSpans(d, int(spans))
	}
	if d.err == nil {
		r.place(d, b)
	}
	return d.err
}

func (r *rollups) decodeSpans(d *decoder, n int) {
	r.spans = make([]span, n)
	for _, field := range spanFields {
		for i, v := range d.column(n) {
			*field(&r.spans[i]) = v
		}
	}
	nans, infinities, negatives := d.runs(n), d.runs(n), d.runs(n)
	if d.err != nil {
		return
	}
	a, p, m := nans.Cursor(), infinities.Cursor(), negatives.Cursor()
	for i := range r.spans {
		s := &r.spans[i]
		s.nans, s.infinities, s.negatives = uint32(a.Next()), uint32(p.Next()), uint32(m.Next())
		s.count = spanPoints - uint64(s.others())
	}
}

// place works out which rollups belong to which chunk.
func (r *rollups) place(d *decoder, b *blockHead) {
	spans := 0
	for i := range b.ids {
		_, count := wholeSpans(b.begins[i], b.starts[i+1]-b.starts[i])
		spans += count
		r.spanEnds = append(r.spanEnds, spans)
	}
	if spans != len(r.spans) {
		d.fail("rollups that do not belong to the points")
	}
}

// spansOf gives the whole spans of the i-th chunk.
func (b *blockHead) spansOf(i int) ([]span, error) {
	r, err := b.decoded()
	if err != nil {
		return nil, err
	}
	_, count := wholeSpans(b.begins[i], b.starts[i+1]-b.starts[i])
	return r.spans[r.spanEnds[i]-count : r.spanEnds[i]], nil
}
