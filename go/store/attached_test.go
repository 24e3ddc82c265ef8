package store

import (
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// meanwhileFS does something while a backup puts its directory together.
type meanwhileFS struct {
	vfs.FS

	meanwhile func()
}

func (f *meanwhileFS) MkdirAll(dir string, perm os.FileMode) error {
	if f.meanwhile != nil && strings.Contains(dir, stagingPrefix) {
		f.meanwhile()
		f.meanwhile = nil
	}
	return f.FS.MkdirAll(dir, perm)
}

// A file whose record is in the backup must not go before the backup has a link to it.
func TestAttachedFilesStayWhileABackupLinksThem(t *testing.T) {
	disk := &meanwhileFS{FS: vfs.NewMem()}
	db := openOn(t, disk)
	defer closed(t, db)
	path := disk.PathJoin(db.AttachedDir(), "aa", "video")
	must(t, disk.MkdirAll(disk.PathDir(path), 0o755))
	file, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	must(t, file.Close())
	removed := make(chan error, 1)
	disk.meanwhile = func() {
		begun := make(chan struct{})
		go func() {
			close(begun)
			removed <- db.RemoveAttached(path)
		}()
		<-begun
		if db.attached.TryLock() { // or the removal is waiting already
			t.Error("files may be removed while a backup links them")
			db.attached.Unlock()
		}
	}
	must(t, db.Backup(t.Context(), "copy"))
	must(t, <-removed)
	if _, err := disk.Stat("copy/renderings/aa/video"); err != nil {
		t.Error(err)
	}
	if _, err := disk.Stat(path); err == nil {
		t.Error("the file was not removed after the backup")
	}
}
