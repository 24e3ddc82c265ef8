package store

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// A sheet sums up the RL points that a segment has of one series: the stretches of
// every environment, one environment after the other, in logged order. A segment
// whose stretches of a series are short has no sheet for it. FORMAT.md draws it.
const sheetVersion = 1

// sheetInfo is what the index of a segment keeps of a sheet.
type sheetInfo struct {
	series uint32
	at     uint64 // where in the segment it begins
	size   uint32
}

// sheetRow is a stretch of an environment.
type sheetRow struct {
	env uint32
	stretch
}

// worthKeeping tells whether a sheet saves more reading than it takes.
func worthKeeping(rows, points int) bool {
	return rows > 0 && (rows <= manyOfSheet || rows*shortStretch <= points)
}

// sheetColumns are those of integers.
const sheetColumns = 6

func (row *sheetRow) numbers() [sheetColumns]uint64 {
	return [sheetColumns]uint64{uint64(row.env), row.rlStep, row.episode, row.attempt, row.count, uint64(boolInt(row.continued))}
}

func encodeSheet(rows []sheetRow) []byte {
	var columns [sheetColumns]chunk.Runs
	sums := make([]float64, len(rows))
	for i := range rows {
		for k, v := range rows[i].numbers() {
			columns[k] = columns[k].AppendOne(v)
		}
		sums[i] = rows[i].sum
	}
	var plain []byte
	for _, runs := range columns {
		plain = chunk.AppendRuns(plain, runs)
	}
	record := appendNumbers([]byte{sheetVersion}, uint64(len(rows)), uint64(len(plain)))
	record = chunk.AppendBytes(record, chunk.Compress(nil, plain))
	return sealed(appendColumn(record, sums))
}

// sheet is a decoded one.
type sheet struct {
	columns [sheetColumns]chunk.Runs
	sums    []float64
}

func decodeSheet(record []byte) (*sheet, error) {
	src, err := opened(record)
	if err != nil {
		return nil, err
	}
	d := decoder{src: src}
	if version := d.byte(); d.err == nil && version != sheetVersion {
		return nil, fmt.Errorf("%w: sheet of version %d", chunk.ErrCorrupt, version)
	}
	count, size := d.number(), d.number()
	packed := d.text()
	const limit = 1 << 24 // far beyond what an encoder writes
	if d.err == nil && (count > limit || size > limit) {
		d.fail("impossible counts")
	}
	if d.err != nil {
		return nil, d.err
	}
	plain, err := chunk.Decompress([]byte(packed), int(size))
	if err != nil {
		return nil, err
	}
	s := &sheet{sums: d.column(int(count))}
	if d.err != nil {
		return nil, d.err
	}
	d = decoder{src: plain}
	for k := range s.columns {
		s.columns[k] = d.runs(len(s.sums))
	}
	if d.err == nil {
		s.checkOrder(&d)
	}
	return s, d.err
}

func (s *sheet) checkOrder(d *decoder) {
	before := uint64(1)
	for _, run := range s.columns[0] {
		if run.First < before || run.Last() < run.First || run.Last() > math.MaxUint32 {
			d.fail("environments of a sheet out of order")
		}
		before = run.Last()
	}
}

// lastEnv is the highest environment.
func (s *sheet) lastEnv() uint64 {
	if len(s.columns[0]) == 0 {
		return 0
	}
	return s.columns[0][len(s.columns[0])-1].Last()
}

// each visits the rows.
func (s *sheet) each(visit func(env uint32, row stretch)) {
	var walks [sheetColumns]walk
	for k, runs := range s.columns {
		walks[k].runs = runs
	}
	for _, sum := range s.sums {
		env := uint32(walks[0].next())
		visit(env, stretch{
			rlStep: walks[1].next(), episode: walks[2].next(), attempt: walks[3].next(),
			count: walks[4].next(), continued: walks[5].next() == 1, sum: sum,
		})
	}
}

// walk is a Cursor for reading many short runs one number at a time.
type walk struct {
	runs     chunk.Runs
	v, delta uint64
	left     uint32
}

func (w *walk) next() uint64 {
	if w.left == 0 {
		w.start()
	} else {
		w.v += w.delta
	}
	w.left--
	return w.v
}

func (w *walk) start() {
	run := w.runs[0]
	w.runs, w.v, w.delta, w.left = w.runs[1:], run.First, run.Delta, run.N
}

