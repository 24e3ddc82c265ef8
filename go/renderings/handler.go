package renderings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
)

// Paths. Pages of the dashboard have such, too: a workspace may be called so.
const (
	prefix      = "/renderings/"
	uploadsPath = prefix + "uploads"
)

const (
	offsetHeader = "Upload-Offset"
	lengthHeader = "Upload-Length"
	patchType    = "application/offset+octet-stream"

	// maxSpec bounds the JSON of a Spec: the id of an environment is the most of it.
	maxSpec = 8 * catalog.MaxKeyText
	// stalled is how long an upload may go without a byte before its connection is
	// given up; the upload stays.
	stalled = 60 * time.Second
)

// NewHandler serves videos and takes uploads; everything else is the pages'.
func NewHandler(files *Files, pages http.Handler) http.Handler {
	h := handler{files}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ofUpload := strings.CutPrefix(r.URL.Path, uploadsPath+"/")
		content, ofVideo := contentOf(r.URL.Path)
		reading := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case r.Method == http.MethodPost && r.URL.Path == uploadsPath:
			h.begin(w, r)
		case r.Method == http.MethodPatch && ofUpload:
			h.write(w, r, id)
		case r.Method == http.MethodHead && ofUpload:
			h.find(w, id)
		case reading && ofVideo:
			h.play(w, r, content)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

type handler struct{ files *Files }

func contentOf(path string) (content sum, isVideo bool) {
	name, below := strings.CutPrefix(path, prefix)
	name, isVideo = strings.CutSuffix(name, extension)
	content, err := parseSum(name)
	return content, below && isVideo && err == nil
}

// wants refuses other types of content. Pages of other sites cannot send these
// without asking first, which is not answered.
func wants(w http.ResponseWriter, r *http.Request, contentType string) bool {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || got != contentType {
		http.Error(w, fmt.Sprintf("Content-Type %q is not %s", r.Header.Get("Content-Type"), contentType), http.StatusUnsupportedMediaType)
		return false
	}
	return true
}

func (h handler) begin(w http.ResponseWriter, r *http.Request) {
	if !wants(w, r, "application/json") {
		return
	}
	var s Spec
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSpec)).Decode(&s); err != nil {
		http.Error(w, "the description of the upload: "+err.Error(), http.StatusBadRequest)
		return
	}
	p, err := h.files.Begin(s)
	if err != nil {
		h.refuse(w, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Location", uploadsPath+"/"+p.ID)
	told(header, p)
	if p.began {
		w.WriteHeader(http.StatusCreated)
	}
	_ = json.NewEncoder(w).Encode(p) // the client is gone: nobody to tell
}

func told(header http.Header, p Progress) {
	header.Set("Cache-Control", "no-store")
	header.Set(offsetHeader, strconv.FormatUint(p.Offset, 10))
	header.Set(lengthHeader, strconv.FormatUint(p.Size, 10))
	if p.URL != "" {
		header.Set("Content-Location", p.URL)
	}
}

func (h handler) find(w http.ResponseWriter, id string) {
	p, err := h.files.Find(id)
	if err != nil {
		h.refuse(w, err)
		return
	}
	told(w.Header(), p)
}

func (h handler) write(w http.ResponseWriter, r *http.Request, id string) {
	if !wants(w, r, patchType) {
		return
	}
	offset, err := strconv.ParseUint(r.Header.Get(offsetHeader), 10, 64)
	if err != nil {
		http.Error(w, fmt.Sprintf("%s %q is no number of bytes", offsetHeader, r.Header.Get(offsetHeader)), http.StatusBadRequest)
		return
	}
	body := &patience{body: r.Body, control: http.NewResponseController(w)}
	defer context.AfterFunc(r.Context(), body.end)() // the server stops, or the client is gone
	p, err := h.files.Write(r.Context(), id, offset, body, body.end)
	if err != nil {
		var elsewhere *OffsetError
		if errors.As(err, &elsewhere) {
			told(w.Header(), p)
		}
		h.refuse(w, err)
		return
	}
	told(w.Header(), p)
	w.WriteHeader(http.StatusNoContent)
}

// patience reads a body that may come slowly, but not stop.
type patience struct {
	body    io.Reader
	control *http.ResponseController

	mu    sync.Mutex
	ended bool
}

func (p *patience) Read(data []byte) (int, error) {
	if err := p.wait(); err != nil {
		return 0, err
	}
	return p.body.Read(data)
}

func (p *patience) wait() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return os.ErrDeadlineExceeded
	}
	return p.control.SetReadDeadline(time.Now().Add(stalled))
}

// end ends the reading: the Read under way and each after it fails.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	_ = p.control.SetReadDeadline(time.Unix(1, 0)) // a connection that is gone reads no more, either
}

// statuses of errors; what is not among them is the server's own fault.
func statusOf(err error) int {
	var spec *specError
	var size *SizeError
	var quota *QuotaError
	var offset *OffsetError
	var content *ContentError
	var full *store.FullError
	switch {
	case errors.Is(err, ErrOff):
		return http.StatusNotImplemented
	case errors.Is(err, ErrNoUpload):
		return http.StatusNotFound
	case errors.Is(err, catalog.ErrNoRun), errors.Is(err, catalog.ErrDeleting):
		return http.StatusGone
	case errors.As(err, &spec), errors.Is(err, errTooLong):
		return http.StatusBadRequest
	case errors.As(err, &size):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &quota):
		return http.StatusInsufficientStorage
	case errors.As(err, &offset):
		return http.StatusConflict
	case errors.As(err, &content):
		return http.StatusUnprocessableEntity
	case errors.Is(err, ErrTooMany), errors.Is(err, ErrInterrupted), errors.As(err, &full):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (h handler) refuse(w http.ResponseWriter, err error) {
	status := statusOf(err)
	if status == http.StatusInternalServerError {
		h.files.log.Error("an upload of a video failed", "error", err)
	}
	http.Error(w, err.Error(), status)
}

// play sends a video. Its name is its content, so it may be kept for ever; nothing
// in it is a page or a script to anybody.
func (h handler) play(w http.ResponseWriter, r *http.Request, content sum) {
	file, err := h.files.open(content)
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "there is no rendering "+content.String(), http.StatusNotFound)
		return
	}
	if err != nil {
		h.refuse(w, err)
		return
	}
	defer file.Close() // it was only read
	header := w.Header()
	header.Set("Content-Type", ContentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; media-src 'self'; sandbox allow-same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "private, max-age=31536000, immutable")
	header.Set("ETag", `"`+content.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, file)
}
