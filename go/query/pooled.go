package query

import (
	"cmp"
	"slices"
)

// pooled is a series in several environments as one curve. Each environment is put
// into buckets on its own, and these are added up in the order of the environments.
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
	const together = 64 // whose buckets are in memory at once
	all := bucketed{column: p.column}
	for members := range slices.Chunk(p.members, together) {
		filled, err := fillAll(f.axis, members)
		if err != nil {
			return all, err
		}
		for i := range filled {
			all = all.with(&filled[i])
		}
	}
	return all, nil
}

// with adds the buckets of another curve. The last of two points in a bucket is the
// later one, of the other curve when they are of one time.
func (b bucketed) with(other *bucketed) bucketed {
	out := bucketed{column: b.column}
	out.makeRoom(max(len(b.indexes), len(other.indexes)))
	i, k := 0, 0
	for i < len(b.indexes) || k < len(other.indexes) {
		switch {
		case k == len(other.indexes) || i < len(b.indexes) && b.indexes[i] < other.indexes[k]:
			out.copyFrom(&b, i)
			i++
		case i == len(b.indexes) || other.indexes[k] < b.indexes[i]:
			out.copyFrom(other, k)
			k++
		default:
			out.copyFrom(&b, i)
			out.addTo(other, k)
			i, k = i+1, k+1
		}
	}
	out.nans = union(b.nans, other.nans)
	out.infinities = union(b.infinities, other.infinities)
	out.negatives = union(b.negatives, other.negatives)
	return out
}

func (b *bucketed) copyFrom(from *bucketed, i int) {
	b.indexes = append(b.indexes, from.indexes[i])
	b.counts = append(b.counts, from.counts[i])
	b.sums = append(b.sums, from.sums[i])
	b.means = append(b.means, from.means[i])
	b.mins = append(b.mins, from.mins[i])
	b.maxs = append(b.maxs, from.maxs[i])
	b.lasts = append(b.lasts, from.lasts[i])
	b.lastTimes = append(b.lastTimes, from.lastTimes[i])
}

// addTo adds a bucket to the last one.
func (b *bucketed) addTo(from *bucketed, i int) {
	at := len(b.indexes) - 1
	b.counts[at] += from.counts[i]
	b.sums[at] += from.sums[i]
	b.mins[at], b.maxs[at] = min(b.mins[at], from.mins[i]), max(b.maxs[at], from.maxs[i])
	mean := b.sums[at] / float64(b.counts[at])
	if mean-mean != 0 { // the sum overflowed, means and shares do not
		share := float64(from.counts[i]) / float64(b.counts[at])
		mean = b.means[at]*(1-share) + from.means[i]*share
	}
	// Rounding must not carry the mean past the values.
	b.means[at] = min(max(mean, b.mins[at]), b.maxs[at])
	if from.lastTimes[i] >= b.lastTimes[at] {
		b.lasts[at], b.lastTimes[at] = from.lasts[i], from.lastTimes[i]
	}
}

// union joins ascending numbers.
func union(a, b []uint64) []uint64 {
	if len(a) == 0 || len(b) == 0 {
		return slices.Concat(a, b)
	}
	all := slices.Concat(a, b)
	slices.SortFunc(all, cmp.Compare[uint64])
	return slices.Compact(all)
}
