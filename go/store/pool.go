package store

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"unsafe"

	"github.com/metrana/metrana/go/store/chunk"
)

// A pool sums up the RL points that a segment has of one series over all environments: along
// each axis that charts go along, at slots that are as many places of it wide and begin at a
// multiple of that. A chart reads the slots instead of the points. What a slot comes to does
// not depend on the order of points, so slots of segments that are merged add up. FORMAT.md
// draws it.
//
// Along the env steps of an episode there are none: points at one of them are many and lie
// apart, and slots of several are seldom what a chart shows.
type pool [len(poolAlong)]poolAxis

const poolVersion = 1

// The axes of a pool. The numbers are on disk.
const (
	poolSteps = iota
	poolEpisodes
	poolTotals
	poolTimes
)

var poolAlong = [...]Along{poolSteps: AlongRLSteps, poolEpisodes: AlongEpisodes, poolTotals: AlongTotalSteps, poolTimes: AlongTimes}

// poolAxis is a pool along one axis. Places are those of a curve that counts times from 1970.
type poolAxis struct {
	shift  uint   // slots are 2^shift places wide
	reach  Range  // of the places
	points uint64 // that have a place
	first  uint64 // slot
	slots  []rlSum
}

// poolLimits keep pools small beside their points, and making them cheap beside taking these.
type poolLimits struct {
	least int // points of a series that a segment has a pool for
	each  int // points that a slot has on average, at least
	run   int // of these, those of one environment, where slots change from step to step
	slots int // so many there may be in any case
}

var usualPools = poolLimits{least: 1 << 12, each: 1 << 11, run: 64, slots: 8}

// Limits of what is stored.
const (
	maxSlots       = 1 << 14
	maxPoolShift   = 63
	poolRowNumbers = 11 // columns of integers of a slot
	poolRowValues  = 3  // columns of values beside the terms of its sum
)

// of are how many slots there may be along each axis.
func (l poolLimits) of(points, cells int) (limits [len(poolAlong)]int) {
	for k := range limits {
		each := l.each
		if k == poolTotals {
			each = max(each, l.run*cells)
		}
		limits[k] = min(max(points/each, l.slots), maxSlots)
	}
	return limits
}

// along gives the axis that curves go along; nil where there is none.
func (p *pool) along(along Along) *poolAxis {
	if k := slices.Index(poolAlong[:], along); k >= 0 {
		return &p[k]
	}
	return nil
}

// slot gives the slot of a place, in memory that holds until the next.
func (a *poolAxis) slot(place uint64, limit int) *rlSum {
	at := place >> a.shift
	if i := at - a.first; len(a.slots) > 0 && i < uint64(len(a.slots)) {
		return &a.slots[i]
	}
	a.reachFor(place, limit)
	return &a.slots[place>>a.shift-a.first]
}

func (a *poolAxis) beginsSlot(place uint64) bool { return place&(1<<a.shift-1) == 0 }

// reachFor makes slots up to that of a place, wider ones where these would be too many.
func (a *poolAxis) reachFor(place uint64, limit int) {
	if len(a.slots) == 0 {
		a.first, a.slots = place>>a.shift, append(a.slots, rlSum{})
		return
	}
	for {
		at, last := place>>a.shift, a.first+uint64(len(a.slots)-1)
		first := min(at, a.first)
		if last = max(at, last); last-first < uint64(limit) {
			a.grow(first, last, limit)
			return
		}
		a.widen()
	}
}

// grow makes slots from one to another, and some before them where places come to lie before
// all others, as they may go on doing.
func (a *poolAxis) grow(first, last uint64, limit int) {
	if first < a.first {
		slack := min(uint64(len(a.slots)), uint64(limit)-(last-first+1), first)
		before := a.first - (first - slack)
		a.slots = slices.Insert(a.slots, 0, make([]rlSum, before)...)
		a.first = first - slack
	}
	a.slots = append(a.slots, make([]rlSum, last-a.first+1-uint64(len(a.slots)))...)
}

// widen makes one slot of two.
func (a *poolAxis) widen() {
	first := a.first >> 1
	n := int((a.first+uint64(len(a.slots)-1))>>1-first) + 1
	wide := make([]rlSum, n, 2*n)
	for i := range a.slots {
		wide[(a.first+uint64(i))>>1-first].join(&a.slots[i])
	}
	a.shift, a.first, a.slots = a.shift+1, first, wide
}

