package query

import "sync/atomic"

// keptPoints is Options.KeptPoints where that does not say.
const keptPoints = 1 << 20

// environmentCurve is a series in one environment whose points were read to see how far
// they go, and were not kept.
type environmentCurve struct {
	column // without points

	first, last uint64
	count       int
	read        func() (column, error)
}

// keptOrRead gives the points of an environment as a curve: as they are while a question
// has room for so many, or else to be read again.
func keptOrRead(c column, room *atomic.Int64, read func() (column, error)) curve {
	if room.Add(-int64(len(c.xs))) >= 0 {
		return c
	}
	first, last := c.extent()
	return environmentCurve{column{run: c.run, key: c.key, env: c.env}, first, last, len(c.xs), read}
}

func (c environmentCurve) extent() (first, last uint64) { return c.first, c.last }

func (c environmentCurve) cut(first, last uint64) (curve, bool) {
	c.first, c.last = max(first, c.first), min(last, c.last)
	return c, c.first <= c.last
}

// points leaves out those that came meanwhile.
func (c environmentCurve) points() (column, error) {
	points, err := c.read()
	return stepCut{from: c.first, to: c.last}.apply(points), err
}

func (c environmentCurve) most() uint64 { return uint64(c.count) }

func (c environmentCurve) fill(f *filler) (bucketed, error) {
	points, err := c.points()
	if err != nil {
		return bucketed{}, err
	}
	return points.fill(f)
}
