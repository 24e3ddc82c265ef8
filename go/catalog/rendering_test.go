package catalog

import (
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/metrana/metrana/go/store"
)

func film(environment string, episode uint64) Rendering {
	return Rendering{
		Environment: environment, Episode: episode, FirstRLStep: 1 << 40, LastRLStep: 1<<40 + 1,
		SHA256: sha256.Sum256([]byte(environment)), FPS: 29.97, Frames: 100, Size: 1 << 33, Received: noon,
	}
}

func filmsOf(t *testing.T, r *Run, environment *string) (list []Rendering) {
	t.Helper()
	must(t, r.Renderings(environment, func(v Rendering, damage error) error {
		list = append(list, v)
		return damage
	}))
	return list
}

func TestVideosOutliveARestartAndGoWithTheirRun(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	r, other := created(t, c, spec("a")), created(t, c, spec("b"))
	one, ten := "env-1", "env-10"
	for _, v := range []Rendering{film(ten, 0), film(one, 300), film(one, 2), film(one, 2)} {
		must(t, r.AddRendering(v))
	}
	must(t, other.AddRendering(film(one, 7)))
	end()
	c, _ = opened(t, disk)
	r, other = found(t, c, "a"), found(t, c, "b")
	if got, want := filmsOf(t, r, nil), []Rendering{film(one, 2), film(one, 300), film(ten, 0)}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := filmsOf(t, r, &one); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	must(t, c.DeleteRun("w", "p", "a"))
	if err := r.AddRendering(film(one, 9)); !errors.Is(err, ErrDeleting) {
		t.Errorf("got %v", err)
	}
	if len(filmsOf(t, r, nil)) != 0 || len(filmsOf(t, other, nil)) != 1 {
		t.Error("a deleted run shows videos, or another one lost its")
	}
}

// The key still says which file is meant, so that it is not taken for nobody's.
func TestADamagedRecordOfAVideoNamesItsFile(t *testing.T) {
	c, _ := opened(t, vfs.NewMem())
	r := created(t, c, spec("a"))
	v := film("e", 1)
	must(t, c.db.WriteRecords(func(w store.RecordWriter) error { return w.Put(renderingKey(r.ID, &v), []byte{2}) }))
	must(t, c.db.WriteRecords(func(w store.RecordWriter) error { return w.Put([]byte("vx"), nil) }))
	var seen []string
	must(t, c.Renderings(func(_ store.RunID, got Rendering, damage error) error {
		if damage == nil || !strings.Contains(damage.Error(), "corrupt") {
			t.Errorf("%+v, %v", got, damage)
		}
		seen = append(seen, got.Environment)
		if got.Environment == "e" && got.SHA256 != v.SHA256 {
			t.Errorf("%x", got.SHA256)
		}
		return nil
	}))
	if len(seen) != 2 {
		t.Errorf("%q", seen)
	}
}
