package store

import (
	"cmp"
	"fmt"

	"github.com/metrana/metrana/go/store/chunk"
)

// A block holds the chunks of one or many cells, sorted: a head with positions,
// rollups and the directory of the values, and behind it the pages of the values.
// FORMAT.md draws it. Readers keep heads and read of the pages what they need.
const blockVersion = 1

// blockPoints is how many points a block gathers: enough for its columns to
// compress as well as they can. A cell with more has blocks of its own, which
// begin at multiples of this.
const blockPoints = 1 << 14

// blockInfo is what the index of a segment keeps of a block, so that readers
// open only those that can hold what they look for.
type blockInfo struct {
	at          uint64 // where in the segment it begins
	head, pages uint32 // sizes
	points      uint32
	first, last cellID
	steps       Range // of steps; of RL points those of rl_steps
	episodes    Range // of episodes plus one; 0 for points without
	whole       *span // of a block that one standard series fills
}

// part is a stretch of a cell's points that goes into a block.
type part struct {
	id      cellID
	ordinal uint64 // of its first point among all that the cell ever got
	points  *held
}

// describe says what a block of these parts holds.
func describe(parts []part) blockInfo {
	info := blockInfo{first: parts[0].id, last: parts[len(parts)-1].id, steps: nothing, episodes: nothing}
	for _, p := range parts {
		info.points += uint32(p.points.len())
		includeRuns(&info.steps, p.points.ints[colStep])
		if p.id.rl() {
			includeRuns(&info.episodes, p.points.ints[colEpisode])
		}
	}
	return info
}

func includeRuns(r *Range, runs chunk.Runs) {
	for _, run := range runs {
		r.include(run.First)
		r.include(run.Last())
	}
}

// blockEncoder writes blocks; it keeps its memory from one to the next.
type blockEncoder struct {
	series, envs, counts, begins chunk.Runs
	ints                         [rlCols]chunk.Runs
	values                       []float64
	rollups                      rollups
	head, pages                  []byte
}

// encode writes parts, which are sorted and all standard or all RL. What it
// returns holds until the next call.
func (e *blockEncoder) encode(parts []part) (info blockInfo, head, pages []byte) {
	info = describe(parts)
	e.gather(parts)
	rl := parts[0].id.rl()
	plain := chunk.AppendRuns(nil, e.series)
	for _, runs := range []chunk.Runs{e.envs, e.counts, e.begins} {
		plain = chunk.AppendRuns(plain, runs)
	}
	for k := range colsOf(rl) {
		plain = chunk.AppendRuns(plain, e.ints[k])
	}
	e.head = append(e.head[:0], blockVersion, byte(boolInt(rl)))
	e.head = appendNumbers(e.head, uint64(len(parts)), uint64(len(e.values)), uint64(len(plain)))
	e.head = chunk.AppendBytes(e.head, chunk.Compress(nil, plain))
	e.head, e.pages = chunk.AppendValues(e.head, e.pages[:0], e.values)
	e.rollups.reset()
	if !rl {
		values := e.values
		for _, p := range parts {
			e.rollups.add(p.ordinal, values[:p.points.len()])
			values = values[p.points.len():]
		}
		e.head = e.rollups.append(e.head)
	}
	e.head = sealed(e.head)
	info.head, info.pages = uint32(len(e.head)), uint32(len(e.pages))
	if len(parts) == 1 && !rl && info.points == blockPoints && parts[0].ordinal%blockPoints == 0 {
		whole := joinSpans(e.rollups.spans)
		info.whole = &whole
	}
	return info, e.head, e.pages
}

func (e *blockEncoder) gather(parts []part) {
	e.series, e.envs, e.counts, e.begins = e.series[:0], e.envs[:0], e.counts[:0], e.begins[:0]
	for k := range e.ints {
		e.ints[k] = e.ints[k][:0]
	}
	e.values = e.values[:0]
	for _, p := range parts {
		e.series = e.series.AppendOne(uint64(p.id.series))
		e.envs = e.envs.AppendOne(uint64(p.id.env))
		e.counts = e.counts.AppendOne(uint64(p.points.len()))
		e.begins = e.begins.AppendOne(p.ordinal)
		for k := range colsOf(p.id.rl()) {
			e.ints[k] = e.ints[k].AppendRuns(p.points.ints[k])
		}
		e.values = p.points.appendValues(e.values, 0, p.points.len())
	}
}

// blockHead is what is known of a block without its pages.
type blockHead struct {
	rl     bool
	ids    []cellID
	begins []uint64 // ordinal of each chunk's first point
	starts []int    // of each chunk within the columns, and the end behind the last
	ints   [rlCols]chunk.Runs
	values *chunk.Values
	lazy   lazyRollups // of standard points
}

