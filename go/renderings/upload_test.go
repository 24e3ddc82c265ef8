package renderings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/metrana/metrana/go/catalog"
)

func TestAVideoComesInPieces(t *testing.T) {
	w := newWorld(t)
	run, data := w.run("r"), clip(1, 1_000_000)
	begun := w.begin(specOf(run, 7, data))
	w.is(begun, http.StatusCreated)
	var p Progress
	w.must(json.Unmarshal([]byte(begun.text), &p))
	place := begun.Header.Get("Location")
	if p.Offset != 0 || p.Size != 1_000_000 || p.URL != "" || place != uploadsPath+"/"+p.ID {
		t.Errorf("%+v at %q", p, place)
	}
	first := w.patch(place, 0, data[:300_000])
	w.is(first, http.StatusNoContent)
	found := w.ask(http.MethodHead, place, nil, nil)
	if first.offset(t) != 300_000 || found.offset(t) != 300_000 || found.Header.Get("Upload-Length") != "1000000" {
		t.Errorf("%v, %v", first.Header, found.Header)
	}
	wrong := w.patch(place, 299_999, data[299_999:])
	w.is(wrong, http.StatusConflict)
	if wrong.offset(t) != 300_000 {
		t.Errorf("goes on at %d", wrong.offset(t))
	}
	if len(w.renderings(run)) != 0 {
		t.Error("a record tells of half a video")
	}
	again := w.begin(specOf(run, 7, data))
	w.is(again, http.StatusOK)
	if again.offset(t) != 300_000 || again.Header.Get("Location") != place {
		t.Errorf("%v", again.Header)
	}
	last := w.patch(place, 300_000, data[300_000:])
	w.is(last, http.StatusNoContent)
	url := last.Header.Get("Content-Location")
	got := w.ask(http.MethodGet, url, nil, nil)
	w.is(got, http.StatusOK)
	if got.text != string(data) {
		t.Errorf("%d other bytes", len(got.text))
	}
	w.is(w.patch(place, 1_000_000, nil), http.StatusNotFound)
	list := w.renderings(run)
	if len(list) != 1 || list[0].Episode != 7 || list[0].Environment != "env-0" || list[0].FirstRLStep != 3 || list[0].LastRLStep != 4 ||
		list[0].FPS != 30 || list[0].Frames != 12 || list[0].Size != 1_000_000 || PathOf(list[0].SHA256) != url {
		t.Errorf("%+v", list)
	}
	if names := w.onDisk(); len(names) != 1 {
		t.Errorf("%q", names)
	}
}

// A server that began anew goes on with what is on its disk.
func TestAnUploadOutlivesTheServer(t *testing.T) {
	w := newWorld(t)
	data := clip(1, 700_000)
	place := w.begin(specOf(w.run("r"), 0, data)).Header.Get("Location")
	w.is(w.patch(place, 0, data[:400_000]), http.StatusNoContent)
	w.restart()
	run := w.run("r")
	w.is(w.patch(place, 400_000, data[400_000:]), http.StatusNotFound)
	w.is(w.ask(http.MethodHead, place, nil, nil), http.StatusNotFound)
	again := w.begin(specOf(run, 0, data))
	if again.offset(t) != 400_000 || again.Header.Get("Location") != place {
		t.Errorf("%d %q", again.offset(t), again.Header.Get("Location"))
	}
	w.is(w.patch(place, 400_000, data[400_000:]), http.StatusNoContent)
	if len(w.renderings(run)) != 1 || w.files.reserved != 0 || w.files.stored != 700_000 {
		t.Errorf("%v, %d reserved, %d stored", w.renderings(run), w.files.reserved, w.files.stored)
	}
}

// All bytes are there, but the server was killed before it made a video of them.
func TestACompleteFileIsFinishedByAnEmptyPiece(t *testing.T) {
	w := newWorld(t)
	data := clip(1, 5000)
	spec := specOf(w.run("r"), 0, data)
	place := w.begin(spec).Header.Get("Location")
	w.must(os.MkdirAll(filepath.Join(w.dir, "uploads"), 0o755))
	w.must(os.WriteFile(filepath.Join(w.dir, place[len(prefix):]+partExtension), data, 0o644))
	w.restart()
	again := w.begin(spec)
	if again.offset(t) != 5000 || again.Header.Get("Content-Location") != "" {
		t.Errorf("%v", again.Header)
	}
	w.is(w.patch(place, 5000, nil), http.StatusNoContent)
	if len(w.renderings(w.run("r"))) != 1 {
		t.Error("no record tells of it")
	}
}

