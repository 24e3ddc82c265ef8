package client

import (
	"crypto/tls"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// dial prepares a connection; it is made by the first call on it. Each attempt
// gets one of its own, so that grpc's own pauses never add to ours.
func (l *Logger) dial() (*grpc.ClientConn, error) {
	address, secure, err := l.options.target()
	if err != nil {
		return nil, err
	}
	trust := insecure.NewCredentials()
	if secure {
		trust = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(trust),
		grpc.WithUserAgent(l.options.UserAgent),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.DefaultConfig,
			MinConnectTimeout: l.options.ConnectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	}
	if l.options.dial != nil {
		options = append(options, grpc.WithContextDialer(l.options.dial))
	}
	return grpc.NewClient("dns:///"+address, options...)
}
