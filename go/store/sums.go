package store

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/metrana/metrana/go/workers"
)

// RLSum sums up the finite points of a series in one environment at one rl_step
// or episode.
type RLSum struct {
	At    uint64
	Count uint64
	Sum   float64
}

// EnvSums are those of one environment, ascending.
type EnvSums struct {
	Env  uint32
	Sums []RLSum
}

// Along says what RL points are placed along.
type Along int

// The axes. RLSums are along the first two.
const (
	AlongRLSteps Along = iota
	AlongEpisodes
	AlongEnvSteps
	AlongTotalSteps
	AlongTimes
)

// SumsRoom is memory that sums are read into, which may be used again.
type SumsRoom struct {
	envs []envSummation
	rows []stretch
	sums []RLSum
	out  []EnvSums
}

// RLSums sums up the points of a series in each environment, at each rl_step or
// episode within a range, by number of the environment. Where no point is finite
// there is no sum, and points without an episode have none along episodes. Points
// that a restart discarded do not count. The numbers are the same, bit for bit,
// wherever the points lie.
func (r *Run) RLSums(no uint32, along Along, within Range) ([]EnvSums, error) {
	return r.RLSumsAt(new(SumsRoom), no, along, within)
}

// RLSumsAt is RLSums in memory that is given: what was read into it before is gone.
func (r *Run) RLSumsAt(room *SumsRoom, no uint32, along Along, within Range) ([]EnvSums, error) {
	for {
		s, err := r.newSummation(room, no, along, within)
		if s == nil || err != nil {
			return nil, err
		}
		err = s.read()
		r.reading.Add(-1)
		if err == nil {
			return s.sums(), nil
		}
		if !r.outdated(s.view, err) {
			return nil, err
		}
	}
}

// summation goes over the stretches of a series, segment after segment and then
// those in memory.
type summation struct {
	view

	run    *Run
	no     uint32
	along  Along
	within Range
	room   *SumsRoom
	envs   []envSummation // by number - 1
}

// envSummation is the stretches of one environment so far.
type envSummation struct {
	memory    [2]memoryStretches
	restarted bool
	last      stretch // may go on
	begun     bool
	done      []RLSum // ascending, joined, unless restarted or descends
	descends  bool
	attempts  []uint64 // by sum, where restarted; with episodes
	episodes  []uint64
}

// memoryStretches are those of points that are not in segments.
type memoryStretches struct {
	rows   []stretch
	points *held // in place of stretches that were dropped
}

func (room *SumsRoom) stretchesOf(s *stretches, points *held) memoryStretches {
	if s.dropped {
		snapshot := points.snapshot()
		return memoryStretches{points: &snapshot}
	}
	before := len(room.rows)
	room.rows = s.appendTo(room.rows)
	return memoryStretches{rows: room.rows[before:]}
}

// newSummation takes along what it needs from under the lock; nil when there is
// nothing.
func (r *Run) newSummation(room *SumsRoom, no uint32, along Along, within Range) (*summation, error) {
	r.readLock()
	defer r.mu.RUnlock()
	if no == 0 || int(no) > len(r.series) || r.broken != nil {
		return nil, r.broken
	}
	cells := r.series[no-1].envs
	room.envs = slices.Grow(room.envs[:0], len(cells))[:len(cells)]
	clear(room.envs)
	room.rows = room.rows[:0]
	if along == AlongEpisodes {
		within.To = min(within.To, math.MaxUint64-1) // the one above is that of points without
	}
	s := &summation{run: r, no: no, along: along, within: within, room: room, envs: room.envs}
	s.segments, s.generation = r.segments, r.generation
	for i, c := range cells {
		if c != nil {
			e := &s.envs[i]
			e.restarted = c.rl.restarted
			e.memory = [2]memoryStretches{room.stretchesOf(&c.rolled, &c.frozen), room.stretchesOf(&c.sums, &c.head)}
		}
	}
	r.reading.Add(1)
	return s, nil
}

func (s *summation) read() error {
	sheets, err := s.readSheets()
	if err != nil {
		return err
	}
	rows := len(s.room.rows)
	for _, of := range sheets {
		for _, sheet := range of {
			rows += len(sheet.sums)
		}
	}
	s.makeRoom(rows)
	return workers.Parts(max(workers.PartsOf(rows, s.run.db.rowsOfPart), 1), len(s.envs), func(_, from, to int) error {
		part := &summationPart{summation: s, from: uint32(from + 1), to: uint32(to)}
		return part.read(sheets)
	})
}

// rowsOfPart is how many rows of sheets are worth a part of their own.
const rowsOfPart = 1 << 12

