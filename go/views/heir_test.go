package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// readRun is what plain numbers are worked out from.
type readRun interface {
	SeriesInfos() []store.SeriesInfo
	Environments() []store.EnvInfo
	FindEnvironment(id string) (no uint32, found bool)
	Points(no uint32, from, to uint64) (store.Columns, error)
	RLPoints(no, env uint32, sel store.RLRange) (store.RLColumns, error)
}

// pointsOf gives a run's own points, or a fork's with what it inherits.
func (w *world) pointsOf(name string, inherited bool) readRun {
	w.Helper()
	run, found := w.catalog.FindRun("w", "p", name)
	if !found {
		w.Fatalf("no run %q", name)
	}
	points, err := run.Points()
	if err != nil {
		w.Fatal(err)
	}
	if !inherited || run.Fork == nil {
		return points
	}
	return newPlainHeir(w.T, points, w.pointsOf(run.Fork.Parent, true), run.Fork.Step)
}

// forks makes a run "fork" that was forked from a fork, all of them of the same few episodes:
// many go on over a fork, and some points lie where others are inherited.
func (w *world) forks(random *rand.Rand, batches int) {
	w.Helper()
	var fork *catalog.Fork
	for i, name := range []string{"root", "child", "fork"} {
		_, _, err := w.catalog.InitRun(catalog.RunSpec{
			Workspace: "w", Project: "p", Run: name, Fork: fork, CreateProject: true, CreateWorkspace: true,
		})
		if err != nil {
			w.Fatal(err)
		}
		w.randomEpisodes(name, random, []int{3, 6, 5}[i], batches)
		fork = &catalog.Fork{Parent: name, Step: 4 + random.Uint64N(6)}
	}
}

// rlPoint is a point of a series in an environment.
type rlPoint struct {
	rlStep, episode, envStep, total uint64 // episode noEpisode without one
	value                           float64
	time                            int64
}

const noEpisode = math.MaxUint64

// plainHeir is a fork with what it inherits, point by point.
type plainHeir struct {
	*store.Run // its standard points

	infos  []store.SeriesInfo
	envs   []store.EnvInfo
	points map[[2]string][]rlPoint // by series and environment
}

func newPlainHeir(t *testing.T, own *store.Run, parent readRun, fork uint64) *plainHeir {
	t.Helper()
	h := &plainHeir{Run: own, points: make(map[[2]string][]rlPoint)}
	before, after := plainRL(t, parent), plainRL(t, own)
	for _, of := range []readRun{own, parent} {
		for _, info := range of.SeriesInfos() {
			if !slices.ContainsFunc(h.infos, func(s store.SeriesInfo) bool { return s.Identity == info.Identity }) {
				h.infos = append(h.infos, store.SeriesInfo{No: uint32(len(h.infos) + 1), Key: info.Key, Identity: info.Identity, RL: true})
			}
		}
		for _, env := range of.Environments() {
			if !slices.ContainsFunc(h.envs, func(e store.EnvInfo) bool { return e.ID == env.ID }) {
				h.envs = append(h.envs, store.EnvInfo{No: uint32(len(h.envs) + 1), ID: env.ID})
			}
		}
	}
	for key, list := range before {
		before[key] = slices.DeleteFunc(list, func(p rlPoint) bool { return p.rlStep > fork })
	}
	for _, info := range h.infos {
		for _, env := range h.envs {
			key := [2]string{info.Identity, env.ID}
			shift := h.totalsBefore(before, after, info, env.ID)
			h.points[key] = plainlyJoined(before[key], after[key], shift, info.Key.Scale == point.ScaleEpisode)
		}
	}
	return h
}

func plainRL(t *testing.T, run readRun) map[[2]string][]rlPoint {
	t.Helper()
	all := make(map[[2]string][]rlPoint)
	for _, info := range run.SeriesInfos() {
		for _, env := range run.Environments() {
			c, err := run.RLPoints(info.No, env.No, store.RLRange{})
			if err != nil {
				t.Fatal(err)
			}
			var list []rlPoint
			for i, v := range c.Values {
				episode := c.Episodes[i]
				if c.HasEpisode != nil && !c.HasEpisode[i] {
					episode = noEpisode
				}
				list = append(list, rlPoint{c.RLSteps[i], episode, c.EnvSteps[i], c.TotalSteps[i], v, c.Times[i]})
			}
			all[[2]string{info.Identity, env.ID}] = list
		}
	}
	return all
}

