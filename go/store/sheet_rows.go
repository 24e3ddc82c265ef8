package store

import "slices"

// sheetRows are some of the rows of one environment, as far as sums need them.
type sheetRows struct {
	at, counts []uint64
	sums       []float64
}

// continues tells whether the next row continues a stretch, and leaves it the next.
func (c *sheetCursor) continues() bool { return c.walks[5].peek() == 1 }

// nextStretch is next for who knows the environment.
func (c *sheetCursor) nextStretch() (row stretch) {
	row.continued = c.continued()
	c.readInto(&row)
	return row
}

// readRows reads the next n rows a column at a time, which is several times faster than
// a row at a time. It uses the memory of those before.
func (c *sheetCursor) readRows(rows *sheetRows, along Along, n int) {
	rows.at, rows.counts = slices.Grow(rows.at[:0], n)[:n], slices.Grow(rows.counts[:0], n)[:n]
	rows.sums, c.sums = c.sums[:n], c.sums[n:]
	place := 1
	if along == AlongEpisodes {
		place = 2
	}
	for k := range c.walks {
		switch k {
		case place:
			c.walks[k].read(rows.at)
		case 4:
			c.walks[k].read(rows.counts)
		default:
			c.walks[k].skip(uint32(n))
		}
	}
}

func (w *walk) peek() uint64 {
	if w.left > 0 {
		return w.v + w.delta
	}
	return w.runs[0].First
}

// read fills dst with the next numbers.
func (w *walk) read(dst []uint64) {
	for len(dst) > 0 {
		if w.left == 0 {
			w.start()
			w.v -= w.delta
		}
		n := min(len(dst), int(w.left))
		v := w.v
		for i := range dst[:n] {
			v += w.delta
			dst[i] = v
		}
		w.v = v
		w.left -= uint32(n)
		dst = dst[n:]
	}
}
