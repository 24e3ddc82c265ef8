package query

import "github.com/metrana/metrana/go/store"

// storedPool is a series in all environments together whose points stay in the store, which
// sums them up.
type storedPool struct {
	environmentCurve

	run    *store.Run
	of     store.RLCurve
	memory *pooledCurve // of this curve; nil: of a part of it
}

func (c storedPool) cut(first, last uint64) (curve, bool) {
	of, some := c.environmentCurve.cut(first, last)
	c.environmentCurve, c.memory = of.(environmentCurve), nil
	return c, some
}

// fill leaves out points that came beyond meanwhile.
func (c storedPool) fill(f *filler) (bucketed, error) {
	if c.memory != nil {
		return c.memory.fill(f, c)
	}
	buckets, err := c.sumUp(nil, f.storeAxis(), c.first, c.last)
	return c.inBuckets(buckets), err
}

// sumUp sums up what there is by now between two places, behind other buckets.
func (c storedPool) sumUp(dst []store.Bucket, on store.Axis, first, last uint64) ([]store.Bucket, error) {
	of := c.of
	of.Within = store.Range{From: max(of.Within.From, first), To: min(of.Within.To, last)}
	return c.run.AppendPooledBuckets(dst, of, on)
}

// storedPool is a series in all environments together; none where it has no points.
func (r runPoints) storedPool(q *curveReading, info store.SeriesInfo, envs []store.EnvInfo) ([]curve, error) {
	of := r.storeCurve(q, info)
	memory := q.memory.curve(nameOf(r.ID, info, of))
	reach, err := memory.lookAt(r.points, of)
	if err != nil || reach.Points == 0 {
		return nil, err
	}
	c := environmentCurve{column: column{run: r.Name, key: info.Key}, first: reach.From, last: reach.To, count: int(reach.Points)}
	c.read = func() (column, error) { return r.readTogether(q, info, envs) }
	return []curve{storedPool{c, r.points, of, memory}}, nil
}

// slotsOf tells whether curves are summed up in slots, and what lies between the places of the
// first that is and those that its slots are counted by.
func slotsOf(list []curve) (pooled bool, offset uint64) {
	for _, c := range list {
		if pool, is := c.(storedPool); is {
			return true, uint64(pool.of.Since)
		}
	}
	return false, 0
}

// readTogether reads a series in several environments as one column.
func (r runPoints) readTogether(q *curveReading, info store.SeriesInfo, envs []store.EnvInfo) (column, error) {
	all := column{run: r.Name, key: info.Key}
	for _, env := range envs {
		c, err := r.readEnvironment(q, r.points, info, env)
		if err != nil {
			return all, err
		}
		all = all.and(c)
	}
	return all.ascending(), nil
}
