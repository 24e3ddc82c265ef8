package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
)

// Videos come and are played over HTTP/1.1 and HTTP/2, and pages of other hosts reach
// neither.
func TestVideosOverBothHTTPs(t *testing.T) {
	s := start(t)
	run := base64.StdEncoding.EncodeToString(s.run(s.connect()))
	for i, http2 := range []bool{false, true} {
		var protocols http.Protocols
		protocols.SetHTTP1(!http2)
		protocols.SetUnencryptedHTTP2(http2)
		transport := &http.Transport{Protocols: &protocols}
		ask := func(method, path, contentType string, body []byte, host string) *http.Response {
			t.Helper()
			request, err := http.NewRequestWithContext(s.context(), method, s.url+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			request.Header.Set("Content-Type", contentType)
			request.Header.Set("Upload-Offset", "0")
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			return response
		}
		video := append([]byte("\x00\x00\x00\x18ftypisom"), bytes.Repeat([]byte{byte(i)}, 1<<20)...)
		spec := fmt.Sprintf(`{"run_id":%q,"environment":"e","episode":%d,"fps":30,"frames":1,"size":%d,"sha256":"%x"}`, run, i, len(video), sha256.Sum256(video))
		if refused := ask(http.MethodPost, "/renderings/uploads", "application/json", []byte(spec), "example.com"); refused.StatusCode != http.StatusForbidden {
			t.Errorf("another host: %s", refused.Status)
		}
		begun := ask(http.MethodPost, "/renderings/uploads", "application/json", []byte(spec), "")
		if begun.StatusCode != http.StatusCreated || begun.ProtoMajor != i+1 {
			t.Fatalf("%s %s", begun.Proto, begun.Status)
		}
		done := ask(http.MethodPatch, begun.Header.Get("Location"), "application/offset+octet-stream", video, "")
		if done.StatusCode != http.StatusNoContent {
			t.Fatalf("%s %s", done.Proto, done.Status)
		}
		played := ask(http.MethodGet, done.Header.Get("Content-Location"), "", nil, "")
		if played.StatusCode != http.StatusOK || played.ContentLength != int64(len(video)) {
			t.Errorf("%s %s, %d bytes", played.Proto, played.Status, played.ContentLength)
		}
		transport.CloseIdleConnections()
	}
	s.healthy()
}
