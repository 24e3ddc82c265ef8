package query

import (
	"math"
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
	"github.com/metrana/metrana/go/workers"
)

// curve is what a chart draws of one series: its identity, how far it goes, and
// its points in the buckets of an axis.
type curve interface {
	id() uint64
	extent() (first, last uint64)
	// cut keeps what lies within; false when that is nothing.
	cut(first, last uint64) (curve, bool)
	fill(f *filler) (bucketed, error)
	points() (column, error)
	// most is how many points there may be.
	most() uint64
}

func (c column) extent() (first, last uint64) { return c.xs[0], c.xs[len(c.xs)-1] }

func (c column) cut(first, last uint64) (curve, bool) {
	c = stepCut{from: first, to: last}.apply(c)
	return c, len(c.xs) > 0
}

func (c column) points() (column, error) { return c, nil }

func (c column) most() uint64 { return uint64(len(c.xs)) }

func curvesOf(columns []column) []curve {
	curves := make([]curve, len(columns))
	for i, c := range columns {
		curves[i] = c
	}
	return curves
}

// storedCurve is an ordered series whose points stay in the store, which sums
// them up without reading most of them.
type storedCurve struct {
	column // without points

	run    *store.Run
	no     uint32
	count  uint64
	within store.Range
}

func (c storedCurve) extent() (first, last uint64) { return c.within.From, c.within.To }

func (c storedCurve) cut(first, last uint64) (curve, bool) {
	c.within = store.Range{From: max(first, c.within.From), To: min(last, c.within.To)}
	return c, c.within.From <= c.within.To
}

func (c storedCurve) points() (column, error) {
	points, err := c.run.Points(c.no, c.within.From, c.within.To)
	c.xs, c.values, c.times = points.Steps, points.Values, points.Times
	return c.column, err
}

func (c storedCurve) most() uint64 { return c.count }

func (c storedCurve) fill(f *filler) (bucketed, error) {
	var err error
	if f.buckets, err = c.appendBuckets(f.buckets[:0], f.storeAxis()); err != nil {
		return bucketed{}, err
	}
	return c.inBuckets(f.buckets), nil
}

// inBuckets is a column of which the store summed up the points.
func (c column) inBuckets(buckets []store.Bucket) bucketed {
	b := bucketed{column: c}
	b.makeRoom(len(buckets))
	b.resize(len(buckets))
	n := 0
	for k := range buckets {
		s := &buckets[k]
		i := uint64(s.Index)
		if s.NaNs|s.Infinities|s.NegativeInfinities > 0 {
			mark(&b.nans, i, s.NaNs > 0)
			mark(&b.infinities, i, s.Infinities > 0)
			mark(&b.negatives, i, s.NegativeInfinities > 0)
		}
		if s.Count == 0 {
			continue
		}
		b.indexes[n], b.counts[n], b.lastTimes[n] = i, s.Count, s.LastTime
		b.sums[n], b.means[n], b.mins[n], b.maxs[n], b.lasts[n] = s.Sum, s.Mean, s.Min, s.Max, s.Last
		n++
	}
	b.resize(n)
	return b
}

// appendBuckets sums up the parts of a long series on all processors: what is in one
// bucket does not depend on the others.
func (c storedCurve) appendBuckets(dst []store.Bucket, axis store.Axis) ([]store.Bucket, error) {
	const long = 1 << 20 // points
	if c.count < long {
		return c.run.AppendBuckets(dst, c.no, axis)
	}
	dst = slices.Grow(dst, len(axis.Starts))
	parts := make([][]store.Bucket, workers.Count())
	err := workers.Parts(len(parts), len(axis.Starts), func(k, from, to int) (err error) {
		part := store.Axis{Starts: axis.Starts[from:to], Last: axis.Last}
		if to < len(axis.Starts) {
			part.Last = axis.Starts[to] - 1
		}
		begin := len(dst) + from
		parts[k], err = c.run.AppendBuckets(dst[begin:begin:begin+to-from], c.no, part)
		for i := range parts[k] {
			parts[k][i].Index += from
		}
		return err
	})
	for _, part := range parts { // each lies there already, or further behind
		dst = append(dst, part...)
	}
	return dst, err
}

