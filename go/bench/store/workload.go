//go:build linux

package main

import (
	"fmt"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// The workload of one batch: every metric of every environment gets `steps` points.
const (
	metrics      = 16
	environments = 1024
	steps        = 100
	seriesCount  = metrics * environments
	batchPoints  = seriesCount * steps
	// What fits a request of the default max_msg_size.
	stretchesPerRequest = 1300
	// How many requests a client leaves unacknowledged.
	maxPending = 30
	workspace  = "bench"
	project    = "bench"
	firstTime  = 1_700_000_000_000
)

func metricName(i int) string      { return fmt.Sprintf("metric-%02d", i) }
func environmentName(i int) string { return fmt.Sprintf("env-%04d", i) }

// A layout says how a batch of the workload is logged.
type layout func(r *requests, batch int, from source) error

// source gives the values of a batch, those of one series after another.
type source interface {
	next() ([]float64, error)
}

var layouts = map[string]layout{"rl": logRL, "std": logStandard}

// logStandard logs to one ordinary series for each environment of a metric.
func logStandard(r *requests, batch int, from source) error {
	for m := range metrics {
		name := metricName(m)
		for e := range environments {
			values, err := from.next()
			if err != nil {
				return err
			}
			no := &r.series[m*environments+e]
			if *no == 0 {
				*no = r.tx.Series(point.Series{
					Name: name, Scale: point.ScaleMLStep,
					Labels: []point.Label{{Key: "env", Value: r.environments[e]}},
				}, point.Ordered)
			}
			r.tx.Append(*no, 1, point.Batch{
				Steps:  point.Steps{First: uint64(batch * steps)},
				Times:  timesOf(batch),
				Values: values,
			})
			if err := r.next(len(values)); err != nil {
				return err
			}
		}
	}
	return nil
}

// logRL logs as PPO does: a batch is a rollout, an rl_step. Each environment has
// episodes of a length of its own, so about one stretch in five is cut by the
// end of an episode.
func logRL(r *requests, batch int, from source) error {
	for m := range metrics {
		no := r.tx.Series(point.Series{Name: metricName(m), Scale: point.ScaleEnvironmentStep}, point.Ordered)
		for e := range environments {
			values, err := from.next()
			if err != nil {
				return err
			}
			env := r.tx.Environment(r.environments[e])
			if err := logRollout(r, no, env, e, batch, values); err != nil {
				return err
			}
		}
	}
	return nil
}

func logRollout(r *requests, no, env uint32, e, batch int, values []float64) error {
	length := 300 + e*37%401
	for at := batch * steps; len(values) > 0; {
		episode, minor := at/length, at%length
		n := min(len(values), length-minor)
		r.tx.AppendRL(no, env, point.RLBatch{
			RLStep: uint64(batch), Episode: uint64(episode), HasEpisode: true,
			Minors: point.Steps{First: uint64(minor)}, Flat: true,
			Times: timesOf(batch), Values: values[:n],
		}, true)
		if err := r.next(n); err != nil {
			return err
		}
		values, at = values[n:], at+n
	}
	return nil
}

func timesOf(batch int) point.Times { return point.Times{Millis: firstTime + int64(batch)*1000} }

// requests cuts what is logged into transactions of the size of a client's
// requests, and leaves as many of them waiting for the disk as a client would.
type requests struct {
	run          *store.Run
	tx           *store.Tx // open between begin and end
	stretches    int
	points       int                    // in tx
	committed    func(points int) error // after each request, unless nil
	pending      []store.Pending
	environments [environments]string
	series       [seriesCount]uint32 // numbers of ordinary series, 0 when not asked for yet
}

func newRequests(run *store.Run) *requests {
	r := &requests{run: run}
	for i := range r.environments {
		r.environments[i] = environmentName(i)
	}
	return r
}

// log adds one batch to the run.
func (r *requests) log(how layout, batch int, from source) error {
	r.tx = r.run.Begin()
	if err := how(r, batch, from); err != nil {
		return err
	}
	return r.commit()
}

// next notes that a stretch of so many points was logged.
func (r *requests) next(points int) error {
	r.points += points
	if r.stretches++; r.stretches < stretchesPerRequest {
		return nil
	}
	if err := r.commit(); err != nil {
		return err
	}
	r.tx = r.run.Begin()
	return nil
}

func (r *requests) commit() error {
	pending, err := r.tx.Commit()
	if err != nil {
		return err
	}
	points := r.points
	r.stretches, r.points = 0, 0
	if r.pending = append(r.pending, pending); len(r.pending) >= maxPending {
		oldest := r.pending[0]
		r.pending = r.pending[1:]
		if err := oldest.Wait(); err != nil {
			return err
		}
	}
	if r.committed == nil {
		return nil
	}
	return r.committed(points)
}

// drain waits until everything is durable.
func (r *requests) drain() error {
	for _, pending := range r.pending {
		if err := pending.Wait(); err != nil {
			return err
		}
	}
	r.pending = nil
	return nil
}
