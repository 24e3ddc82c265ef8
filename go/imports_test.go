package metrana_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/metrana/metrana/go/"

// mayImport is the table of README.md: which of our packages each package may
// import. Packages that are not in it may not exist.
var mayImport = map[string][]string{
	"point":         nil,
	"store/chunk":   nil,
	"query/grammar": nil,
	"journal":       nil,
	"dashboard":     nil,
	"workers":       nil,

	"wire":    {"point", "wire/pb"},
	"client":  {"point", "wire", "wire/pb", "journal"},
	"store":   {"point", "store/chunk", "workers"},
	"catalog": {"point", "store"},
	"ingest":  {"point", "wire", "wire/pb", "catalog", "store"},
	"query":   {"point", "wire", "wire/pb", "catalog", "store", "query/grammar", "workers"},
	// Files and plain HTTP: no protobuf.
	"renderings": {"catalog", "store"},
	"admin":      {"catalog", "store", "renderings", "wire/pb"},
	"views":      {"point", "wire", "wire/pb", "catalog", "store", "query", "renderings", "workers"},
	// The services' paths and handlers are generated code.
	"server": {"ingest", "query", "admin", "views", "renderings", "catalog", "store", "dashboard", "wire/pb"},

	"bench/store": {"point", "store", "catalog", "query", "wire/pb"},

	// The client of QueryService; what it sends and gets is generated code.
	"reader": {"wire/pb"},

	"cmd/libmetrana": {"client", "point", "reader"},
	// Operations go through the running server, or are done by itself.
	"cmd/metrana-server": {"server", "store", "catalog", "admin", "renderings", "wire/pb"},

	"wire/pb": {"wire/pb"},
}

// testsMayImport are the further arrows that tests of a package may draw: what
// they need to build the surroundings of the package.
var testsMayImport = map[string][]string{
	"admin":              {"point"},
	"client":             {"wire/pb"},
	"server":             {"wire/pb", "store"},
	"cmd/metrana-server": {"wire/pb"},
}

// ignorant lists what a package must know nothing of, by the start of the path.
var ignorant = map[string][]string{
	"point":         {"net", "google.golang.org/", "connectrpc.com/", "C"},
	"store":         {"net", "google.golang.org/", "connectrpc.com/"},
	"store/chunk":   {"net", "google.golang.org/", "connectrpc.com/"},
	"query/grammar": {"net", "google.golang.org/", "connectrpc.com/"},
	"catalog":       {"net", "google.golang.org/", "connectrpc.com/"},
	"renderings":    {"google.golang.org/", "connectrpc.com/"},
}

func TestPackagesImportAlongTheWayOfAPoint(t *testing.T) {
	seen := make(map[string]bool)
	for _, file := range sources(t) {
		owner := station(path.Dir(file))
		seen[owner] = true
		allowed, known := mayImport[owner]
		if !known {
			t.Errorf("%s: package %s is not in the table of who may import whom", file, owner)
			continue
		}
		if strings.HasSuffix(file, "_test.go") {
			allowed = append(slices.Clone(allowed), append(testsMayImport[owner], owner)...)
		}
		for _, imported := range importsOf(t, file) {
			checkImport(t, file, owner, imported, allowed)
		}
	}
	for _, owner := range []string{"point", "wire", "store", "catalog", "ingest", "server", "client"} {
		if !seen[owner] {
			t.Errorf("package %s has no source: the walk is broken", owner)
		}
	}
}

func checkImport(t *testing.T, file, owner, imported string, allowed []string) {
	t.Helper()
	if ours, found := strings.CutPrefix(imported, module); found {
		if !slices.Contains(allowed, station(ours)) {
			t.Errorf("%s: %s may not import %s", file, owner, ours)
		}
		return
	}
	if imported == "C" && owner != "cmd/libmetrana" {
		t.Errorf("%s: only cmd/libmetrana may use cgo", file)
	}
	if strings.HasSuffix(file, "_test.go") {
		return
	}
	for _, start := range ignorant[owner] {
		if imported == start || strings.HasPrefix(imported, strings.TrimSuffix(start, "/")+"/") {
			t.Errorf("%s: %s may know nothing of %s", file, owner, imported)
		}
	}
}

// station gives the package's name in the table: generated code is one.
func station(dir string) string {
	if strings.HasPrefix(dir, "wire/pb/") {
		return "wire/pb"
	}
	return dir
}

// sources lists the Go files below the module's root, apart from this one.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "vendor" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".go") && filepath.Dir(name) != ".":
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, 0, len(parsed.Imports))
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}
