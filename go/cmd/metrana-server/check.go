package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/store"
)

// check reads a stopped data directory whole and says what is wrong with it. It
// writes nothing.
func check(args []string) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	dataDir := flags.String("data-dir", "", "the data directory")
	if err := flags.Parse(args); err != nil {
		return exitOf(err)
	}
	dir := *dataDir
	if flags.NArg() > 0 {
		dir = flags.Arg(0)
	}
	dir, err := resolveDataDir(dir)
	if err != nil {
		return fail(err)
	}
	faults, err := checkDirectory(dir)
	if err != nil {
		return fail(err)
	}
	if faults > 0 {
		return 1
	}
	return 0
}

func checkDirectory(dir string) (faults int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := store.Open(dir, store.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	report := func(fault error) {
		faults++
		fmt.Fprintf(os.Stderr, "fault: %v\n", fault)
	}
	stats, err := db.Check(ctx, report)
	if err != nil {
		return faults, err
	}
	videos, err := checkCatalog(ctx, db, report)
	if err != nil {
		return faults, err
	}
	fmt.Printf("%s: %d runs, %d segments, %d blocks, %d points, %d renderings; ",
		dir, stats.Runs, stats.Segments, stats.Blocks, stats.Points, videos.Renderings)
	switch faults {
	case 0:
		fmt.Println("no fault found")
	case 1:
		fmt.Println("1 fault")
	default:
		fmt.Printf("%d faults\n", faults)
	}
	return faults, nil
}

// checkCatalog reads what is not the store's own: the records of the catalog, and
// the videos that it lists.
func checkCatalog(ctx context.Context, db *store.DB, report func(fault error)) (renderings.CheckStats, error) {
	index, err := catalog.Open(db)
	if err != nil {
		return renderings.CheckStats{}, err
	}
	for _, fault := range index.Faults() {
		report(fault)
	}
	return renderings.Check(ctx, db, index, report)
}
