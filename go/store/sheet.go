package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// A sheet sums up the RL points that a segment has of one series: the stretches of
// every environment, one environment after the other, in logged order. Where there
// are very many they fill several sheets. A segment whose stretches of a series are
// short has no sheet for it. FORMAT.md draws it.
const sheetVersion = 1

// maxSheetRows bounds what a merge has of each segment in memory.
const maxSheetRows = 1 << 17

// sheetInfo is what the index of a segment keeps of a sheet.
type sheetInfo struct {
	series uint32
	rows   uint32
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

// sheetEncoder writes sheets; it keeps its memory from one to the next.
type sheetEncoder struct {
	columns [sheetColumns]chunk.Runs
	sums    []float64
	plain   []byte
}

func (e *sheetEncoder) encode(rows []sheetRow) []byte {
	for k := range e.columns {
		e.columns[k] = e.columns[k][:0]
	}
	e.sums = e.sums[:0]
	for i := range rows {
		for k, v := range rows[i].numbers() {
			e.columns[k] = e.columns[k].AppendOne(v)
		}
		e.sums = append(e.sums, rows[i].sum)
	}
	e.plain = e.plain[:0]
	for _, runs := range e.columns {
		e.plain = chunk.AppendRuns(e.plain, runs)
	}
	record := appendNumbers([]byte{sheetVersion}, uint64(len(rows)), uint64(len(e.plain)))
	record = chunk.AppendBytes(record, chunk.Compress(nil, e.plain))
	return sealed(appendColumn(record, e.sums))
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
	if d.err == nil && count > maxSheetRows {
		d.fail("impossible count")
	}
	positions := d.unpack(size)
	if d.err != nil {
		return nil, d.err
	}
	s := &sheet{sums: d.column(int(count))}
	for k := range s.columns {
		s.columns[k] = positions.runs(len(s.sums))
	}
	if positions.err == nil {
		s.checkOrder(&positions)
	}
	return s, errors.Join(d.err, positions.err)
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

// sheetCursor walks over the rows.
type sheetCursor struct {
	walks [sheetColumns]walk
	sums  []float64 // of the rows that are left
}

func (s *sheet) cursor() sheetCursor {
	c := sheetCursor{sums: s.sums}
	for k, runs := range s.columns {
		c.walks[k].runs = runs
	}
	return c
}

// next gives a row; it must not be called beyond the last.
func (c *sheetCursor) next() (row sheetRow) {
	row.env = uint32(c.walks[0].next())
	row.continued = c.continued()
	c.readInto(&row.stretch)
	return row
}

// continued reads whether the next row continues a stretch; readInto reads the rest.
func (c *sheetCursor) continued() bool { return c.walks[5].next() == 1 }

func (c *sheetCursor) readInto(row *stretch) {
	row.rlStep, row.episode, row.attempt, row.count = c.walks[1].next(), c.walks[2].next(), c.walks[3].next(), c.walks[4].next()
	row.sum, c.sums = c.sums[0], c.sums[1:]
}

// skip passes over the next rows.
func (c *sheetCursor) skip(n int) {
	c.sums = c.sums[n:]
	for k := range c.walks {
		c.walks[k].skip(uint32(n))
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

func (w *walk) skip(n uint32) {
	for n > 0 {
		if w.left == 0 {
			w.start()
			w.v -= w.delta
		}
		k := min(n, w.left)
		w.v += uint64(k) * w.delta
		w.left -= k
		n -= k
	}
}

func (w *walk) start() {
	run := w.runs[0]
	w.runs, w.v, w.delta, w.left = w.runs[1:], run.First, run.Delta, run.N
}

// sheetWriter writes the rows of one series, in order. A segment has one at a time.
type sheetWriter struct {
	to     *segmentWriter
	series uint32
}

// add adds a row, or puts it in the place of the one that it continues.
func (w *sheetWriter) add(row sheetRow) error {
	rows := w.to.rows
	if k := len(rows) - 1; k >= 0 && row.continued && rows[k].env == row.env {
		row.continued = rows[k].continued
		rows[k] = row
		return nil
	}
	w.to.rows = append(rows, row)
	if len(rows) < w.to.run.db.maxSheetRows {
		return nil
	}
	err := w.to.addSheet(w.series, rows)
	w.to.rows = append(rows[:0], row)
	return err
}

func (w *sheetWriter) finish() error {
	if len(w.to.rows) == 0 {
		return nil
	}
	err := w.to.addSheet(w.series, w.to.rows)
	w.to.rows = w.to.rows[:0]
	return err
}

func (w *segmentWriter) addSheet(series uint32, rows []sheetRow) error {
	record := w.sheets.encode(rows)
	w.index.sheets = append(w.index.sheets, sheetInfo{series, uint32(len(rows)), w.info.size, uint32(len(record))})
	return w.write(record)
}

// sheetsOf gives the sheets that a segment has for a series.
func (x *segmentIndex) sheetsOf(series uint32) []sheetInfo {
	from, _ := slices.BinarySearchFunc(x.sheets, series, func(s sheetInfo, series uint32) int { return cmp.Compare(s.series, series) })
	to := from
	for to < len(x.sheets) && x.sheets[to].series == series {
		to++
	}
	return x.sheets[from:to]
}

func (s *segmentReader) readSheet(info sheetInfo) (*sheet, error) {
	return readPart(s, "sheet", info.at, info.size, func(record []byte) (*sheet, error) {
		found, err := decodeSheet(record)
		if err == nil && len(found.sums) != int(info.rows) {
			err = fmt.Errorf("%w: it has other rows than the index says", chunk.ErrCorrupt)
		}
		return found, err
	})
}

// bytes is roughly what the sheet takes in memory.
func (s *sheet) bytes() int {
	n := 256 + 8*len(s.sums)
	for _, runs := range s.columns {
		n += runBytes * len(runs)
	}
	return n
}

// mergeSheets joins the sheets of segments that were merged. Of a series of which
// one of them has points and no sheet there is none.
func mergeSheets(w *segmentWriter, sources []*mergeSource) error {
	points := make(map[uint32]int)
	for _, s := range sources {
		for series, n := range s.rl {
			points[series] += n
		}
	}
	for _, series := range slices.Sorted(maps.Keys(points)) {
		walks, rows, err := sheetWalks(series, sources)
		if err != nil {
			return err
		}
		if !worthKeeping(rows, points[series]) {
			continue
		}
		if err := mergeSheetsOf(series, w, walks); err != nil {
			return err
		}
	}
	return nil
}

// sheetWalk goes over the rows that one segment has of a series.
type sheetWalk struct {
	reader *segmentReader
	sheets []sheetInfo // that were not read yet
	rows   sheetCursor
	row    sheetRow // at hand; its environment is 0 at the end
}

func (s *sheetWalk) next() error {
	for len(s.rows.sums) == 0 {
		if len(s.sheets) == 0 {
			s.row = sheetRow{}
			return nil
		}
		found, err := s.reader.readSheet(s.sheets[0])
		if err != nil {
			return err
		}
		s.sheets, s.rows = s.sheets[1:], found.cursor()
	}
	s.row = s.rows.next()
	return nil
}

// sheetWalks begins to walk over the sheets of a series, and counts their rows;
// there are none where one is missing.
func sheetWalks(series uint32, sources []*mergeSource) (walks []*sheetWalk, rows int, err error) {
	for _, s := range sources {
		if s.rl[series] == 0 {
			continue
		}
		index, err := s.reader.index()
		if err != nil {
			return nil, 0, err
		}
		walk := &sheetWalk{reader: s.reader, sheets: index.sheetsOf(series)}
		if len(walk.sheets) == 0 {
			return nil, 0, nil
		}
		for _, info := range walk.sheets {
			rows += int(info.rows)
		}
		if err := walk.next(); err != nil {
			return nil, 0, err
		}
		walks = append(walks, walk)
	}
	return walks, rows, nil
}

func mergeSheetsOf(series uint32, w *segmentWriter, walks []*sheetWalk) error {
	to := sheetWriter{w, series}
	for env := lowestEnv(walks); env != 0; env = lowestEnv(walks) {
		for _, walk := range walks {
			for walk.row.env == env {
				if err := errors.Join(to.add(walk.row), walk.next()); err != nil {
					return err
				}
			}
		}
	}
	return to.finish()
}

// lowestEnv is the lowest environment that any walk has come to; 0 when all have
// ended.
func lowestEnv(walks []*sheetWalk) (env uint32) {
	for _, walk := range walks {
		if at := walk.row.env; at != 0 && (env == 0 || at < env) {
			env = at
		}
	}
	return env
}
