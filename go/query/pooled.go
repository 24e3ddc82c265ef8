package query

import "github.com/metrana/metrana/go/store"

// pooled is a series in several environments, whose points were read, as one curve. Each
// environment is put into buckets on its own, and these are added up in the order of the
// environments.
type pooled struct {
	column // without points

	members []curve // each with points
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
	p.members = kept
	return p, len(kept) > 0
}

func (p pooled) points() (column, error) {
	all := p.column
	for _, member := range p.members {
		c, err := member.points()
		if err != nil {
			return all, err
		}
		all = all.and(c)
	}
	return all.ascending(), nil
}

// and is a column with the points of another behind its own.
func (c column) and(more column) column {
	c.xs, c.values, c.times = append(c.xs, more.xs...), append(c.values, more.values...), append(c.times, more.times...)
	return c
}

func (p pooled) most() uint64 {
	n := uint64(0)
	for _, c := range p.members {
		n += c.most()
	}
	return n
}

func (p pooled) fill(f *filler) (bucketed, error) {
	sums := make(pool, f.count)
	for _, c := range p.members {
		filled, err := c.fill(f)
		if err != nil {
			return bucketed{}, err
		}
		filled.addTo(sums)
	}
	return p.inBuckets(sums.used()), nil
}

// pool adds up the buckets of several curves, each at its number.
type pool []pooledBucket

type pooledBucket struct {
	store.Bucket

	lastX uint64 // where the last point lies
}

// add adds a bucket. The last of two points in a bucket is the one farther along the axis,
// that of the curve added later when they lie at one place.
func (p pool) add(from pooledBucket) {
	to := &p[from.Index]
	if to.Count == 0 {
		to.Min, to.Max, to.Mean = from.Min, from.Max, from.Mean
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
	if from.lastX >= to.lastX {
		to.Last, to.LastTime, to.lastX = from.Last, from.LastTime, from.lastX
	}
}

// used are the buckets that have points, numbered.
func (p pool) used() []store.Bucket {
	var used []store.Bucket
	for i := range p {
		if b := p[i].Bucket; b.Count+uint64(b.NaNs|b.Infinities|b.NegativeInfinities) > 0 {
			b.Index = i
			used = append(used, b)
		}
	}
	return used
}

// addTo adds the buckets to a pool.
func (b *bucketed) addTo(p pool) {
	for i, index := range b.indexes {
		p.add(pooledBucket{store.Bucket{
			Index: int(index), Count: b.counts[i], Sum: b.sums[i], Mean: b.means[i], Min: b.mins[i], Max: b.maxs[i],
			Last: b.lasts[i], LastTime: b.lastTimes[i],
		}, b.lastXs[i]})
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
