package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Changing what is stored is for programs and pages of the server's machine. A
// caller that is refused is told why in its own protocol.
func TestOwnMachine(t *testing.T) {
	type request struct {
		caller, host, contentType string
		headers                   map[string]string
	}
	reached := false
	guarded := ownMachine(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	refused := func(r request, want string) {
		t.Helper()
		reached = false
		asked := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/metrana.admin.v1.AdminService/Delete", strings.NewReader("{}"))
		asked.RemoteAddr, asked.Host = r.caller, r.host
		asked.Header.Set("Content-Type", r.contentType)
		for name, value := range r.headers {
			asked.Header.Set(name, value)
		}
		answer := httptest.NewRecorder()
		guarded.ServeHTTP(answer, asked)
		if reached != (want == "") {
			t.Errorf("%+v reached the service: %t", r, reached)
		}
		if want != "" && (answer.Code != http.StatusForbidden || !strings.Contains(answer.Body.String(), want)) {
			t.Errorf("%+v: %d %s, want %q", r, answer.Code, answer.Body, want)
		}
	}
	const here, site, local, json = "127.0.0.1:50000", "http://localhost:7420", "localhost:7420", "application/json"
	refused(request{here, local, json, nil}, "")
	refused(request{here, local, "application/proto", map[string]string{"Origin": site, "Sec-Fetch-Site": "same-origin"}}, "")
	refused(request{"[::1]:50000", "[::]:7420", json, map[string]string{"Origin": "http://[::]:7420"}}, "")
	refused(request{"192.0.2.7:50000", local, json, nil}, "192.0.2.7")
	refused(request{here, "evil.example:7420", json, map[string]string{"Origin": "http://evil.example:7420", "Sec-Fetch-Site": "same-origin"}}, "evil.example")
	refused(request{here, local, json, map[string]string{"Origin": "http://evil.example"}}, `"permission_denied"`)
	refused(request{here, local, json, map[string]string{"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}}, "another site")
	refused(request{here, local, "text/plain", map[string]string{"Origin": "null", "Sec-Fetch-Site": "cross-site"}}, "another site")
}

// A page may send plain text anywhere without asking first: it is no request of ours.
func TestPlainTextChangesNothing(t *testing.T) {
	s := start(t)
	s.run(s.connect())
	ask := func(contentType, origin string) int {
		t.Helper()
		body := strings.NewReader(`{"target":{"workspace":"w","project":"p","run":"r"}}`)
		request, err := http.NewRequestWithContext(s.context(), http.MethodPost, s.url+"/metrana.admin.v1.AdminService/Delete", body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		code, _, header := s.do(request)
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("answered %s", name)
			}
		}
		return code
	}
	for _, refused := range []struct{ contentType, origin string }{
		{"text/plain", ""},
		{"text/plain", "http://evil.example"},
		{"application/json", "http://evil.example"},
		{"application/x-www-form-urlencoded", "null"},
	} {
		if code := ask(refused.contentType, refused.origin); code != http.StatusForbidden && code != http.StatusUnsupportedMediaType {
			t.Errorf("%v: %d", refused, code)
		}
	}
	if code := ask("application/json", s.url); code != http.StatusOK { // it was there until now
		t.Errorf("the page's own request: %d", code)
	}
}

// What changes saved views and pins is guarded as AdminService is; what lists them is not.
func TestPagesElsewhereSaveAndPinNothing(t *testing.T) {
	s := start(t)
	s.run(s.connect())
	ask := func(method, origin string) int {
		t.Helper()
		body := strings.NewReader(`{"workspace":"w","project":"p"}`)
		request, err := http.NewRequestWithContext(s.context(), http.MethodPost, s.url+"/metrana.views.v1.ViewsService/"+method, body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Origin", origin)
		code, _, _ := s.do(request)
		return code
	}
	for _, method := range []string{"SaveView", "DeleteSavedView", "SetPinned"} {
		if code := ask(method, "http://evil.example"); code != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", method, code)
		}
		if code := ask(method, s.url); code == http.StatusForbidden {
			t.Errorf("%s from the page: %d", method, code)
		}
	}
	if code := ask("ListSavedViews", s.url); code != http.StatusOK {
		t.Errorf("%d", code)
	}
}
