package server

import (
	"io"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/zstd"
)

// zstdDecompressor fits klauspost's decoder to connect: its Close ends the
// decoder for good, but connect pools decompressors and resets them.
type zstdDecompressor struct{ *zstd.Decoder }

func newZstdDecompressor() connect.Decompressor {
	// One goroutine less and bounded memory per stream.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRequest))
	if err != nil {
		panic("BUG: zstd options: " + err.Error())
	}
	return zstdDecompressor{d}
}

func (d zstdDecompressor) Close() error                 { return d.Decoder.Reset(nil) }
func (d zstdDecompressor) Reset(source io.Reader) error { return d.Decoder.Reset(source) }

func newZstdCompressor() connect.Compressor {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic("BUG: zstd options: " + err.Error())
	}
	return e
}
