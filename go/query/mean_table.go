package query

// meanTable has the means of one group, those of a bucket behind each other, in the order
// of environments.
type meanTable struct {
	counts []int // by bucket
	values []float64
	apart  int // how far the values of a bucket lie from those of the next
}

// newMeanTable makes a table that has room for all environments in each bucket; nil where
// most of it would stay empty.
func (g *environmentGroups) newMeanTable(buckets int) *meanTable {
	// A line of the cache more than a row takes: else, of 1,024 environments, the rows
	// would compete for the same lines.
	apart := len(g.sums) + 8
	sums := 0
	for i := range g.sums {
		sums += len(g.sums[i].sums)
	}
	if buckets*apart > 2*sums {
		return nil
	}
	g.room.counts, g.room.values = sized(g.room.counts, buckets), sized(g.room.values, buckets*apart)
	clear(g.room.counts)
	return &meanTable{g.room.counts, g.room.values, apart}
}

func (t *meanTable) add(bucket int, mean float64) {
	n := &t.counts[bucket]
	t.values[bucket*t.apart+*n] = mean
	*n++
}

// eachBucket visits those that have values.
func (t *meanTable) eachBucket(visit func(bucket int, values []float64)) {
	for bucket, n := range t.counts {
		if n > 0 {
			from := bucket * t.apart
			visit(bucket, t.values[from:from+n:from+n])
		}
	}
}
