package client

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire"
)

// sequenceStride is the distance of sequence numbers, as the protocol asks.
const sequenceStride = 256

// maxVarint is how long a varint can be.
const maxVarint = 10

// batcher cuts the queue into requests. Its single goroutine owns all of it.
//
// The first item after a pause starts a clock; items are left in the queue
// until it has run for BatchMaxAge, or until there are enough for a request
// before that. So a caller wakes the batcher once a period and not with each
// call.
type batcher struct {
	l        *Logger
	out      chan<- *request
	build    *builder
	sequence uint64
	spare    []*item
	dropping bool // nothing can be sent any more
}

func newBatcher(l *Logger, out chan<- *request, runID []byte) *batcher {
	session := l.random.Uint64() | 1
	return &batcher{
		l: l, out: out,
		build: newBuilder(l.options.MaxMessageSize, runID, l.options.LoggerID, session),
	}
}

// run serves the queue until it is closed and empty, or ctx ends: then what is
// left is counted as dropped.
func (b *batcher) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	timed := false
	for {
		due := false
		select {
		case <-b.l.queue.wake:
			due = b.l.options.BatchMaxAge <= 0
		case <-timer.C:
			due = true
		case <-ctx.Done():
			b.dropRest()
			return
		}
		if !due && !b.l.queue.urgent() {
			if !timed {
				timer.Reset(b.l.options.BatchMaxAge)
				timed = true
			}
			continue
		}
		items, closed := b.l.queue.takeAll(b.spare, !due)
		b.addAll(ctx, items)
		if closed {
			b.finish(ctx)
			return
		}
		switch {
		case due:
			b.flush(ctx)
			timer.Stop()
			timed = false
		case !timed:
			timer.Reset(b.l.options.BatchMaxAge)
			timed = true
		}
	}
}

func (b *batcher) addAll(ctx context.Context, items []*item) {
	for i, it := range items {
		items[i] = nil
		b.add(ctx, it)
	}
	b.spare = items
}

func (b *batcher) add(ctx context.Context, it *item) {
	switch {
	case it.finished != nil:
		b.flush(ctx)
		b.send(ctx, &request{barrier: it.finished})
		return
	case it.scalars != nil:
		b.addScalars(ctx, it)
	case it.rl != nil:
		b.addRL(ctx, it)
	case it.attrs != nil:
		b.addAttributes(ctx, it)
	default:
		b.addPoints(ctx, it)
	}
	// The memory may still be referred to by the request that is being built;
	// earlier ones are encoded.
	b.build.items = append(b.build.items, it)
	if b.build.empty() {
		b.releaseItems()
	}
	if b.l.options.BatchMaxAge <= 0 {
		b.flush(ctx)
	}
}

func (b *batcher) addScalars(ctx context.Context, it *item) {
	all := b.l.seriesList()
	for i := range it.scalars {
		point := &it.scalars[i]
		s := all[point.Series]
		around := groupOverhead + batchOverhead + b.build.declarationSize(s)
		if b.build.fits(1, around, 8+maxVarint) == 0 {
			b.flush(ctx)
		}
		b.build.addScalar(s, point.Step, point.Value, point.Millis)
		b.build.counts[FloatPoints]++
	}
}

func (b *batcher) addPoints(ctx context.Context, it *item) {
	batch := it.batch
	if len(batch.Values) == 1 && batch.Steps.List == nil && batch.Times.List == nil {
		around := groupOverhead + batchOverhead + b.build.declarationSize(it.series)
		if b.build.fits(1, around, 8+maxVarint) == 0 {
			b.flush(ctx)
		}
		b.build.addScalar(it.series, batch.Steps.First, batch.Values[0], batch.Times.Millis)
		b.build.counts[FloatPoints]++
		return
	}
	each := 8 + widest(batch.Steps.List) + widestTime(batch.Times.List)
	n := len(batch.Values)
	for from := 0; from < n; {
		around := groupOverhead + batchOverhead + b.build.declarationSize(it.series)
		fit := b.room(ctx, n-from, around, each)
		b.build.addBatch(it.series, cutBatch(&batch, from, from+fit), each)
		b.build.counts[FloatPoints] += uint64(fit)
		from += fit
	}
}

// room returns how many of n points go into the request now. It starts a new
// one when they would all fit there, or none fits here.
func (b *batcher) room(ctx context.Context, n, around, each int) int {
	fit := b.build.fits(n, around, each)
	if fit == n || b.build.empty() {
		return fit
	}
	if fit == 0 || b.build.base+around+n*each <= b.build.limit {
		b.flush(ctx)
		fit = b.build.fits(n, around, each)
	}
	return fit
}

func cutBatch(b *point.Batch, from, to int) point.Batch {
	return point.Batch{
		Steps:  cutSteps(b.Steps, from, to),
		Times:  cutTimes(b.Times, from, to),
		Values: b.Values[from:to],
	}
}

func cutSteps(s point.Steps, from, to int) point.Steps {
	if s.List != nil {
		return point.Steps{List: s.List[from:to]}
	}
	return point.Steps{First: s.First + uint64(from)}
}

func cutTimes(t point.Times, from, to int) point.Times {
	if t.List != nil {
		return point.Times{List: t.List[from:to]}
	}
	return t
}