// The server was killed between the file's name and the record: the file waits for
// whoever comes again, for a day.
func TestAVideoWithoutARecordIsAdopted(t *testing.T) {
	w := newWorld(t)
	data := clip(1, 5000)
	spec := specOf(w.run("r"), 0, data)
	stray, err := parseSum(spec.SHA256)
	w.must(err)
	path := w.files.pathOf(stray)
	w.must(makeDirectory(filepath.Dir(path)))
	w.must(os.WriteFile(path, data, 0o644))
	w.restart()
	begun := w.begin(spec)
	w.is(begun, http.StatusOK)
	if begun.offset(t) != 5000 || begun.Header.Get("Content-Location") != PathOf(stray) || len(w.renderings(w.run("r"))) != 1 {
		t.Errorf("%v", begun.Header)
	}
	w.files.now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	w.must(w.files.Tidy())
	w.is(w.ask(http.MethodGet, PathOf(stray), nil, nil), http.StatusOK)

	other, err := parseSum(specOf(w.run("r"), 0, clip(2, 10)).SHA256)
	w.must(err)
	w.must(makeDirectory(filepath.Dir(w.files.pathOf(other))))
	w.must(os.WriteFile(w.files.pathOf(other), clip(2, 10), 0o644))
	w.restart()
	w.must(w.files.Tidy())
	if len(w.onDisk()) != 2 {
		t.Errorf("%q: gone before its day", w.onDisk())
	}
	w.files.now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	w.must(w.files.Tidy())
	if len(w.onDisk()) != 1 {
		t.Errorf("%q: what nobody came for stays", w.onDisk())
	}
}

func TestOtherContentIsRefusedAndRemoved(t *testing.T) {
	w := newWorld(t)
	run, data := w.run("r"), clip(1, 5000)
	refused := func(sent, announced []byte, says string) {
		t.Helper()
		place := w.begin(specOf(run, 0, announced)).Header.Get("Location")
		got := w.patch(place, 0, sent)
		w.is(got, http.StatusUnprocessableEntity)
		if !strings.Contains(got.text, says) {
			t.Errorf("%q does not say %q", got.text, says)
		}
		w.is(w.ask(http.MethodHead, place, nil, nil), http.StatusNotFound)
		if len(w.onDisk()) > 0 || len(w.renderings(run)) > 0 || w.files.reserved != 0 || w.files.stored != 0 {
			t.Errorf("left: %q, %d reserved, %d stored", w.onDisk(), w.files.reserved, w.files.stored)
		}
	}
	refused(clip(2, 5000), data, "SHA-256")
	page := []byte("<html><script>alert(1)</script></html>")
	refused(page, page, "no MP4 file")
	refused([]byte("x"), []byte("x"), "no MP4 file")
	w.upload(run, 0, data) // the next one is taken
}

