package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/metrana/metrana/go/store"
)

// Rendering tells of a video of an episode, or of a stretch of one, that lies in a
// file of its content's name.
type Rendering struct {
	Environment string
	Episode     uint64
	FirstRLStep uint64
	LastRLStep  uint64
	SHA256      [32]byte
	FPS         float64
	Frames      uint64
	Size        uint64 // bytes
	Received    time.Time
}

// Records of videos: 'v' + run, environment, 0, episode, first and last rl_step (8
// bytes each, big endian), SHA-256 of the file.
const (
	recordRendering = 'v'
	renderingTail   = 1 + 3*8 + 32 // behind the environment
)

func renderingKey(id store.RunID, v *Rendering) []byte {
	key := renderingPrefix(id, &v.Environment)
	for _, n := range []uint64{v.Episode, v.FirstRLStep, v.LastRLStep} {
		key = binary.BigEndian.AppendUint64(key, n)
	}
	return append(key, v.SHA256[:]...)
}

func renderingPrefix(id store.RunID, environment *string) []byte {
	prefix := append([]byte{recordRendering}, id[:]...)
	if environment != nil {
		prefix = append(append(prefix, *environment...), 0)
	}
	return prefix
}

// Check tells what a video cannot be of: a *NameError, or another error that says so.
func (v *Rendering) Check() error {
	rule := ""
	switch {
	case v.Environment == "":
		rule = "must not be empty"
	case len(v.Environment) > MaxKeyText:
		return &NameError{What: "environment", Name: v.Environment[:32] + "…", Rule: fmt.Sprintf("is longer than %d bytes", MaxKeyText)}
	case !utf8.ValidString(v.Environment):
		rule = "must be UTF-8"
	case strings.ContainsRune(v.Environment, 0):
		rule = "must not contain the character U+0000"
	}
	switch {
	case rule != "":
		return &NameError{What: "environment", Name: v.Environment, Rule: rule}
	case v.FirstRLStep > v.LastRLStep:
		return fmt.Errorf("a video goes from a lower rl_step to a higher one, not from %d to %d", v.FirstRLStep, v.LastRLStep)
	case !(v.FPS > 0) || math.IsInf(v.FPS, 0):
		return fmt.Errorf("frames a second must be above 0 and finite, not %v", v.FPS)
	case v.Frames == 0:
		return errors.New("a video has a frame at least, not 0")
	case v.Size == 0:
		return errors.New("a video has a byte at least, not 0")
	}
	return nil
}

// AddRendering notes a video of the run, whose file is durable already; it returns
// when that is durable, too. Noting the same again changes nothing. Errors: those of
// Check, ErrDeleting.
func (r *Run) AddRendering(v Rendering) error {
	if err := v.Check(); err != nil {
		return err
	}
	r.editing.Lock()
	defer r.editing.Unlock()
	if r.isDeleting() {
		return fmt.Errorf("%w: %q", ErrDeleting, r.Name)
	}
	key := renderingKey(r.ID, &v)
	if _, known, err := r.catalog.db.Record(key); known && err == nil {
		return nil
	}
	record := binary.LittleEndian.AppendUint64([]byte{1}, math.Float64bits(v.FPS))
	record = appendTime(appendUnsigned(appendUnsigned(record, v.Frames), v.Size), v.Received)
	err := r.catalog.db.WriteRecords(func(w store.RecordWriter) error { return w.Put(key, record) })
	if err != nil {
		return fmt.Errorf("catalog: noting a video of run %q: %w", r.Name, err)
	}
	return nil
}

// Renderings calls each for the videos of the run, or of one environment of it, by
// environment id, episode, first and last rl_step, until it returns an error. What a
// damaged record does not tell is 0, and damage says so.
func (r *Run) Renderings(environment *string, each func(v Rendering, damage error) error) error {
	return r.catalog.renderings(renderingPrefix(r.ID, environment), func(_ store.RunID, v Rendering, damage error) error {
		return each(v, damage)
	})
}

// Renderings calls each for the videos of all runs, as Run.Renderings does.
func (c *Catalog) Renderings(each func(run store.RunID, v Rendering, damage error) error) error {
	return c.renderings([]byte{recordRendering}, each)
}

func (c *Catalog) renderings(prefix []byte, each func(run store.RunID, v Rendering, damage error) error) error {
	return c.db.Records(prefix, func(key, record []byte, damage error) error {
		run, v, err := decodeRendering(key[1:], record, damage)
		if err != nil {
			err = fmt.Errorf("catalog: record %q: %w", key, err)
		}
		return each(run, v, err)
	})
}

// decodeRendering gives what the key says also where the record is damaged.
func decodeRendering(key, record []byte, damage error) (run store.RunID, v Rendering, err error) {
	if len(key) < len(run)+renderingTail {
		return run, v, errCorrupt
	}
	run, key = store.RunID(key[:len(run)]), key[len(run):]
	at := len(key) - renderingTail
	if key[at] != 0 || slices.Index(key[:at], 0) >= 0 {
		return run, v, errCorrupt
	}
	v.Environment, key = string(key[:at]), key[at+1:]
	for _, n := range []*uint64{&v.Episode, &v.FirstRLStep, &v.LastRLStep} {
		*n, key = binary.BigEndian.Uint64(key), key[8:]
	}
	v.SHA256 = [32]byte(key)
	if damage != nil {
		return run, v, damage
	}
	f := fields{src: record}
	if f.byte() != 1 {
		return run, v, errCorrupt
	}
	if bits := f.take(8); bits != nil {
		v.FPS = math.Float64frombits(binary.LittleEndian.Uint64(bits))
	}
	v.Frames, v.Size, v.Received = f.unsigned(), f.unsigned(), f.time()
	return run, v, f.err
}
