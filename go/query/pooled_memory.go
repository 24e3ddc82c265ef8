package query

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/workers"
)

// maxPooledBytes bounds what is kept of pooled curves.
const maxPooledBytes = 64 << 20

// pooledMemory keeps pooled curves as they were answered last: of a run that is being logged
// only the points that came since are looked at, and only the buckets made anew that they
// fall into. What it gives is the same, bit for bit, as without it.
type pooledMemory struct {
	mu    sync.Mutex
	kept  map[pooledName]*pooledCurve
	bytes int
}

// pooledName is what a curve is of.
type pooledName struct {
	run             store.RunID
	identity        string // of the series
	along           store.Along
	since           int64
	within          store.Range
	rlStep, episode store.Range
	picks           [2]bool // by rl_step, by episode
}

func nameOf(run store.RunID, info store.SeriesInfo, of store.RLCurve) pooledName {
	name := pooledName{run: run, identity: info.Identity, along: of.Along, since: of.Since, within: of.Within}
	if of.Points.RLStep != nil {
		name.rlStep, name.picks[0] = *of.Points.RLStep, true
	}
	if of.Points.Episode != nil {
		name.episode, name.picks[1] = *of.Points.Episode, true
	}
	return name
}

func (m *pooledMemory) curve(name pooledName) *pooledCurve {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = make(map[pooledName]*pooledCurve)
	}
	c := m.kept[name]
	if c == nil {
		c = &pooledCurve{memory: m, name: name, lowest: none}
		m.kept[name] = c
	}
	return c
}

// count keeps within bounds when a curve takes so many bytes: any others go.
func (m *pooledMemory) count(c *pooledCurve, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[c.name] != c {
		return // gone already
	}
	m.bytes += bytes - c.bytes
	c.bytes = bytes
	for name, other := range m.kept {
		if m.bytes <= maxPooledBytes {
			break
		}
		m.bytes -= other.bytes
		delete(m.kept, name)
	}
}

// none is above every place that matters.
const none = math.MaxUint64

// pooledCurve is a curve as of some points.
type pooledCurve struct {
	memory *pooledMemory
	name   pooledName
	bytes  int // counted by memory

	mu      sync.Mutex
	loaded  uint64 // as RLCounts gives it
	reach   store.PooledReach
	axis    axis
	buckets []store.Bucket // on the axis
	lowest  uint64         // points came here and beyond since the buckets were made
}

// lookAt gives the reach of the curve as it is now.
func (c *pooledCurve) lookAt(run *store.Run, of store.RLCurve) (store.PooledReach, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, loaded := run.RLCounts(of.Series)
	goesOn := loaded == c.loaded && c.reach.Taken != nil
	if goesOn {
		var err error
		if goesOn, err = c.goOn(run, of, counts); err != nil {
			return store.PooledReach{}, err
		}
	}
	if !goesOn {
		reach, err := run.PooledReach(of)
		if err != nil {
			return reach, err
		}
		c.loaded, c.reach, c.axis, c.buckets = loaded, reach, axis{}, nil
	}
	c.memory.count(c, c.size())
	return c.reach, nil
}

// goOn adds what came to the environments; false where that may discard points from before.
func (c *pooledCurve) goOn(run *store.Run, of store.RLCurve, counts []uint64) (bool, error) {
	taken := append(c.reach.Taken, make([]uint64, max(len(counts)-len(c.reach.Taken), 0))...)
	fresh := make([]store.RLReach, len(counts))
	err := workers.Parts(workers.Count(), len(counts), func(_, from, to int) (err error) {
		for i := from; i < to && err == nil; i++ {
			if counts[i] > taken[i] {
				fresh[i], err = run.RLReach(uint32(i+1), of, taken[i])
			}
		}
		return err
	})
	if err != nil {
		return false, err
	}
	for i, more := range fresh {
		if more.Discards {
			return false, nil
		}
		if taken[i] = max(taken[i], more.Taken); more.Points > 0 {
			c.take(more)
		}
	}
	c.reach.Taken = taken
	return true, nil
}

func (c *pooledCurve) take(more store.RLReach) {
	if c.reach.Points == 0 {
		c.reach.Range = more.Range
	}
	c.reach.From, c.reach.To = min(c.reach.From, more.From), max(c.reach.To, more.To)
	c.reach.Points += more.Points
	c.lowest = min(c.lowest, more.From)
}

// fill makes the buckets of an axis that points came to since they were made, and takes the
// others as they are.
func (c *pooledCurve) fill(f *filler, p storedPool) (bucketed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from := c.upToDate(f.axis); from < f.count {
		kept, _ := slices.BinarySearchFunc(c.buckets, from, func(b store.Bucket, from int) int { return cmp.Compare(b.Index, from) })
		made, err := p.sumUp(c.buckets[:kept:kept], f.storeAxis(), f.start(from), f.last)
		if err != nil {
			return bucketed{}, err
		}
		c.buckets = made
	}
	c.axis, c.lowest = f.axis, none
	c.memory.count(c, c.size())
	return p.inBuckets(c.buckets), nil
}

// upToDate says how many buckets of an axis are as they should be.
func (c *pooledCurve) upToDate(a axis) int {
	switch {
	case a.first != c.axis.first || a.width != c.axis.width || a.lowest != c.axis.lowest:
		return 0
	case a == c.axis && c.lowest == none:
		return a.count
	}
	// The last bucket of an axis may be cut off.
	return a.bucket(max(min(c.lowest, c.axis.last, a.last), a.first))
}

func (c *pooledCurve) size() int {
	const curve, taken, bucket = 512, 8, 96
	return curve + taken*cap(c.reach.Taken) + bucket*cap(c.buckets)
}
