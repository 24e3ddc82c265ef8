package client

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire"
)

// stalled is a server that takes nothing but the first request.
func stalled(s *server) { s.scripts = []script{acknowledgeThen(1, nil)} }

// fill logs until the queue is full and everything behind it, too.
func fill(t *testing.T, l *Logger, series uint32) (logged uint64) {
	t.Helper()
	for {
		err := l.Points(&Points{Series: series, Values: []float64{1}}, 0)
		if errors.Is(err, ErrAgain) {
			return logged
		}
		if err != nil {
			t.Fatal(err)
		}
		logged++
		synctest.Wait()
	}
}

func fullOptions(s *server, strategy Backpressure) Options {
	stalled(s)
	o := testOptions(s)
	o.MaxPendingRequests, o.BatchMaxAge, o.QueueCapacity, o.Backpressure = 1, 0, 3, strategy
	return o
}

func TestDropNewShedsWhatFindsNoRoomInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, fullOptions(s, DropNew))
		series := seriesOf(t, l, "loss")
		logged := fill(t, l, series)
		p := Points{Series: series, Values: []float64{1, 2}}
		if err := l.Points(&p, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		c := l.Counters()
		wantEqual(t, "added", c.Added[FloatPoints], logged+2)
		wantEqual(t, "enqueued", c.Enqueued[FloatPoints], logged)
		wantEqual(t, "dropped", c.Dropped[FloatPoints], 2)
		last, _ := l.LastStep(series)
		wantEqual(t, "a shed point consumes its step: last", last, logged+1)
		if err := closeLogger(l, 0); err != nil {
			t.Fatal(err)
		}
		checkBalance(t, l)
	})
}

func TestOnceWaitingWasInVainNobodyWaitsUntilThereIsRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, fullOptions(s, DropNew))
		p := Points{Series: seriesOf(t, l, "loss"), Values: []float64{1}}
		fill(t, l, p.Series)
		begin := time.Now() // of the bubble, where only waiting takes time
		for waited := time.Duration(0); ; waited = time.Since(begin) {
			if err := l.Points(&p, waited); !errors.Is(err, ErrAgain) {
				break
			}
		}
		wantEqual(t, "the first call waits", time.Since(begin), l.options.EnqueueTimeout)
		for range 100 {
			if err := l.Points(&p, 0); err != nil {
				t.Fatal(err)
			}
		}
		wantEqual(t, "the others do not", time.Since(begin), l.options.EnqueueTimeout)
		wantEqual(t, "dropped", l.Counters().Dropped[FloatPoints], 101)
		l.queue.madeRoom(0)
		if err := l.Points(&p, 0); !errors.Is(err, ErrAgain) {
			t.Fatalf("once room was made a call waits again, but got %v", err)
		}
		if err := closeLogger(l, 0); err != nil {
			t.Fatal(err)
		}
		checkBalance(t, l)
	})
}

func TestRaiseShedsAndSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, fullOptions(s, Raise))
		series := seriesOf(t, l, "loss")
		fill(t, l, series)
		err := l.Points(&Points{Series: series, Values: []float64{1}}, 60*time.Millisecond)
		if !errors.Is(err, ErrQueueFull) || !strings.Contains(err.Error(), "send queue is full") {
			t.Fatalf("got %v", err)
		}
		if err := closeLogger(l, 0); err != nil {
			t.Fatal(err)
		}
		checkBalance(t, l)
	})
}

func TestBlockWaitsForRoomAndLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := fullOptions(s, Block)
		s.scripts = []script{acknowledgeThen(1, errUnavailable)} // ends after a second
		o.MaxSendRetries = -1
		l := opened(t, o)
		series := seriesOf(t, l, "loss")
		var n uint64
		for range 100 {
			p := Points{Series: series, Values: []float64{1}}
			err := l.Points(&p, time.Hour)
			for errors.Is(err, ErrAgain) {
				err = l.Points(&p, time.Hour)
			}
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "sent", checkBalance(t, l).Sent[FloatPoints], n)
	})
}

