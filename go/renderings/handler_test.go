package renderings

import (
	"net/http"
	"strings"
	"testing"
)

func TestAVideoIsPlayedInParts(t *testing.T) {
	w := newWorld(t)
	data := clip(1, 100_000)
	url := w.upload(w.run("r"), 0, data)
	part := w.ask(http.MethodGet, url, nil, http.Header{"Range": {"bytes=50000-50009"}})
	w.is(part, http.StatusPartialContent)
	if part.text != string(data[50000:50010]) || part.Header.Get("Content-Range") != "bytes 50000-50009/100000" {
		t.Errorf("%q, %v", part.text, part.Header)
	}
	w.is(w.ask(http.MethodGet, url, nil, http.Header{"Range": {"bytes=100000-"}}), http.StatusRequestedRangeNotSatisfiable)
	head := w.ask(http.MethodHead, url, nil, nil)
	w.is(head, http.StatusOK)
	for name, want := range map[string]string{
		"Content-Type": "video/mp4", "Content-Length": "100000", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox allow-same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control": "private, max-age=31536000, immutable",
	} {
		if got := head.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	w.is(w.ask(http.MethodGet, url, nil, http.Header{"If-None-Match": {head.Header.Get("ETag")}}), http.StatusNotModified)
}

// What is neither a video nor an upload is the pages': a workspace may be called so.
func TestOtherPathsAreThePages(t *testing.T) {
	w := newWorld(t)
	const none = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	is := func(method, path string, status int) {
		t.Helper()
		w.is(w.ask(method, path, nil, nil), status)
	}
	is(http.MethodGet, "/renderings/"+none+".mp4", http.StatusNotFound)
	is(http.MethodGet, "/renderings/"+strings.ToUpper(none)+".mp4", http.StatusTeapot)
	is(http.MethodGet, "/renderings/"+none, http.StatusTeapot)
	is(http.MethodGet, "/renderings/uploads", http.StatusTeapot)
	is(http.MethodGet, "/renderings/uploads/run", http.StatusTeapot)
	is(http.MethodGet, "/renderings/..%2f..%2fLOCK", http.StatusTeapot)
	is(http.MethodGet, "/renderings/", http.StatusTeapot)
	is(http.MethodDelete, "/renderings/"+none+".mp4", http.StatusTeapot)
	is(http.MethodPost, "/elsewhere", http.StatusTeapot)
}