// rows lists the rows.
func (s *sheet) rows() []sheetRow {
	rows := make([]sheetRow, 0, len(s.sums))
	s.each(func(env uint32, row stretch) { rows = append(rows, sheetRow{env, row}) })
	return rows
}

// sheetWriter gathers the rows of one series.
type sheetWriter struct {
	to     *segmentWriter
	series uint32
	rows   []sheetRow
	points int
	given  bool // up: some of its points have no rows
}

// add adds the stretches of the next cell, which comes in order of series and
// environments, and counts its points.
func (w *sheetWriter) add(id cellID, s stretches, points int) error {
	if id.series != w.series {
		if err := w.flush(); err != nil {
			return err
		}
		w.series = id.series
	}
	w.points += points
	w.given = w.given || s.dropped
	if w.given {
		return nil
	}
	for _, one := range s.rows() {
		w.rows = append(w.rows, sheetRow{id.env, one})
	}
	return nil
}

func (w *sheetWriter) flush() (err error) {
	if !w.given && worthKeeping(len(w.rows), w.points) {
		err = w.to.addSheet(w.series, w.rows)
	}
	w.rows, w.points, w.given = w.rows[:0], 0, false
	return err
}

func (w *segmentWriter) addSheet(series uint32, rows []sheetRow) error {
	record := encodeSheet(rows)
	w.index.sheets = append(w.index.sheets, sheetInfo{series, w.info.size, uint32(len(record))})
	return w.write(record)
}

// sheet reads what the segment has of a series; nil where there is no sheet for it.
func (s *segmentReader) sheet(series uint32) (*sheet, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	for _, info := range index.sheets {
		if info.series == series {
			return s.readSheet(info)
		}
	}
	return nil, nil
}

func (s *segmentReader) readSheet(info sheetInfo) (*sheet, error) {
	name := cacheName{s.run.id, s.info.number, int64(info.at)}
	if cached, known := s.run.db.cache.get(name).(*sheet); known {
		return cached, nil
	}
	record, err := s.read(info.at, int(info.size))
	if err != nil {
		return nil, err
	}
	found, err := decodeSheet(record)
	if err != nil {
		return nil, s.corrupt(fmt.Errorf("sheet at byte %d: %w", info.at, err))
	}
	s.run.db.cache.put(name, found)
	return found, nil
}

// bytes is roughly what the sheet takes in memory.
func (s *sheet) bytes() int {
	n := 256 + 8*len(s.sums)
	for _, runs := range s.columns {
		n += 24 * len(runs)
	}
	return n
}

// writeSheets joins the sheets of segments that were merged. Of a series of which
// one of them has points and no sheet there is none.
func writeSheets(w *segmentWriter, sources []*mergeSource) error {
	points := make(map[uint32]int)
	for _, s := range sources {
		for series, n := range s.rl {
			points[series] += n
		}
	}
	for _, series := range slices.Sorted(maps.Keys(points)) {
		rows, err := joinSheets(series, sources)
		if err != nil {
			return err
		}
		if !worthKeeping(len(rows), points[series]) {
			continue
		}
		if err := w.addSheet(series, rows); err != nil {
			return err
		}
	}
	return nil
}

func joinSheets(series uint32, sources []*mergeSource) ([]sheetRow, error) {
	var lists [][]sheetRow
	total := 0
	for _, s := range sources {
		if s.rl[series] == 0 {
			continue
		}
		found, err := s.reader.sheet(series)
		if found == nil || err != nil {
			return nil, err
		}
		lists, total = append(lists, found.rows()), total+len(found.sums)
	}
	joined := make([]sheetRow, 0, total)
	for env := lowestEnv(lists); env != 0; env = lowestEnv(lists) {
		start := len(joined)
		for i := range lists {
			for ; len(lists[i]) > 0 && lists[i][0].env == env; lists[i] = lists[i][1:] {
				joined = appendRow(joined, start, lists[i][0])
			}
		}
	}
	return joined, nil
}

// lowestEnv is the lowest environment that any list begins with; 0 when all are
// empty.
func lowestEnv(lists [][]sheetRow) (env uint32) {
	for _, rows := range lists {
		if len(rows) > 0 && (env == 0 || rows[0].env < env) {
			env = rows[0].env
		}
	}
	return env
}

// appendRow adds a row of an environment whose rows begin at start.
func appendRow(rows []sheetRow, start int, row sheetRow) []sheetRow {
	k := len(rows) - 1
	if k < start || !row.continued {
		return append(rows, row)
	}
	row.continued = rows[k].continued
	rows[k] = row
	return rows
}
