// Package renderings keeps videos of episodes: files by their content beside the
// store, how they come over HTTP piece by piece, and how they are played. README.md
// draws what lies on disk and what is said on the wire.
package renderings

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// DefaultQuota is how many bytes all videos together may take.
const DefaultQuota = 10_000_000_000

const (
	// maxFile is how many bytes one video may have.
	maxFile = 1 << 30
	// maxUploads is how many may be under way.
	maxUploads = 1000
	// abandoned is for how long nobody goes on with an upload that is given up.
	abandoned = 24 * time.Hour
)

// Options say how much is kept.
type Options struct {
	Quota  uint64       // bytes; 0: nothing is taken
	Logger *slog.Logger // nil: discarded
}

// sum is the SHA-256 of a video: its name.
type sum [sha256.Size]byte

func (s sum) String() string { return hex.EncodeToString(s[:]) }

// extension ends the names of videos.
const extension = ".mp4"

// ContentType is what a video is sent as.
const ContentType = "video/mp4"

// PathOf is where a video is served, on the server's own address.
func PathOf(content [sha256.Size]byte) string { return prefix + sum(content).String() + extension }

// Files are the videos of a data directory. Methods may be called from any
// goroutine. What of it lies in memory is an entry of some hundred bytes a video.
type Files struct {
	db      *store.DB
	catalog *catalog.Catalog
	dir     string // of videos
	uploads string // of those that are under way
	quota   uint64
	maxFile uint64
	log     *slog.Logger
	now     func() time.Time

	mu       sync.Mutex
	videos   map[sum]*video
	coming   map[string]*upload
	stored   uint64 // bytes of videos
	reserved uint64 // bytes that uploads may come to
}

// video is a file that is whole and durable.
type video struct {
	size   uint64
	since  time.Time
	named  bool // by a record
	pinned int  // a record is being written
}

// Open finds the videos of an open data directory, and what is left of uploads.
func Open(db *store.DB, index *catalog.Catalog, o Options) (*Files, error) {
	f := &Files{
		db: db, catalog: index, dir: db.AttachedDir(), uploads: filepath.Join(filepath.Dir(db.AttachedDir()), "uploads"),
		quota: o.Quota, maxFile: maxFile, log: o.Logger, now: time.Now,
		videos: make(map[sum]*video), coming: make(map[string]*upload),
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(f.findVideos(), f.findUploads()); err != nil {
		return nil, fmt.Errorf("renderings: looking through %s: %w", f.dir, err)
	}
	if err := f.Tidy(); err != nil {
		f.log.Error("records of videos cannot be read; all videos stay", "error", err)
		for _, v := range f.videos {
			v.named = true
		}
	}
	return f, nil
}

func (f *Files) findVideos() error {
	return eachFile(f.dir, func(path string, info fs.FileInfo) error {
		name, isVideo := strings.CutSuffix(info.Name(), extension)
		content, err := parseSum(name)
		if !isVideo || err != nil || path != f.pathOf(content) {
			f.log.Warn("a file among the videos is none and is left alone", "path", path)
			return nil
		}
		f.videos[content] = &video{size: uint64(info.Size()), since: info.ModTime()}
		f.stored += uint64(info.Size())
		return nil
	})
}

// eachFile visits the files below a directory, which need not exist.
func eachFile(dir string, visit func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return visit(path, info)
	})
}

func parseSum(text string) (s sum, err error) {
	if len(text) != hex.EncodedLen(len(s)) || strings.ToLower(text) != text {
		return s, fmt.Errorf("%q is no SHA-256 in %d small hexadecimal digits", text, hex.EncodedLen(len(s)))
	}
	_, err = hex.Decode(s[:], []byte(text))
	return s, err
}

func (f *Files) pathOf(content sum) string { return videoPath(f.dir, content) }

func videoPath(dir string, content sum) string {
	name := content.String()
	return filepath.Join(dir, name[:2], name+extension)
}

// open opens a video to be read; fs.ErrNotExist when there is none.
func (f *Files) open(content sum) (*os.File, error) {
	f.mu.Lock()
	_, known := f.videos[content]
	f.mu.Unlock()
	if !known {
		return nil, fs.ErrNotExist
	}
	return os.Open(f.pathOf(content))
}

// pin keeps a video, if it is there, until unpin.
func (f *Files) pin(content sum, size uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.whole(content, size)
	if v == nil {
		return false
	}
	v.pinned++
	return true
}

// whole gives a video, unless somebody has removed or cut its file. The caller holds
// the lock.
func (f *Files) whole(content sum, size uint64) *video {
	v := f.videos[content]
	if v == nil || v.size != size {
		return nil
	}
	if info, err := os.Stat(f.pathOf(content)); err != nil || uint64(info.Size()) != size {
		return nil
	}
	return v
}

// unpin lets go of a video; named says that a record of it is durable.
func (f *Files) unpin(content sum, named bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.videos[content]
	v.pinned--
	v.named = v.named || named
	if v.named || v.pinned > 0 {
		return nil
	}
	return f.remove(content, v)
}

// adopt gives a whole and durable file its place, unless its content has one, and
// pins it.
func (f *Files) adopt(part string, content sum, size uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.whole(content, size); v != nil {
		v.pinned++
		return nil
	}
	path := f.pathOf(content)
	err := makeDirectory(filepath.Dir(path))
	if err == nil {
		err = os.Rename(part, path)
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	v := f.videos[content] // of a file that was damaged
	if v == nil {
		v = new(video)
		f.videos[content] = v
	}
	f.stored -= v.size
	v.size, v.since = size, f.now()
	v.pinned++
	f.stored += size
	return nil
}

func (f *Files) remove(content sum, v *video) error {
	err := f.db.RemoveAttached(f.pathOf(content))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renderings: removing a video: %w", err)
	}
	delete(f.videos, content)
	f.stored -= v.size
	return nil
}

// makeDirectory makes a directory and those it lies in, and syncs where each lies.
func makeDirectory(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDirectory(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(parent)
}

func syncDirectory(dir string) error {
	opened, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
