package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
)

// EnvironmentListing says which environments of a run are listed, and how.
type EnvironmentListing struct {
	Workspace, Project, Run string

	Filter     string // a condition on what they are at the run's latest episode
	Attribute  string // that they are ordered by; by id without
	Descending bool
	Inherited  bool // with those of which the run inherits points
}

// ListedEnvironment is an environment, and what is known of it.
type ListedEnvironment struct {
	ID string

	attributes []catalog.Attribute
}

// Pick gives some of its attributes, by path.
func (e ListedEnvironment) Pick(paths []string) []*common.Attribute {
	return pickAttributes(e.attributes, paths)
}

// Text gives one of its attributes as TextOf does.
func (e ListedEnvironment) Text(path string) string {
	i, found := slices.BinarySearchFunc(e.attributes, path, byPath)
	if !found {
		return ""
	}
	return TextOf(&e.attributes[i].Value)
}

// ListEnvironments gives the environments with points for which the filter holds, in order.
// Those that are inherited have the attributes that the parent had logged of them up to the
// fork, the run's own laid over them.
func (s *Service) ListEnvironments(l EnvironmentListing) ([]ListedEnvironment, error) {
	run, err := s.findRun(l.Workspace, l.Project, l.Run)
	if err != nil {
		return nil, s.failed(err)
	}
	things, err := run.listLatest(l.Inherited)
	if err != nil {
		return nil, s.failed(err)
	}
	if things, err = filterAndSort(things, &l.Filter, nil); err != nil {
		return nil, s.failed(err)
	}
	if l.Attribute != "" {
		if things, err = sortBy(things, grammar.Order{Path: l.Attribute, Descending: l.Descending}); err != nil {
			return nil, s.failed(err)
		}
	}
	return eachOf(things, func(t listed[environment]) ListedEnvironment {
		return ListedEnvironment{t.item.ID, t.attributes}
	}), nil
}

// listLatest lists environments as they are at the latest episode of any.
func (r runPoints) listLatest(inherited bool) ([]listed[environment], error) {
	points, err := r.rlPoints(inherited, false)
	if err != nil {
		return nil, err
	}
	envs := environmentsWithPoints(points)
	for i, env := range envs {
		episode, err := latestEpisodeIn(points, env)
		if err != nil {
			return nil, err
		}
		envs[i].LastEpisode, envs[i].LastMinorEpisode = episode, episode
	}
	at := anchor{episode: latest(envs).episode}
	things := make([]listed[environment], len(envs))
	for i, env := range envs {
		attributes, err := r.attributesIn(points, env, latestEpisode(env))
		if err != nil {
			return nil, err
		}
		things[i] = listed[environment]{
			item: environment{env, latestEpisode(env)},
			subject: subject{
				attributes: laidOver(attributes, workedOut(env)),
				sum:        func(q grammar.Series) (summary, error) { return summariseEnvironment(r.Name, points, env, at, q) },
			},
		}
	}
	sortByID(things)
	return things, nil
}

// EpisodeAttributesOf gives the attributes at some paths that hold at an episode of an
// environment. The points are those of the run; with those that it inherits, its
// attributes have those of its parents below them.
func EpisodeAttributesOf(run *catalog.Run, points RLPoints, env store.EnvInfo, episode uint64, paths []string) ([]*common.Attribute, error) {
	attributes, err := runPoints{Run: run}.attributesIn(points, env, episode)
	return pickAttributes(attributes, paths), err
}

// attributesIn are those of an environment that hold at an episode, inherited ones among them.
func (r runPoints) attributesIn(points RLPoints, env store.EnvInfo, episode uint64) ([]catalog.Attribute, error) {
	own := r.EnvAttributes(env.ID, &episode)
	h, inherits := points.(*heir)
	if !inherits || h.envs.before[env.No-1] == 0 {
		return own, nil
	}
	parent, exists, err := r.parent()
	if err != nil || !exists {
		return own, err
	}
	last, err := h.lastInherited(env.No)
	if err != nil {
		return nil, err
	}
	before, err := parent.attributesIn(h.parent, h.placed[h.envs.before[env.No-1]-1], min(episode, last))
	return laidOver(before, own), err
}

// laidOver gives attributes of both lists by path; those of the second count.
func laidOver(below, above []catalog.Attribute) []catalog.Attribute {
	all := make(map[string]catalog.Attribute, len(below)+len(above))
	for _, a := range slices.Concat(below, above) {
		all[a.Path] = a
	}
	return slices.SortedFunc(maps.Values(all), func(a, b catalog.Attribute) int { return strings.Compare(a.Path, b.Path) })
}