// summationPart is the environments from one to another, by number; several parts are
// read side by side.
type summationPart struct {
	*summation

	from, to uint32
	rows     sheetRows // that are being taken
}

func (s *summationPart) read(sheets [][]*sheet) error {
	for i, info := range s.segments {
		if err := s.takeSegment(info, sheets[i]); err != nil {
			return err
		}
	}
	for i := s.from - 1; i < s.to; i++ {
		e := &s.envs[i]
		for k := range e.memory {
			s.takeMemory(e, &e.memory[k])
			e.memory[k] = memoryStretches{} // the room may outlive the head
		}
		s.close(e)
		e.done = e.joined()
	}
	return nil
}

// readSheets reads the sheets of all segments, several segments at a time; a segment
// may have none.
func (s *summation) readSheets() ([][]*sheet, error) {
	sheets := make([][]*sheet, len(s.segments))
	err := workers.Each(workers.Count(), len(sheets), func(_, i int) (err error) {
		sheets[i], err = s.sheetsOf(s.segments[i])
		return err
	})
	return sheets, err
}

func (s *summation) sheetsOf(info segmentInfo) (sheets []*sheet, err error) {
	err = s.run.withIndex(info, func(reader *segmentReader, index *segmentIndex) error {
		for _, at := range index.sheetsOf(s.no) {
			found, err := reader.readSheet(at)
			if err != nil {
				return err
			}
			if found.lastEnv() > uint64(len(s.envs)) {
				return reader.corrupt(errUnknownEnvironment)
			}
			sheets = append(sheets, found)
		}
		return nil
	})
	return sheets, err
}

func (s *summationPart) takeSegment(info segmentInfo, sheets []*sheet) error {
	if len(sheets) > 0 {
		for _, rows := range sheets {
			s.takeSheet(rows)
		}
		return nil
	}
	return s.run.withIndex(info, s.readBlocks)
}

// takeSheet takes the rows of the part's environments.
func (s *summationPart) takeSheet(rows *sheet) {
	c := rows.cursor()
	for _, run := range rows.columns[0] {
		if run.First > uint64(s.to) {
			return
		}
		if run.Delta == 0 { // all are of one environment
			if run.First < uint64(s.from) {
				c.skip(int(run.N))
				continue
			}
			s.takeRows(&s.envs[run.First-1], &c, int(run.N))
			continue
		}
		for i := range uint64(run.N) {
			env := run.First + i*run.Delta
			switch {
			case env > uint64(s.to):
				return
			case env < uint64(s.from):
				c.skip(1)
			default:
				s.takeRows(&s.envs[env-1], &c, 1)
			}
		}
	}
}

// takeRows takes the next rows, which are of one environment.
func (s *summationPart) takeRows(e *envSummation, c *sheetCursor, n int) {
	if e.restarted {
		for range n {
			s.take(e, c.nextStretch())
		}
		return
	}
	// Only the first row that a segment has of an environment continues a stretch, and
	// only the last may go on in the next one.
	if whole := n - 1; whole > 0 {
		if !c.continues() {
			s.close(e)
		}
		c.readRows(&s.rows, s.along, whole)
		s.addRows(e, &s.rows)
		e.begun = false
	}
	s.take(e, c.nextStretch())
}

// addRows adds the sums of stretches that do not go on.
func (s *summation) addRows(e *envSummation, rows *sheetRows) {
	counts, sums := rows.counts[:len(rows.at)], rows.sums[:len(rows.at)]
	for i, at := range rows.at {
		if s.along == AlongEpisodes {
			at--
		}
		if at >= s.within.From && at <= s.within.To && counts[i] > 0 {
			e.add(RLSum{at, counts[i], sums[i]})
		}
	}
}

// makeRoom gives each environment room for its share of all rows.
func (s *summation) makeRoom(rows int) {
	if rows == 0 {
		return
	}
	n := (rows+rows/4)/len(s.envs) + 4
	room := slices.Grow(s.room.sums[:0], n*len(s.envs))
	for i := range s.envs {
		s.envs[i].done = room[i*n : i*n : (i+1)*n]
	}
	s.room.sums = room
}

var errUnknownEnvironment = errors.New("a sheet names an environment that the run does not have")

// readBlocks makes the stretches of a segment without a sheet from its points.
func (s *summationPart) readBlocks(reader *segmentReader, index *segmentIndex) error {
	var values []float64
	for _, b := range index.between(cellID{s.no, s.from}, cellID{s.no, s.to}) {
		if !s.wants(b) {
			continue
		}
		head, err := reader.head(b)
		if err != nil {
			return err
		}
		from, to := head.chunksBetween(cellID{s.no, s.from}, cellID{s.no, s.to})
		if s.to == uint32(len(s.envs)) && to < len(head.ids) && head.ids[to].series == s.no {
			return reader.corrupt(errUnknownEnvironment)
		}
		start, end := head.starts[from], head.starts[to]
		if values, err = reader.values(values[:0], b, head, start, end); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			points := columns{ints: head.positions(i), values: values[head.starts[i]-start : head.starts[i+1]-start]}
			s.takePoints(&s.envs[head.ids[i].env-1], &points)
		}
	}
	return nil
}

