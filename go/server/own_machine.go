package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"connectrpc.com/connect"
)

// ownMachine lets nobody change or copy what is stored but programs and pages of
// this machine, since no key is checked yet: the caller's address is loopback;
// the Host it names is no domain, which a page elsewhere could have point here;
// and a browser does not say that a page of another origin asks.
func ownMachine(next http.Handler, options ...connect.HandlerOption) http.Handler {
	refusals := connect.NewErrorWriter(options...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reason := strangerReason(r)
		if reason == nil {
			next.ServeHTTP(w, r)
			return
		}
		if !refusals.IsSupported(r) {
			http.Error(w, reason.Error(), http.StatusForbidden)
			return
		}
		// An error is a caller that is gone: nobody to tell.
		_ = refusals.Write(w, r, connect.NewError(connect.CodePermissionDenied, reason))
	})
}

// strangerReason says why a caller may not do what only this machine may; nil: it may.
func strangerReason(r *http.Request) error {
	if caller := hostOf(r.RemoteAddr); !isLoopback(caller) {
		return fmt.Errorf("only callers on the server's machine may do this, not %s", caller)
	}
	if host := hostOf(r.Host); !isLoopback(host) && net.ParseIP(host) == nil {
		return fmt.Errorf("this is done through localhost or an address in digits, not through %q", host)
	}
	if http.NewCrossOriginProtection().Check(r) != nil {
		return errors.New("a page of another site may not do this")
	}
	return nil
}
