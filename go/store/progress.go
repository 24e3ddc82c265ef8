package store

import (
	"maps"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// Progress is how an environment went through its episodes: at each rl_step at which
// it has points of any series in an episode, ascending, the highest of these episodes.
type Progress struct {
	RLSteps, Episodes []uint64
}

// At is the episode that the environment was in at an rl_step: that of the last
// rl_step up to there. Before the first it is 0.
func (p Progress) At(rlStep uint64) uint64 {
	i, exact := slices.BinarySearch(p.RLSteps, rlStep)
	if !exact {
		i--
	}
	if i < 0 {
		return 0
	}
	return p.Episodes[i]
}

// Progress reads the positions, and no values, of all points of an environment.
func (r *Run) Progress(env uint32) (Progress, error) {
	highest := make(map[uint64]uint64) // episode plus one by rl_step
	for _, info := range r.EnvSeries(env) {
		err := r.look(info.No, env, func(v view) error {
			for _, c := range []*held{&v.frozen, &v.head} {
				addProgress(highest, c.ints[colRLStep], c.ints[colEpisode])
			}
			return r.eachChunk(cellID{info.No, env}, v, func(blockInfo) bool { return true }, func(c storedChunk) error {
				addProgress(highest, c.head.position(c.at, colRLStep), c.head.position(c.at, colEpisode))
				return nil
			})
		})
		if err != nil {
			return Progress{}, err
		}
	}
	p := Progress{RLSteps: slices.Sorted(maps.Keys(highest))}
	for _, rlStep := range p.RLSteps {
		p.Episodes = append(p.Episodes, highest[rlStep]-1)
	}
	return p, nil
}

func addProgress(highest map[uint64]uint64, rlSteps, episodes chunk.Runs) {
	rlStep, episode := rlSteps.Cursor(), episodes.Cursor()
	for left := rlSteps.Len(); left > 0; {
		a, b := rlStep.Peek(), episode.Peek()
		n := min(levelOf(a), levelOf(b), left)
		if b.First > 0 {
			highest[a.First] = max(highest[a.First], b.First)
		}
		rlStep.Skip(n)
		episode.Skip(n)
		left -= n
	}
}
