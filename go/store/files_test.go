package store

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Files in use stay open when they are forgotten; no more than the limit are kept.
func TestFilesAreKeptOpen(t *testing.T) {
	fs := vfs.NewMem()
	for i := range 4 {
		file, err := fs.Create(fmt.Sprint(i), vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = file.Write([]byte{byte(i)})
		must(t, err)
		must(t, file.Close())
	}
	f := newFiles(fs, 2)
	read := func(o *openFile, want byte) {
		t.Helper()
		b := make([]byte, 1)
		if _, err := o.ReadAt(b, 0); err != nil || b[0] != want {
			t.Fatalf("%v, %v", b, err)
		}
	}
	first, err := f.open("0")
	must(t, err)
	again, err := f.open("0")
	must(t, err)
	if again != first {
		t.Fatal("opened twice")
	}
	for i := 1; i < 4; i++ {
		o, err := f.open(fmt.Sprint(i))
		must(t, err)
		must(t, f.release(o))
	}
	if len(f.byPath) != 2 || f.order.Len() != 2 {
		t.Fatalf("%d are kept", len(f.byPath))
	}
	read(first, 0)
	must(t, f.forget("3"))
	must(t, f.forget("never"))
	must(t, f.release(first))
	read(again, 0)
	must(t, f.release(again))
	must(t, f.close())
	if _, err := f.open("missing"); err == nil {
		t.Fatal("opened what is not there")
	}
}
