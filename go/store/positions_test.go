package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/metrana/metrana/go/point"
)

// rlModel is what the step rules make of a series of env steps in one environment,
// worked out the plain way: every point that was taken is kept, and all else asked
// of these, each time.
type rlModel struct {
	points     []modelPoint // in the order they came
	duplicates uint64
}

type modelPoint struct {
	rlStep, minor  uint64
	flat           bool
	episode        int64 // -1: none
	attempt        int
	discarded      bool
	envStep, total int64
	value          float64
}

// of selects the points of an episode that no restart discarded.
func (m *rlModel) of(episode int64) (points []modelPoint) {
	for _, p := range m.points {
		if p.episode == episode && !p.discarded {
			points = append(points, p)
		}
	}
	return points
}

// furthest gives the number of env steps of an episode, and where the last one
// says that it began.
func furthest(points []modelPoint) (envSteps, origin int64) {
	for _, p := range points {
		if p.envStep >= envSteps {
			envSteps, origin = p.envStep+1, p.total-p.envStep
		}
	}
	return envSteps, origin
}

// timeline tells how many env steps there were, which episode took them there
// last, and how many there were before that.
func (m *rlModel) timeline() (total, leading, began int64) {
	leading = -1
	attempt := 0
	for _, p := range m.points {
		if p.episode == leading && p.attempt > attempt {
			total, attempt = began, p.attempt
		}
		if p.total < total {
			continue
		}
		if p.episode != leading {
			leading, attempt, began = p.episode, p.attempt, total
		}
		total = p.total + 1
	}
	return total, leading, began
}

// end is how many env steps there were at the end of an episode.
func (m *rlModel) end(episode int64) int64 {
	end, _, _ := m.timeline()
	for i, p := range m.of(episode) {
		if i == 0 {
			end = 0
		}
		end = max(end, p.total+1)
	}
	return end
}

// add applies one batch.
func (m *rlModel) add(b point.RLBatch, mayRestart bool) {
	next := modelPoint{rlStep: b.RLStep, flat: b.Flat, episode: -1}
	if b.HasEpisode {
		next.episode = int64(b.Episode)
	}
	first := int64(0)
	if b.Flat && b.FromOne && b.Minors.At(0) > 0 && (b.Minors.List == nil || slices.Min(b.Minors.List) > 0) {
		first = 1
	}
	total, leading, began := m.timeline()
	earlier := m.of(next.episode)
	if len(earlier) > 0 {
		next.attempt = earlier[0].attempt
	}
	origin := total - first
	if mayRestart && next.episode >= 0 && restartsModel(earlier, b) {
		for i, p := range m.points {
			m.points[i].discarded = p.discarded || p.episode == next.episode
		}
		earlier = nil
		next.attempt++
		if leading == next.episode {
			origin = began - first
		}
	}
	end, latest := furthest(earlier)
	if len(earlier) > 0 && leading == next.episode {
		origin = latest
	} else if len(earlier) > 0 {
		origin = total - end
	}
	base := baseOf(earlier, b, end)
	for i, value := range b.Values {
		p := next
		p.minor, p.value = b.Minors.At(i), value
		if slices.ContainsFunc(m.of(p.episode), func(o modelPoint) bool {
			return o.rlStep == p.rlStep && o.minor == p.minor && o.flat == p.flat
		}) {
			m.duplicates++
			continue
		}
		p.envStep = base + int64(p.minor)
		if p.total = origin + p.envStep; p.envStep < end {
			p.total = max(latest+p.envStep, 0)
		}
		m.points = append(m.points, p)
	}
}

func restartsModel(earlier []modelPoint, b point.RLBatch) bool {
	if len(earlier) == 0 {
		return false
	}
	first := b.Minors.At(0)
	if b.Flat {
		return first == 0 || b.FromOne && first == 1
	}
	return first == 0 && b.RLStep == earlier[0].rlStep
}

// baseOf is the env step of minor 0.
func baseOf(earlier []modelPoint, b point.RLBatch, end int64) int64 {
	if b.Flat {
		return 0
	}
	for _, p := range earlier {
		if p.rlStep == b.RLStep && !p.flat {
			return p.envStep - int64(p.minor)
		}
	}
	return end
}

// positions are points as a reader gets them.
func (m *rlModel) positions() (list []string) {
	points := slices.DeleteFunc(slices.Clone(m.points), func(p modelPoint) bool { return p.discarded })
	slices.SortStableFunc(points, func(a, b modelPoint) int { return int(a.rlStep) - int(b.rlStep) })
	for _, p := range points {
		list = append(list, fmt.Sprint(p.rlStep, p.episode, p.minor, p.envStep, p.total, p.value))
	}
	return list
}

