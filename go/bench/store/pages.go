//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// What the pages of the dashboard are measured on, beside the extras.
const (
	seedsProject   = "seeds"
	seedRuns       = 50
	crowdProject   = "crowd"
	crowdRuns      = 1000
	seedPoints     = 100_000
	columnsProject = "columns" // of tableRuns
	columns        = 200
	pooledRun      = "environments" // a series each of as many as the workload has
	pooledPoints   = 1000
	wideRun        = "wide"
	wideMetrics    = 20_000
	widePoints     = 50
	episodesRun    = "episodes"
	episodesOf     = 4_000 // each of episodeEnvironments
	episodesAtOne  = 100   // of them in a commit
)

const episodeEnvironments = 250

// pages adds projects of 50 and of 1,000 runs with 100,000 points each, a run with 20,000
// metrics, one with a series for each of 1,024 environments, 10,000 runs with 200 settings
// each, and a run of a million episodes.
func pages(args []string) (any, error) {
	return filled("pages", args, makeSeeds, makeCrowd, makeWide, makePooled, makeColumns, makeEpisodes)
}

func makeSeeds(d *directory) error { return d.seeds(seedsProject, "seed-%02d", seedRuns) }
func makeCrowd(d *directory) error { return d.seeds(crowdProject, "seed-%03d", crowdRuns) }

// seeds makes runs that log one metric.
func (d *directory) seeds(project, name string, runs int) error {
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	values := m.batch()
	for seed := range runs {
		run, err := d.run(project, fmt.Sprintf(name, seed))
		if err != nil {
			return err
		}
		edit, err := run.Begin()
		if err != nil {
			return err
		}
		edit.Attributes([]catalog.Update{{Path: "config/seed", Value: &catalog.Value{Kind: catalog.KindInt, Int: int64(seed)}}})
		edit.Tx.Append(edit.Tx.Series(ordinary(longSeries), point.Ordered), 1, point.Batch{
			Times: point.Times{Millis: firstTime}, Values: values[seed*1000 : seed*1000+seedPoints],
		})
		edit.Logged()
		if _, err := edit.Commit(time.UnixMilli(firstTime)); err != nil {
			return err // that it is durable is seen to by what is committed later
		}
	}
	return nil
}

func makeColumns(d *directory) error {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range tableRuns {
		run, err := d.run(columnsProject, fmt.Sprintf("run-%05d", i))
		if err != nil {
			return err
		}
		edit, err := run.Begin()
		if err != nil {
			return err
		}
		var updates []catalog.Update
		for k := range columns {
			path := fmt.Sprintf("config/setting_%03d", k)
			updates = append(updates, catalog.Update{Path: path, Value: &catalog.Value{Kind: catalog.KindFloat, Float: random.Float64()}})
		}
		edit.Attributes(updates)
		logOne(edit.Tx, longSeries, 0, random.NormFloat64())
		edit.Logged()
		if _, err := edit.Commit(time.UnixMilli(firstTime)); err != nil {
			return err // that it is durable is seen to by what is committed later
		}
	}
	return nil
}

// fill logs to a run what is made of a batch of values.
func (d *directory) fill(name string, log func(r *requests, values []float64) error) error {
	run, err := d.pointsOf(project, name)
	if err != nil {
		return err
	}
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	r := newRequests(run)
	r.tx = run.Begin()
	if err := log(r, m.batch()); err != nil {
		return err
	}
	if err := r.commit(); err != nil {
		return err
	}
	return r.drain()
}

// append logs values to an ordinary series.
func (r *requests) append(series point.Series, values []float64) error {
	times := point.Times{Millis: firstTime}
	r.tx.Append(r.tx.Series(series, point.Ordered), 1, point.Batch{Times: times, Values: values})
	return r.next(len(values))
}

func makePooled(d *directory) error {
	return d.fill(pooledRun, func(r *requests, values []float64) error {
		for e, name := range r.environments {
			series := ordinary("return")
			series.Labels = []point.Label{{Key: "env", Value: name}}
			if err := r.append(series, values[e*pooledPoints:(e+1)*pooledPoints]); err != nil {
				return err
			}
		}
		return nil
	})
}

func makeWide(d *directory) error {
	return d.fill(wideRun, func(r *requests, values []float64) error {
		for i := range wideMetrics {
			series := ordinary(fmt.Sprintf("layer-%03d/grad-%03d", i/200, i%200))
			if err := r.append(series, values[i*widePoints:(i+1)*widePoints]); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeEpisodes logs the return of each episode, which takes one rl_step.
func makeEpisodes(d *directory) error { return d.fill(episodesRun, logEpisodes) }

func logEpisodes(r *requests, values []float64) error {
	for from := 0; from < episodesOf; from += episodesAtOne {
		no := r.tx.Series(point.Series{Name: "return", Scale: point.ScaleEpisode}, point.Ordered)
		for e := range episodeEnvironments {
			env := r.tx.Environment(environmentName(e))
			for episode := from; episode < from+episodesAtOne; episode++ {
				logEpisode(r.tx, no, env, episode, values[e*episodesOf+episode:][:1])
			}
			if err := r.next(episodesAtOne); err != nil {
				return err
			}
		}
	}
	return nil
}

func logEpisode(tx *store.Tx, no, env uint32, episode int, value []float64) {
	tx.AppendRL(no, env, point.RLBatch{
		RLStep: uint64(episode), Minors: point.Steps{First: uint64(episode)},
		Times: point.Times{Millis: firstTime + int64(episode)}, Values: value,
	}, true)
}
