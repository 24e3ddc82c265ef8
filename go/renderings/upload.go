package renderings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/metrana/metrana/go/catalog"
)

// Spec says what is to be uploaded. Equal ones are the same upload.
type Spec struct {
	RunID       []byte  `json:"run_id"` // as the handshake gave it
	Environment string  `json:"environment"`
	Episode     uint64  `json:"episode"`
	FirstRLStep uint64  `json:"first_rl_step"`
	LastRLStep  uint64  `json:"last_rl_step"`
	FPS         float64 `json:"fps"`
	Frames      uint64  `json:"frames"`
	Size        uint64  `json:"size"`
	SHA256      string  `json:"sha256"` // in hexadecimal
}

// Progress is how far an upload has come.
type Progress struct {
	ID     string `json:"id"`
	Offset uint64 `json:"offset"`
	Size   uint64 `json:"size"`
	URL    string `json:"url,omitempty"` // once it is whole and durable

	began bool
}

// Errors of uploads. Those of Rendering.Check, of the catalog and *store.FullError
// come as well.
var (
	ErrOff         = errors.New("this server takes no renderings: its --renderings-quota is 0")
	ErrNoUpload    = errors.New("no such upload: it was completed, was given up for a day, or the server began anew; ask for it again")
	ErrTooMany     = fmt.Errorf("%d uploads are under way, which is the most there may be", maxUploads)
	ErrInterrupted = errors.New("the upload was interrupted")
	errTooLong     = errors.New("more came than the upload's size says")
)

// SizeError says that a video is larger than any may be.
type SizeError struct{ Size, Most uint64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("a rendering may have %d bytes at most, not %d", e.Most, e.Size)
}

// QuotaError says that there is no room for a video.
type QuotaError struct{ Size, Used, Quota uint64 }

func (e *QuotaError) Error() string {
	return fmt.Sprintf("renderings take %d of the %d bytes that --renderings-quota allows, %d more do not fit: "+
		"delete runs (metrana delete, metrana retain) or allow more", e.Used, e.Quota, e.Size)
}

// OffsetError says that an upload goes on somewhere else.
type OffsetError struct{ Got, Want uint64 }

func (e *OffsetError) Error() string {
	return fmt.Sprintf("the upload goes on at byte %d, not at %d", e.Want, e.Got)
}

// ContentError says that what came is not what was to come; the upload is gone.
type ContentError struct{ Why string }

func (e *ContentError) Error() string { return "the upload is removed: " + e.Why }

// upload is a video that is not whole yet. Files.mu guards the fields; the file is
// written by whoever has the turn.
type upload struct {
	id        string
	path      string
	spec      *Spec // nil: left from before the server began, and nobody has come for it
	content   sum
	offset    uint64
	reserved  uint64
	touched   time.Time
	turn      chan struct{}
	interrupt func() // makes who has the turn give it up; nil when nobody has
	gone      bool
}

func (u *upload) busy() bool { return len(u.turn) > 0 }

func (u *upload) progress() Progress {
	return Progress{ID: u.id, Offset: u.offset, Size: u.spec.Size}
}

const partExtension = ".part"

func (f *Files) findUploads() error {
	return eachFile(f.uploads, func(path string, info fs.FileInfo) error {
		id, isPart := strings.CutSuffix(info.Name(), partExtension)
		if !isPart {
			f.log.Warn("a file among the uploads is none and is left alone", "path", path)
			return nil
		}
		u := f.newUpload(id)
		u.offset, u.touched = uint64(info.Size()), info.ModTime()
		u.reserved = u.offset
		f.reserved += u.reserved
		f.coming[id] = u
		return nil
	})
}

func (f *Files) newUpload(id string) *upload {
	return &upload{id: id, path: filepath.Join(f.uploads, id+partExtension), touched: f.now(), turn: make(chan struct{}, 1)}
}

