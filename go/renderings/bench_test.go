package renderings

import (
	"testing"

	"github.com/metrana/metrana/go/catalog"
)

// What a listing, and each tidying up, has to read.
func BenchmarkReadingRecords(b *testing.B) {
	w := &world{T: new(testing.T), dir: b.TempDir()}
	w.start()
	defer w.stop()
	run := w.run("r")
	const records = 10_000
	for i := range uint64(records) {
		v := catalog.Rendering{Environment: "env", Episode: i, FPS: 30, Frames: 1, Size: 1}
		v.SHA256[0], v.SHA256[1] = byte(i), byte(i>>8)+1
		if err := run.AddRendering(v); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := run.Renderings(nil, func(catalog.Rendering, error) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
