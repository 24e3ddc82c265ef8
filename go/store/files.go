package store

import (
	"container/list"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxOpenFiles bounds the files of segments that are kept open between questions.
const maxOpenFiles = 256

// files keeps segments open: opening one takes longer than reading from it. A
// file that is removed, or not among those used last, is closed when nobody reads
// it any more.
type files struct {
	fs    vfs.FS
	limit int

	mu     sync.Mutex
	byPath map[string]*openFile
	order  *list.List // of *openFile, the last used in front
}

type openFile struct {
	vfs.File

	path    string
	readers int
	kept    *list.Element // nil once it is to be closed by its last reader
}

func newFiles(fs vfs.FS, limit int) *files {
	return &files{fs: fs, limit: limit, byPath: make(map[string]*openFile), order: list.New()}
}

// open gives a file to be read until release.
func (f *files) open(path string) (*openFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.byPath[path]; o != nil {
		o.readers++
		f.order.MoveToFront(o.kept)
		return o, nil
	}
	file, err := f.fs.Open(path)
	if err != nil {
		return nil, err
	}
	o := &openFile{File: file, path: path, readers: 1}
	o.kept = f.order.PushFront(o)
	f.byPath[path] = o
	for f.order.Len() > f.limit {
		err = errors.Join(err, f.drop(f.order.Back().Value.(*openFile)))
	}
	return o, err
}

func (f *files) release(o *openFile) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	o.readers--
	if o.kept == nil && o.readers == 0 {
		return o.Close()
	}
	return nil
}

// forget closes a file that is to be removed.
func (f *files) forget(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.byPath[path]; o != nil {
		return f.drop(o)
	}
	return nil
}

func (f *files) drop(o *openFile) error {
	f.order.Remove(o.kept)
	delete(f.byPath, o.path)
	if o.kept = nil; o.readers > 0 {
		return nil
	}
	return o.Close()
}

// close closes all; nobody may read any more.
func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var failed []error
	for f.order.Len() > 0 {
		failed = append(failed, f.drop(f.order.Back().Value.(*openFile)))
	}
	return errors.Join(failed...)
}
