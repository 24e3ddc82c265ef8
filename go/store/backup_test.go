package store

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Backups are taken while requests, some with records of the catalog, are
// committed, rolled and merged: each has all that was acknowledged before it
// began, whole requests only, and nothing is wrong with it.
func TestBackupsWhileItIsWrittenTo(t *testing.T) {
	db := open(t, t.TempDir())
	db.maxHead, db.maxInline, db.journal.limit = 1<<12, 1<<10, 1<<12
	defer closed(t, db)
	r := runOf(t, db)
	stop := make(chan struct{})
	var mu sync.Mutex
	acknowledged := uint64(0)
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := uint64(0); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			tx := r.Begin()
			request(tx, i)
			if i%3 == 0 {
				if err := tx.Records().Put([]byte("last"), []byte{byte(i)}); err != nil {
					t.Error(err)
				}
			}
			pending, err := tx.Commit()
			if err = errors.Join(err, pending.Wait()); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			acknowledged = i + 1
			mu.Unlock()
		}
	})
	base := t.TempDir()
	for n := range 8 {
		mu.Lock()
		before := acknowledged
		mu.Unlock()
		backup, dir := base+"/b"+string(rune('0'+n)), base+"/r"+string(rune('0'+n))
		must(t, db.Backup(t.Context(), backup))
		stats, err := Restore(t.Context(), backup, dir, Options{}, func(fault error) { t.Error(fault) })
		must(t, err)
		restored := open(t, dir)
		again := runOf(t, restored)
		applied := again.sessions[7] / 256
		if applied < before || stats.Points != 6*applied {
			t.Errorf("%d requests with %d points; %d were acknowledged before", applied, stats.Points, before)
		}
		checkRequests(t, again, applied)
		if applied > 0 {
			record, found, err := restored.Record([]byte("last"))
			if err != nil || !found || record[0] != byte((applied-1)/3*3) {
				t.Errorf("after %d requests the record is %v, %v", applied, record, err)
			}
		}
		closed(t, restored)
	}
	close(stop)
	writer.Wait()
	names, err := db.fs.List(db.dir)
	must(t, err)
	for _, name := range names {
		if strings.HasPrefix(name, stagingPrefix) {
			t.Errorf("%s is left behind", name)
		}
	}
}

func TestBackupsTouchNothingThatIsThere(t *testing.T) {
	disk := vfs.NewMem()
	db := openOn(t, disk)
	log(t, numbered(t, db, 1), 3)
	must(t, db.Backup(t.Context(), "copy"))
	if err := db.Backup(t.Context(), "copy"); err == nil || !strings.Contains(err.Error(), "copy exists already") {
		t.Errorf("got %v", err)
	}
	must(t, disk.MkdirAll("other.part", 0o755))
	if err := db.Backup(t.Context(), "other"); err == nil || !strings.Contains(err.Error(), "other.part exists already") {
		t.Errorf("got %v", err)
	}
	if _, err := disk.Stat("other.part"); err != nil {
		t.Error("what was there is gone")
	}
	closed(t, db)
	report := func(error) {}
	if _, err := Restore(t.Context(), "copy", "data", Options{FS: disk}, report); err == nil || !strings.Contains(err.Error(), "data exists already") {
		t.Errorf("got %v", err)
	}
	if _, err := Restore(t.Context(), "nothing", "new", Options{FS: disk}, report); err == nil {
		t.Error("nothing was restored without an error")
	}
	must(t, disk.MkdirAll("data/backup-7/pebble", 0o755))
	db = openOn(t, disk)
	defer closed(t, db)
	if _, err := disk.Stat("data/backup-7"); err == nil {
		t.Error("what a backup left is still there")
	}
	holds(t, numbered(t, db, 1), 3)
}

func TestDamagedBackupIsNotRestored(t *testing.T) {
	base := t.TempDir()
	db := open(t, base+"/data")
	db.maxInline = 0
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { request(tx, 0) })
	must(t, r.settle(false))
	must(t, db.Backup(t.Context(), base+"/copy"))
	path := db.segmentPath(r.id, r.segments[0].number)
	closed(t, db)
	damage(t, strings.Replace(path, base+"/data", base+"/copy", 1))
	faults := 0
	_, err := Restore(t.Context(), base+"/copy", base+"/new", Options{}, func(error) { faults++ })
	if err == nil || faults != 1 {
		t.Errorf("%d faults, %v", faults, err)
	}
	if _, err := vfs.Default.Stat(base + "/new"); err == nil {
		t.Error("it was restored")
	}
	if _, err := vfs.Default.Stat(base + "/new.part"); err == nil {
		t.Error("a part of it is left")
	}
}

// smallDisk has as much room as a test says.
type smallDisk struct {
	vfs.FS

	left uint64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.left, TotalBytes: 1 << 40}, nil
}

func TestNearlyFullDiskIsNotWritable(t *testing.T) {
	disk := &smallDisk{vfs.NewMem(), spaceReserve}
	db := openOn(t, disk)
	defer closed(t, db)
	must(t, db.Writable())
	disk.left--
	db.space.looked = db.space.looked.Add(-lookEvery)
	var full *FullError
	if err := db.Writable(); !errors.As(err, &full) || full.Left != spaceReserve-1 || !strings.Contains(err.Error(), "255 MB left") {
		t.Errorf("got %v", err)
	}
	disk.left++
	db.space.looked = db.space.looked.Add(2 * lookEvery) // a clock that was set back
	must(t, db.Writable())
}
