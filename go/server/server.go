// Package server puts everything behind one port: gRPC, gRPC-Web and Connect for
// the ingest, query and views services, videos, the dashboard, and /healthz.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/metrana/metrana/go/admin"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/store"
)

// Config says where a server keeps its data and where it listens.
type Config struct {
	DataDir string
	Listen  string // host:port; port 0 picks one
	// AllowAnyKey lets a server listen beyond the loopback addresses although
	// it does not check keys.
	AllowAnyKey bool
	// RenderingsQuota is how many bytes the videos of episodes may take; 0: none is taken.
	RenderingsQuota uint64
	// Retain is after how long runs that ended are deleted; 0: never.
	Retain time.Duration
	Logger *slog.Logger     // nil: discarded
	Ready  func(url string) // called once when the port answers
}

// BusyAddressError tells that the address cannot be listened on.
type BusyAddressError struct {
	Listen string
	Err    error
}

func (e *BusyAddressError) Error() string {
	return fmt.Sprintf("cannot listen on %s: %v", e.Listen, e.Err)
}

func (e *BusyAddressError) Unwrap() error { return e.Err }

// drainTime is how long a stopping server waits for requests under way.
const drainTime = 10 * time.Second

// Run serves until ctx is done, then lets requests under way finish, closes the
// data directory and returns nil. Anything else that ends it is its error.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkListen(cfg); err != nil {
		return err
	}
	// The port first: taking the data directory from nobody costs nothing when
	// another process has the port.
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return &BusyAddressError{cfg.Listen, err}
	}
	db, err := store.Open(cfg.DataDir, store.Options{Logger: cfg.Logger})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	url := "http://" + listener.Addr().String()
	if err := db.SetOwner(fmt.Sprintf("process %d, %s", os.Getpid(), url)); err != nil {
		return errors.Join(err, listener.Close())
	}
	index, err := catalog.Open(db)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	for _, fault := range index.Faults() {
		cfg.Logger.Error("a record of the catalog cannot be read", "error", fault)
	}
	videos, err := renderings.Open(db, index, renderings.Options{Quota: cfg.RenderingsQuota, Logger: cfg.Logger})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	operator := admin.New(db, index, videos, cfg.Logger)
	regular, stop := context.WithCancel(ctx)
	var regularly sync.WaitGroup
	defer regularly.Wait()
	defer stop()
	regularly.Go(func() { videos.TidyEvery(regular) })
	if cfg.Retain > 0 {
		regularly.Go(func() { operator.RetainEvery(regular, cfg.Retain) })
	}
	return serve(ctx, cfg, listener, url, handler(cfg, index, operator, videos))
}

// checkListen refuses addresses that others can reach, because this server takes
// any key.
func checkListen(cfg Config) error {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen address %q is not HOST:PORT: %w", cfg.Listen, err)
	}
	if isLoopback(host) || cfg.AllowAnyKey {
		return nil
	}
	return fmt.Errorf("listen address %q is reachable from other machines, and this server does not check keys: "+
		"use 127.0.0.1, or say --insecure-allow-any-key", cfg.Listen)
}

func serve(ctx context.Context, cfg Config, listener net.Listener, url string, h http.Handler) error {
	streams, endStreams := context.WithCancel(context.Background())
	defer endStreams()
	s := newHTTPServer(cfg, h, streams)
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	if cfg.Ready != nil {
		cfg.Ready(url)
	}
	cfg.Logger.Info("listening", "url", url, "data", cfg.DataDir)
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", url, err)
	case <-ctx.Done():
	}
	cfg.Logger.Info("stopping")
	return drain(s, failed, endStreams)
}

// drain stops taking connections and ends the streams, which answer what they
// have applied before they return.
func drain(s *http.Server, failed <-chan error, endStreams context.CancelFunc) error {
	limit, done := context.WithTimeout(context.Background(), drainTime)
	defer done()
	endStreams()
	err := s.Shutdown(limit)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
