//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/query"
)

const (
	asked = 20 // times at least, for a median
	// How long at least: some questions take no longer than the processor's clock takes to rise.
	// While a run is logged they are to meet it in all it does.
	askedFor          = 200 * time.Millisecond
	askedWhileLogging = 500 * time.Millisecond
)

// answered is the time a question takes, in ms.
type answered struct {
	First      float64 `json:"first_ms"`  // on a directory that was just opened
	Median     float64 `json:"median_ms"` // of those after that
	Worst      float64 `json:"worst_ms"`
	CPU        float64 `json:"cpu_ms,omitempty"`     // of this process, a mean
	Unanswered string  `json:"unanswered,omitempty"` // why there is no answer
}

type queried struct {
	Process     map[string]answered `json:"process"`
	RPC         map[string]answered `json:"rpc,omitempty"`
	Busy        map[string]answered `json:"busy,omitempty"`
	BusyRate    float64             `json:"busy_points_per_second,omitempty"`
	BusyWanted  float64             `json:"busy_points_per_second_wanted,omitempty"`
	ServerPeak  float64             `json:"server_peak_rss_mb,omitempty"`
	ServerAfter float64             `json:"server_rss_mb,omitempty"`
}

// queries times all questions: in this process at the Service, over RPC at a
// server, and in this process while another run is being logged.
func queries(args []string) (any, error) {
	flags := flag.NewFlagSet("queries", flag.ExitOnError)
	dir := flags.String("dir", "", "the data directory, with the runs rl and std and the extras")
	server := flags.String("server", "", "the server's program; none: no RPC")
	rate := flags.Float64("busy-rate", 0, "points a second to log meanwhile; 0: no such part")
	kind := flags.String("kind", "f32noise", "kind of values to log meanwhile")
	points := flags.Int("points", 100_000_000, "points of the run std, rounded up to whole batches")
	only := flags.String("only", "", "the name of the one question to ask; none: all of them")
	_ = flags.Parse(args) // exits by itself
	all := questions(batchesOf(*points) * steps)
	if *only != "" {
		all = slices.DeleteFunc(all, func(asking question) bool { return asking.name != *only })
		if len(all) == 0 {
			return nil, fmt.Errorf("there is no question %q", *only)
		}
	}
	figures := &queried{}
	var err error
	if figures.Process, err = inProcess(*dir, all); err != nil {
		return nil, err
	}
	if *server != "" {
		if err := figures.overRPC(*server, *dir, all); err != nil {
			return nil, err
		}
	}
	if *rate > 0 {
		figures.BusyWanted = *rate
		if err := figures.whileLogging(*dir, *kind, *rate, all); err != nil {
			return nil, err
		}
	}
	return figures, nil
}

func inProcess(dir string, all []question) (map[string]answered, error) {
	times := make(map[string]answered)
	for _, asking := range all { // each on a directory that was just opened
		d, err := open(dir)
		if err != nil {
			return nil, err
		}
		times[asking.name], err = timed(query.New(d.catalog, query.Options{}), asking, askedFor)
		if err := errors.Join(err, d.db.Close()); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func timed(q answering, asking question, atLeast time.Duration) (answered, error) {
	var a answered
	var taken []time.Duration
	cpu, err := cpuTime()
	if err != nil {
		return a, err
	}
	began := time.Now()
	for i := 0; i <= asked || time.Since(began) < atLeast; i++ {
		start := time.Now()
		err := asking.ask(context.Background(), q, i)
		if connect.CodeOf(err) == connect.CodeUnimplemented && err != nil {
			return answered{Unanswered: err.Error()}, nil
		}
		if err != nil {
			return a, fmt.Errorf("%s: %w", asking.name, err)
		}
		taken = append(taken, time.Since(start))
		if i == 0 {
			if cpu, err = cpuTime(); err != nil {
				return a, err
			}
		}
	}
	used, err := cpuTime()
	a.First, taken = milliseconds(taken[0]), taken[1:]
	slices.Sort(taken)
	n := len(taken)
	a.Median, a.Worst = milliseconds((taken[(n-1)/2]+taken[n/2])/2), milliseconds(taken[n-1])
	a.CPU = milliseconds(used-cpu) / float64(n)
	return a, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func (f *queried) overRPC(program, dir string, all []question) (err error) {
	s, err := startServer(program, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	client := s.questions()
	f.RPC = make(map[string]answered)
	for _, asking := range all {
		a, err := timed(client, asking, askedFor)
		if err != nil {
			return err
		}
		a.CPU = 0 // that of the client says nothing
		f.RPC[asking.name] = a
	}
	f.ServerAfter, err = memory(s.process.Process.Pid, "VmRSS")
	if err == nil {
		f.ServerPeak, err = memory(s.process.Process.Pid, "VmHWM")
	}
	return err
}

// whileLogging times the questions while a run of its own is logged at a steady
// rate, in the same process: the store's.
func (f *queried) whileLogging(dir, kind string, rate float64, all []question) (err error) {
	d, err := open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.db.Close()) }()
	run, err := d.pointsOf(project, "busy")
	if err != nil {
		return err
	}
	m, err := newMaker(kind)
	if err != nil {
		return err
	}
	pool := make([][]float64, 4)
	for i := range pool {
		pool[i] = slices.Clone(m.batch())
	}
	busy := &background{requests: newRequests(run), pool: pool, rate: rate, stopped: make(chan struct{})}
	busy.done.Go(busy.log)
	f.Busy = make(map[string]answered)
	service := query.New(d.catalog, query.Options{})
	for _, asking := range all {
		a, askErr := timed(service, asking, askedWhileLogging)
		if err = askErr; err != nil {
			break
		}
		a.CPU = 0 // logging is in it
		f.Busy[asking.name] = a
	}
	f.BusyRate = busy.stop()
	return errors.Join(err, busy.err)
}

// background logs batch after batch at a rate until it is stopped.
type background struct {
	*requests

	pool    [][]float64
	rate    float64
	stopped chan struct{}
	done    sync.WaitGroup
	start   time.Time
	logged  int
	taken   time.Duration
	err     error
}

func (b *background) log() {
	b.start = time.Now()
	b.requests.committed = b.keepPace
	for batch := 0; b.err == nil; batch++ {
		b.err = b.requests.log(logRL, batch, &made{b.pool[batch%len(b.pool)]})
	}
	if errors.Is(b.err, errStopped) {
		b.err = b.drain()
	}
	b.taken = time.Since(b.start)
}

var errStopped = errors.New("logging is stopped")

// keepPace waits after a request until the next one is due.
func (b *background) keepPace(points int) error {
	b.logged += points
	due := b.start.Add(time.Duration(float64(b.logged) / b.rate * float64(time.Second)))
	select {
	case <-b.stopped:
		return errStopped
	case <-time.After(time.Until(due)):
		return nil
	}
}

// stop waits for the end and gives the rate that was reached.
func (b *background) stop() float64 {
	close(b.stopped)
	b.done.Wait()
	return float64(b.logged) / b.taken.Seconds()
}
