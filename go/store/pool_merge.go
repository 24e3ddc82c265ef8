package store

import (
	"maps"
	"slices"
)

// poolMerge makes the pools of a segment that is merged from others: from theirs, or from the
// points where one of them has none for its own.
type poolMerge struct {
	sources  []*mergeSource
	limits   poolLimits
	counts   map[uint32]*pooledCount // by series
	unpooled map[uint32]*poolWriter  // by series; see its points as they are written
}

// pooledCount is what the sources have of a series.
type pooledCount struct {
	points, cells int  // cells of one source count again in another
	unpooled      bool // some points are in no pool
}

func newPoolMerge(sources []*mergeSource, limits poolLimits) (*poolMerge, error) {
	m := &poolMerge{sources: sources, limits: limits, counts: make(map[uint32]*pooledCount), unpooled: make(map[uint32]*poolWriter)}
	for _, s := range sources {
		if err := m.count(s.reader); err != nil {
			return nil, err
		}
	}
	for series, c := range m.counts {
		if c.unpooled && c.points >= limits.least {
			m.unpooled[series] = &poolWriter{limits: m.limitsOf(c)}
		}
	}
	return m, nil
}

// count counts the RL points of a source by series.
func (m *poolMerge) count(s *segmentReader) error {
	index, err := s.index()
	if err != nil {
		return err
	}
	before := cellID{}
	for _, b := range index.blocks {
		switch {
		case !b.first.rl():
		case b.first.series == b.last.series:
			m.of(index, b.first.series).add(int(b.points), int(b.last.env-b.first.env)+boolInt(b.first != before))
		default:
			head, err := s.head(b)
			if err != nil {
				return err
			}
			for i, id := range head.ids {
				m.of(index, id.series).add(head.starts[i+1]-head.starts[i], boolInt(id != before))
			}
		}
		before = b.last
	}
	return nil
}

// of is the count of a series of which a segment with this index has points.
func (m *poolMerge) of(index *segmentIndex, series uint32) *pooledCount {
	c := m.counts[series]
	if c == nil {
		c = new(pooledCount)
		m.counts[series] = c
	}
	if _, has := index.poolOf(series); !has {
		c.unpooled = true
	}
	return c
}

// limitsOf takes it that all sources have the same cells.
func (m *poolMerge) limitsOf(c *pooledCount) [len(poolAlong)]int {
	return m.limits.of(c.points, (c.cells+len(m.sources)-1)/len(m.sources))
}

func (c *pooledCount) add(points, cells int) {
	c.points += points
	c.cells += cells
}

// write writes the pools of all series that have enough points, when these are written.
func (m *poolMerge) write(w *segmentWriter) error {
	for _, series := range slices.Sorted(maps.Keys(m.counts)) {
		c := m.counts[series]
		if c.points < m.limits.least {
			continue
		}
		pool, err := m.pool(series, c)
		if err != nil {
			return err
		}
		if err := w.addPool(series, pool); err != nil {
			return err
		}
	}
	return nil
}

func (m *poolMerge) pool(series uint32, c *pooledCount) (*pool, error) {
	if made := m.unpooled[series]; made != nil {
		return &made.pool, nil
	}
	all, limits := new(pool), m.limitsOf(c)
	for _, s := range m.sources {
		index, err := s.reader.index()
		if err != nil {
			return nil, err
		}
		own, err := s.reader.poolOf(index, series)
		if err != nil {
			return nil, err
		}
		if own == nil { // it has no points of the series
			continue
		}
		for k := range all {
			all[k].join(&own[k], limits[k])
		}
	}
	return all, nil
}
