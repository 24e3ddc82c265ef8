package server

import (
	"io"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
)

const zstdName = "zstd"

// grpcZstd is the clients' side of the compression.
type grpcZstd struct{}

func init() { encoding.RegisterCompressor(grpcZstd{}) }

func (grpcZstd) Name() string { return zstdName }

func (grpcZstd) Compress(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
}

func (grpcZstd) Decompress(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
}
