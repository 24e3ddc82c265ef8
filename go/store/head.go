package store

import "github.com/metrana/metrana/go/store/chunk"

// The head of a run, its points that only the journal holds, is rolled into
// blocks when it takes this much memory, or this many journal records would have
// to be replayed. The heads of all runs together are bounded as well, see tend.go.
const (
	maxHeadBytes      = 96 << 20
	maxAllHeadBytes   = 512 << 20
	maxJournalRecords = 100_000
)

// isFull tells whether the head should be rolled. When its cells have enough
// points for blocks of their own, waiting for more would make nothing better, and
// reading from blocks, which have sums, is faster.
func (r *Run) isFull() bool {
	const enough = 16 << 20
	return r.headBytes > r.db.maxHead || r.headBytes > enough && r.headBytes/len(r.dirty) > 8*blockPoints
}

// growHead counts memory that the head takes, or gives back; others see it when
// settleCount is called at the end of the Tx.
func (r *Run) growHead(bytes int) {
	r.headBytes += bytes
	r.uncounted += bytes
}

func (r *Run) settleCount() {
	r.count(r.uncounted)
	r.uncounted = 0
}

// count notes memory of points that are not in blocks, frozen ones included.
func (r *Run) count(bytes int) {
	r.held.Add(int64(bytes))
	r.db.headBytes.Add(int64(bytes))
}

// freeze sets the head aside for a roll; readers still see it. What the next head
// goes into is taken from the spare memory when its first point comes; its stretches go
// where those of an earlier head were, or, behind a full one, where as many fit.
func (c *cell) freeze(full bool) {
	c.frozen, c.head = c.head, held{}
	room := c.spare.stretches
	if n := len(c.sums.list); full && room == nil && n > 0 {
		room = make([]stretch, 0, n+1)
	}
	c.rolled, c.sums = c.sums, c.sums.carry(room)
}

// spare is memory of the head before, for the next.
type spare struct {
	held

	stretches []stretch
}

// takeStretches gives the memory of stretches up, and says how much that was.
func (s *spare) takeStretches() (bytes int) {
	bytes, s.stretches = stretchBytes*cap(s.stretches), nil
	return bytes
}

func (s *spare) bytes() int { return s.held.bytes() + stretchBytes*cap(s.stretches) }

// maxSpareBytes bounds the memory of rolled heads that all runs keep for the next
// ones: a busy run fills heads of one size over and over, and clearing fresh memory
// would cost as much as filling it.
const maxSpareBytes = 160 << 20

// melt drops the frozen points, which are in a segment now, and keeps their
// memory when asked to. The caller holds the lock of the run.
func (r *Run) melt(cells []*cell, keep bool) {
	for _, c := range cells {
		if keep {
			c.spare = spare{c.frozen.emptied(), c.rolled.list[:0]}
			r.countSpare(c.spare.bytes())
		}
		c.frozen, c.rolled = held{}, stretches{}
	}
}

// begin gives an empty head room for n points at least: the memory of an earlier
// one, or, where a full one is being rolled, as much as that has.
func (r *Run) begin(c *cell, n int, short bool) {
	if c.spare.room() > 0 {
		r.countSpare(-c.spare.bytes())
		c.head, c.spare = c.spare.held, spare{}
	} else if r.rollingFull && c.frozen.len() > 0 {
		n = max(n, c.frozen.len())
		c.head.ints = roomFor(&c.frozen.ints)
	}
	c.head.grow(n, short)
}

// roomFor makes empty columns that hold as many runs as others and one more, side by
// side: what comes for a cell then touches little memory.
func roomFor(ints *[rlCols]chunk.Runs) (empty [rlCols]chunk.Runs) {
	n := 0
	for _, runs := range ints {
		n += len(runs) + 1
	}
	all := make(chunk.Runs, n)
	for k, runs := range ints {
		empty[k], all = all[:0:len(runs)+1], all[len(runs)+1:]
	}
	return empty
}

// extend gives a cell whose head outgrows its room as many times more as the head of
// the run may still grow, where that run has most of what is in memory: growing step
// by step, a large head would be copied and cleared several times.
func (r *Run) extend(c *cell, n int, short bool) {
	const most = 8 // times
	have := c.head.len()
	// Adding long values to short ones moves them all, and counts what that takes.
	lengthens := !short && c.head.long == nil
	if lengthens || have+n <= c.head.room() || 2*int64(r.headBytes) < r.db.headBytes.Load() {
		return
	}
	room := min(have*r.db.maxHead/max(r.headBytes, 1), most*have)
	c.head.grow(max(room-have, 0)+n, short)
}

func (r *Run) countSpare(bytes int) {
	r.spareBytes += bytes
	r.db.spareBytes.Add(int64(bytes))
}

// dropSpares gives the memory back that no head has used. The caller holds the
// lock.
func (r *Run) dropSpares() {
	if r.spareBytes == 0 {
		return
	}
	for _, c := range r.cells() {
		c.spare = spare{}
	}
	r.countSpare(-r.spareBytes)
}

// thaw puts a head that could not be rolled back before what came since. It says how
// much more memory both take together.
func (c *cell) thaw() (bytes int) {
	bytes = c.frozen.join(&c.head)
	c.head, c.frozen = c.frozen, held{}
	c.rolled.join(c.sums)
	c.sums, c.rolled = c.rolled, stretches{}
	return bytes
}
