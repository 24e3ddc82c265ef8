package query

import (
	"sync"

	"github.com/metrana/metrana/go/store"
)

// columnMemory is what the columns of an answer were read into. Once the answer is
// encoded, the next one may have it: a series of millions of points would otherwise
// leave a garbage of several times its size behind, a page at a time.
type columnMemory struct{ lent []*store.Columns }

// ownColumns is from how many points on it is worth it.
const ownColumns = 10_000

var columnPool = sync.Pool{New: func() any { return new(store.Columns) }}

// take gives columns to read so many points into.
func (m *columnMemory) take(points int) *store.Columns {
	if points < ownColumns {
		return new(store.Columns)
	}
	c := columnPool.Get().(*store.Columns)
	m.lent = append(m.lent, c)
	return c
}

// release takes all columns back. Nothing may look at them any more.
func (m *columnMemory) release() {
	for _, c := range m.lent {
		columnPool.Put(c)
	}
	m.lent = nil
}
