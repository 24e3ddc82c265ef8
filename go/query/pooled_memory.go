package query

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/metrana/metrana/go/store"
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
	loaded  uint64          // as RLCounts gives it
	reaches []store.RLReach // by number of the environment - 1
	axis    axis
	members []uint32       // environments that buckets are made of, in order
	buckets []store.Bucket // on the axis
	lowest  uint64         // points came here and beyond since the buckets were made
}

// lookAt gives the reach of each environment, by number - 1, as it is now.
func (c *pooledCurve) lookAt(run *store.Run, of store.RLCurve) ([]store.RLReach, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, loaded := run.RLCounts(of.Series)
	if loaded != c.loaded {
		c.loaded, c.reaches, c.members, c.buckets = loaded, nil, nil, nil
	}
	c.reaches = append(c.reaches, make([]store.RLReach, max(len(counts)-len(c.reaches), 0))...)
	fresh := make([]store.RLReach, len(counts))
	err := sideBySide(len(counts), 1, func(from, to int) (err error) {
		for i := from; i < to && err == nil; i++ {
			if taken := c.reaches[i].Taken; counts[i] > taken {
				fresh[i], err = run.RLReach(uint32(i+1), of, taken)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range fresh {
		if err := c.take(run, of, uint32(i+1), fresh[i]); err != nil {
			return nil, err
		}
	}
	c.memory.count(c, c.size())
	return slices.Clone(c.reaches), nil
}

// take adds what came to an environment. Where that may discard points all are looked at anew.
func (c *pooledCurve) take(run *store.Run, of store.RLCurve, env uint32, more store.RLReach) (err error) {
	reach := &c.reaches[env-1]
	switch {
	case more.Taken == 0:
		return nil
	case reach.Taken == 0:
		*reach = more
	case more.Discards:
		if more, err = run.RLReach(env, of, 0); err != nil {
			return err
		}
		*reach = more
		c.members = nil // and so all buckets are made anew
	default:
		reach.From, reach.To = min(reach.From, more.From), max(reach.To, more.To)
		reach.Points, reach.Taken = reach.Points+more.Points, more.Taken
	}
	if more.Points > 0 {
		c.lowest = min(c.lowest, more.From)
	}
	return nil
}

// fill makes the buckets of an axis that points came to since they were made, and takes the
// others as they are.
func (c *pooledCurve) fill(f *filler, p pooled) (bucketed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	members := p.environments()
	from := 0
	if slices.Equal(members, c.members) {
		from = c.upToDate(f.axis)
	}
	if from < f.count {
		made, err := p.between(f.start(from), f.last).sumUp(f)
		if err != nil {
			return bucketed{}, err
		}
		kept, _ := slices.BinarySearchFunc(c.buckets, from, func(b store.Bucket, from int) int { return cmp.Compare(b.Index, from) })
		c.buckets = append(c.buckets[:kept:kept], made...)
	}
	c.axis, c.members, c.lowest = f.axis, members, none
	c.memory.count(c, c.size())
	return p.inBuckets(c.buckets), nil
}

// upToDate says how many buckets of an axis are as they should be.
func (c *pooledCurve) upToDate(a axis) int {
	switch {
	case a.first != c.axis.first || a.width != c.axis.width:
		return 0
	case a == c.axis && c.lowest == none:
		return a.count
	}
	// The last bucket of an axis may be cut off.
	return a.bucket(max(min(c.lowest, c.axis.last, a.last), a.first))
}

func (c *pooledCurve) size() int {
	const curve, reach, member, bucket = 512, 40, 4, 96
	return curve + reach*cap(c.reaches) + member*cap(c.members) + bucket*cap(c.buckets)
}
