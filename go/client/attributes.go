package client

import (
	"time"

	"github.com/metrana/metrana/go/wire"
)

// attributesCall is one call that sets attributes of the run, or of one of its
// environments.
type attributesCall struct {
	ofEnvironment bool
	environment   string
	episode       uint64
	hasEpisode    bool
	updates       []wire.AttributeUpdate
}

// Attributes sets attributes of the run: all of them, or none where one is
// invalid. The logger keeps the slice.
func (l *Logger) Attributes(updates []wire.AttributeUpdate, waited time.Duration) error {
	for i := range updates {
		if err := checkRunAttribute(&updates[i]); err != nil {
			return err
		}
	}
	return l.setAttributes(&attributesCall{updates: updates}, AttributeUpdates, waited)
}

// EnvAttributes sets attributes of an environment, or of one of its episodes
// where episode is not nil.
func (l *Logger) EnvAttributes(
	environment string, episode *uint64, updates []wire.AttributeUpdate, waited time.Duration,
) error {
	if err := checkEnvironment(environment); err != nil {
		return err
	}
	call := &attributesCall{ofEnvironment: true, environment: environment, updates: updates}
	if episode != nil {
		call.episode, call.hasEpisode = *episode, true
	}
	for i := range updates {
		if err := checkEnvironmentAttribute(&updates[i]); err != nil {
			return err
		}
	}
	return l.setAttributes(call, EnvAttributeUpdates, waited)
}

func (l *Logger) setAttributes(call *attributesCall, kind Kind, waited time.Duration) error {
	n := uint64(len(call.updates))
	if n == 0 {
		return nil
	}
	if err := l.usable(); err != nil {
		return err
	}
	var bytes int64
	for i := range call.updates {
		bytes += int64(call.updates[i].Size())
	}
	shed, err := l.takeRoom(bytes, waited)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	it := &item{calls: 1, bytes: bytes, attrs: call}
	it.counts[kind] = n
	if err := l.usable(); err != nil {
		if !shed {
			l.forget(it)
		}
		return err
	}
	l.counters.added[kind].Add(n)
	if shed {
		l.counters.dropped[kind].Add(n)
		if l.options.Backpressure == Raise {
			return ErrQueueFull
		}
		return nil
	}
	l.enqueue(it)
	return nil
}

// Attribute is one update of an attribute, and its kinds; callers of this
// package need not know the wire.
type Attribute = wire.AttributeUpdate

// The kinds of attributes.
const (
	AttributeNull           = wire.AttributeNull
	AttributeBool           = wire.AttributeBool
	AttributeString         = wire.AttributeString
	AttributeFloat          = wire.AttributeFloat
	AttributeInt            = wire.AttributeInt
	AttributeStringSet      = wire.AttributeStringSet
	AttributeStringSetDelta = wire.AttributeStringSetDelta
	AttributeTimestamp      = wire.AttributeTimestamp
)
