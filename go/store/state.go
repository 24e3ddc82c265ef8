package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/metrana/metrana/go/store/chunk"
)

// The state record holds what the memory of a run knows as of its last roll:
// the dictionary, what the step rules need, and what sums up each series.
// FORMAT.md draws it.
const stateVersion = 1

// capture writes the state down. The caller holds the lock.
func (r *Run) capture() []byte {
	var b []byte
	b = appendNumbers(b, r.points, r.duplicates, r.refused)
	b = binary.AppendUvarint(b, uint64(len(r.sessions)))
	for session, sequence := range r.sessions {
		b = binary.AppendUvarint(b, session)
		b = binary.AppendUvarint(b, sequence)
	}
	b = binary.AppendUvarint(b, uint64(len(r.environments)))
	for _, e := range r.environments {
		b = chunk.AppendBytes(b, e.id)
		b = appendNumbers(b, e.points, e.lastRLStep, e.lastEpisode, e.lastMinorEpisode)
		b = e.appendClocks(b)
	}
	b = binary.AppendUvarint(b, uint64(len(r.series)))
	for _, s := range r.series {
		b = appendSeriesKey(b, s.key, s.ordering)
		b = appendSeriesState(b, s)
	}
	return b
}

func appendNumbers(b []byte, numbers ...uint64) []byte {
	for _, v := range numbers {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func appendSeriesState(b []byte, s *series) []byte {
	if s.std == nil {
		b = append(b, 0)
	} else {
		std := &s.std.std
		b = appendNumbers(append(b, 1), std.count, std.first, std.last, uint64(std.lastTime), std.late)
		b = std.moments.append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(s.envs)))
	for _, c := range s.envs {
		if c == nil {
			b = append(b, 0)
			continue
		}
		b = appendNumbers(append(b, 1), c.rl.count, c.rl.maxEpisode, uint64(boolInt(c.rl.restarted)))
		b = appendNumbers(b, c.rl.total, c.rl.lead.episode, c.rl.lead.attempt, c.rl.total-c.rl.lead.began)
		b = appendEpisodeState(b, &c.rl.episode, c.rl.total)
		b = appendEpisodeState(b, &c.rl.endless, c.rl.total)
		b = c.sums.appendLast(b)
	}
	return b
}

// appendClocks writes total steps as what they are below the highest, which is short.
func (e *environment) appendClocks(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(e.clocks)))
	for _, labels := range slices.Sorted(maps.Keys(e.clocks)) {
		c := e.clocks[labels]
		b = chunk.AppendBytes(b, labels)
		b = appendNumbers(b, c.total, c.highest, uint64(len(c.older)))
		for _, e := range slices.Concat([]recentEpisode{c.newest}, c.older[c.next:], c.older[:c.next]) {
			b = appendNumbers(b, e.episode, e.attempt, c.total-e.begin, c.total-e.end)
		}
	}
	return b
}

func (e *environment) decodeClocks(d *decoder) {
	for range d.count() {
		c := e.clockOf(d.text())
		c.total, c.highest = d.number(), d.number()
		older := d.count()
		if d.err == nil && older > olderEpisodes {
			d.fail("too many recent episodes")
		}
		next := func() recentEpisode {
			return recentEpisode{d.number(), d.number(), c.total - d.number(), c.total - d.number()}
		}
		c.newest = next()
		for len(c.older) < older && d.err == nil {
			c.older = append(c.older, next())
		}
	}
}

func appendEpisodeState(b []byte, e *episodeState, total uint64) []byte {
	if !e.started {
		return append(b, 0)
	}
	kind := byte(1)
	if e.flat {
		kind = 2
	}
	return appendNumbers(append(b, kind), e.episode, e.attempt, e.first, e.rlStep, e.base, e.next, e.total, total-e.origin)
}

// appendLast writes the stretch that the next point may belong to.
func (s *stretches) appendLast(b []byte) []byte {
	if !s.begun {
		return append(b, 0)
	}
	last := &s.last
	b = appendNumbers(append(b, 1), last.rlStep, last.episode, last.attempt, last.count)
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(last.sum))
}

func decodeCarried(d *decoder) stretches {
	if d.byte() == 0 {
		return stretches{}
	}
	s := stretch{stretchPlace: stretchPlace{d.number(), d.number(), d.number()}, count: d.number(), continued: true}
	s.sum = math.Float64frombits(d.bits())
	return stretches{last: s, begun: true, carried: true}
}

// sealState completes the state with where the journal goes on.
func sealState(body []byte, journalFirst uint64) []byte {
	plain := append(appendNumbers(nil, journalFirst), body...)
	record := binary.AppendUvarint([]byte{stateVersion}, uint64(len(plain)))
	return sealed(chunk.Compress(record, plain))
}

// decodeState reads a state record into a run that was reset.
func (r *Run) decodeState(record []byte) error {
	src, err := opened(record)
	if err != nil {
		return err
	}
	d := decoder{src: src}
	if version := d.byte(); d.err == nil && version != stateVersion {
		return fmt.Errorf("%w: state of version %d", chunk.ErrCorrupt, version)
	}
	size := d.number()
	if d.err == nil && size > 1<<31 {
		d.fail("impossible size")
	}
	if d.err != nil {
		return d.err
	}
	plain, err := chunk.Decompress(d.src, int(size))
	if err != nil {
		return err
	}
	d = decoder{src: plain}
	r.journalFirst = d.number()
	r.journal = r.journalFirst
	r.points, r.duplicates, r.refused = d.number(), d.number(), d.number()
	for range d.count() {
		session := d.number()
		r.sessions[session] = d.number()
	}
	for range d.count() {
		e := r.addEnvironment(d.text())
		e.points, e.lastRLStep = d.number(), d.number()
		e.lastEpisode, e.lastMinorEpisode = d.number(), d.number()
		e.decodeClocks(&d)
	}
	for range d.count() {
		s := r.addSeries(d.seriesKey())
		r.decodeSeriesState(&d, s)
	}
	return d.err
}

func (r *Run) decodeSeriesState(d *decoder, s *series) {
	if d.byte() == 1 {
		c := r.cellOf(s, 0)
		c.std = stdState{count: d.number(), first: d.number(), last: d.number()}
		c.std.lastTime, c.std.late = int64(d.number()), d.number()
		c.std.moments = decodeMoments(d)
	}
	envs := d.count()
	if d.err == nil && envs > len(r.environments) {
		d.fail("unknown environment")
	}
	for env := 1; env <= envs && d.err == nil; env++ {
		if d.byte() == 0 {
			continue
		}
		c := r.cellOf(s, uint32(env))
		c.rl = rlState{count: d.number(), maxEpisode: d.number(), restarted: d.number() == 1}
		c.rl.total = d.number()
		c.rl.lead = lead{d.number(), d.number(), c.rl.total - d.number()}
		c.rl.episode, c.rl.endless = decodeEpisodeState(d, c.rl.total), decodeEpisodeState(d, c.rl.total)
		c.sums = decodeCarried(d)
	}
}

func decodeEpisodeState(d *decoder, total uint64) episodeState {
	kind := d.byte()
	if kind == 0 {
		return episodeState{}
	}
	return episodeState{
		started: true, flat: kind == 2, episode: d.number(), attempt: d.number(), first: d.number(),
		rlStep: d.number(), base: d.number(), next: d.number(), total: d.number(), origin: total - d.number(),
	}
}