// plainlyJoined puts own points behind the last inherited one.
func plainlyJoined(before, own []rlPoint, shift uint64, episodic bool) []rlPoint {
	joined := slices.Clone(before)
	begins := make(map[uint64]uint64) // by episode, what its own env steps are counted on by
	for _, p := range own {
		if len(before) > 0 && p.rlStep <= before[len(before)-1].rlStep {
			continue
		}
		if _, seen := begins[p.episode]; !seen {
			end := uint64(0)
			for _, b := range before {
				if b.episode == p.episode {
					end = max(end, b.envStep+1)
				}
			}
			if p.envStep >= end || episodic {
				end = 0
			}
			begins[p.episode] = end
		}
		p.envStep += begins[p.episode]
		p.total += shift
		joined = append(joined, p)
	}
	return joined
}

// totalsBefore is the total step that a series' own points begin at.
func (h *plainHeir) totalsBefore(before, after map[[2]string][]rlPoint, of store.SeriesInfo, env string) uint64 {
	ends, shifts := make(map[string]uint64), make(map[string]uint64)
	for _, labels := range h.labels() {
		first := rlPoint{total: math.MaxUint64}
		episodes := make(map[uint64]uint64)
		known := false
		for _, info := range h.infos {
			if info.Key.FlatLabels() != labels || info.Key.Scale == point.ScaleEpisode {
				continue
			}
			key := [2]string{info.Identity, env}
			known = known || len(before[key])+len(after[key]) > 0
			for _, p := range before[key] {
				ends[labels] = max(ends[labels], p.total+1)
				episodes[p.episode] = max(episodes[p.episode], p.envStep+1)
			}
			for _, p := range after[key] {
				if p.total < first.total {
					first = p
				}
			}
		}
		if !known {
			continue
		}
		shifts[labels] = ends[labels]
		if end := episodes[first.episode]; end > 0 && first.total < math.MaxUint64 && first.envStep >= end {
			shifts[labels] += first.envStep - first.total - end
		}
	}
	if shift, known := shifts[of.Key.FlatLabels()]; known || of.Key.Scale != point.ScaleEpisode {
		return shift
	}
	furthest := ""
	for labels, end := range ends {
		if end > ends[furthest] {
			furthest = labels
		}
	}
	return shifts[furthest]
}

func (h *plainHeir) labels() []string {
	var all []string
	for _, info := range h.infos {
		all = append(all, info.Key.FlatLabels())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (h *plainHeir) SeriesInfos() []store.SeriesInfo { return slices.Clone(h.infos) }

func (h *plainHeir) Environments() []store.EnvInfo { return slices.Clone(h.envs) }

func (h *plainHeir) FindEnvironment(id string) (no uint32, found bool) {
	i := slices.IndexFunc(h.envs, func(e store.EnvInfo) bool { return e.ID == id })
	return uint32(i + 1), i >= 0
}

func (h *plainHeir) RLPoints(no, env uint32, sel store.RLRange) (c store.RLColumns, err error) {
	if sel.RLStep != nil {
		return c, fmt.Errorf("plain points are not chosen by rl_steps")
	}
	for _, p := range h.points[[2]string{h.infos[no-1].Identity, h.envs[env-1].ID}] {
		if sel.Episode != nil && (p.episode == noEpisode || p.episode < sel.Episode.From || p.episode > sel.Episode.To) {
			continue
		}
		c.RLSteps, c.Episodes, c.EnvSteps = append(c.RLSteps, p.rlStep), append(c.Episodes, p.episode), append(c.EnvSteps, p.envStep)
		c.HasEpisode, c.TotalSteps = append(c.HasEpisode, p.episode != noEpisode), append(c.TotalSteps, p.total)
		c.Values, c.Times = append(c.Values, p.value), append(c.Times, p.time)
	}
	return c, nil
}