// join adds the slots of another segment.
func (a *poolAxis) join(other *poolAxis, limit int) {
	if other.points == 0 {
		return
	}
	if a.points == 0 {
		a.shift = other.shift
	}
	for a.shift < other.shift {
		a.widen()
	}
	for i := range other.slots {
		if s := &other.slots[i]; s.points() > 0 {
			a.slot((other.first+uint64(i))<<other.shift, limit).join(s)
		}
	}
	a.include(other.reach, other.points)
}

// include counts points that were put into slots.
func (a *poolAxis) include(reach Range, points uint64) {
	if a.points == 0 {
		a.reach = reach
	}
	a.reach = Range{min(a.reach.From, reach.From), max(a.reach.To, reach.To)}
	a.points += points
}

// bytes is roughly what the pool takes in memory.
func (p *pool) bytes() int {
	n := int(unsafe.Sizeof(*p))
	for k := range p {
		n += int(unsafe.Sizeof(rlSum{})) * len(p[k].slots)
		for i := range p[k].slots {
			if p[k].slots[i].sum.digits != nil {
				n += int(unsafe.Sizeof(sumDigits{}))
			}
		}
	}
	return n
}

// poolRow is a slot that has points, as it is written.
type poolRow struct {
	*rlSum

	slot  uint64
	tops  int64     // of the sum, as its terms are
	terms []float64 // without zeros at the end
}

// rows are those of the slots that have points.
func (a *poolAxis) rows() (rows []poolRow) {
	for i := range a.slots {
		s := &a.slots[i]
		if s.points() == 0 {
			continue
		}
		row := poolRow{rlSum: s, slot: a.first + uint64(i)}
		row.tops, row.terms = s.sum.terms(nil)
		for k := len(row.terms); k > 0 && row.terms[k-1] == 0; k-- {
			row.terms = row.terms[:k-1]
		}
		rows = append(rows, row)
	}
	return rows
}

// numbers are the integers of a row whose slot begins at a place.
func (r *poolRow) numbers(place uint64) [poolRowNumbers]uint64 {
	n := [poolRowNumbers]uint64{r.slot, r.count, uint64(r.nans), uint64(r.infinities), uint64(r.negatives)}
	if r.count > 0 {
		n[5], n[6], n[7], n[8] = r.lastAt.along-place, uint64(r.lastAt.env), r.lastAt.rlStep, r.lastAt.ordinal
		n[9] = uint64(r.lastTime)
	}
	n[10] = uint64(r.tops)
	return n
}

func (s *rlSum) setNumbers(n [poolRowNumbers]uint64, place uint64) {
	s.count = n[1]
	s.sum.addTops(int64(n[10]))
	s.nans, s.infinities, s.negatives = uint32(n[2]), uint32(n[3]), uint32(n[4])
	if s.count > 0 {
		s.lastAt, s.lastTime = lastPlace{place + n[5], uint32(n[6]), n[7], n[8]}, int64(n[9])
	}
}

func (p *pool) encode() []byte {
	record := []byte{poolVersion}
	var plain, values []byte
	for k := range p {
		a := &p[k]
		rows, terms := a.rows(), 0
		for i := range rows {
			terms = max(terms, len(rows[i].terms))
		}
		record = appendNumbers(record, uint64(a.shift), a.points, uint64(len(rows)), uint64(terms))
		if len(rows) > 0 {
			record = appendNumbers(record, a.reach.From, a.reach.To-a.reach.From)
			plain = a.appendNumbers(plain, rows)
			values = appendRowValues(values, rows, terms)
		}
	}
	record = appendNumbers(record, uint64(len(plain)))
	record = chunk.AppendBytes(record, chunk.Compress(nil, plain))
	return sealed(append(record, values...))
}

func (a *poolAxis) appendNumbers(dst []byte, rows []poolRow) []byte {
	var columns [poolRowNumbers]chunk.Runs
	for i := range rows {
		for k, v := range rows[i].numbers(rows[i].slot << a.shift) {
			columns[k] = columns[k].AppendOne(v)
		}
	}
	for _, runs := range columns {
		dst = chunk.AppendRuns(dst, runs)
	}
	return dst
}

func appendRowValues(dst []byte, rows []poolRow, terms int) []byte {
	columns := make([][]float64, poolRowValues+terms)
	for k := range columns {
		columns[k] = make([]float64, len(rows))
	}
	for i := range rows {
		r := &rows[i]
		if r.count > 0 {
			columns[0][i], columns[1][i], columns[2][i] = inOrder(r.low), inOrder(r.high), r.last
		}
		for k, term := range r.terms {
			columns[poolRowValues+k][i] = term
		}
	}
	for _, column := range columns {
		dst = appendColumn(dst, column)
	}
	return dst
}

