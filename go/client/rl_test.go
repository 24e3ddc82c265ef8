package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// rlTest is a logger with one series and some environments.
type rlTest struct {
	t      *testing.T
	s      *server
	l      *Logger
	series uint32
	envs   map[string]uint32
}

func newRLTest(t *testing.T, s *server) *rlTest {
	o := testOptions(s)
	o.BatchMaxAge = 0 // one message for each call
	r := &rlTest{t: t, s: s, l: opened(t, o), envs: map[string]uint32{}}
	number, err := r.l.Series(point.Series{Name: "m", Scale: point.ScaleEnvironmentStep}, point.Ordered)
	if err != nil {
		t.Fatal(err)
	}
	r.series = number
	return r
}

func (r *rlTest) env(id string) uint32 {
	r.t.Helper()
	number, err := r.l.Environment(id)
	if err != nil {
		r.t.Fatal(err)
	}
	return number
}

// log logs n values in each environment and returns what went over the wire.
func (r *rlTest) log(envs string, rlStep uint64, n int, ofEpisodes bool, shape Shape, episodes ...uint64) string {
	r.t.Helper()
	p := RLPoints{
		Series: r.series, RLStep: rlStep, OfEpisodes: ofEpisodes, EpisodeShape: shape, Episodes: episodes,
		TimeShape: One, Times: []int64{0},
	}
	for _, id := range strings.Fields(envs) {
		p.Environments = append(p.Environments, r.env(id))
	}
	p.Values = make([]float64, n*len(p.Environments))
	if err := r.l.RLPoints(&p, 0); err != nil {
		r.t.Fatal(err)
	}
	flush(r.t, r.l)
	messages := r.s.messages(0)
	var parts []string
	for _, group := range messages[len(messages)-1].RlSeries {
		for _, b := range group.RlStepBatches {
			parts = append(parts, group.EnvironmentId+" "+describeBatch(b))
		}
	}
	return strings.Join(parts, "; ")
}

// describeBatch writes a batch as "rl_step, ep, ~ where relative, first+count".
func describeBatch(b *types.RlStepBatch) string {
	text := fmt.Sprintf("rl%d ", b.RlStep)
	if b.Episode != nil {
		text += fmt.Sprintf("ep%d ", *b.Episode)
	}
	if !b.TreatMinorsAsFlatSteps {
		text += "~"
	}
	if len(b.MinorSteps) > 0 {
		return text + fmt.Sprint(b.MinorSteps)
	}
	return text + fmt.Sprintf("%d+%d", b.GetFirstMinorStep(), len(b.Values))
}

func (r *rlTest) close() {
	r.t.Helper()
	if err := closeLogger(r.l, time.Minute); err != nil {
		r.t.Fatal(err)
	}
	checkBalance(r.t, r.l)
}

func TestTheEnvStepAxisRunsThroughAnEpisode(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		r := newRLTest(t, s)
		f := func(want, envs string, rlStep uint64, n int, shape Shape, episodes ...uint64) {
			t.Helper()
			wantEqual(t, "wire", r.log(envs, rlStep, n, false, shape, episodes...), want)
		}
		f("a rl0 0+1", "a", 0, 1, None)
		f("a rl0 1+3", "a", 0, 3, None)
		f("a rl1 4+2", "a", 1, 2, None) // no episode is one endless counter
		f("b rl1 ep0 0+2; b rl1 ep1 0+2", "b", 1, 4, PerPoint, 0, 0, 1, 1)
		f("b rl2 ep1 2+1; b rl2 ep2 0+1", "b", 2, 2, PerPoint, 1, 2)
		f("b rl2 ep0 2+1", "b", 2, 1, One, 0) // an earlier episode goes on
		f("b rl3 ep2 1+5", "b", 3, 5, One, 2)
		f("a rl4 ep5 0+2; b rl4 ep6 0+2", "a b", 4, 2, PerRow, 5, 6)
		f("a rl4 6+1", "a", 4, 1, None)
		f("d rl4 ep0 0+2", "d d", 4, 1, One, 0) // as consecutive calls
		last := r.l.EnvironmentLast("b")
		wantText(t, "last of b", last, "{4 6 true true}")
		wantText(t, "last of nobody", r.l.EnvironmentLast("nobody"), "{0 0 false false}")
		r.close()
	})
}

func TestEpisodesGoOnOverRLSteps(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		r := newRLTest(t, s)
		f := func(want, envs string, rlStep uint64, n int, shape Shape, episodes ...uint64) {
			t.Helper()
			wantEqual(t, "wire", r.log(envs, rlStep, n, true, shape, episodes...), want)
		}
		f("a rl0 ~0+1", "a", 0, 1, None)
		f("a rl1 ~1+2; b rl1 ~0+2", "a b", 1, 2, None)
		f("a rl1 ~3+1", "a", 1, 1, None)
		f("a rl1 ~7+1", "a", 1, 1, One, 7)
		f("a rl2 ~8+1", "a", 2, 1, None)
		f("a rl2 ~[3 12]", "a", 2, 2, PerPoint, 3, 12)
		f("a rl2 ~13+1; b rl2 ~2+1", "a b", 2, 1, None)
		f("a rl3 ~20+1; b rl3 ~30+1", "a b", 3, 1, PerRow, 20, 30)
		wantText(t, "log_rl_episode leaves the last episode alone", r.l.EnvironmentLast("a"), "{3 0 true false}")
		r.close()
	})
}

