// Package dashboard serves the web pages. Their sources are in web/; the build
// puts the pages into dist/, which is embedded. Without a build there is one
// page that says so.
package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed dist
var embedded embed.FS

// policy lets pages load what this server has, and nothing else. Scripts may set styles,
// as uPlot does to size its parts; markup may not.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; " +
	"connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// asset is one file, ready to be sent.
type asset struct {
	kind    string // content type
	body    []byte
	gzipped []byte // nil where compression gains nothing
	tag     string
}

type pages struct {
	assets map[string]*asset // by path, without a leading slash
	index  *asset
}

// Handler serves the pages: files by their names, and for every path that a page
// may have, the page itself, which reads the path.
func Handler() http.Handler {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic("BUG: dist is not embedded: " + err.Error())
	}
	return newPages(dist)
}

func newPages(dist fs.FS) *pages {
	p := &pages{assets: make(map[string]*asset)}
	err := fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		p.assets[name] = newAsset(name, body)
		return err
	})
	if err != nil {
		panic("BUG: embedded files cannot be read: " + err.Error())
	}
	if p.index = p.assets["index.html"]; p.index == nil {
		p.index = p.assets["placeholder.html"]
	}
	return p
}

func newAsset(name string, body []byte) *asset {
	sum := sha256.Sum256(body)
	a := &asset{kind: mime.TypeByExtension(path.Ext(name)), body: body, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	if a.kind == "" {
		a.kind = http.DetectContentType(body)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil && w.Close() == nil && packed.Len() < len(body)*9/10 {
		a.gzipped = packed.Bytes()
	}
	return a
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "pages are read with GET", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	found, known := p.assets[name]
	switch {
	case known && strings.HasPrefix(name, "assets/"):
		// The build names these by their content.
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	case known:
		w.Header().Set("Cache-Control", "no-cache")
	case isPage(name):
		found = p.index
		w.Header().Set("Cache-Control", "no-cache")
	default:
		http.NotFound(w, r)
		return
	}
	found.send(w, r)
}

// isPage tells paths that the page answers from those of files and RPCs that do
// not exist. Names of projects and runs may hold anything, dots too; a workspace
// may even be called as the folder of the built files.
func isPage(name string) bool {
	isBuilt := strings.HasPrefix(name, "assets/") && slices.Contains([]string{".js", ".css", ".map"}, path.Ext(name))
	return !isBuilt && !strings.HasPrefix(name, "metrana_protobuf.") && name != "favicon.ico"
}

func (a *asset) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.body
	if a.gzipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.gzipped
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client is gone: nobody to tell
}
