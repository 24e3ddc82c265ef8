package query

import "github.com/metrana/metrana/go/store"

// storedEnvironment is a series in one environment whose points stay in the store, which
// sums them up.
type storedEnvironment struct {
	environmentCurve

	run *store.Run
	env uint32
	of  store.RLCurve
}

func (c storedEnvironment) cut(first, last uint64) (curve, bool) {
	of, some := c.environmentCurve.cut(first, last)
	c.environmentCurve = of.(environmentCurve)
	return c, some
}

// fill leaves out points that came beyond meanwhile.
func (c storedEnvironment) fill(f *filler) (bucketed, error) {
	c.of.Within = store.Range{From: c.first, To: c.last}
	var err error
	f.buckets, err = c.run.AppendRLBuckets(f.buckets[:0], c.env, c.of, f.storeAxis())
	return c.inBuckets(f.buckets), err
}

// storeAxes are the axes of RL points, as the store calls them.
var storeAxes = map[Along]store.Along{
	AlongRLSteps: store.AlongRLSteps, AlongEpisodes: store.AlongEpisodes, AlongEnvSteps: store.AlongEnvSteps,
	AlongTotalSteps: store.AlongTotalSteps, AlongRelativeTime: store.AlongTimes, AlongTime: store.AlongTimes,
}

func (r runPoints) storeCurve(q *curveReading, info store.SeriesInfo) store.RLCurve {
	return store.RLCurve{
		Series: info.No, Along: storeAxes[q.Along], Since: q.start(r), Points: q.Points,
		Within: store.Range{From: q.within.from, To: q.within.to},
	}
}

// storedEnvironments are a series in each environment that has points.
func (r runPoints) storedEnvironments(q *curveReading, info store.SeriesInfo, envs []store.EnvInfo) ([]curve, error) {
	of := r.storeCurve(q, info)
	return curveOfEach(envs, func(env store.EnvInfo) (curve, error) {
		reach, err := r.points.RLReach(env.No, of, 0)
		if err != nil || reach.Points == 0 {
			return nil, err
		}
		return r.storedEnvironment(q, info, env, of, reach), nil
	})
}

func (r runPoints) storedEnvironment(q *curveReading, info store.SeriesInfo, env store.EnvInfo, of store.RLCurve, reach store.RLReach) curve {
	c := environmentCurve{column: column{run: r.Name, key: info.Key, env: env.ID}, first: reach.From, last: reach.To, count: int(reach.Points)}
	c.read = func() (column, error) { return r.readEnvironment(q, r.points, info, env) }
	return storedEnvironment{c, r.points, env.No, of}
}