// firstDifference says where two lists part, with what is around.
func firstDifference(got, want []string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	around := func(list []string) []string { return list[max(at-4, 0):min(at+4, len(list))] }
	return fmt.Sprintf("%d points, want %d; around point %d\n%q\nwant\n%q", len(got), len(want), at, around(got), around(want))
}

func readPositions(t *testing.T, r *Run, key point.Series, env string) (list []string) {
	t.Helper()
	c, err := r.RLPoints(r.byKey[key.Key()].no, r.byID[env].no, RLRange{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Values {
		episode := int64(c.Episodes[i])
		if c.HasEpisode != nil && !c.HasEpisode[i] {
			episode = -1
		}
		list = append(list, fmt.Sprint(c.RLSteps[i], episode, c.Minors[i], c.EnvSteps[i], int64(c.TotalSteps[i]), c.Values[i]))
	}
	return list
}

// randomBatch goes on with what there is, mostly, and else repeats it, leaves gaps,
// goes back or begins again.
func randomBatch(random *rand.Rand, m *rlModel, fromOne bool) point.RLBatch {
	b := point.RLBatch{HasEpisode: random.IntN(8) > 0, Episode: uint64(random.IntN(6)), FromOne: fromOne}
	_, leading, _ := m.timeline()
	if leading >= 0 && random.IntN(2) == 0 {
		b.Episode = uint64(leading)
	}
	for _, p := range m.points {
		b.RLStep = max(b.RLStep, p.rlStep)
	}
	b.RLStep += uint64(random.IntN(2))
	if random.IntN(6) == 0 {
		b.RLStep -= min(b.RLStep, uint64(random.IntN(4)))
	}
	episode := int64(b.Episode)
	if !b.HasEpisode {
		episode = -1
	}
	end, _ := furthest(m.of(episode))
	first := uint64(0)
	b.Flat = fromOne || random.IntN(2) == 0
	if b.Flat {
		first = uint64(end)
		if fromOne && end == 0 {
			first = 1
		}
	}
	switch random.IntN(8) {
	case 0:
		first += uint64(random.IntN(5))
	case 1:
		first -= min(first, uint64(random.IntN(5)))
	case 2:
		first = uint64(boolInt(fromOne))
	}
	b.Minors.First = first
	n := 1 + random.IntN(6)
	if random.IntN(5) == 0 {
		for range n {
			b.Minors.List = append(b.Minors.List, first+uint64(random.IntN(8)))
		}
	}
	for range n {
		b.Values = append(b.Values, random.NormFloat64())
	}
	return b
}

// crashable is a data directory that is closed, or loses its power, now and then.
type crashable struct {
	t      *testing.T
	random *rand.Rand
	fs     *vfs.MemFS
	db     *DB
}

func newCrashable(t *testing.T, random *rand.Rand) *crashable {
	c := &crashable{t: t, random: random, fs: vfs.NewCrashableMem()}
	c.open()
	t.Cleanup(func() { closed(t, c.db) })
	return c
}

func (c *crashable) open() {
	c.t.Helper()
	var err error
	if c.db, err = Open("data", Options{FS: c.fs}); err != nil {
		c.t.Fatal(err)
	}
	c.db.maxHead = 1 << 13
}

// disturb settles, closes and crashes at random.
func (c *crashable) disturb() {
	c.t.Helper()
	switch c.random.IntN(20) {
	case 0, 1, 2:
		must(c.t, runOf(c.t, c.db).settle(c.random.IntN(2) == 0))
	case 3:
		closed(c.t, c.db)
		c.open()
	case 4:
		crashed := c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.random.IntN(101), RNG: c.random})
		closed(c.t, c.db)
		c.fs = crashed
		c.open()
	}
}

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Of every series of env steps all positions are those of the model, whatever comes:
// restarts, gaps, resends, late points, other episodes in between, minors of both
// kinds, rolls, merges and crashes. Points of EPISODE scale lie at the end of their
// episode.
func TestPositionsAgainstAModel(t *testing.T) {
	for range 4 {
		testPositions(t, seeded(t))
	}
}