// rendering is the record of the video, as it will be.
func (s *Spec) rendering(at time.Time) (v catalog.Rendering, err error) {
	content, err := parseSum(s.SHA256)
	if err != nil {
		return v, fmt.Errorf("sha256: %w", err)
	}
	v = catalog.Rendering{
		Environment: s.Environment, Episode: s.Episode, FirstRLStep: s.FirstRLStep, LastRLStep: s.LastRLStep,
		SHA256: content, FPS: s.FPS, Frames: s.Frames, Size: s.Size, Received: at,
	}
	return v, v.Check()
}

// id names the upload.
func (s *Spec) id() (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:16]), nil
}

// Begin begins an upload or finds how far it has come. Where the content is there
// already, the upload is complete at once.
func (f *Files) Begin(s Spec) (Progress, error) {
	if f.quota == 0 {
		return Progress{}, ErrOff
	}
	v, err := s.rendering(f.now())
	if err != nil {
		return Progress{}, &specError{err}
	}
	if s.Size > f.maxFile {
		return Progress{}, &SizeError{Size: s.Size, Most: f.maxFile}
	}
	id, err := s.id()
	if err != nil {
		return Progress{}, &specError{err}
	}
	run, known := f.catalog.Run(s.RunID)
	if !known {
		return Progress{}, fmt.Errorf("%w with the id %x", catalog.ErrNoRun, s.RunID)
	}
	if err := f.db.Attachable(); err != nil {
		return Progress{}, err
	}
	if f.pin(v.SHA256, v.Size) {
		err := run.AddRendering(v)
		return Progress{ID: id, Offset: s.Size, Size: s.Size, URL: PathOf(v.SHA256)}, errors.Join(err, f.unpin(v.SHA256, err == nil))
	}
	return f.reserve(id, s, v.SHA256)
}

// specError marks what is wrong with a Spec.
type specError struct{ error }

func (e *specError) Unwrap() error { return e.error }

func (f *Files) reserve(id string, s Spec, content sum) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.coming[id]
	if u == nil {
		u = f.newUpload(id)
	}
	if u.spec != nil {
		return u.progress(), nil
	}
	if _, known := f.coming[id]; !known && len(f.coming) >= maxUploads {
		return Progress{}, ErrTooMany
	}
	used := f.stored + f.reserved - u.reserved
	if s.Size > f.quota || used > f.quota-s.Size {
		return Progress{}, &QuotaError{Size: s.Size, Used: used, Quota: f.quota}
	}
	u.spec, u.content, u.touched = &s, content, f.now()
	u.offset = min(u.offset, s.Size)
	f.reserved += s.Size - u.reserved
	u.reserved = s.Size
	f.coming[id] = u
	p := u.progress()
	p.began = u.offset == 0
	return p, nil
}

// Find tells how far an upload has come.
func (f *Files) Find(id string) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.coming[id]
	if u == nil || u.spec == nil {
		return Progress{}, ErrNoUpload
	}
	return u.progress(), nil
}

// claim gives the turn to write an upload, which it takes from whoever has it: a
// client that lost its connection comes again before the server has noticed.
func (f *Files) claim(ctx context.Context, id string, interrupt func()) (*upload, error) {
	f.mu.Lock()
	u := f.coming[id]
	if u == nil || u.spec == nil {
		f.mu.Unlock()
		return nil, ErrNoUpload
	}
	if u.interrupt != nil {
		u.interrupt()
	}
	f.mu.Unlock()
	select {
	case u.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ErrInterrupted
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if u.gone {
		<-u.turn
		return nil, ErrNoUpload
	}
	u.interrupt, u.touched = interrupt, f.now()
	return u, nil
}

func (f *Files) release(u *upload) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u.interrupt, u.touched = nil, f.now()
	<-u.turn
}