// makeRoom gives the columns that every curve has room for n buckets.
func (b *bucketed) makeRoom(n int) {
	numbers, values := make([]uint64, 2*n), make([]float64, 5*n)
	b.indexes, b.counts = numbers[:0:n], numbers[n:n:2*n]
	b.sums, b.means, b.mins, b.maxs = values[:0:n], values[n:n:2*n], values[2*n:2*n:3*n], values[3*n:3*n:4*n]
	b.lasts = values[4*n : 4*n : 5*n]
	b.lastTimes = make([]int64, 0, n)
}

// resize makes these columns n buckets long; they have room for as many.
func (b *bucketed) resize(n int) {
	b.indexes, b.counts, b.lastTimes = b.indexes[:n], b.counts[:n], b.lastTimes[:n]
	b.sums, b.means, b.mins, b.maxs, b.lasts = b.sums[:n], b.means[:n], b.mins[:n], b.maxs[:n], b.lasts[:n]
}

// filler is an axis, and the memory that filling its buckets takes.
type filler struct {
	axis

	starts  []uint64 // none until they are asked for
	buckets []store.Bucket
}

// fillers are for the next question: while points come in, memory that is new is far away.
var fillers = sync.Pool{New: func() any { return new(filler) }}

func fillerOf(a axis) *filler {
	f := fillers.Get().(*filler)
	f.axis, f.starts = a, f.starts[:0]
	return f
}

func (f *filler) storeAxis() store.Axis {
	for i := len(f.starts); i < f.count; i++ {
		f.starts = append(f.starts, max(f.start(i), f.lowest))
	}
	return store.Axis{Starts: f.starts, Last: f.last}
}

// pointsRequest is what the requests for standard points have in common.
type pointsRequest interface {
	GetWorkspace() string
	GetProject() string
	GetRunNames() []string
	GetSeriesQueries() []string
	GetIncludeInherited() bool
	GetStepSelection() *pb.StepSelection
}

// selectCurves finds the selected standard series of runs. Only those whose
// points are not simply a stretch of an ordered series are read here.
func (s *Service) selectCurves(r pointsRequest) ([]curve, error) {
	p, err := s.parsePoints(r)
	if err != nil {
		return nil, err
	}
	var curves []curve
	for _, run := range p.runs {
		if p.cut.first > 0 || p.cut.last > 0 || p.inherited && run.Fork != nil || p.selected.reduces() {
			read, err := s.readRun(run, p)
			if err != nil {
				return nil, err
			}
			curves = append(curves, curvesOf(read)...)
			continue
		}
		stored, err := run.storedCurves(p)
		if err != nil {
			return nil, err
		}
		curves = append(curves, stored...)
	}
	return curves, nil
}

func (r runPoints) storedCurves(p pointsSelection) ([]curve, error) {
	var curves []curve
	for _, info := range p.selected.of(r.points) {
		if !info.Standard {
			continue
		}
		if !info.Ordered() {
			c, err := r.readColumn(info)
			if err != nil {
				return nil, err
			}
			if c = p.cut.apply(c); len(c.xs) > 0 {
				curves = append(curves, c)
			}
			continue
		}
		c := storedCurve{column: column{run: r.Name, key: info.Key}, run: r.points, no: info.No, count: info.Count}
		c.within = store.Range{From: info.FirstStep, To: info.LastStep}
		if p.cut.from > info.FirstStep || p.cut.to < info.LastStep {
			within, found, err := r.points.Extent(info.No, store.Range{From: p.cut.from, To: p.cut.to})
			if err != nil {
				return nil, err
			}
			if !found {
				continue
			}
			c.within = within
		}
		curves = append(curves, c)
	}
	return curves, nil
}

func (r runPoints) readColumn(info store.SeriesInfo) (column, error) {
	points, err := r.points.Points(info.No, 0, math.MaxUint64)
	return newColumn(r.Name, info, points), err
}
