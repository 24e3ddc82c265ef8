//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/wire/pb/ingestion/ingestionconnect"
	"github.com/metrana/metrana/go/wire/pb/query/queryconnect"
)

// server is the real server as a process of its own.
type server struct {
	process *exec.Cmd
	url     string
	client  *http.Client
	said    *bytes.Buffer // shown when the server ends badly
}

func startServer(program, dir string) (*server, error) {
	process := exec.CommandContext(context.Background(), program, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	said := &bytes.Buffer{}
	process.Stderr = said
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !found {
		return nil, fmt.Errorf("the server said %q (%v) and ended: %w\n%s", line, err, process.Wait(), said)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &server{process, url, &http.Client{Transport: &http.Transport{Protocols: &protocols}}, said}, nil
}

func (s *server) questions() queryconnect.QueryServiceClient {
	return queryconnect.NewQueryServiceClient(s.client, s.url, connect.WithGRPC())
}

func (s *server) ingestion() ingestionconnect.IngestServiceClient {
	return ingestionconnect.NewIngestServiceClient(s.client, s.url, connect.WithGRPC())
}

func (s *server) stop() error {
	s.client.CloseIdleConnections()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.process.Wait(); err != nil {
		return fmt.Errorf("the server ended: %w\n%s", err, s.said)
	}
	return nil
}
