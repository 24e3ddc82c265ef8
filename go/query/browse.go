package query

import (
	"slices"
	"strings"
)

// Browsing shows one level of names that have `/` in them: the directories
// directly below a directory, by their whole path, and the entries in it.

// browsed is a directory or an entry.
type browsed[T any] struct {
	directory string // empty: an entry
	entry     T
}

// browse picks one level out of entries that are sorted by key. The root is the
// empty directory.
func browse[T any](entries []T, name func(T) string, directory string) []browsed[T] {
	prefix := ""
	if directory != "" {
		prefix = strings.TrimSuffix(directory, "/") + "/"
	}
	var directories []string
	var here []browsed[T]
	for _, entry := range entries {
		rest, below := strings.CutPrefix(name(entry), prefix)
		if !below || rest == "" {
			continue
		}
		if i := strings.Index(rest, "/"); i >= 0 {
			directories = append(directories, prefix+rest[:i])
			continue
		}
		here = append(here, browsed[T]{entry: entry})
	}
	slices.Sort(directories)
	var level []browsed[T]
	for _, path := range slices.Compact(directories) {
		level = append(level, browsed[T]{directory: path})
	}
	return append(level, here...)
}

// browsePage cuts a page of one level: directories first.
func browsePage[T any](
	entries []T, name, key func(T) string, directory string, limit *int64, token *string,
) (directories []string, page []T, next *string, err error) {
	keyOf := func(b browsed[T]) string {
		if b.directory != "" {
			return "d" + b.directory
		}
		return "e" + key(b.entry)
	}
	level, next, err := tokenPage(browse(entries, name, directory), keyOf, limit, token)
	for _, b := range level {
		if b.directory != "" {
			directories = append(directories, b.directory)
		} else {
			page = append(page, b.entry)
		}
	}
	return directories, page, next, err
}