func TestTheMemoryLimitBoundsTheQueue(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		stalled(s)
		o := testOptions(s)
		o.MemoryLimit, o.MaxPendingRequests, o.MaxMessageSize = 10_000, 1, 1000
		l := opened(t, o)
		series := seriesOf(t, l, "loss")
		large := make([]float64, 5000)
		log(t, l, series, large...) // more than the limit, but alone
		err := l.Points(&Points{Series: series, Values: large}, 0)
		if !errors.Is(err, ErrAgain) {
			t.Fatalf("got %v", err)
		}
		if err := closeLogger(l, 0); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "dropped", checkBalance(t, l).Dropped[FloatPoints], 5000)
	})
}

func TestLatePointsAreDroppedAndReportedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		series := seriesOf(t, l, "loss")
		explicit := func(first uint64, values ...float64) {
			p := Points{Series: series, Values: values, First: first, HasFirst: true}
			if err := l.Points(&p, 0); err != nil {
				t.Fatal(err)
			}
		}
		explicit(10, 1, 2, 3) // 10, 11, 12
		explicit(5, 0)        // late
		explicit(11, 0, 0, 4) // 13 is new
		list := Points{Series: series, Values: []float64{0, 5, 0, 6}, Steps: []uint64{13, 20, 20, 21}, Times: []int64{0, 1, 2, 3}}
		if err := l.Points(&list, 0); err != nil {
			t.Fatal(err)
		}
		log(t, l, series, 7) // 22
		events := l.Events()
		wantEqual(t, "warnings", len(events.Warnings), 1)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		c := checkBalance(t, l)
		wantEqual(t, "added", c.Added[FloatPoints], 12)
		wantEqual(t, "dropped", c.Dropped[FloatPoints], 5)
		var steps []uint64
		var values []float64
		for _, b := range s.messages(0)[1].Series[0].PointBatches {
			for i, v := range b.Values {
				values = append(values, v)
				if len(b.Steps) > 0 {
					steps = append(steps, b.Steps[i])
				} else {
					steps = append(steps, b.GetFirstStep()+uint64(i))
				}
			}
		}
		wantText(t, "steps", steps, []uint64{10, 11, 12, 13, 20, 21, 22})
		wantText(t, "values", values, []float64{1, 2, 3, 4, 5, 6, 7})
	})
}

func TestUnorderedSeriesTakeAnyStep(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		identity := point.Series{Name: "loss", Scale: "ML_STEP"}
		series, err := l.Series(identity, point.Unordered)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []uint64{9, 3, 3} {
			p := Points{Series: series, Values: []float64{1}, First: step, HasFirst: true}
			if err := l.Points(&p, 0); err != nil {
				t.Fatal(err)
			}
		}
		last, _ := l.LastStep(series)
		wantEqual(t, "last", last, 9)
		_, err = l.Series(identity, point.Ordered)
		var invalid *ValidationError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "log_distributed") {
			t.Fatalf("mixing says %v", err)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "sent", checkBalance(t, l).Sent[FloatPoints], 3)
	})
}

func TestWhatValidationRefusesCountsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		series := seriesOf(t, l, "loss")
		f := func(err error) {
			t.Helper()
			var invalid *ValidationError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
		}
		one := []float64{1}
		f(l.Points(&Points{Series: 99, Values: one}, 0))
		f(l.Points(&Points{Series: series, Values: one, Steps: []uint64{1, 2}}, 0))
		f(l.Points(&Points{Series: series, Values: one, Times: []int64{1, 2}}, 0))
		f(l.Points(&Points{Series: series, Values: one, Steps: []uint64{1 << 63}}, 0))
		f(l.Points(&Points{Series: series, Values: []float64{1, 2}, First: math.MaxInt64, HasFirst: true}, 0))
		f(l.RLPoints(&RLPoints{Series: series, Environments: []uint32{0}, Values: one, TimeShape: One, Times: []int64{0}}, 0))
		f(l.Attributes([]wire.AttributeUpdate{{Path: "fine"}, {Path: "sys/status"}}, 0))
		f(l.Attributes([]wire.AttributeUpdate{{Path: "sys/tags", Kind: wire.AttributeString}}, 0))
		f(l.EnvAttributes("env", nil, []wire.AttributeUpdate{{Path: "latest_episode"}}, 0))
		f(l.EnvAttributes("Settings", nil, []wire.AttributeUpdate{{Path: "x"}}, 0))
		wantEqual(t, "counters", l.Counters().Added, [4]uint64{})
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "only the end of the run is sent", len(s.frames(0)), 2)
	})
}

func TestAttributesTravelInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.MaxMessageSize = 5000
		l := opened(t, o)
		text := strings.Repeat("x", 1000)
		var updates []wire.AttributeUpdate
		for range 12 {
			updates = append(updates, wire.AttributeUpdate{Path: "a", Kind: wire.AttributeString, String: text})
		}
		episode := uint64(3)
		if err := l.Attributes(updates, 0); err != nil {
			t.Fatal(err)
		}
		if err := l.EnvAttributes("e", &episode, updates, 0); err != nil {
			t.Fatal(err)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		run, env := 0, 0
		for i, frame := range s.frames(0) {
			if len(frame) > 5000 {
				t.Fatalf("message %d has %d bytes", i, len(frame))
			}
			m := parse(t, frame)
			run += len(m.Attributes)
			for _, e := range m.EnvAttrUpdates {
				wantText(t, "entry", []any{e.EnvironmentId, e.GetEpisode()}, []any{"e", 3})
				env += len(e.Attributes)
			}
		}
		wantEqual(t, "run attributes", run, 12)
		wantEqual(t, "environment attributes", env, 12)
		c := checkBalance(t, l)
		wantEqual(t, "sent", c.Sent[AttributeUpdates]+c.Sent[EnvAttributeUpdates], 24)
	})
}

func TestManyThreadsLoseNothingAndKeepTheirOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.MaxMessageSize, o.QueueCapacity, o.Backpressure = 2000, 100, Block
		l := opened(t, o)
		shared := seriesOf(t, l, "shared")
		var wait sync.WaitGroup
		for range 32 {
			wait.Go(func() {
				for range 125 {
					p := Points{Series: shared, Values: []float64{1, 2}}
					for errors.Is(l.Points(&p, 0), ErrAgain) {
					}
				}
			})
		}
		wait.Wait()
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "sent", checkBalance(t, l).Sent[FloatPoints], 8000)
		var next uint64
		for _, m := range s.messages(0) {
			for _, group := range m.Series {
				for _, b := range group.PointBatches {
					wantEqual(t, "first step", b.GetFirstStep(), next)
					next += uint64(len(b.Values))
				}
			}
		}
		wantEqual(t, "points", next, 8000)
	})
}

func TestErrorStrategies(t *testing.T) {
	f := func(strategy ErrorStrategy, atLog, atClose string) {
		t.Helper()
		attended := false
		e := newEvents(strategy, func(on bool) { attended = on })
		e.report(false, "lost %d", 5)
		wantEqual(t, "attention", attended, atLog != "{[] []}")
		wantEqual(t, "pending", e.pending(), atLog != "{[] []}")
		wantText(t, "at log", e.take(false), atLog)
		wantText(t, "at close", e.take(true), atClose)
		wantEqual(t, "attention after", attended, false)
		reported, _ := e.counts()
		wantEqual(t, "reported", reported, 1)
	}
	f(Silent, "{[] []}", "{[] []}")
	f(Warn, "{[lost 5] []}", "{[] []}")
	f(RaiseOnLog, "{[] [lost 5]}", "{[] []}")
	f(RaiseOnClose, "{[] []}", "{[] [lost 5]}")
}

func TestForcedLossesRaiseUnderEveryStrategy(t *testing.T) {
	for _, strategy := range []ErrorStrategy{Silent, Warn, RaiseOnLog, RaiseOnClose} {
		e := newEvents(strategy, func(bool) {})
		e.report(true, "refused")
		wantText(t, "at log", e.take(false), "{[] [refused]}")
	}
}

func TestOldReportsMakeRoomForNewOnes(t *testing.T) {
	e := newEvents(RaiseOnClose, func(bool) {})
	for i := range keptEvents + 3 {
		e.report(false, "%d", i)
	}
	reported, evicted := e.counts()
	wantEqual(t, "reported", reported, keptEvents+3)
	wantEqual(t, "evicted", evicted, 3)
	losses := e.takeLosses()
	wantEqual(t, "oldest", losses[0], "3")
}