// seedOldEnvironment lets the run have an environment of an earlier process.
func seedOldEnvironment(s *server) {
	s.init = []initScript{func(answer func(*ingestion.InitializeRunLoggingResponse) error) error {
		if err := answer(&ingestion.InitializeRunLoggingResponse{
			Msg: &ingestion.InitializeRunLoggingResponse_InitializedRun_{
				InitializedRun: &ingestion.InitializeRunLoggingResponse_InitializedRun{
					RunId: []byte("run"), OrchestrationIdentifier: &[]string{"job"}[0],
				},
			},
		}); err != nil {
			return err
		}
		return answer(terminator(&ingestion.InitializeRunLoggingResponse_EnvStatuses_EnvState{
			EnvName: "old", LastRlStep: 5, LastEpisode: 9,
		}))
	}}
}

func TestEpisodesOfEarlierProcessesAreNumberedWithinTheRLStep(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		seedOldEnvironment(s)
		r := newRLTest(t, s)
		f := func(want, envs string, rlStep uint64, n int, shape Shape, episodes ...uint64) {
			t.Helper()
			wantEqual(t, "wire", r.log(envs, rlStep, n, false, shape, episodes...), want)
		}
		wantText(t, "seed", r.l.EnvironmentLast("old"), "{5 9 true true}")
		f("old rl6 ep9 ~0+2", "old", 6, 2, One, 9)
		f("old rl6 ep9 ~2+1", "old", 6, 1, One, 9)
		f("old rl7 ep9 ~0+1", "old", 7, 1, One, 9)
		f("old rl7 ep10 0+1", "old", 7, 1, One, 10)
		f("old rl8 ep10 1+1", "old", 8, 1, One, 10)
		f("old rl8 ~0+1", "old", 8, 1, None)
		f("fresh rl8 ep3 0+1", "fresh", 8, 1, One, 3)
		wantEqual(t, "wire", r.log("old fresh", 8, 1, true, None), "old rl8 ~10+1; fresh rl8 ~0+1")
		r.close()
	})
}

func TestALowerRLStepWarns(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		r := newRLTest(t, s)
		r.log("a b", 5, 1, false, None)
		r.log("d", 4, 1, false, None) // new there
		wantEqual(t, "warnings", len(r.l.Events().Warnings), 0)
		r.log("a b", 4, 1, false, None)
		wantEqual(t, "warnings", len(r.l.Events().Warnings), 1)
		for range 100 {
			r.log("a", 4, 1, false, None)
		}
		wantEqual(t, "the budget and a last notice", len(r.l.Events().Warnings), warningBudget)
		r.close()
	})
}

// Relative to an rl_step that is over, a step would be the episode's first: the
// server would take it for a restart and discard the episode.
func TestWhatGoesBackToAnEarlierRLStepOfAnUnknownEpisodeIsLate(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		seedOldEnvironment(s)
		r := newRLTest(t, s)
		wantEqual(t, "wire", r.log("old", 6, 2, false, One, 9), "old rl6 ep9 ~0+2")
		wantEqual(t, "wire", r.log("old", 7, 1, false, One, 9), "old rl7 ep9 ~0+1")
		sent := len(s.messages(0))
		r.log("old", 6, 3, false, One, 9)
		wantEqual(t, "messages", len(s.messages(0)), sent)
		wantEqual(t, "dropped", r.l.Counters().Dropped[RLFloatPoints], 3)
		wantEqual(t, "wire", r.log("old fresh", 6, 2, false, One, 9), "fresh rl6 ep9 0+2")
		wantEqual(t, "dropped", r.l.Counters().Dropped[RLFloatPoints], 5)
		reports := r.l.Events().Warnings
		wantEqual(t, "reports", len(reports), 1)
		wantText(t, "it says what happened", strings.Contains(reports[0], "3 points") &&
			strings.Contains(reports[0], "rl_step 6"), "true")
		wantEqual(t, "wire", r.log("old", 7, 1, false, One, 9), "old rl7 ep9 ~1+1")
		r.close()
	})
}

func TestATrainingThatNeverChangesItsRLStepKeepsABoundedMemory(t *testing.T) {
	r := &rlSeries{}
	e := &environment{id: "a"}
	r.grow([]*environment{e})
	const episodes = 2*mostMore + 100
	for episode := range uint64(episodes) {
		if _, _, late := r.envSteps(e, episode, true, 1, 5); late {
			t.Fatalf("the new episode %d is late", episode)
		}
	}
	if len(r.more) > mostMore {
		t.Fatalf("%d counters are kept", len(r.more))
	}
	_, _, late := r.envSteps(e, 0, true, 1, 5)
	wantEqual(t, "a forgotten episode is late", late, true)
	first, _, late := r.envSteps(e, episodes-3, true, 1, 5)
	wantText(t, "one at hand is not", []any{first, late}, []any{5, false})
	first, flat, late := r.envSteps(e, 0, true, 2, 5)
	wantText(t, "nor at a later rl_step", []any{first, flat, late}, []any{0, false, false})
}

