// Package reader reads back: a client of the public QueryService, and of the
// ViewsService where that answers what the public one does not.
//
// A Reader is a connection. Reader.Begin makes a call, which follows the pages of
// the answer one ahead of who takes them; each Page is a tree of JSON whose long
// columns of numbers lie beside it, so that whoever is on the other side of the C
// boundary looks at them where they are. Call.Gather makes one page of all, with
// each series once.
package reader

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/experimental"
)

// Options say where to read, and as whom.
type Options struct {
	URL         string // http(s)://host[:port], nothing behind
	Key         string // "" for public workspaces
	UserAgent   string
	CallTimeout time.Duration // of one attempt at one page; 0: 30 s
}

// ConfigError tells of options or a request that cannot be.
type ConfigError struct{ Text string }

func (e *ConfigError) Error() string { return e.Text }

// TransportError tells that the server did not answer.
type TransportError struct{ Text string }

func (e *TransportError) Error() string { return e.Text }

// RPCError is the server's refusal.
type RPCError struct{ Text string } // CODE: details

func (e *RPCError) Error() string { return e.Text }

// ErrClosed is what a Reader answers after Close.
var ErrClosed = errors.New("the reader was closed")

// Reader is a connection to one server. Its methods may be called from any
// goroutine.
type Reader struct {
	options Options
	conn    *grpc.ClientConn
	ctx     context.Context // of all calls, until Close
	cancel  context.CancelFunc
	close   func() error
}

// Open begins to connect; see Ready.
func Open(o Options) (*Reader, error) {
	address, secure, err := target(o.URL)
	if err != nil {
		return nil, err
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = 30 * time.Second
	}
	trust := insecure.NewCredentials()
	if secure {
		trust = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	conn, err := grpc.NewClient("dns:///"+address,
		grpc.WithTransportCredentials(trust), grpc.WithUserAgent(o.UserAgent), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		// A stream of a large page should never wait for the window.
		grpc.WithInitialWindowSize(16<<20), grpc.WithInitialConnWindowSize(32<<20), grpc.WithReadBufferSize(1<<20),
		experimental.WithBufferPool(new(frames)),
	)
	if err != nil {
		return nil, &ConfigError{fmt.Sprintf("query_url %q: %v", o.URL, err)}
	}
	r := &Reader{options: o, conn: conn}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.close = sync.OnceValue(conn.Close)
	return r, nil
}

func target(address string) (hostPort string, secure bool, err error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", false, &ConfigError{fmt.Sprintf("query_url %q cannot be parsed: %v", address, err)}
	}
	scheme, host, port := strings.ToLower(parsed.Scheme), parsed.Hostname(), parsed.Port()
	if scheme != "http" && scheme != "https" || host == "" || parsed.User != nil || strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" {
		return "", false, &ConfigError{fmt.Sprintf("query_url %q must look like http://host:port or https://host:port", address)}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return host + ":" + port, scheme == "https", nil
}

// Ready tells whether the server answers, for which it waits no longer than this.
func (r *Reader) Ready(within time.Duration) bool {
	ctx, cancel := context.WithTimeout(r.ctx, within)
	defer cancel()
	for {
		state := r.conn.GetState()
		if state == connectivity.Ready {
			return true
		}
		if state == connectivity.Idle {
			r.conn.Connect()
		}
		if !r.conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

// Close ends all calls and the connection; a second time it does nothing.
func (r *Reader) Close() error {
	r.cancel()
	return r.close()
}
