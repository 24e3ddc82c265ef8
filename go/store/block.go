package store

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/metrana/metrana/go/store/chunk"
)

// A block holds the chunks of many cells, sorted, as a few long columns.
// FORMAT.md draws it.
const blockVersion = 1

// blockPoints is how many points a block gathers: enough for its columns to
// compress as well as they can, few enough to read one chunk without regret.
const blockPoints = 1 << 14

// blockInfo is what the run's state keeps of a block, so that readers open only
// those that can hold a cell.
type blockInfo struct {
	number      uint64
	first, last cellID
	steps       Range // of steps; of RL points those of rl_steps
	episodes    Range // of episodes plus one; 0 for points without
}

func (b blockInfo) mayHold(id cellID) bool {
	return !id.less(b.first) && !b.last.less(id) && b.first.rl() == id.rl()
}

// part is a cell with the points of it that go into a block.
type part struct {
	id     cellID
	points *columns
}

// describe says what a block of these parts holds.
func describe(parts []part) blockInfo {
	info := blockInfo{first: parts[0].id, last: parts[len(parts)-1].id, steps: nothing, episodes: nothing}
	for _, p := range parts {
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

// encodeBlock writes parts, which are sorted and all standard or all RL.
func encodeBlock(parts []part) []byte {
	rl := parts[0].id.rl()
	var series, envs, counts chunk.Runs
	var ints [rlCols]chunk.Runs
	scratch := valuesPool.Get().(*[]float64)
	defer valuesPool.Put(scratch)
	values := (*scratch)[:0]
	for _, p := range parts {
		series = series.AppendOne(uint64(p.id.series))
		envs = envs.AppendOne(uint64(p.id.env))
		counts = counts.AppendOne(uint64(len(p.points.values)))
		for k := range colsOf(rl) {
			ints[k] = ints[k].AppendRuns(p.points.ints[k])
		}
		values = append(values, p.points.values...)
	}
	plain := chunk.AppendRuns(nil, series)
	plain = chunk.AppendRuns(plain, envs)
	plain = chunk.AppendRuns(plain, counts)
	for k := range colsOf(rl) {
		plain = chunk.AppendRuns(plain, ints[k])
	}
	*scratch = values
	block := append(make([]byte, 0, len(plain)+8*len(values)+64), blockVersion, 0)
	if rl {
		block[1] = 1
	}
	block = binary.AppendUvarint(block, uint64(len(parts)))
	block = binary.AppendUvarint(block, uint64(len(values)))
	block = binary.AppendUvarint(block, uint64(len(plain)))
	block = chunk.AppendBytes(block, chunk.Compress(nil, plain))
	return sealed(chunk.AppendValues(block, values))
}

// valuesPool keeps the memory in which the values of a block are gathered.
var valuesPool = sync.Pool{New: func() any { return new([]float64) }}

// block is a decoded block.
type block struct {
	ids    []cellID
	starts []int // of each chunk within the columns, and the end behind the last
	columns
	rl bool
}

func decodeBlock(record []byte) (*block, error) {
	src, err := opened(record)
	if err != nil {
		return nil, err
	}
	d := decoder{src: src}
	if version := d.byte(); d.err == nil && version != blockVersion {
		return nil, fmt.Errorf("%w: block of version %d", chunk.ErrCorrupt, version)
	}
	b := &block{rl: d.byte() == 1}
	chunks, points, size := d.number(), d.number(), d.number()
	packed := d.text()
	const limit = 1 << 26 // far beyond what encodeBlock writes
	if d.err == nil && (chunks > points || points > limit || size > limit) {
		d.fail("impossible counts")
	}
	if d.err != nil {
		return nil, d.err
	}
	plain, err := chunk.Decompress([]byte(packed), int(size))
	if err != nil {
		return nil, err
	}
	if err := b.decodeInts(decoder{src: plain}, int(chunks), int(points)); err != nil {
		return nil, err
	}
	b.values, _, err = chunk.DecodeValues(make([]float64, 0, points), d.src, int(points))
	return b, err
}

func (b *block) decodeInts(d decoder, chunks, points int) error {
	series, envs, counts := d.runs(chunks).Cursor(), d.runs(chunks).Cursor(), d.runs(chunks).Cursor()
	for k := range colsOf(b.rl) {
		b.ints[k] = d.runs(points)
	}
	if d.err != nil {
		return d.err
	}
	start := 0
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

// addTo appends the points of one cell, if the block has any, to out.
func (b *block) addTo(out *columns, id cellID) {
	i, found := b.find(id)
	if !found {
		return
	}
	from, to := b.starts[i], b.starts[i+1]
	for k := range colsOf(b.rl) {
		cursor := b.ints[k].Cursor()
		cursor.Skip(from)
		out.ints[k] = out.ints[k].AppendRuns(cursor.Take(to - from))
	}
	out.values = append(out.values, b.values[from:to]...)
}

func (b *block) find(id cellID) (int, bool) {
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

// bytes is roughly what the decoded block takes in memory.
func (b *block) bytes() int { return b.columns.bytes() + 16*len(b.ids) }

func compareParts(a, b part) int {
	// Standard points first, so that a block holds one kind.
	if c := cmp.Compare(boolInt(a.id.rl()), boolInt(b.id.rl())); c != 0 {
		return c
	}
	if c := cmp.Compare(a.id.series, b.id.series); c != 0 {
		return c
	}
	return cmp.Compare(a.id.env, b.id.env)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