// Counters of long past episodes are dropped, and then the server's knowledge
// is relied on; those of the current rl_step never are.
func TestCountersOfPastEpisodesAreBounded(t *testing.T) {
	const many = 4096
	r := &rlSeries{}
	e := &environment{id: "a"}
	r.grow([]*environment{e})
	for episode := range uint64(3 * many) {
		r.envSteps(e, episode, true, 1, 5)
	}
	for _, episode := range []uint64{0, 100, 3*many - 1} {
		first, flat, _ := r.envSteps(e, episode, true, 1, 5)
		wantText(t, "same rl_step", []any{first, flat}, []any{5, true})
	}
	for episode := range uint64(3 * many) {
		r.envSteps(e, 100_000+episode, true, 2, 5)
	}
	if len(r.more) > 4*many {
		t.Fatalf("%d counters are kept", len(r.more))
	}
	first, flat, _ := r.envSteps(e, 0, true, 3, 5)
	wantText(t, "dropped", []any{first, flat}, []any{0, false})
	first, flat, _ = r.envSteps(e, 500_000, true, 3, 5)
	wantText(t, "new", []any{first, flat}, []any{0, true})
}

func TestLongRowsAreSplitWithContiguousSteps(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.MaxMessageSize = 4000
		l := opened(t, o)
		series := seriesOf(t, l, "m")
		env, err := l.Environment("a")
		if err != nil {
			t.Fatal(err)
		}
		p := RLPoints{
			Series: series, Environments: []uint32{env}, Values: make([]float64, 3000), TimeShape: PerPoint,
			Times: make([]int64, 3000),
		}
		for i := range p.Values {
			p.Values[i], p.Times[i] = float64(i), int64(i)
		}
		if err := l.RLPoints(&p, 0); err != nil {
			t.Fatal(err)
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		next := 0
		for _, frame := range s.frames(0) {
			if len(frame) > 4000 {
				t.Fatalf("a message has %d bytes", len(frame))
			}
			for _, group := range parse(t, frame).RlSeries {
				for _, b := range group.RlStepBatches {
					wantEqual(t, "first", b.GetFirstMinorStep(), uint64(next))
					for i, v := range b.Values {
						wantText(t, "point", []any{v, b.TimestampsMillis[i]}, []any{float64(next), next})
						next++
					}
				}
			}
		}
		wantEqual(t, "points", next, 3000)
		checkBalance(t, l)
	})
}

// One call of a thousand environments by a hundred steps, on the calling
// thread only.
func BenchmarkRLPoints(b *testing.B) {
	for _, columns := range []int{1, 100} {
		b.Run(fmt.Sprintf("1024x%d", columns), func(b *testing.B) {
			l := benchmarkLogger()
			p := benchmarkBlock(l, columns)
			b.ReportAllocs()
			for b.Loop() {
				if err := l.RLPoints(p, 0); err != nil {
					b.Fatal(err)
				}
				items, _ := l.queue.takeAll(nil, true)
				for _, it := range items {
					l.queue.giveBytes(it.bytes)
					l.release(it)
				}
			}
		})
	}
}

// The batcher's share of such a call: from the queue to an encoded request.
func BenchmarkBatcher(b *testing.B) {
	l := benchmarkLogger()
	p := benchmarkBlock(l, 100)
	requests := make(chan *request, 1000)
	batcher := newBatcher(l, requests, []byte("run"))
	b.ReportAllocs()
	b.SetBytes(int64(8 * len(p.Values)))
	for b.Loop() {
		b.StopTimer()
		if err := l.RLPoints(p, 0); err != nil {
			b.Fatal(err)
		}
		items, _ := l.queue.takeAll(nil, true)
		b.StartTimer()
		batcher.addAll(b.Context(), items)
		for len(requests) > 0 {
			l.chunks.put((<-requests).memory)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(p.Values)), "ns/point")
}

func benchmarkLogger() *Logger {
	l := &Logger{scalars: &steps{}, registry: newRegistry()}
	l.options = Options{QueueCapacity: 1 << 30, MaxMessageSize: 1 << 20, MemoryLimit: 1 << 40, BatchMaxAge: time.Second}
	l.state.Store(stateOpen)
	l.events = newEvents(Warn, func(bool) {})
	l.queue = newQueue(&l.options, l.scalars.Used())
	l.scalars.Register(0, 0)
	return l
}

func benchmarkBlock(l *Logger, columns int) *RLPoints {
	p := &RLPoints{EpisodeShape: One, Episodes: []uint64{3}, TimeShape: One, Times: []int64{0}}
	p.Series, _ = l.Series(point.Series{Name: "m", Scale: "ML_STEP"}, point.Ordered)
	for i := range 1024 {
		number, _ := l.Environment(fmt.Sprint("env-", i))
		p.Environments = append(p.Environments, number)
	}
	p.Values = make([]float64, 1024*columns)
	return p
}
