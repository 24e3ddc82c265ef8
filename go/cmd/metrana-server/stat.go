package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"

	"github.com/metrana/metrana/go/store"
)

// stat prints what a stopped data directory holds.
func stat(args []string) int {
	flags := flag.NewFlagSet("stat", flag.ContinueOnError)
	dataDir := flags.String("data-dir", "", "the data directory")
	settle := flags.Bool("settle", false, "first move all points into blocks and compact; without it nothing is written")
	if err := flags.Parse(args); err != nil {
		return exitOf(err)
	}
	dir, err := resolveDataDir(*dataDir)
	if err != nil {
		return fail(err)
	}
	stats, err := statOf(dir, *settle)
	if stats != nil {
		err = errors.Join(err, json.NewEncoder(os.Stdout).Encode(stats))
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

type statistics struct {
	Runs       int    `json:"runs"`
	Damaged    int    `json:"damaged_runs"` // counted in runs alone
	Series     int    `json:"series"`
	Points     uint64 `json:"points"`
	Late       uint64 `json:"late"`
	Duplicates uint64 `json:"duplicates"`
	Bytes      uint64 `json:"bytes"`
}

// statOf gives what could be counted, nil for nothing, and what could not be read.
// Only settling writes anything.
func statOf(dir string, settle bool) (_ *statistics, err error) {
	db, err := store.Open(dir, store.Options{Existing: true, ReadOnly: !settle})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var unsettled error
	if settle {
		unsettled = db.Settle(context.Background())
	}
	stats, err := db.Stats()
	if unsettled != nil {
		err = unsettled // it names what Stats cannot read, too
	}
	counted := statistics(stats)
	return &counted, err
}
