package store

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/metrana/metrana/go/point"
)

// change flips a bit of a file.
func change(t *testing.T, fs vfs.FS, path string, at int64) {
	t.Helper()
	file, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	b := make([]byte, 1)
	_, err = file.ReadAt(b, at)
	must(t, err)
	b[0] ^= 1
	_, err = file.WriteAt(b, at)
	must(t, errors.Join(err, file.Sync(), file.Close()))
}

// cutShort leaves the first bytes of a file.
func cutShort(t *testing.T, fs vfs.FS, path string, size int64) {
	t.Helper()
	file, err := fs.Open(path)
	must(t, err)
	b := make([]byte, size)
	_, err = io.ReadFull(file, b)
	must(t, errors.Join(err, file.Close()))
	file, err = fs.Create(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = file.Write(b)
	must(t, errors.Join(err, file.Sync(), file.Close()))
}

// crashed is what would be found if the power went now.
func crashed(disk *vfs.MemFS) *vfs.MemFS { return disk.CrashClone(vfs.CrashCloneCfg{}) }

// The power may go at any byte of a record: those before it are there, whole; it
// is not; and what is logged from then on is found after the next crash, too.
func TestJournalCutAtEveryByte(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	var ends []int64
	for i := range uint64(3) {
		commit(t, runOf(t, db), func(tx *Tx) { request(tx, i) })
		ends = append(ends, db.journal.size())
	}
	whole := crashed(disk)
	path := db.journal.path(1)
	closed(t, db)
	for size := int64(1); size <= ends[2]; size++ {
		want := uint64(0)
		for want < 3 && ends[want] <= size {
			want++
		}
		disk := crashed(whole)
		cutShort(t, disk, path, size)
		db := openOn(t, disk)
		r := runOf(t, db)
		if r.journal != want {
			t.Fatalf("cut at byte %d: %d records, want %d", size, r.journal, want)
		}
		checkRequests(t, r, want)
		commit(t, r, func(tx *Tx) { request(tx, want) })
		again := crashed(disk)
		closed(t, db)
		db = openOn(t, again)
		checkRequests(t, runOf(t, db), want+1)
		closed(t, db)
	}
}

// A record that was durable once and cannot be read any more is named; only its
// run suffers.
func TestDamageInTheJournalIsFound(t *testing.T) {
	for name, part := range map[string]int64{"head": -10, "record": 3} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			db := openOn(t, disk)
			log(t, numbered(t, db, 1), 3)
			log(t, numbered(t, db, 2), 3)
			log(t, numbered(t, db, 1), 3)
			damaged := db.journal.of(numbered(t, db, 1).id)[0]
			again := crashed(disk)
			closed(t, db)
			db = openOn(t, again)
			log(t, numbered(t, db, 3), 3) // a file behind it
			again = crashed(again)
			closed(t, db)
			change(t, again, db.journal.path(1), damaged.at+part)
			db = openOn(t, again)
			var faults []string
			_, err := db.Check(t.Context(), func(err error) { faults = append(faults, err.Error()) })
			must(t, err)
			if len(faults) == 0 || name == "record" && !strings.Contains(faults[0], "its journal record 0") ||
				name == "head" && !strings.Contains(faults[0], "cannot be read from byte 20") {
				t.Errorf("%q", faults)
			}
			holds(t, numbered(t, db, 3), 3)
			if name == "record" {
				holds(t, numbered(t, db, 2), 3)
			}
			closed(t, db)
			if name == "head" {
				_, err := again.Stat(db.journal.path(1) + ".damaged")
				must(t, err)
			}
		})
	}
}

