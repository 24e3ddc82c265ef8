package chunk

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// One encoder and one decoder serve all: they are built for concurrent use of
// EncodeAll and DecodeAll, and building one is dear.
var (
	zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false))
		if err != nil {
			panic("BUG: zstd options: " + err.Error())
		}
		return e
	})
	zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			panic("BUG: zstd options: " + err.Error())
		}
		return d
	})
)

// Compress appends src, compressed, to dst.
func Compress(dst, src []byte) []byte {
	return zstdEncoder().EncodeAll(src, dst)
}

// Decompress undoes Compress; the result must have exactly n bytes.
func Decompress(packed []byte, n int) ([]byte, error) {
	var header zstd.Header
	if err := header.Decode(packed); err != nil {
		return nil, corrupt("compressed bytes: " + err.Error())
	}
	if header.HasFCS && header.FrameContentSize != uint64(n) {
		return nil, corrupt("compressed bytes of another length")
	}
	plain, err := zstdDecoder().DecodeAll(packed, make([]byte, 0, n))
	if err != nil {
		return nil, corrupt("compressed bytes: " + err.Error())
	}
	if len(plain) != n {
		return nil, corrupt("compressed bytes of another length")
	}
	return plain, nil
}
