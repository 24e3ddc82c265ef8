package views

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"

	"google.golang.org/protobuf/proto"

	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// metricCursor says what an answer along a metric was made of, so that the next one to the
// same question need hold only what changed.
type metricCursor struct {
	question uint64 // digest of it
	bins     valueBins
	versions []uint64 // by run, as asked: of the curves and of the metric
}

// metricCursorNumbers is how many numbers a cursor has beside its versions.
const metricCursorNumbers = 7

func (c metricCursor) bytes() []byte {
	bins, single := c.bins, uint64(0)
	if bins.single {
		single = 1
	}
	numbers := append([]uint64{
		c.question, math.Float64bits(bins.first), math.Float64bits(bins.last), math.Float64bits(bins.cut),
		uint64(bins.count), uint64(bins.cutCount), single,
	}, c.versions...)
	text := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		text = binary.LittleEndian.AppendUint64(text, n)
	}
	return text
}

// parseMetricCursor reads a cursor of a question about so many runs; false of any other.
func parseMetricCursor(text []byte, question uint64, runs int) (metricCursor, bool) {
	if len(text) != 8*(metricCursorNumbers+runs) {
		return metricCursor{}, false
	}
	numbers := make([]uint64, metricCursorNumbers+runs)
	for i := range numbers {
		numbers[i] = binary.LittleEndian.Uint64(text[8*i:])
	}
	const most = maxBuckets + maxBuckets/4
	if numbers[0] != question || numbers[4] > most || numbers[5] > numbers[4] {
		return metricCursor{}, false
	}
	bins := valueBins{
		first: math.Float64frombits(numbers[1]), last: math.Float64frombits(numbers[2]), cut: math.Float64frombits(numbers[3]),
		count: int(numbers[4]), cutCount: int(numbers[5]), single: numbers[6] != 0,
	}
	ascends := finite(bins.first) && finite(bins.last) && bins.first <= bins.cut && bins.cut <= bins.last
	return metricCursor{question, bins, numbers[metricCursorNumbers:]}, ascends
}

// takesMore tells whether further values may have bins behind.
func (c metricCursor) takesMore() bool {
	return !c.bins.single && c.bins.cutCount > 0 && c.bins.share(c.bins.cut) == 1
}

// binsFor goes on with the bins until they hold the curves; false where they must be made anew.
func (c metricCursor) binsFor(curves []metricCurve, most int) (valueBins, bool) {
	if len(curves) == 0 {
		return c.bins, true
	}
	first, last := valuesExtent(curves)
	if !c.takesMore() || first < c.bins.first {
		return valueBins{}, false
	}
	return c.bins.upTo(last, most+most/4)
}

// questionByMetric is a digest that tells questions apart.
func questionByMetric(r *pb.BucketByMetricRequest) (uint64, error) {
	asked := proto.CloneOf(r)
	asked.Cursor = nil
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(asked)
	if err != nil {
		return 0, fmt.Errorf("telling questions apart: %w", err)
	}
	hash := fnv.New64a()
	_, err = hash.Write(text)
	return hash.Sum64(), err
}