// Files go when nobody needs them; a run that logs little does not keep all.
func TestJournalStaysShort(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	const fileSize = 1 << 20
	db.journal.limit, db.maxJournal = fileSize, 2*fileSize
	slow, fast := numbered(t, db, 1), numbered(t, db, 2)
	values := make([]float64, 1<<13)
	for i := range values {
		values[i] = math.Pi * float64(i)
	}
	const rounds = 80
	for i := range rounds {
		log(t, slow, 1)
		commit(t, fast, func(tx *Tx) {
			tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: uint64(i * len(values))}, Values: values})
		})
	}
	soon(t, func() bool { return db.journal.size() <= 3*fileSize })
	must(t, errors.Join(slow.settle(false), fast.settle(false)))
	if size := db.journal.size(); size > 2*fileSize {
		t.Errorf("the journal takes %d bytes when all is rolled", size)
	}
	holds(t, slow, rounds)
	again := crashed(disk)
	closed(t, db)
	if names, err := disk.List(db.journal.dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	db = openOn(t, again)
	defer closed(t, db)
	holds(t, numbered(t, db, 1), rounds)
	holds(t, numbered(t, db, 2), rounds*len(values))
}

// A file that is written over still has earlier records behind its end, which are of
// the same size and begin in the very place: none of them comes back after a crash.
func TestFilesAreWrittenOver(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	r := numbered(t, db, 1)
	fill := func(n int) {
		for range n {
			log(t, r, 1)
		}
	}
	fill(1) // this record has the series, too
	must(t, db.journal.end())
	fill(1)
	const records = 8
	size := db.journal.files[1].size - int64(fileHeadSize)
	db.journal.limit = int64(fileHeadSize) + records*size
	fill(records - 1)
	full := db.journal.files[1].number
	fill(1) // in the next file
	must(t, r.settle(false))
	if !slices.Equal(db.journal.spares, []uint64{full}) {
		t.Fatalf("files %v are kept to be written over, want %d", db.journal.spares, full)
	}
	fill(records - 1)
	const few = 3
	fill(few)
	last := db.journal.files[len(db.journal.files)-1].number
	if len(db.journal.spares) > 0 {
		t.Fatal("the file is not written over")
	}
	again := crashed(disk)
	closed(t, db)
	if names, err := disk.List(db.journal.dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	db = openOn(t, again)
	defer closed(t, db)
	found := slices.DeleteFunc(db.journal.of(r.id), func(p place) bool { return p.file != last })
	if len(found) != few {
		t.Errorf("%d records are found in the file that was written over, want %d", len(found), few)
	}
	holds(t, numbered(t, db, 1), 1+1+records-1+1+records-1+few)
}

// Spare files go when a server rests, and there are none while a backup reads files
// by names of its own.
func TestSpareFilesGo(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	defer closed(t, db)
	r := numbered(t, db, 1)
	spares := func() int {
		for range 3 {
			log(t, r, 10)
			log(t, r, 10)
			must(t, r.settle(false))
		}
		return len(db.journal.spares)
	}
	db.journal.limit = 100
	if spares() == 0 {
		t.Fatal("no file is kept")
	}
	must(t, db.journal.rest()) // something was appended since the start
	if len(db.journal.spares) == 0 {
		t.Error("files of a busy journal are not kept")
	}
	must(t, db.journal.rest())
	if n := len(db.journal.spares); n > 0 {
		t.Errorf("a journal that rests keeps %d files", n)
	}
	spares()
	must(t, db.journal.beginLinks())
	if n := spares(); n > 0 {
		t.Errorf("%d files may be written over while a backup reads them", n)
	}
	db.journal.endLinks()
	if spares() == 0 {
		t.Error("after a backup no file is kept any more")
	}
}

// A change that goes to the database makes those before it durable, which went
// to the journal: or else a crash could leave the later one alone.
func TestRecordsWaitForTheJournal(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	r := runOf(t, db)
	for i := range uint64(2) {
		tx := r.Begin()
		request(tx, i)
		if i == 1 {
			must(t, tx.Records().Put([]byte("k"), []byte("v")))
		}
		_, err := tx.Commit()
		must(t, err)
	}
	again := crashed(disk)
	closed(t, db)
	db = openOn(t, again)
	defer closed(t, db)
	if r := runOf(t, db); r.journal != 2 {
		t.Errorf("%d records", r.journal)
	}
	checkRequests(t, runOf(t, db), 2)
}

// soon waits for what is to come by itself.
func soon(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still not so after a minute")
		}
	}
}