func decodeHead(record []byte) (*blockHead, error) {
	src, err := opened(record)
	if err != nil {
		return nil, err
	}
	d := decoder{src: src}
	if version := d.byte(); d.err == nil && version != blockVersion {
		return nil, fmt.Errorf("%w: block of version %d", chunk.ErrCorrupt, version)
	}
	b := &blockHead{rl: d.byte() == 1}
	chunks, points, size := d.number(), d.number(), d.number()
	if d.err == nil && (chunks == 0 || chunks > points || points > maxPlain) {
		d.fail("impossible counts")
	}
	positions := d.unpack(size)
	if d.err != nil {
		return nil, d.err
	}
	if err := b.decodePositions(positions, int(chunks), int(points)); err != nil {
		return nil, err
	}
	if b.values, d.src, err = chunk.ParseValues(d.src, int(points)); err != nil {
		return nil, err
	}
	b.lazy.record = d.src
	return b, nil
}

func (b *blockHead) decodePositions(d decoder, chunks, points int) error {
	series, envs, counts := d.runs(chunks).Cursor(), d.runs(chunks).Cursor(), d.runs(chunks).Cursor()
	b.begins = d.runs(chunks).AppendTo(make([]uint64, 0, chunks))
	for k := range colsOf(b.rl) {
		b.ints[k] = d.runs(points)
	}
	if d.err != nil {
		return d.err
	}
	start := 0
	b.ids, b.starts = make([]cellID, 0, chunks), make([]int, 0, chunks+1)
	for range chunks {
		b.ids = append(b.ids, cellID{uint32(series.Next()), uint32(envs.Next())})
		b.starts = append(b.starts, start)
		n := counts.Next()
		if n > uint64(points-start) {
			return fmt.Errorf("%w: chunks longer than their block", chunk.ErrCorrupt)
		}
		start += int(n)
	}
	b.starts = append(b.starts, start)
	return nil
}

// find gives the place of a cell's chunk in the block.
func (b *blockHead) find(id cellID) (int, bool) {
	low, high := 0, len(b.ids)
	for low < high {
		middle := (low + high) / 2
		if b.ids[middle].less(id) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(b.ids) && b.ids[low] == id
}

// chunksBetween gives the places of the chunks of cells from one to another.
func (b *blockHead) chunksBetween(id, last cellID) (from, to int) {
	from, _ = b.find(id)
	to, found := b.find(last)
	return from, to + boolInt(found)
}

// positions cuts the columns of integers of the i-th chunk out.
func (b *blockHead) positions(i int) (ints [rlCols]chunk.Runs) {
	for k := range colsOf(b.rl) {
		ints[k] = b.position(i, k)
	}
	return ints
}

// position cuts one column of integers of the i-th chunk out.
func (b *blockHead) position(i, k int) chunk.Runs { return b.positionIn(new(chunk.Runs), i, k) }

// positionIn is position in memory that is kept for the next.
func (b *blockHead) positionIn(room *chunk.Runs, i, k int) chunk.Runs {
	if len(b.ids) == 1 {
		return b.ints[k] // not to be written over
	}
	cursor := b.ints[k].Cursor()
	cursor.Skip(b.starts[i])
	*room = cursor.AppendTo((*room)[:0], b.starts[i+1]-b.starts[i])
	return *room
}

// bytes is roughly what the head takes in memory.
func (b *blockHead) bytes() int {
	const table = 3 << 10 // that reading values makes
	n := 4096 + table + 32*len(b.ids) + 96*b.starts[len(b.ids)]/spanPoints
	for _, runs := range b.ints {
		n += runBytes * len(runs)
	}
	return n
}

func compareParts(a, b part) int {
	// Standard points first, so that a block holds one kind.
	return cmp.Or(cmp.Compare(boolInt(a.id.rl()), boolInt(b.id.rl())),
		cmp.Compare(a.id.series, b.id.series), cmp.Compare(a.id.env, b.id.env))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// appendBlockInfo and decodeBlockInfo are the entry of a block in an index.
func appendBlockInfo(dst []byte, b blockInfo) []byte {
	dst = appendNumbers(dst, uint64(b.head), uint64(b.pages), uint64(b.points),
		uint64(b.first.series), uint64(b.first.env), uint64(b.last.series), uint64(b.last.env),
		b.steps.From, b.steps.To-b.steps.From, b.episodes.From, b.episodes.To-b.episodes.From)
	if b.whole == nil {
		return append(dst, 0)
	}
	return b.whole.append(append(dst, 1))
}

func decodeBlockInfo(d *decoder, at uint64) blockInfo {
	b := blockInfo{at: at, head: uint32(d.number()), pages: uint32(d.number()), points: uint32(d.number())}
	b.first = cellID{uint32(d.number()), uint32(d.number())}
	b.last = cellID{uint32(d.number()), uint32(d.number())}
	b.steps.From = d.number()
	b.steps.To = b.steps.From + d.number()
	b.episodes.From = d.number()
	b.episodes.To = b.episodes.From + d.number()
	if d.byte() == 1 {
		whole := decodeSpan(d)
		b.whole = &whole
	}
	return b
}
