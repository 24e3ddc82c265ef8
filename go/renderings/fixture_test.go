package renderings

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a data directory that is served.
type world struct {
	*testing.T

	dir     string
	db      *store.DB
	catalog *catalog.Catalog
	files   *Files
	server  *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir()}
	w.start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) start() {
	w.Helper()
	var err error
	w.db, err = store.Open(w.dir, store.Options{})
	w.must(err)
	w.catalog, err = catalog.Open(w.db)
	w.must(err)
	w.files, err = Open(w.db, w.catalog, Options{Quota: DefaultQuota})
	w.must(err)
	pages := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) })
	w.server = httptest.NewServer(NewHandler(w.files, pages))
}

func (w *world) stop() {
	w.Helper()
	if w.server != nil {
		w.server.Close()
		w.server = nil
		w.must(w.db.Close())
	}
}

func (w *world) restart() {
	w.Helper()
	w.stop()
	w.start()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) run(name string) *catalog.Run {
	w.Helper()
	run, _, err := w.catalog.InitRun(catalog.RunSpec{Workspace: "w", Project: "p", Run: name, CreateProject: true, CreateWorkspace: true})
	w.must(err)
	return run
}

// clip makes the bytes of a video of a size, different for each seed.
func clip(seed byte, size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
	copy(data, "\x00\x00\x00\x18ftypisom")
	return data
}

func specOf(run *catalog.Run, episode uint64, data []byte) Spec {
	digest := sha256.Sum256(data)
	return Spec{
		RunID: run.ID[:], Environment: "env-0", Episode: episode, FirstRLStep: 3, LastRLStep: 4,
		FPS: 30, Frames: 12, Size: uint64(len(data)), SHA256: hex.EncodeToString(digest[:]),
	}
}

type answer struct {
	*http.Response

	text string
}

func (a answer) offset(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(a.Header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		t.Fatalf("%d %q: %v", a.StatusCode, a.text, err)
	}
	return n
}

func (w *world) ask(method, path string, body io.Reader, header http.Header) answer {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.server.URL+path, body)
	w.must(err)
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := w.server.Client().Do(request)
	w.must(err)
	text, err := io.ReadAll(response.Body)
	w.must(errors.Join(err, response.Body.Close()))
	return answer{response, string(text)}
}

func (w *world) begin(s Spec) answer {
	w.Helper()
	body, err := json.Marshal(s)
	w.must(err)
	return w.ask(http.MethodPost, uploadsPath, bytes.NewReader(body), http.Header{"Content-Type": {"application/json"}})
}

func (w *world) patch(place string, offset uint64, piece []byte) answer {
	w.Helper()
	return w.ask(http.MethodPatch, place, bytes.NewReader(piece), http.Header{
		"Content-Type": {patchType}, "Upload-Offset": {strconv.FormatUint(offset, 10)},
	})
}

// upload sends a whole video and gives its address.
func (w *world) upload(run *catalog.Run, episode uint64, data []byte) string {
	w.Helper()
	begun := w.begin(specOf(run, episode, data))
	if url := begun.Header.Get("Content-Location"); url != "" {
		return url
	}
	done := w.patch(begun.Header.Get("Location"), begun.offset(w.T), data[begun.offset(w.T):])
	if done.StatusCode != http.StatusNoContent || done.Header.Get("Content-Location") == "" {
		w.Fatalf("%d %q %v", done.StatusCode, done.text, done.Header)
	}
	return done.Header.Get("Content-Location")
}

// renderings lists what the records of a run say.
func (w *world) renderings(run *catalog.Run) (list []catalog.Rendering) {
	w.Helper()
	w.must(run.Renderings(nil, func(v catalog.Rendering, damage error) error {
		list = append(list, v)
		return damage
	}))
	return list
}

// onDisk lists the files of videos and uploads.
func (w *world) onDisk() (names []string) {
	w.Helper()
	for _, dir := range []string{"renderings", "uploads"} {
		w.must(eachFile(filepath.Join(w.dir, dir), func(path string, _ os.FileInfo) error {
			names = append(names, filepath.Base(path))
			return nil
		}))
	}
	return names
}

func (w *world) is(a answer, status int) {
	w.Helper()
	if a.StatusCode != status {
		w.Errorf("%s: %d %q, want %d", a.Request.Method, a.StatusCode, a.text, status)
	}
}