// What a crash left half written at the end does not count, also when there are
// as many bytes as there should be; the next crash finds what came in its place.
func TestHalfWrittenEndIsPassedOver(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openOn(t, disk)
	for i := range uint64(3) {
		commit(t, runOf(t, db), func(tx *Tx) { request(tx, i) })
	}
	last := db.journal.of(runOf(t, db).id)[2]
	again := crashed(disk)
	closed(t, db)
	change(t, again, db.journal.path(1), last.at)
	for want := uint64(2); want < 5; want++ {
		db = openOn(t, again)
		checkRequests(t, runOf(t, db), want)
		commit(t, runOf(t, db), func(tx *Tx) { request(tx, want) })
		again = crashed(again)
		closed(t, db)
	}
}

// Whoever reads keeps seeing the same values while heads are filled anew, in
// memory that rolled ones have left.
func TestReadersKeepTheirValues(t *testing.T) {
	db := openOn(t, vfs.NewMem())
	defer closed(t, db)
	db.maxHead = 1 << 12
	r := runOf(t, db)
	fill := func(v float64, n int) {
		first := r.Stats().Points
		commit(t, r, func(tx *Tx) {
			tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: first}, Values: slices.Repeat([]float64{v}, n)})
		})
		r.mu.Lock()
		r.wait()
		r.mu.Unlock()
	}
	for v := range 5 {
		fill(float64(v), 1<<11)
	}
	if db.spareBytes.Load() == 0 {
		t.Error("no memory is kept for the next head")
	}
	tx := r.Begin()
	tx.Append(1, 1, point.Batch{Steps: point.Steps{First: r.points}, Values: []float64{99}})
	_, err := tx.Commit()
	must(t, err)
	must(t, r.look(1, 0, func(v view) error {
		fill(7, 1<<10)
		fill(8, 1<<10)
		if values := v.head.values(); len(values) != 1 || values[0] != 99 {
			t.Errorf("a reader's values became %v", values)
		}
		return nil
	}))
	for range 3 {
		db.rollIdle()
	}
	if bytes := db.spareBytes.Load(); bytes != 0 {
		t.Errorf("a run that rests keeps %d bytes", bytes)
	}
	points, err := r.Points(1, 0, math.MaxUint64)
	if err != nil || len(points.Values) != 12<<10+1 || points.Values[2<<11] != 2 || points.Values[5<<11] != 99 {
		t.Errorf("%d points, %v", len(points.Values), err)
	}
}

// failing makes operations on files of the journal fail; a write that fails has
// written the half.
type failing struct {
	vfs.FS

	writes, syncs atomic.Bool
	duringSync    func() // once
}

func (f *failing) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	if err != nil || !strings.HasPrefix(name, f.PathJoin("data", journalDir)) {
		return file, err
	}
	return &failingFile{file, f}, nil
}

type failingFile struct {
	vfs.File

	fs *failing
}

func (f *failingFile) Write(b []byte) (int, error) {
	if !f.fs.writes.Load() {
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:len(b)/2])
	return n, errors.Join(syscall.ENOSPC, err)
}

func (f *failingFile) SyncData() error {
	if f.fs.syncs.Load() {
		return syscall.EIO
	}
	if during := f.fs.duringSync; during != nil {
		f.fs.duringSync = nil
		during()
	}
	return f.File.SyncData()
}

// A full disk refuses requests; what was acknowledged stays, is read meanwhile,
// and logging goes on when there is room again.
func TestFullDiskRefusesAndRecovers(t *testing.T) {
	disk := vfs.NewCrashableMem()
	f := failing{FS: disk}
	db, err := Open("data", Options{FS: &f})
	must(t, err)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { request(tx, 0) })
	f.writes.Store(true)
	for range 3 {
		tx := r.Begin()
		request(tx, 1)
		if _, err := tx.Commit(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
		checkRequests(t, r, 1)
	}
	f.writes.Store(false)
	for i := range uint64(2) {
		commit(t, r, func(tx *Tx) { request(tx, i+1) })
	}
	again := crashed(disk)
	closed(t, db)
	db = openOn(t, again)
	defer closed(t, db)
	checkRequests(t, runOf(t, db), 3)
}

