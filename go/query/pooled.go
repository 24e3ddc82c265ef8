package query

import (
	"math"
	"slices"

	"github.com/metrana/metrana/go/store"
)

// pooled is a series in several environments as one curve. Each environment is put
// into buckets on its own, and these are added up in the order of the environments.
type pooled struct {
	column // without points

	members []curve      // each with points
	memory  *pooledCurve // of these members; nil: there is none
}

func (p pooled) extent() (first, last uint64) {
	first, last = p.members[0].extent()
	for _, c := range p.members[1:] {
		from, to := c.extent()
		first, last = min(first, from), max(last, to)
	}
	return first, last
}

func (p pooled) cut(first, last uint64) (curve, bool) {
	var kept []curve
	for _, c := range p.members {
		if c, some := c.cut(first, last); some {
			kept = append(kept, c)
		}
	}
	p.members, p.memory = kept, nil
	return p, len(kept) > 0
}

func (p pooled) points() (column, error) {
	all := p.column
	for _, member := range p.members {
		c, err := member.points()
		if err != nil {
			return all, err
		}
		all.xs, all.values, all.times = append(all.xs, c.xs...), append(all.values, c.values...), append(all.times, c.times...)
	}
	return all.ascending(), nil
}

func (p pooled) most() uint64 {
	n := uint64(0)
	for _, c := range p.members {
		n += c.most()
	}
	return n
}

func (p pooled) fill(f *filler) (bucketed, error) {
	if p.memory != nil {
		return p.memory.fill(f, p)
	}
	buckets, err := p.sumUp(f)
	return p.inBuckets(buckets), err
}

// sumUp adds up groups of environments side by side, and then these in order.
func (p pooled) sumUp(f *filler) ([]store.Bucket, error) {
	groups := slices.Collect(slices.Chunk(p.members, pooledTogether))
	sums := make([][]store.Bucket, len(groups))
	err := sideBySide(len(groups), 1, func(from, to int) (err error) {
		own := &filler{axis: f.axis}
		for i := from; i < to && err == nil; i++ {
			sums[i], err = sumUpInOrder(own, groups[i])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all := make(pool, f.count)
	for _, group := range sums {
		all.addAll(group)
	}
	return all.used(), nil
}

// environments are the members, which all stay in the store.
func (p pooled) environments() []uint32 {
	envs := make([]uint32, len(p.members))
	for i, c := range p.members {
		envs[i] = c.(storedEnvironment).env
	}
	return envs
}

// between has all that the members, which stay in the store, have there by now.
func (p pooled) between(first, last uint64) pooled {
	members := make([]curve, len(p.members))
	for i, c := range p.members {
		of := c.(storedEnvironment)
		of.first, of.last = max(first, of.of.Within.From), min(last, of.of.Within.To)
		members[i] = of
	}
	p.members = members
	return p
}

// pooledTogether is how many environments are added up one after the other: always the same,
// so that sums are, too.
const pooledTogether = 64

func sumUpInOrder(f *filler, members []curve) ([]store.Bucket, error) {
	sums := make(pool, f.count)
	for _, c := range members {
		if stored, is := c.(storedEnvironment); is {
			buckets, err := stored.sumUp(f)
			if err != nil {
				return nil, err
			}
			sums.addAll(buckets)
			continue
		}
		filled, err := c.fill(f)
		if err != nil {
			return nil, err
		}
		filled.addTo(sums)
	}
	return sums.used(), nil
}

// pool adds up the buckets of several curves, each at its number.
type pool []store.Bucket

func (p pool) addAll(buckets []store.Bucket) {
	for i := range buckets {
		p.add(&buckets[i])
	}
}

// add adds a bucket. The last of two points in a bucket is the later one, that of the
// curve added later when they are of one time.
func (p pool) add(from *store.Bucket) {
	to := &p[from.Index]
	to.NaNs |= from.NaNs
	to.Infinities |= from.Infinities
	to.NegativeInfinities |= from.NegativeInfinities
	if from.Count == 0 {
		return
	}
	if to.Count == 0 {
		to.Min, to.Max, to.Mean, to.LastTime = from.Min, from.Max, from.Mean, math.MinInt64
	}
	to.Count += from.Count
	to.Sum += from.Sum
	to.Min, to.Max = min(to.Min, from.Min), max(to.Max, from.Max)
	mean := to.Sum / float64(to.Count)
	if mean-mean != 0 { // the sum overflowed, means and shares do not
		share := float64(from.Count) / float64(to.Count)
		mean = to.Mean*(1-share) + from.Mean*share
	}
	// Rounding must not carry the mean past the values.
	to.Mean = min(max(mean, to.Min), to.Max)
	if from.LastTime >= to.LastTime {
		to.Last, to.LastTime = from.Last, from.LastTime
	}
}

// used are the buckets that have points, numbered.
func (p pool) used() []store.Bucket {
	used := p[:0]
	for i, b := range p {
		if b.Count+uint64(b.NaNs|b.Infinities|b.NegativeInfinities) > 0 {
			b.Index = i
			used = append(used, b)
		}
	}
	return used
}

// addTo adds the buckets to a pool.
func (b *bucketed) addTo(p pool) {
	for i, index := range b.indexes {
		p.add(&store.Bucket{
			Index: int(index), Count: b.counts[i], Sum: b.sums[i], Mean: b.means[i], Min: b.mins[i], Max: b.maxs[i],
			Last: b.lasts[i], LastTime: b.lastTimes[i],
		})
	}
	for _, i := range b.nans {
		p[i].NaNs = 1
	}
	for _, i := range b.infinities {
		p[i].Infinities = 1
	}
	for _, i := range b.negatives {
		p[i].NegativeInfinities = 1
	}
}
