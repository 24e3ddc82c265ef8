package query

import (
	"fmt"
	"slices"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/query/grammar"
	"github.com/metrana/metrana/go/store"
)

// placer tells of one environment whether it belongs at an rl_step or episode, and to
// which group. It looks again only where an attribute that is asked for may hold
// another value, or where series are asked for.
//
// Attributes are those that hold at the episode; at an rl_step, at the episode that
// the environment was in there.
type placer struct {
	*environmentGroups

	env       store.EnvInfo
	histories map[string]catalog.History
	changes   []uint64       // episodes at which what is asked for may change
	progress  store.Progress // along rl_steps, where something changes
	always    bool           // look at everything

	seen    bool
	segment int // between changes, of what was seen
	in      bool
	key     string
	parts   []groupPart
}

func (g *environmentGroups) placer(env store.EnvInfo) (*placer, error) {
	p := &placer{environmentGroups: g, env: env, histories: make(map[string]catalog.History)}
	p.ask(g.filter)
	for _, grouping := range g.groupings {
		if grouping.Path != "" {
			p.askAttribute(grouping.Path)
		} else {
			p.ask(grouping.Cond)
		}
	}
	slices.Sort(p.changes)
	p.changes = slices.Compact(p.changes)
	if g.byEpisode || len(p.changes) == 0 {
		return p, nil
	}
	var err error
	p.progress, err = g.run.points.Progress(env.No)
	return p, err
}

func (p *placer) ask(f grammar.Filter) {
	switch f := f.(type) {
	case grammar.And:
		for _, part := range f {
			p.ask(part)
		}
	case grammar.Or:
		for _, part := range f {
			p.ask(part)
		}
	case grammar.AttrCond:
		p.askAttribute(f.Path)
	case grammar.SeriesCond:
		p.always = true
	}
}

func (p *placer) askAttribute(path string) {
	if _, known := p.histories[path]; known {
		return
	}
	history := p.run.EnvHistory(p.env.ID, path)
	p.histories[path] = history
	p.changes = append(p.changes, history.Changes()...)
}

// varies tells whether the environment may be in another group, or in none, from one
// rl_step or episode to the next.
func (p *placer) varies() bool { return p.always || len(p.changes) > 0 }

// at looks at an rl_step or episode.
func (p *placer) at(x uint64) (in bool, key string, parts []groupPart, err error) {
	episode := x
	if !p.byEpisode {
		episode = p.progress.At(x)
	}
	segment, change := slices.BinarySearch(p.changes, episode)
	if change {
		segment++
	}
	if p.seen && !p.always && segment == p.segment {
		return p.in, p.key, p.parts, nil
	}
	p.seen, p.segment = true, segment
	p.in, p.key, p.parts = false, "", nil
	if err := p.look(p.subject(x, episode)); err != nil {
		return false, "", nil, err
	}
	return p.in, p.key, p.parts, nil
}

func (p *placer) look(thing subject) (err error) {
	if p.in, err = thing.holds(p.filter); !p.in || err != nil {
		return err
	}
	for _, grouping := range p.groupings {
		part, err := thing.part(grouping)
		if err != nil {
			return err
		}
		p.parts = append(p.parts, part)
	}
	if len(p.parts) > 0 {
		p.key = fmt.Sprint(p.parts)
	}
	return nil
}

// subject is what conditions see of the environment.
func (p *placer) subject(x, episode uint64) subject {
	where := anchor{episode: x}
	if !p.byEpisode {
		where = anchor{rlStep: &x}
	}
	computed := subject{attributes: workedOut(p.env)}
	return subject{
		find: func(path string) *catalog.Value {
			if v := computed.attribute(path); v != nil {
				return v
			}
			return p.histories[path].At(&episode)
		},
		sum: func(q grammar.Series) (summary, error) {
			return summariseEnvironment(p.run.Name, p.run.points, p.env, where, q)
		},
	}
}
