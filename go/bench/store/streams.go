//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

const (
	smallBatches      = 500
	manyStreams       = 1000
	requestsPerStream = 20
	pointsPerRequest  = 100
)

type streamed struct {
	IdleMB      float64 `json:"idle_rss_mb"`
	FsyncP50    float64 `json:"fsync_p50_ms"`
	AckP50      float64 `json:"ack_p50_ms"`
	AckP99      float64 `json:"ack_p99_ms"`
	BeyondFsync float64 `json:"ack_p50_beyond_fsync_ms"`
	Streams     int     `json:"streams"` // whose requests were all acknowledged
	OpenSeconds float64 `json:"streams_open_seconds"`
	Seconds     float64 `json:"streams_seconds"`
	PerSecond   float64 `json:"streams_requests_per_second"`
	StreamP99   float64 `json:"streams_ack_p99_ms"`
	PeakMB      float64 `json:"streams_server_peak_rss_mb"`
}

// streams measures a server that is new: its memory when idle, how soon one
// scalar is durable beside what the disk itself takes, and a thousand loggers at
// once, each with a connection and a run of its own.
func streams(args []string) (_ any, err error) {
	flags := flag.NewFlagSet("streams", flag.ExitOnError)
	program := flags.String("server", "", "the server's program")
	dir := flags.String("dir", "", "an empty data directory")
	_ = flags.Parse(args) // exits by itself
	s, err := startServer(*program, *dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	figures := &streamed{}
	if err := s.settleDown(); err != nil {
		return nil, err
	}
	if figures.IdleMB, err = memory(s.process.Process.Pid, "VmRSS"); err != nil {
		return nil, err
	}
	if err := figures.smallBatches(s, *dir); err != nil {
		return nil, err
	}
	if err := figures.together(s); err != nil {
		return nil, err
	}
	figures.PeakMB, err = memory(s.process.Process.Pid, "VmHWM")
	return figures, err
}

// settleDown asks for the server's health once, so that what it starts with is over.
func (s *server) settleDown() error {
	response, err := s.client.Get(s.url + "/healthz")
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// smallBatches takes turns: one scalar to the server, one append of 4 KiB to the disk.
func (f *streamed) smallBatches(s *server, dir string) (err error) {
	l, err := openLogger(s.ingestion(), "small")
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(filepath.Dir(filepath.Clean(dir)), "fsync"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var acks, syncs []time.Duration
	page := make([]byte, 4096)
	for range smallBatches {
		start := time.Now()
		if err := errors.Join(l.send(1), l.acknowledged()); err != nil {
			return err
		}
		acks = append(acks, time.Since(start))
		start = time.Now()
		if _, err := file.Write(page); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
		syncs = append(syncs, time.Since(start))
	}
	f.AckP50, f.AckP99, f.FsyncP50 = percentile(acks, 50), percentile(acks, 99), percentile(syncs, 50)
	f.BeyondFsync = f.AckP50 - f.FsyncP50
	return l.close()
}

func percentile(taken []time.Duration, percent int) float64 {
	slices.Sort(taken)
	return milliseconds(taken[(len(taken)-1)*percent/100])
}

// together opens all streams, then lets all of them log at once.
func (f *streamed) together(s *server) error {
	start := time.Now()
	loggers, err := inParallel(func(i int) (*logger, error) {
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		own := *s
		own.client = &http.Client{Transport: &http.Transport{Protocols: &protocols}}
		return openLogger(own.ingestion(), fmt.Sprintf("stream-%04d", i))
	})
	if err != nil {
		return err
	}
	f.OpenSeconds = time.Since(start).Seconds()
	start = time.Now()
	taken, err := inParallel(func(i int) (taken []time.Duration, err error) {
		for range requestsPerStream {
			start := time.Now()
			if err := errors.Join(loggers[i].send(pointsPerRequest), loggers[i].acknowledged()); err != nil {
				return nil, err
			}
			taken = append(taken, time.Since(start))
		}
		return taken, nil
	})
	if err != nil {
		return err
	}
	f.Seconds = time.Since(start).Seconds()
	f.Streams, f.PerSecond = manyStreams, manyStreams*requestsPerStream/f.Seconds
	f.StreamP99 = percentile(slices.Concat(taken...), 99)
	_, err = inParallel(func(i int) (struct{}, error) { return struct{}{}, loggers[i].close() })
	return err
}

// inParallel does something for each stream, all at once.
func inParallel[T any](do func(i int) (T, error)) ([]T, error) {
	results, failures := make([]T, manyStreams), make([]error, manyStreams)
	var all sync.WaitGroup
	for i := range manyStreams {
		all.Go(func() { results[i], failures[i] = do(i) })
	}
	all.Wait()
	return results, errors.Join(failures...)
}

// logger is one stream that logs to a series of a run of its own.
type logger struct {
	stream *connect.BidiStreamForClient[ingestion.UpdateRunRequest, ingestion.UpdateRunResponse]
	run    []byte
	step   uint64
	number uint64
}

func openLogger(client interface {
	InitializeRunLogging(context.Context, *connect.Request[ingestion.InitializeRunLoggingRequest]) (*connect.ServerStreamForClient[ingestion.InitializeRunLoggingResponse], error)
	UpdateRunStream(context.Context) *connect.BidiStreamForClient[ingestion.UpdateRunRequest, ingestion.UpdateRunResponse]
}, run string,
) (*logger, error) {
	handshake, err := client.InitializeRunLogging(context.Background(), connect.NewRequest(&ingestion.InitializeRunLoggingRequest{
		Run:                    &types.Run{Workspace: workspace, Project: project, RunName: run},
		CreateProjectIfMissing: true, LoggerId: 1,
	}))
	if err != nil {
		return nil, err
	}
	l := &logger{}
	for handshake.Receive() {
		if made := handshake.Msg().GetInitializedRun(); made != nil {
			l.run = made.GetRunId()
		}
	}
	if err := errors.Join(handshake.Err(), handshake.Close()); err != nil {
		return nil, err
	}
	l.stream = client.UpdateRunStream(context.Background())
	first := &ingestion.UpdateRunRequest{RunId: l.run, LoggerId: 1, SeriesDeclarations: []*types.SeriesDeclaration{{
		DeclarationId: 1, MetricName: longSeries, Ordering: types.OrderingMode_ORDERING_MODE_ABSOLUTE_ORDERED,
	}}}
	return l, errors.Join(l.stream.Send(first), l.acknowledged())
}

// send logs so many points in one request.
func (l *logger) send(points int) error {
	at, first := time.Now().UnixMilli(), l.step
	values := make([]float64, points)
	for i := range values {
		values[i] = float64(l.step) / 7
		l.step++
	}
	l.number += 256
	return l.stream.Send(&ingestion.UpdateRunRequest{
		RunId: l.run, LoggerId: 1, LoggerSessionId: 1, SequenceNumber: l.number,
		Series: []*types.StreamingSeriesUpdate{{SeriesId: 1, PointBatches: []*types.PointBatch{{
			Values: values, FirstStep: &first, TimestampMillis: &at,
		}}}},
	})
}

func (l *logger) acknowledged() error {
	_, err := l.stream.Receive()
	return err
}

func (l *logger) close() error {
	return errors.Join(l.stream.CloseRequest(), l.stream.CloseResponse())
}