// Write appends to an upload what is behind an offset, which is how far it has come;
// the last byte completes it. What was written before an error stays. A later Write of
// the same upload calls interrupt, which is to end the reading.
func (f *Files) Write(ctx context.Context, id string, offset uint64, body io.Reader, interrupt func()) (Progress, error) {
	u, err := f.claim(ctx, id, interrupt)
	if err != nil {
		return Progress{}, err
	}
	defer f.release(u)
	if offset != u.offset {
		return u.progress(), &OffsetError{Got: offset, Want: u.offset}
	}
	if err := f.receive(ctx, u, body); err != nil {
		return u.progress(), err
	}
	if u.offset < u.spec.Size {
		return u.progress(), nil
	}
	return f.finish(u)
}

// piece is how many bytes are taken at a time.
const piece = 256 << 10

func (f *Files) receive(ctx context.Context, u *upload, body io.Reader) (err error) {
	if err := makeDirectory(f.uploads); err != nil {
		return err
	}
	part, err := os.OpenFile(u.path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	buffer := make([]byte, piece)
	for {
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		n, ended := io.ReadFull(body, buffer)
		if uint64(n) > u.spec.Size-u.offset {
			return errTooLong
		}
		if err := f.append(u, part, buffer[:n]); err != nil {
			return err
		}
		switch {
		case errors.Is(ended, io.EOF), errors.Is(ended, io.ErrUnexpectedEOF):
			return nil
		case ended != nil:
			return fmt.Errorf("%w: %w", ErrInterrupted, ended)
		}
	}
}

func (f *Files) append(u *upload, part *os.File, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if err := f.db.Attachable(); err != nil {
		return err
	}
	if _, err := part.WriteAt(data, int64(u.offset)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	u.offset += uint64(len(data))
	return nil
}

// finish makes a video of a file that has all of its bytes: durable under its own
// name first, then named by a record.
func (f *Files) finish(u *upload) (Progress, error) {
	if err := u.verify(); err != nil {
		var wrong *ContentError
		if errors.As(err, &wrong) {
			err = errors.Join(err, f.drop(u))
		}
		return Progress{}, err
	}
	run, known := f.catalog.Run(u.spec.RunID)
	if !known {
		return Progress{}, errors.Join(fmt.Errorf("%w with the id %x any more", catalog.ErrNoRun, u.spec.RunID), f.drop(u))
	}
	v, err := u.spec.rendering(f.now())
	if err != nil {
		return Progress{}, err
	}
	if err := f.db.Attachable(); err != nil {
		return Progress{}, err
	}
	if err := f.adopt(u.path, u.content, u.spec.Size); err != nil {
		return Progress{}, err
	}
	err = run.AddRendering(v)
	p := u.progress()
	p.URL = PathOf(u.content)
	return p, errors.Join(err, f.unpin(u.content, err == nil), f.drop(u))
}

// verify reads the file back and makes it durable.
func (u *upload) verify() (err error) {
	part, err := os.OpenFile(u.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	if err := part.Truncate(int64(u.spec.Size)); err != nil {
		return err
	}
	found, isVideo, err := digest(part)
	switch {
	case err != nil:
		return err
	case found != u.content:
		return &ContentError{fmt.Sprintf("its SHA-256 is %s, not %s", found, u.content)}
	case !isVideo:
		return &ContentError{"it is no MP4 file: its second four bytes are not ftyp"}
	}
	return part.Sync()
}

// digest reads a file whole, and tells whether it begins as MP4 files do.
func digest(file io.Reader) (content sum, isVideo bool, err error) {
	head := make([]byte, 8)
	hash := sha256.New()
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return content, false, err
	}
	hash.Write(head[:n])
	if _, err := io.CopyBuffer(hash, file, make([]byte, piece)); err != nil {
		return content, false, err
	}
	return sum(hash.Sum(nil)), string(head[4:]) == "ftyp", nil
}

// drop forgets an upload, by whoever has its turn.
func (f *Files) drop(u *upload) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.removeUpload(u)
}

func (f *Files) removeUpload(u *upload) error {
	if err := os.Remove(u.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renderings: removing an upload: %w", err)
	}
	u.gone = true
	delete(f.coming, u.id)
	f.reserved -= u.reserved
	return nil
}
