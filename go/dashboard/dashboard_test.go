package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPages(t *testing.T) {
	script := strings.Repeat("let x = 1;", 100)
	p := newPages(fstest.MapFS{
		"index.html":      {Data: []byte("<html>index</html>")},
		"assets/app-1.js": {Data: []byte(script)},
	})
	f := func(method, path string, wantStatus int, wantCache, wantBody string) {
		t.Helper()
		answer := httptest.NewRecorder()
		p.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
		if answer.Code != wantStatus || answer.Header().Get("Cache-Control") != wantCache || !strings.Contains(answer.Body.String(), wantBody) {
			t.Fatalf("%s %s: %d, %q, %q", method, path, answer.Code, answer.Header().Get("Cache-Control"), answer.Body.String())
		}
	}
	f("GET", "/", 200, "no-cache", "index")
	f("GET", "/workspace/project/run.v1", 200, "no-cache", "index")
	f("GET", "/assets/app-1.js", 200, "public, max-age=31536000, immutable", script)
	f("HEAD", "/assets/app-1.js", 200, "public, max-age=31536000, immutable", "")
	f("GET", "/assets/app-2.js", 404, "", "")
	f("GET", "/assets/project/run", 200, "no-cache", "index") // a workspace's name
	f("GET", "/metrana_protobuf.query.v1.svc.QueryService/Nothing", 404, "", "")
	f("POST", "/", 405, "", "")
}

func TestPagesAreCompressedAndTagged(t *testing.T) {
	p := newPages(fstest.MapFS{"index.html": {Data: []byte(strings.Repeat("<p>text</p>", 100))}})
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Accept-Encoding", "gzip")
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, request)
	policy := answer.Header().Get("Content-Security-Policy")
	if answer.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Fatalf("headers %v", answer.Header())
	}
	request.Header.Set("If-None-Match", answer.Header().Get("ETag"))
	again := httptest.NewRecorder()
	p.ServeHTTP(again, request)
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Fatalf("%d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestUnbuiltPagesSaySo(t *testing.T) {
	p := newPages(fstest.MapFS{"placeholder.html": {Data: []byte("make build")}})
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	if answer.Code != 200 || !strings.Contains(answer.Body.String(), "make build") {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
}