func TestMoreThanAnnouncedIsRefused(t *testing.T) {
	w := newWorld(t)
	data := clip(1, 5000)
	place := w.begin(specOf(w.run("r"), 0, data)).Header.Get("Location")
	w.is(w.patch(place, 0, append(data, 0)), http.StatusBadRequest)
	w.is(w.patch(place, 0, data), http.StatusNoContent)
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	w := newWorld(t)
	run, data := w.run("r"), clip(1, 5000)
	refused := func(status int, says string, change func(s *Spec)) {
		t.Helper()
		s := specOf(run, 0, data)
		change(&s)
		got := w.begin(s)
		w.is(got, status)
		if !strings.Contains(got.text, says) {
			t.Errorf("%q does not say %q", got.text, says)
		}
	}
	refused(http.StatusBadRequest, "must not be empty", func(s *Spec) { s.Environment = "" })
	refused(http.StatusBadRequest, "U+0000", func(s *Spec) { s.Environment = "a\x00b" })
	refused(http.StatusBadRequest, "is longer than", func(s *Spec) { s.Environment = strings.Repeat("a", catalog.MaxKeyText+1) })
	refused(http.StatusBadRequest, "from 9 to 4", func(s *Spec) { s.FirstRLStep = 9 })
	refused(http.StatusBadRequest, "not 0", func(s *Spec) { s.FPS = 0 })
	refused(http.StatusBadRequest, "not -1", func(s *Spec) { s.FPS = -1 })
	refused(http.StatusBadRequest, "a frame", func(s *Spec) { s.Frames = 0 })
	refused(http.StatusBadRequest, "a byte", func(s *Spec) { s.Size = 0 })
	refused(http.StatusBadRequest, "no SHA-256", func(s *Spec) { s.SHA256 = "../../etc/passwd" })
	refused(http.StatusBadRequest, "small", func(s *Spec) { s.SHA256 = strings.ToUpper(s.SHA256) })
	refused(http.StatusGone, "no such run", func(s *Spec) { s.RunID = []byte("nobody") })
	refused(http.StatusRequestEntityTooLarge, "1073741824", func(s *Spec) { s.Size = maxFile + 1 })
	json := http.Header{"Content-Type": {"application/json"}}
	w.is(w.ask(http.MethodPost, uploadsPath, strings.NewReader("{"), json), http.StatusBadRequest)
	w.is(w.ask(http.MethodPost, uploadsPath, strings.NewReader(`{"episode":-1}`), json), http.StatusBadRequest)
	w.is(w.ask(http.MethodPost, uploadsPath, strings.NewReader("{}"), http.Header{"Content-Type": {"text/plain"}}), http.StatusUnsupportedMediaType)
	place := w.begin(specOf(run, 0, data)).Header.Get("Location")
	w.is(w.ask(http.MethodPatch, place, bytes.NewReader(data), http.Header{"Upload-Offset": {"0"}}), http.StatusUnsupportedMediaType)
	w.is(w.ask(http.MethodPatch, place, bytes.NewReader(data), http.Header{"Content-Type": {patchType}, "Upload-Offset": {"-1"}}), http.StatusBadRequest)
	w.is(w.patch(uploadsPath+"/../x", 0, data), http.StatusNotFound)
	if len(w.onDisk()) > 0 {
		t.Errorf("left: %q", w.onDisk())
	}
}

func TestTheQuotaHoldsForUploadsUnderWay(t *testing.T) {
	w := newWorld(t)
	w.files.quota = 10_000
	run, a, b := w.run("r"), clip(1, 6000), clip(2, 5000)
	place := w.begin(specOf(run, 0, a)).Header.Get("Location")
	full := w.begin(specOf(run, 1, b))
	w.is(full, http.StatusInsufficientStorage)
	if !strings.Contains(full.text, "6000 of the 10000 bytes") || !strings.Contains(full.text, "--renderings-quota") {
		t.Errorf("%q", full.text)
	}
	w.is(w.patch(place, 0, a), http.StatusNoContent)
	w.is(w.begin(specOf(run, 1, b)), http.StatusInsufficientStorage)
	w.upload(run, 2, a) // the same content takes no more room
	w.upload(run, 3, clip(3, 4000))
	w.is(w.begin(specOf(run, 4, clip(4, 16))), http.StatusInsufficientStorage)
	w.restart()
	w.files.quota = 10_000
	w.is(w.begin(specOf(w.run("r"), 4, clip(4, 16))), http.StatusInsufficientStorage)
	if got := len(w.renderings(w.run("r"))); got != 3 || len(w.onDisk()) != 2 {
		t.Errorf("%d videos in %q", got, w.onDisk())
	}
	w.files.quota = 0
	off := w.begin(specOf(w.run("r"), 4, clip(4, 16)))
	w.is(off, http.StatusNotImplemented)
}

func TestDeletingARunRemovesWhatNoOtherShows(t *testing.T) {
	w := newWorld(t)
	a, b, shared, own := w.run("a"), w.run("b"), clip(1, 5000), clip(2, 6000)
	sharedURL, ownURL := w.upload(a, 0, shared), w.upload(a, 1, own)
	if w.upload(b, 0, shared) != sharedURL {
		t.Error("the same content has two addresses")
	}
	half := w.begin(specOf(a, 2, clip(3, 7000))).Header.Get("Location")
	w.is(w.patch(half, 0, clip(3, 7000)[:3000]), http.StatusNoContent)
	given := w.begin(specOf(a, 3, clip(4, 8000))).Header.Get("Location")
	w.is(w.patch(given, 0, clip(4, 8000)[:3000]), http.StatusNoContent)
	w.must(w.catalog.DeleteRun("w", "p", "a"))
	w.is(w.patch(half, 3000, clip(3, 7000)[3000:]), http.StatusGone)
	w.must(w.files.Tidy())
	w.is(w.ask(http.MethodGet, sharedURL, nil, nil), http.StatusOK)
	w.is(w.ask(http.MethodGet, ownURL, nil, nil), http.StatusNotFound)
	w.is(w.begin(specOf(a, 3, shared)), http.StatusGone)
	if len(w.onDisk()) != 1 || w.files.stored != 5000 || w.files.reserved != 0 {
		t.Errorf("%q, %d stored, %d reserved", w.onDisk(), w.files.stored, w.files.reserved)
	}
	w.must(w.catalog.DeleteRun("w", "p", "b"))
	w.must(w.files.Tidy())
	if len(w.onDisk()) != 0 || w.files.stored != 0 {
		t.Errorf("%q, %d stored", w.onDisk(), w.files.stored)
	}
}