// wants tells whether a block may have points within the range, or such as go on
// with a stretch or discard one.
func (s *summationPart) wants(b blockInfo) bool {
	found := b.steps
	if s.along == AlongEpisodes {
		found = b.episodes
		found.From, found.To = max(found.From, 1)-1, max(found.To, 1)-1
	}
	if found.meets(s.within) {
		return true
	}
	first, last := s.from, s.to
	if b.first.series == s.no {
		first = max(first, b.first.env)
	}
	if b.last.series == s.no {
		last = min(last, b.last.env)
	}
	return slices.ContainsFunc(s.envs[first-1:last], func(e envSummation) bool {
		_, within := s.place(&e.last)
		return e.restarted || e.begun && within
	})
}

func (s *summation) takeMemory(e *envSummation, m *memoryStretches) {
	if m.points != nil {
		points := m.points.columns()
		s.takePoints(e, &points)
		return
	}
	for _, row := range m.rows {
		s.take(e, row)
	}
}

// take adds a stretch, or puts it in the place of the one that it continues.
func (s *summation) take(e *envSummation, row stretch) {
	if !row.continued {
		s.close(e)
	}
	e.last, e.begun = row, true
}

func (s *summation) takePoints(e *envSummation, c *columns) {
	from := 0
	eachStretch(&c.ints, len(c.values), func(at stretchPlace, n int) {
		if !e.begun || e.last.stretchPlace != at {
			s.close(e)
			e.last, e.begun = stretch{stretchPlace: at}, true
		}
		e.last.take(c.values[from : from+n])
		from += n
	})
}

// place gives where a stretch lies along the axis, and whether that is within the
// range.
func (s *summation) place(row *stretch) (at uint64, within bool) {
	at = row.rlStep
	if s.along == AlongEpisodes {
		at = row.episode - 1
	}
	return at, at >= s.within.From && at <= s.within.To
}

// close adds the last stretch to the sums: none comes that continues it.
func (s *summation) close(e *envSummation) {
	at, within := s.place(&e.last)
	// A restart outside the range may discard what is within, and an attempt
	// without a finite point discards the one before as well.
	if !e.begun || !e.restarted && (!within || e.last.count == 0) {
		return
	}
	sum := RLSum{At: at, Count: e.last.count, Sum: e.last.sum}
	if !within {
		sum.Count = 0
	}
	if e.restarted {
		e.done = append(e.done, sum)
		e.episodes, e.attempts = append(e.episodes, e.last.episode), append(e.attempts, e.last.attempt)
	} else {
		e.add(sum)
	}
	e.begun = false
}

// add adds a sum that no restart discards, to the last one where that is of its place.
func (e *envSummation) add(sum RLSum) {
	if k := len(e.done) - 1; k >= 0 && !e.descends {
		last := &e.done[k]
		if last.At == sum.At {
			last.Count += sum.Count
			last.Sum += sum.Sum
			return
		}
		e.descends = sum.At < last.At
	}
	e.done = append(e.done, sum)
}

// sums lists what the parts have summed up.
func (s *summation) sums() []EnvSums {
	out := slices.Grow(s.room.out[:0], len(s.envs))
	for i := range s.envs {
		if sums := s.envs[i].done; len(sums) > 0 {
			out = append(out, EnvSums{uint32(i + 1), sums})
		}
	}
	s.room.out = out
	return out
}

// joined joins the sums of each place.
func (e *envSummation) joined() []RLSum {
	switch {
	case e.restarted:
		e.dropDiscarded()
	case !e.descends:
		return e.done
	}
	slices.SortStableFunc(e.done, func(a, b RLSum) int { return cmp.Compare(a.At, b.At) })
	out := e.done[:0]
	for _, sum := range e.done {
		if k := len(out) - 1; k >= 0 && out[k].At == sum.At {
			out[k].Count += sum.Count
			out[k].Sum += sum.Sum
			continue
		}
		out = append(out, sum)
	}
	return out
}

func (e *envSummation) dropDiscarded() {
	current := currentAttempts(e.episodes, e.attempts)
	kept := e.done[:0]
	for i, sum := range e.done {
		if sum.Count > 0 && current(i) {
			kept = append(kept, sum)
		}
	}
	e.done = kept
}