func decodePool(record []byte) (*pool, error) {
	src, err := opened(record)
	if err != nil {
		return nil, err
	}
	d := decoder{src: src}
	if version := d.byte(); d.err == nil && version != poolVersion {
		return nil, fmt.Errorf("%w: pool of version %d", chunk.ErrCorrupt, version)
	}
	p := new(pool)
	var rows, terms [len(p)]int
	for k := range p {
		a := &p[k]
		a.shift, a.points = uint(d.number()), d.number()
		n, t := d.number(), d.number()
		if d.err == nil && (a.shift > maxPoolShift || n > maxSlots || t > sumDigitCount || n > 0 != (a.points > 0)) {
			d.fail("impossible slots")
		}
		if rows[k], terms[k] = int(n), int(t); n > 0 && d.err == nil {
			a.reach.From = d.number()
			a.reach.To = a.reach.From + d.number()
		}
	}
	numbers := d.unpack(d.number())
	for k := range p {
		if rows[k] > 0 && d.err == nil && numbers.err == nil {
			p[k].decode(&numbers, &d, rows[k], terms[k])
		}
	}
	return p, cmp.Or(d.err, numbers.err)
}

func (a *poolAxis) decode(numbers, values *decoder, rows, terms int) {
	var columns [poolRowNumbers][]uint64
	for k := range columns {
		columns[k] = numbers.runs(rows).AppendTo(nil)
	}
	if numbers.err == nil && !a.plausible(columns) {
		numbers.fail("impossible slots")
	}
	floats := make([][]float64, poolRowValues+terms)
	for k := range floats {
		floats[k] = values.column(rows)
	}
	if numbers.err != nil || values.err != nil {
		return
	}
	at := columns[0]
	a.first, a.slots = at[0], make([]rlSum, at[rows-1]-at[0]+1)
	for i, slot := range at {
		s := &a.slots[slot-a.first]
		var n [poolRowNumbers]uint64
		for k := range columns {
			n[k] = columns[k][i]
		}
		s.setNumbers(n, slot<<a.shift)
		s.low, s.high, s.last = orderOf(floats[0][i]), orderOf(floats[1][i]), floats[2][i]
		for _, terms := range floats[poolRowValues:] {
			s.sum.add(terms[i])
		}
	}
}

// plausible tells whether columns of integers can be those of slots with points.
func (a *poolAxis) plausible(columns [poolRowNumbers][]uint64) bool {
	slots := columns[0]
	first, last := slots[0], slots[len(slots)-1]
	if last-first >= maxSlots || last > math.MaxUint64>>a.shift || a.reach.From>>a.shift != first || a.reach.To>>a.shift != last {
		return false
	}
	points := uint64(0)
	for i, slot := range slots {
		n := columns[1][i]
		for _, others := range columns[2:5] {
			if others[i] > math.MaxUint32 {
				return false
			}
			n += others[i]
		}
		if n == 0 || n > a.points || i > 0 && slot <= slots[i-1] || !sensibleTops(int64(columns[10][i])) {
			return false
		}
		points += n
	}
	return points == a.points
}

// poolInfo is what the index of a segment keeps of a pool.
type poolInfo struct {
	series uint32
	at     uint64 // where in the segment it begins
	size   uint32
}

func (w *segmentWriter) addPool(series uint32, p *pool) error {
	record := p.encode()
	w.index.pools = append(w.index.pools, poolInfo{series, w.info.size, uint32(len(record))})
	return w.write(record)
}

// writePools writes those that were made from points.
func (w *segmentWriter) writePools() error {
	for _, series := range slices.Sorted(maps.Keys(w.pools)) {
		if err := w.addPool(series, &w.pools[series].pool); err != nil {
			return err
		}
	}
	return nil
}

// poolOf reads the pool that a segment has of a series; nil where it has none.
func (s *segmentReader) poolOf(index *segmentIndex, series uint32) (*pool, error) {
	info, has := index.poolOf(series)
	if !has {
		return nil, nil
	}
	return s.readPool(info)
}

func (x *segmentIndex) poolOf(series uint32) (info poolInfo, has bool) {
	i, has := slices.BinarySearchFunc(x.pools, series, func(p poolInfo, series uint32) int { return cmp.Compare(p.series, series) })
	if has {
		info = x.pools[i]
	}
	return info, has
}

func (s *segmentReader) readPool(info poolInfo) (*pool, error) {
	return readPart(s, "pool", info.at, info.size, decodePool)
}