func TestUploadsAreGivenUpAfterADay(t *testing.T) {
	w := newWorld(t)
	data := clip(1, 5000)
	spec := specOf(w.run("r"), 0, data)
	place := w.begin(spec).Header.Get("Location")
	w.is(w.patch(place, 0, data[:100]), http.StatusNoContent)
	w.must(w.files.Tidy())
	w.is(w.ask(http.MethodHead, place, nil, nil), http.StatusOK)
	w.files.now = func() time.Time { return time.Now().Add(abandoned + time.Minute) }
	w.must(w.files.Tidy())
	w.is(w.ask(http.MethodHead, place, nil, nil), http.StatusNotFound)
	if len(w.onDisk()) != 0 || w.files.reserved != 0 {
		t.Errorf("%q, %d reserved", w.onDisk(), w.files.reserved)
	}
}

// A client that lost its connection comes again while the server still waits on the
// old one.
func TestTheLaterConnectionHasTheTurn(t *testing.T) {
	w := newWorld(t)
	run, data := w.run("r"), clip(1, 600_000)
	place := w.begin(specOf(run, 0, data)).Header.Get("Location")
	hanging, err := net.Dial("tcp", w.server.Listener.Addr().String())
	w.must(err)
	defer hanging.Close()
	head := "PATCH " + place + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + patchType + "\r\nUpload-Offset: 0\r\nContent-Length: 600000\r\n\r\n"
	_, err = hanging.Write(append([]byte(head), data[:300_000]...))
	w.must(err)
	for w.ask(http.MethodHead, place, nil, nil).offset(t) == 0 {
		runtime.Gosched()
	}
	offset := w.ask(http.MethodHead, place, nil, nil).offset(t)
	next := w.patch(place, offset, data[offset:])
	if next.StatusCode == http.StatusConflict { // the old one's last bytes
		offset = next.offset(t)
		next = w.patch(place, offset, data[offset:])
	}
	w.is(next, http.StatusNoContent)
	if len(w.renderings(run)) != 1 {
		t.Error("no record tells of it")
	}
}

// endless is a video that is made while it is sent.
type endless struct {
	left int
	on   func(left int)
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	clear(p[:n])
	e.left -= n
	e.on(e.left)
	return n, nil
}

func TestALargeVideoTakesLittleMemory(t *testing.T) {
	w := newWorld(t)
	const size = 64 << 20
	s := specOf(w.run("r"), 0, clip(1, 16))
	s.Size = size
	p, err := w.files.Begin(s)
	w.must(err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = w.files.Write(t.Context(), p.ID, 0, &endless{left: size, on: func(int) {}}, func() {})
	runtime.ReadMemStats(&after)
	var wrong *ContentError
	if !errors.As(err, &wrong) {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes were allocated for %d", took, size)
	}
}

// A write that is cut off in the middle keeps what came.
func TestAnInterruptedWriteKeepsWhatCame(t *testing.T) {
	w := newWorld(t)
	s := specOf(w.run("r"), 0, clip(1, 16))
	s.Size = 4 << 20
	p, err := w.files.Begin(s)
	w.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = w.files.Write(ctx, p.ID, 0, &endless{left: 4 << 20, on: func(left int) {
		if left <= 2<<20 {
			cancel()
		}
	}}, func() {})
	if !errors.Is(err, ErrInterrupted) || statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	p, err = w.files.Find(p.ID)
	if err != nil || p.Offset == 0 || p.Offset == p.Size {
		t.Errorf("%s, %v", strconv.FormatUint(p.Offset, 10), err)
	}
}
