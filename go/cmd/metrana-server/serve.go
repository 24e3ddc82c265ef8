package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/server"
	"github.com/metrana/metrana/go/store"
)

func serve(args []string) int {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	dataDir := flags.String("data-dir", "", "where the data lies (default $METRANA_DATA_DIR, else ~/.metrana/data)")
	listen := flags.String("listen", "127.0.0.1:7420", "HOST:PORT; port 0 picks a free one")
	anyKey := flags.Bool("insecure-allow-any-key", false, "listen beyond loopback although keys are not checked")
	var longest age
	flags.Var(&longest, "retain", "delete runs that ended so long ago, as 90d; without it all stay")
	quota := amount(renderings.DefaultQuota)
	flags.Var(&quota, "renderings-quota", "how much videos of episodes may take, as 10GB; 0 takes none")
	verbose := flags.Bool("verbose", false, "log what the store does, too")
	if err := flags.Parse(args); err != nil {
		return exitOf(err)
	}
	store.SetMemoryPolicy()
	if flags.NArg() > 0 {
		return fail(fmt.Errorf("serve: unexpected argument %q", flags.Arg(0)))
	}
	dir, err := resolveDataDir(*dataDir)
	if err != nil {
		return fail(err)
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	// After the first signal the second one ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	err = server.Run(ctx, server.Config{
		DataDir: dir, Listen: *listen, AllowAnyKey: *anyKey, Retain: time.Duration(longest), RenderingsQuota: uint64(quota),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Ready:  func(url string) { fmt.Printf("listening on %s\n", url) },
	})
	var busy *server.BusyAddressError
	if errors.As(err, &busy) && errors.Is(err, syscall.EADDRINUSE) {
		return fail(fmt.Errorf("%s is in use by another process; stop that one or choose another port with --listen", *listen))
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

func exitOf(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return 2
}

func resolveDataDir(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if dir := os.Getenv("METRANA_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no data directory: give --data-dir or set METRANA_DATA_DIR: %w", err)
	}
	return filepath.Join(home, ".metrana", "data"), nil
}
