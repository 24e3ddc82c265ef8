package store

import (
	"errors"
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

// pooledCount is what segments have of a series.
type pooledCount struct {
	points, cells int  // cells of one segment count again in another
	unpooled      bool // some points are in no pool
}

func (c *pooledCount) add(points, cells int) {
	c.points += points
	c.cells += cells
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

// limitsOf takes it that all sources have the same cells.
func (m *poolMerge) limitsOf(c *pooledCount) [len(poolAlong)]int {
	return m.limits.of(c.points, (c.cells+len(m.sources)-1)/len(m.sources))
}

// count counts what a source has.
func (m *poolMerge) count(s *segmentReader) error {
	index, err := s.index()
	if err != nil {
		return err
	}
	counts, err := s.countRL(index)
	if err != nil {
		return err
	}
	for series, c := range counts {
		all := m.counts[series]
		if all == nil {
			all = new(pooledCount)
			m.counts[series] = all
		}
		all.add(c.points, c.cells)
		found, err := s.poolOf(index, series)
		if errors.Is(err, ErrCorrupt) {
			s.run.db.log.Error("points are summed up anew", "run", s.run.id.String(), "error", err)
		} else if err != nil {
			return err
		}
		all.unpooled = all.unpooled || found == nil
	}
	return nil
}

// countRL counts the RL points of a segment by series.
func (s *segmentReader) countRL(index *segmentIndex) (map[uint32]*pooledCount, error) {
	counts := make(map[uint32]*pooledCount)
	count := func(series uint32, points, cells int) {
		if counts[series] == nil {
			counts[series] = new(pooledCount)
		}
		counts[series].add(points, cells)
	}
	before := cellID{}
	for _, b := range index.blocks {
		switch {
		case !b.first.rl():
		case b.first.series == b.last.series:
			count(b.first.series, int(b.points), int(b.last.env-b.first.env)+boolInt(b.first != before))
		default:
			head, err := s.head(b)
			if err != nil {
				return nil, err
			}
			for i, id := range head.ids {
				count(id.series, head.starts[i+1]-head.starts[i], boolInt(id != before))
			}
		}
		before = b.last
	}
	return counts, nil
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
