package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/admin"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/dashboard"
	"github.com/metrana/metrana/go/ingest"
	"github.com/metrana/metrana/go/query"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/views"
	"github.com/metrana/metrana/go/wire/pb/admin/adminconnect"
	"github.com/metrana/metrana/go/wire/pb/views/viewsconnect"
)

// maxRequest bounds one message. Clients of the public protocol may send a whole
// array of a million points as one.
const maxRequest = 256 << 20

// newHTTPServer makes a server that speaks HTTP/1.1 and, without TLS, HTTP/2.
// Windows are large, so that one stream can fill a fast network. Pings are
// answered and never counted against a client.
func newHTTPServer(cfg Config, h http.Handler, streams context.Context) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           withoutHeaderDeadline(h),
		Protocols:         &protocols,
		BaseContext:       func(net.Listener) context.Context { return streams },
		ConnContext:       rememberDeadline,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          2000,
			MaxReadFrameSize:              1 << 20,
			MaxReceiveBufferPerConnection: 16 << 20,
			MaxReceiveBufferPerStream:     8 << 20,
		},
	}
}

// deadlineKey finds in a request's context what lifts its connection's deadline.
type deadlineKey struct{}

func rememberDeadline(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, deadlineKey{}, sync.OnceValue(func() error { return c.SetReadDeadline(time.Time{}) }))
}

// withoutHeaderDeadline lifts ReadHeaderTimeout from connections of HTTP/2 without
// TLS: net/http of Go 1.26 up to 1.26.6 forgets to, and cuts each after that time.
func withoutHeaderDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lift, known := r.Context().Value(deadlineKey{}).(func() error); known && r.ProtoMajor == 2 {
			if err := lift(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func handler(cfg Config, index *catalog.Catalog, operator *admin.Service, videos *renderings.Files) http.Handler {
	options := []connect.HandlerOption{
		connect.WithReadMaxBytes(maxRequest),
		connect.WithCompression("zstd", newZstdDecompressor, newZstdCompressor),
		connect.WithCompressMinBytes(1 << 10),
	}
	mux := http.NewServeMux()
	mux.Handle(ingest.NewHandler(ingest.New(index, ingest.Options{Logger: cfg.Logger, CreateWorkspaces: true}), options...))
	queries := query.New(index, query.Options{Logger: cfg.Logger})
	mux.Handle(query.NewHandler(queries, options...))
	path, service := viewsconnect.NewViewsServiceHandler(views.New(index, queries), options...)
	mux.Handle(path, service)
	for _, changing := range []string{
		viewsconnect.ViewsServiceSaveViewProcedure, viewsconnect.ViewsServiceDeleteSavedViewProcedure, viewsconnect.ViewsServiceSetPinnedProcedure,
	} {
		mux.Handle(changing, ownMachine(service, options...))
	}
	path, service = adminconnect.NewAdminServiceHandler(operator, options...)
	mux.Handle(path, ownMachine(service, options...))
	mux.HandleFunc("/healthz", healthy)
	mux.Handle("/", renderings.NewHandler(videos, dashboard.Handler()))
	if cfg.AllowAnyKey {
		return plainOnLoopback(mux)
	}
	return plainOnLoopback(loopbackOnly(mux))
}

// plainOnLoopback sends answers that stay on this machine as they are:
// compressing them takes many times longer than sending them.
func plainOnLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLoopback(hostOf(r.RemoteAddr)) {
			for _, name := range []string{"Grpc-Accept-Encoding", "Connect-Accept-Encoding", "Accept-Encoding"} {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n")) // the client is gone: nobody to tell
}

// loopbackOnly refuses requests that name another host: a page on the internet
// could otherwise reach this server through a name of its own that resolves to
// 127.0.0.1.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostOf(r.Host)) {
			http.Error(w, "this server answers only to loopback names, not to "+hostOf(r.Host), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