// While a file is ended in which half a record lies, because the disk was full
// for a moment, another run's record waits for the next file: behind the half it
// would never be found again.
func TestNothingIsWrittenBehindHalfARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{FS: vfs.NewMem()}
		db := &DB{fs: f, dir: "data", log: slog.New(slog.DiscardHandler), files: newFiles(f, 1)}
		j, err := openJournal(db)
		must(t, err)
		record := func() []byte { return append(framed(nil), "twelve bytes"...) }
		_, err = j.append(RunID{1}, 0, record())
		must(t, err)
		f.writes.Store(true)
		other := make(chan error, 1)
		f.duringSync = func() {
			f.writes.Store(false)
			go func() {
				ticket, err := j.append(RunID{2}, 0, record())
				other <- errors.Join(err, j.wait(ticket))
			}()
			synctest.Wait()
		}
		if _, err := j.append(RunID{1}, 1, record()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v", err)
		}
		must(t, <-other)
		found, err := openJournal(db)
		must(t, err)
		for _, id := range []RunID{{1}, {2}} {
			places := found.of(id)
			if len(places) != 1 {
				t.Fatalf("run %d has %d records", id[0], len(places))
			}
			sealed, err := found.read(places[0])
			must(t, err)
			if body, err := opened(sealed); err != nil || string(body) != "twelve bytes" {
				t.Errorf("%q, %v", body, err)
			}
		}
		must(t, errors.Join(j.end(), db.files.close()))
	})
}

// After a sync failed nobody knows what the disk has: nothing is acknowledged
// any more, nothing taken, and what was acknowledged before is still read.
func TestFailedSyncStopsTheJournal(t *testing.T) {
	disk := vfs.NewCrashableMem()
	f := failing{FS: disk}
	db, err := Open("data", Options{FS: &f})
	must(t, err)
	r := runOf(t, db)
	commit(t, r, func(tx *Tx) { request(tx, 0) })
	again := crashed(disk)
	f.syncs.Store(true)
	tx := r.Begin()
	request(tx, 1)
	pending, err := tx.Commit()
	must(t, err)
	for range 2 {
		if err := pending.Wait(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("got %v", err)
		}
	}
	f.syncs.Store(false)
	tx = r.Begin()
	request(tx, 2)
	if _, err := tx.Commit(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	if err := pending.Wait(); err == nil {
		t.Error("acknowledged although its sync had failed")
	}
	if err := db.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("closed with %v", err)
	}
	db = openOn(t, again)
	defer closed(t, db)
	checkRequests(t, runOf(t, db), 1)
}

// One sync serves all who wait for it.
func TestWaitersShareSyncs(t *testing.T) {
	var syncs atomic.Int64
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, journalSuffix) {
			syncs.Add(1)
		}
		return nil
	}))
	db, err := Open("data", Options{FS: fs})
	must(t, err)
	defer closed(t, db)
	var all []Pending
	for i := range uint64(50) {
		tx := runOf(t, db).Begin()
		request(tx, i)
		pending, err := tx.Commit()
		must(t, err)
		all = append(all, pending)
	}
	for _, pending := range all {
		must(t, pending.Wait())
	}
	// The catalog's database, whose files end alike, syncs its own.
	if n := syncs.Load(); n < 1 || n > 10 {
		t.Errorf("%d syncs for %d requests", n, len(all))
	}
}

func ExampleDB() {
	db, err := Open("data", Options{FS: vfs.NewMem()})
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()
	run, err := db.Run(RunID{1})
	if err != nil {
		panic(err)
	}
	tx := run.Begin()
	no := tx.Series(point.Series{Name: "loss", Scale: point.ScaleMLStep}, point.Ordered)
	tx.Append(no, 1, point.Batch{Steps: point.Steps{First: 0}, Values: []float64{0.5, 0.25}})
	pending, err := tx.Commit()
	if err != nil {
		panic(err)
	}
	fmt.Println(pending.Wait())
	// Output: <nil>
}
