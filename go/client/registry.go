package client

import (
	"github.com/metrana/metrana/go/point"
)

// series is one series of the run, as this logger knows it.
type series struct {
	number   uint32 // from 1, also its declaration id
	identity point.Series
	ordering point.Ordering
	rl       *rlSeries // nil until it gets points of an environment
	late     bool      // late points were reported
}

// environment is one environment of the run.
type environment struct {
	id     string
	number uint32 // from 0
	// known: the server had points of it when this logger started.
	known       bool
	seedEpisode uint64

	hasRLStep, hasEpisode bool
	rlStep, episode       uint64 // the highest so far
}

// registry numbers series and environments. Logger.mu guards it.
type registry struct {
	series       []*series // by number; the first is nil
	byIdentity   map[string]*series
	slab         []environment  // not used yet
	environments []*environment // by number
	byID         map[string]*environment
}

func newRegistry() *registry {
	return &registry{
		series:     []*series{nil},
		byIdentity: map[string]*series{},
		byID:       map[string]*environment{},
	}
}

func (r *registry) addSeries(identity point.Series, ordering point.Ordering) *series {
	s := &series{number: uint32(len(r.series)), identity: identity, ordering: ordering}
	r.series = append(r.series, s)
	r.byIdentity[identity.Key()] = s
	return s
}

func (r *registry) addEnvironment(id string) *environment {
	// In slabs: a call walks through all its environments, and memory that lies
	// together is read together.
	if len(r.slab) == 0 {
		r.slab = make([]environment, 256)
	}
	e := &r.slab[0]
	r.slab = r.slab[1:]
	e.id, e.number = id, uint32(len(r.environments))
	r.environments = append(r.environments, e)
	r.byID[id] = e
	return e
}

func (r *registry) numbered(number uint32) (*series, error) {
	if number == 0 || int(number) >= len(r.series) {
		return nil, invalid("there is no series number %d", number)
	}
	return r.series[number], nil
}

// Series returns the number of a series, which is made when it is new.
func (l *Logger) Series(identity point.Series, ordering point.Ordering) (uint32, error) {
	if err := checkSeries(identity); err != nil {
		return 0, err
	}
	if err := l.usable(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.registry.byIdentity[identity.Key()]
	if s == nil {
		s = l.registry.addSeries(identity, ordering)
		l.scalars.Register(s.number, 0)
	}
	if (s.ordering == point.Unordered) != (ordering == point.Unordered) {
		return 0, invalid("series %s is logged with %s: it cannot be logged with %s as well",
			describe(identity), functionFor(s.ordering), functionFor(ordering))
	}
	return s.number, nil
}

// Environment returns the number of an environment, which is made when it is
// new.
func (l *Logger) Environment(id string) (uint32, error) {
	if err := checkEnvironment(id); err != nil {
		return 0, err
	}
	if err := l.usable(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.registry.byID[id]
	if e == nil {
		e = l.registry.addEnvironment(id)
	}
	return e.number, nil
}

// FindSeries returns the number of a series that exists, else 0.
func (l *Logger) FindSeries(identity point.Series) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.registry.byIdentity[identity.Key()]; s != nil {
		return s.number
	}
	return 0
}

// LastStep returns the highest step logged to a series or seeded for it.
func (l *Logger) LastStep(number uint32) (step uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number == 0 || int(number) >= len(l.registry.series) {
		return 0, false
	}
	next := l.scalars.Next(number)
	return next - 1, next > 0
}

// EnvironmentLast is what is known of the end of an environment.
type EnvironmentLast struct {
	RLStep, Episode       uint64
	HasRLStep, HasEpisode bool
}

// EnvironmentLast returns the highest rl_step and episode of an environment
// over all its series, those of earlier processes included.
func (l *Logger) EnvironmentLast(id string) EnvironmentLast {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.registry.byID[id]
	if e == nil {
		return EnvironmentLast{}
	}
	return EnvironmentLast{e.rlStep, e.episode, e.hasRLStep, e.hasEpisode}
}

// describe names a series for people.
func describe(s point.Series) string {
	text := s.Name
	if s.Scale != point.ScaleMLStep {
		text += " (" + s.Scale + ")"
	}
	if len(s.Labels) > 0 {
		text += " {" + s.FlatLabels() + "}"
	}
	return text
}

func functionFor(o point.Ordering) string {
	if o == point.Unordered {
		return "log_distributed"
	}
	return "log"
}
