package store

// The head of a run, its points that only the journal holds, is rolled into
// blocks when it takes this much memory, or this many journal records would have
// to be replayed. The heads of all runs together are bounded as well, see tend.go.
const (
	maxHeadBytes      = 16 << 20
	maxAllHeadBytes   = 512 << 20
	maxJournalRecords = 100_000
)

// growHead counts memory that the head takes, or gives back.
func (r *Run) growHead(bytes int) {
	r.headBytes += bytes
	r.count(bytes)
}

// count notes memory of points that are not in blocks, frozen ones included.
func (r *Run) count(bytes int) {
	r.held.Add(int64(bytes))
	r.db.headBytes.Add(int64(bytes))
}

// freeze sets the head aside for a roll; readers still see it.
func (c *cell) freeze() {
	c.room = len(c.head.values)
	c.frozen, c.head = c.head, columns{}
}

// thaw puts a head that could not be rolled back before what came since.
func (c *cell) thaw() {
	c.frozen.add(&c.head)
	c.head, c.frozen = c.frozen, columns{}
}
