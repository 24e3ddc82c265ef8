package renderings

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// Tidy removes videos that no record names any more, as after runs were deleted,
// and uploads that were given up or whose runs are gone. A file that no record ever
// named, because the server was killed before it wrote one, stays for a day: who sent
// it may come again.
func (f *Files) Tidy() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	named, err := f.named()
	if err != nil {
		return err
	}
	var failed []error
	for content, v := range f.videos {
		if named[content] {
			v.named = true
		} else if v.pinned == 0 && (v.named || f.isOld(v.since)) {
			failed = append(failed, f.remove(content, v))
		}
	}
	for _, u := range f.coming {
		if !u.busy() && (f.isOld(u.touched) || f.isOfDeletedRun(u)) {
			failed = append(failed, f.removeUpload(u))
		}
	}
	return errors.Join(failed...)
}

// named gives the videos that records name. One that cannot be made out might name
// any of them.
func (f *Files) named() (map[sum]bool, error) {
	named := make(map[sum]bool)
	err := f.catalog.Renderings(func(_ store.RunID, v catalog.Rendering, damage error) error {
		if v.SHA256 == (sum{}) {
			return damage
		}
		if damage != nil {
			f.log.Error("the record of a video cannot be read; listings go without it", "error", damage)
		}
		named[v.SHA256] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renderings: reading the records of videos: %w", err)
	}
	return named, nil
}

func (f *Files) isOld(since time.Time) bool { return f.now().Sub(since) > abandoned }

func (f *Files) isOfDeletedRun(u *upload) bool {
	if u.spec == nil {
		return false
	}
	_, known := f.catalog.Run(u.spec.RunID)
	return !known
}

// TidyEvery tidies up each hour until ctx is done.
func (f *Files) TidyEvery(ctx context.Context) {
	each := time.NewTicker(time.Hour)
	defer each.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-each.C:
		}
		if err := f.Tidy(); err != nil {
			f.log.Error("tidying up among the videos", "error", err)
		}
	}
}
