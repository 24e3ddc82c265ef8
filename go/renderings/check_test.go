package renderings

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

func (w *world) faults(dir string) (faults []string, stats CheckStats) {
	w.Helper()
	db, err := store.Open(dir, store.Options{ReadOnly: true})
	w.must(err)
	defer func() { w.must(db.Close()) }()
	index, err := catalog.Open(db)
	w.must(err)
	stats, err = Check(w.Context(), db, index, func(fault error) { faults = append(faults, fault.Error()) })
	w.must(err)
	return faults, stats
}

func TestCheckReadsWhatRecordsName(t *testing.T) {
	w := newWorld(t)
	run := w.run("r")
	first, second, third := clip(1, 5000), clip(2, 6000), clip(3, 7000)
	urls := []string{w.upload(run, 0, first), w.upload(run, 1, second), w.upload(run, 2, third), w.upload(run, 3, third)}
	w.stop()
	if faults, stats := w.faults(w.dir); len(faults) != 0 || stats != (CheckStats{Renderings: 4, Files: 3}) {
		t.Errorf("%q, %+v", faults, stats)
	}
	path := func(url string) string {
		content, _ := contentOf(url)
		return videoPath(filepath.Join(w.dir, "renderings"), content)
	}
	w.must(os.Remove(path(urls[0])))
	second[4000] ^= 1
	w.must(os.WriteFile(path(urls[1]), second, 0o644))
	faults, _ := w.faults(w.dir)
	if all := strings.Join(faults, "\n"); len(faults) != 2 || !strings.Contains(all, path(urls[0])) || !strings.Contains(all, path(urls[1])+" is damaged") {
		t.Errorf("%q", faults)
	}
	w.start()
	second[4000] ^= 1
	w.upload(w.run("r"), 0, first) // what is missing may be sent again
	w.must(os.Remove(path(urls[2])))
	w.upload(w.run("r"), 2, third) // also when it goes while the server runs
	if got := w.ask("GET", urls[2], nil, nil); got.text != string(third) || w.files.stored != 5000+6000+7000 {
		t.Errorf("%d bytes, %d stored", len(got.text), w.files.stored)
	}
	w.stop()
	if faults, _ := w.faults(w.dir); len(faults) != 1 {
		t.Errorf("%q", faults)
	}
}

// Runs are deleted while backups are taken: none names a video that it has not.
func TestBackupsHaveTheVideosOfTheirMoment(t *testing.T) {
	w := newWorld(t)
	base := t.TempDir()
	keep := w.upload(w.run("keep"), 0, clip(0, 3000))
	for i := range 6 {
		name := "run-" + string(rune('a'+i))
		run := w.run(name)
		for episode := range uint64(8) {
			w.upload(run, episode, clip(byte(1+i*8)+byte(episode), 3000))
		}
		backup, restored := filepath.Join(base, name), filepath.Join(base, "restored-"+name)
		backedUp := make(chan error, 1)
		go func() { backedUp <- w.db.Backup(context.Background(), backup) }()
		w.must(w.catalog.DeleteRun("w", "p", name))
		w.must(w.files.Tidy())
		w.must(<-backedUp)
		_, err := store.Restore(t.Context(), backup, restored, store.Options{}, func(fault error) { t.Error(fault) },
			func(ctx context.Context, db *store.DB, report func(error)) error {
				index, err := catalog.Open(db)
				if err == nil {
					_, err = Check(ctx, db, index, report)
				}
				return err
			})
		w.must(err)
		_, stats := w.faults(restored)
		if stats.Renderings != 1 && stats.Renderings != 9 {
			t.Errorf("%+v: half a run is in the backup", stats)
		}
	}
	w.is(w.ask("GET", keep, nil, nil), 200)
}
