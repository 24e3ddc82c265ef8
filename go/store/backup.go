package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// stagingPrefix begins the names of directories that a backup collects itself in.
const stagingPrefix = "backup-"

// Backup writes a copy of the data directory, as of one moment, to a directory
// that must not exist yet; it is a data directory of its own. Logging stands still
// only while links to the files are made, for some milliseconds; copying goes on beside it. What was
// acknowledged before the call is in it. After an error there is nothing.
func (db *DB) Backup(ctx context.Context, to string) error {
	part, err := newDirectory(db.fs, to)
	if err != nil {
		return err
	}
	staging := db.fs.PathJoin(db.dir, fmt.Sprintf("%s%d", stagingPrefix, db.backups.Add(1)))
	defer db.journal.endLinks()
	if err = db.journal.beginLinks(); err == nil {
		err = db.stageAll(staging)
	}
	if err == nil {
		err = copyTree(ctx, db.fs, staging, part)
	}
	if err == nil {
		err = errors.Join(db.fs.Rename(part, to), syncDirectory(db.fs, db.fs.PathDir(to)))
	}
	err = errors.Join(err, removeTree(db.fs, staging))
	if err != nil {
		return fmt.Errorf("store: backing up to %s: %w", to, errors.Join(err, removeTree(db.fs, part)))
	}
	return nil
}

// newDirectory says where a directory that must not exist yet is put together. A
// copy that was killed has left such a one; whoever put it there may remove it.
func newDirectory(files vfs.FS, dir string) (part string, err error) {
	part = dir + ".part"
	for _, path := range []string{dir, part} {
		if _, err := files.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("store: %s exists already: a copy goes to a new directory", path)
		}
	}
	return part, nil
}

// stage links what makes up the data directory now into another one. Meanwhile no
// Tx commits and no file is removed: what the manifests of the moment name is
// there, and the journal has every record up to the last that the database has.
func (db *DB) stage(dir string) error {
	db.cut.Lock()
	defer db.cut.Unlock()
	if err := db.journal.end(); err != nil {
		return err
	}
	if err := db.fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := db.pebble.Checkpoint(db.fs.PathJoin(dir, pebbleDirName), pebble.WithFlushedWAL()); err != nil {
		return err
	}
	for _, name := range []string{journalDir, segmentsDir} {
		if err := linkTree(db.fs, db.fs.PathJoin(db.dir, name), db.fs.PathJoin(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// eachFile visits the files below a directory; one that is missing has none.
func eachFile(files vfs.FS, dir string, visit func(path string, info vfs.FileInfo) error) error {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for i := 0; i < len(names) && err == nil; i++ {
		path := files.PathJoin(dir, names[i])
		var info vfs.FileInfo
		if info, err = files.Stat(path); err == nil {
			err = visit(path, info)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // nothing names it any more, or it was never finished
		}
	}
	return err
}

func linkTree(files vfs.FS, from, to string) error {
	return eachFile(files, from, func(path string, info vfs.FileInfo) error {
		if err := files.MkdirAll(to, 0o755); err != nil {
			return err
		}
		target := files.PathJoin(to, files.PathBase(path))
		if info.IsDir() {
			return linkTree(files, path, target)
		}
		return files.Link(path, target)
	})
}

func copyTree(ctx context.Context, files vfs.FS, from, to string) error {
	if err := makeDirectory(files, to); err != nil {
		return err
	}
	err := eachFile(files, from, func(path string, info vfs.FileInfo) error {
		target := files.PathJoin(to, files.PathBase(path))
		if info.IsDir() {
			return copyTree(ctx, files, path, target)
		}
		return copyFile(ctx, files, path, target)
	})
	return errors.Join(err, syncDirectory(files, to))
}

func copyFile(ctx context.Context, files vfs.FS, from, to string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	source, err := files.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := files.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

func removeTree(files vfs.FS, dir string) error {
	if _, err := files.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return files.RemoveAll(dir)
}

// removeStaging removes what a backup has left that was cut off.
func (db *DB) removeStaging() error {
	names, err := db.fs.List(db.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, stagingPrefix) {
			if err := db.fs.RemoveAll(db.fs.PathJoin(db.dir, name)); err != nil {
				return fmt.Errorf("store: removing what a backup left: %w", err)
			}
		}
	}
	return nil
}

// Checker reads something of a directory whole and reports each fault; its error
// says that it could not.
type Checker func(ctx context.Context, db *DB, report func(fault error)) error

// Restore copies a backup to a directory that must not exist yet, and reads the
// copy whole, with further checkers what is of others. Where anything is wrong with it, which report is told, there is
// nothing in the end but the error.
func Restore(ctx context.Context, backup, dir string, o Options, report func(fault error), further ...Checker) (CheckStats, error) {
	files := o.FS
	if files == nil {
		files = vfs.Default
	}
	part, err := newDirectory(files, dir)
	if err != nil {
		return CheckStats{}, err
	}
	stats, err := restore(ctx, files, backup, part, o, report, further)
	if err == nil {
		err = errors.Join(files.Rename(part, dir), syncDirectory(files, files.PathDir(dir)))
	}
	if err != nil {
		return stats, fmt.Errorf("store: restoring %s: %w", backup, errors.Join(err, removeTree(files, part)))
	}
	return stats, nil
}

func restore(ctx context.Context, files vfs.FS, backup, part string, o Options, report func(fault error), further []Checker) (stats CheckStats, err error) {
	o.ReadOnly = true
	source, err := Open(backup, o) // nobody writes to it meanwhile, and it is one
	if err != nil {
		return stats, err
	}
	if err := errors.Join(copyTree(ctx, files, backup, part), source.Close()); err != nil {
		return stats, err
	}
	db, err := Open(part, o)
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	faults := 0
	count := func(fault error) { faults++; report(fault) }
	stats, err = db.Check(ctx, count)
	for i := 0; i < len(further) && err == nil; i++ {
		err = further[i](ctx, db, count)
	}
	if err == nil && faults > 0 {
		err = fmt.Errorf("the backup has %d faults", faults)
	}
	return stats, err
}
