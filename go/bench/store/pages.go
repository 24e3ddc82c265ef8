//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// What the pages of the dashboard are measured on, beside the extras.
const (
	seedsProject  = "seeds"
	seedRuns      = 50
	seedPoints    = 100_000
	wideRun       = "wide"
	wideMetrics   = 20_000
	widePoints    = 50
	episodesRun   = "episodes"
	episodesOf    = 4_000 // each of episodeEnvironments
	episodesAtOne = 100   // of them in a commit
)

const episodeEnvironments = 250

// pages adds a project of 50 runs with 100,000 points each, a run with 20,000 metrics
// and one of a million episodes.
func pages(args []string) (any, error) {
	return filled("pages", args, makeSeeds, makeWide, makeEpisodes)
}

func makeSeeds(d *directory) error {
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	values := m.batch()
	for seed := range seedRuns {
		run, err := d.run(seedsProject, fmt.Sprintf("seed-%02d", seed))
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

func makeWide(d *directory) error {
	run, err := d.pointsOf(project, wideRun)
	if err != nil {
		return err
	}
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	r, values := newRequests(run), m.batch()
	r.tx = run.Begin()
	for i := range wideMetrics {
		name := fmt.Sprintf("layer-%03d/grad-%03d", i/200, i%200)
		r.tx.Append(r.tx.Series(ordinary(name), point.Ordered), 1, point.Batch{
			Times: point.Times{Millis: firstTime}, Values: values[i*widePoints : (i+1)*widePoints],
		})
		if err := r.next(widePoints); err != nil {
			return err
		}
	}
	if err := r.commit(); err != nil {
		return err
	}
	return r.drain()
}

// makeEpisodes logs the return of each episode, which takes one rl_step.
func makeEpisodes(d *directory) error {
	run, err := d.pointsOf(project, episodesRun)
	if err != nil {
		return err
	}
	m, err := newMaker("f32noise")
	if err != nil {
		return err
	}
	r, values := newRequests(run), m.batch()
	r.tx = run.Begin()
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
	if err := r.commit(); err != nil {
		return err
	}
	return r.drain()
}

func logEpisode(tx *store.Tx, no, env uint32, episode int, value []float64) {
	tx.AppendRL(no, env, point.RLBatch{
		RLStep: uint64(episode), Minors: point.Steps{First: uint64(episode)},
		Times: point.Times{Millis: firstTime + int64(episode)}, Values: value,
	}, true)
}