func testPositions(t *testing.T, random *rand.Rand) {
	c := newCrashable(t, random)
	envs := []string{"a", "b"}
	models := map[string]*rlModel{"a": {}, "b": {}}
	returns := map[string][]string{}
	lastReturn := uint64(0)
	for range 250 {
		env := envs[random.IntN(len(envs))]
		m := models[env]
		b, mayRestart := randomBatch(random, m, env == "b"), random.IntN(5) > 0
		resent := random.IntN(6) == 0
		episode := uint64(random.IntN(7))
		commit(t, runOf(t, c.db), func(tx *Tx) {
			no := tx.Environment(env)
			tx.AppendRL(tx.Series(reward, point.Ordered), no, b, mayRestart)
			m.add(b, mayRestart)
			if resent {
				tx.AppendRL(tx.Series(reward, point.Ordered), no, b, false)
				m.add(b, false)
			}
			tx.AppendRL(tx.Series(ret, point.Ordered), no, point.RLBatch{
				RLStep: lastReturn, Minors: point.Steps{First: episode}, Values: []float64{1},
			}, mayRestart)
		})
		returns[env] = append(returns[env], fmt.Sprint(lastReturn, int64(episode), episode, episode, m.end(int64(episode)), 1.0))
		lastReturn++
		c.disturb()
		r := runOf(t, c.db)
		for _, env := range envs {
			if len(models[env].points) == 0 {
				continue
			}
			if got, want := readPositions(t, r, reward, env), models[env].positions(); !slices.Equal(got, want) {
				t.Fatalf("%s after %+v: %s", env, b, firstDifference(got, want))
			}
			if got := readPositions(t, r, ret, env); !slices.Equal(got, returns[env]) {
				t.Fatalf("returns in %s after %+v: %s", env, b, firstDifference(got, returns[env]))
			}
		}
	}
	want := models["a"].duplicates + models["b"].duplicates
	if got := runOf(t, c.db).Stats().Duplicates; got != want {
		t.Fatalf("%d duplicates, want %d", got, want)
	}
}

// Series that log the same env steps lie at the same total steps, however requests
// cut them, in whichever order they come and though some are a few batches behind;
// those of other labels count by themselves.
func TestSeriesOfAnEnvironmentShareItsTotalSteps(t *testing.T) {
	for range 8 {
		testSharedSteps(t, seeded(t))
	}
}

func testSharedSteps(t *testing.T, random *rand.Rand) {
	c := newCrashable(t, random)
	type metric struct {
		key point.Series
		at  int // of the batches
	}
	metrics := make([]metric, 4)
	for i := range metrics {
		metrics[i].key = point.Series{Name: fmt.Sprint("metric ", i), Scale: point.ScaleEnvironmentStep, Labels: reward.Labels}
	}
	other := point.Series{Name: "metric 0", Scale: point.ScaleEnvironmentStep, Labels: []point.Label{{Key: "evaluation", Value: "true"}}}
	var batches []point.RLBatch
	m, evaluated := &rlModel{}, &rlModel{}
	for range 200 {
		b := randomBatch(random, m, false)
		if random.IntN(3) > 0 { // a new episode
			for _, p := range m.points {
				b.Episode = max(b.Episode, uint64(p.episode+1))
			}
		}
		m.add(b, true)
		batches = append(batches, b)
	}
	for slices.ContainsFunc(metrics, func(m metric) bool { return m.at < len(batches) }) {
		commit(t, runOf(t, c.db), func(tx *Tx) {
			env := tx.Environment("a")
			slowest := slices.MinFunc(metrics, func(a, b metric) int { return a.at - b.at }).at
			for _, i := range random.Perm(len(metrics)) {
				no := tx.Series(metrics[i].key, point.Ordered)
				for range min(random.IntN(12), slowest+12-metrics[i].at, len(batches)-metrics[i].at) {
					tx.AppendRL(no, env, batches[metrics[i].at], true)
					metrics[i].at++
				}
			}
			b := randomBatch(random, evaluated, false)
			evaluated.add(b, true)
			tx.AppendRL(tx.Series(other, point.Ordered), env, b, true)
		})
		c.disturb()
	}
	r := runOf(t, c.db)
	for _, metric := range metrics {
		if got, want := readPositions(t, r, metric.key, "a"), m.positions(); !slices.Equal(got, want) {
			t.Fatalf("%s: %s", metric.key.Name, firstDifference(got, want))
		}
	}
	if got, want := readPositions(t, r, other, "a"), evaluated.positions(); !slices.Equal(got, want) {
		t.Fatalf("evaluation: %s", firstDifference(got, want))
	}
}