// widest returns how many bytes the longest varint takes.
func widest(values []uint64) int {
	if len(values) == 0 {
		return 0
	}
	return protowire.SizeVarint(slices.Max(values))
}

func widestTime(times []int64) int {
	if len(times) == 0 {
		return 0
	}
	if slices.Min(times) < 0 {
		return protowire.SizeVarint(1<<64 - 1)
	}
	return protowire.SizeVarint(uint64(slices.Max(times)))
}

func (b *batcher) addRL(ctx context.Context, it *item) {
	call := it.rl
	each := 8 + widest(call.minors) + widestTime(call.times)
	for i := range call.pieces {
		p := &call.pieces[i]
		e := call.environments[p.environment]
		around := groupOverhead + len(e.id) + batchOverhead + b.build.declarationSize(it.series)
		n, perPoint := int(p.n), each
		if n <= mergedValues {
			perPoint = max(each, mergedSize(p.millis))
		}
		for done := 0; done < n; {
			fit := b.room(ctx, n-done, around, perPoint)
			batch := call.batch(p, done, done+fit)
			b.build.addRL(it.series, e, &batch, each)
			b.build.counts[RLFloatPoints] += uint64(fit)
			done += fit
		}
	}
}

// batch returns a part of a piece.
func (c *rlCall) batch(p *piece, from, to int) point.RLBatch {
	batch := point.RLBatch{
		RLStep: c.rlStep, Episode: p.episode, HasEpisode: p.hasEpisode, Flat: p.flat,
		Minors: point.Steps{First: p.first + uint64(from)},
		Times:  point.Times{Millis: p.millis},
	}
	from, to = int(p.from)+from, int(p.from)+to
	batch.Values = c.values[from:to]
	if c.minors != nil {
		batch.Minors = point.Steps{List: c.minors[from:to]}
	}
	if c.times != nil {
		batch.Times = point.Times{List: c.times[from:to]}
	}
	return batch
}

func (b *batcher) addAttributes(ctx context.Context, it *item) {
	call := it.attrs
	for i := range call.updates {
		size := call.updates[i].Size()
		around := 0
		if call.ofEnvironment {
			around = groupOverhead + len(call.environment)
		}
		if b.build.fits(1, around, size) == 0 {
			b.flush(ctx)
		}
		b.build.size += size
		if !call.ofEnvironment {
			b.build.update.Attributes = append(b.build.update.Attributes, call.updates[i])
			b.build.counts[AttributeUpdates]++
			continue
		}
		b.addEnvAttribute(call, i, around)
		b.build.counts[EnvAttributeUpdates]++
	}
}

// addEnvAttribute adds the i-th update of a call to the call's entry in the
// request, which is the last one, unless it is still to be made.
func (b *batcher) addEnvAttribute(call *attributesCall, i, around int) {
	entries := b.build.update.EnvAttributes
	if i == 0 || len(entries) == 0 {
		b.build.size += around
		entries = append(entries, wire.EnvAttributeUpdate{
			Environment: call.environment, Episode: call.episode, HasEpisode: call.hasEpisode,
		})
	}
	last := &entries[len(entries)-1]
	last.Attributes = append(last.Attributes, call.updates[i])
	b.build.update.EnvAttributes = entries
}

// finish sends the rest, and what ends the sender: the end of the run, or a
// mere barrier where the run is left open.
func (b *batcher) finish(ctx context.Context) {
	if b.l.options.LeavesOpen {
		b.flush(ctx)
		b.send(ctx, &request{barrier: make(chan struct{}), last: true})
		return
	}
	b.build.update.CloseRun = true
	b.build.size += 2
	b.flush(ctx)
}

// flush encodes what was collected and hands it to the sender.
func (b *batcher) flush(ctx context.Context) {
	if b.build.empty() {
		return
	}
	if b.dropping {
		b.l.counters.dropped.add(b.build.counts)
		b.releaseItems()
		b.build.reset()
		return
	}
	b.sequence += sequenceStride
	u := &b.build.update
	u.Sequence = b.sequence
	r := &request{counts: b.build.counts, declarations: u.Declarations, last: u.CloseRun}
	r.frame = u.Encode(func(size int) []byte {
		r.memory = b.l.chunks.get((size + 7) / 8)
		return r.memory.bytes()[:0]
	})
	b.releaseItems()
	b.build.reset()
	b.send(ctx, r)
}

func (b *batcher) releaseItems() {
	for i, it := range b.build.items {
		b.l.queue.giveBytes(it.bytes)
		b.l.release(it)
		b.build.items[i] = nil
	}
	b.build.items = b.build.items[:0]
}

func (b *batcher) send(ctx context.Context, r *request) {
	if !b.dropping {
		select {
		case b.out <- r:
			return
		case <-ctx.Done():
			b.dropping = true
		}
	}
	b.l.counters.dropped.add(r.counts)
	if r.barrier != nil {
		close(r.barrier)
	}
}

// dropRest counts everything that is left as dropped, once nothing new can
// come in.
func (b *batcher) dropRest() {
	b.dropping = true
	b.l.Drain()
	b.l.queue.close()
	for {
		items, _ := b.l.queue.takeAll(b.spare, true)
		if len(items) == 0 {
			break
		}
		b.addAll(context.Background(), items)
	}
	b.flush(context.Background())
}

// seriesList returns the series by number. The elements' identity and number
// never change.
func (l *Logger) seriesList() []*series {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.registry.series
}
