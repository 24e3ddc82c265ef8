package client

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
)

// zstdName is how grpc messages name the compression.
const zstdName = "zstd"

func init() { encoding.RegisterCompressor(&zstdCompressor{}) }

// zstdCompressor compresses messages. Writers and readers are reused: they
// hold large tables.
type zstdCompressor struct {
	writers sync.Pool
	readers sync.Pool
}

func (*zstdCompressor) Name() string { return zstdName }

func (c *zstdCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	if pooled, ok := c.writers.Get().(*zstdWriter); ok {
		pooled.Reset(w)
		return pooled, nil
	}
	fresh, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &zstdWriter{fresh, &c.writers}, nil
}

func (c *zstdCompressor) Decompress(r io.Reader) (io.Reader, error) {
	if pooled, ok := c.readers.Get().(*zstdReader); ok {
		return pooled, pooled.Reset(r)
	}
	fresh, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &zstdReader{fresh, &c.readers}, nil
}

type zstdWriter struct {
	*zstd.Encoder
	pool *sync.Pool
}

func (w *zstdWriter) Close() error {
	defer w.pool.Put(w)
	return w.Encoder.Close()
}

type zstdReader struct {
	*zstd.Decoder
	pool *sync.Pool
}

func (r *zstdReader) Read(p []byte) (int, error) {
	n, err := r.Decoder.Read(p)
	if err == io.EOF {
		r.pool.Put(r)
	}
	return n, err
}
