package query

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
)

// markedBefore says how far before its end a curve is marked: where points come to the last buckets, as they mostly do, all
// buckets before these need not be sent again.
var markedBefore = [...]int{1, 8, 64}

// maxMarked is of how many curves a cursor has marks. They travel with each question and each answer, 40 bytes a curve: of
// more curves, of which few change, that would be more than they spare.
const maxMarked = 256

// curveMarks tell what was sent of a curve: how many buckets, and a digest of all those before each mark. A digest holds
// for one process; the cursor of another marks nothing.
type curveMarks struct {
	id      uint64
	buckets uint64
	digests [len(markedBefore)]uint64 // 0 where the curve is shorter
}

// markNumbers is how many numbers a cursor has of a curve.
const markNumbers = 2 + len(markedBefore)

var markSeed = maphash.MakeSeed()

// at is the place of a mark; false where the curve is shorter.
func (m *curveMarks) at(k int) (place int, exists bool) {
	place = int(m.buckets) - markedBefore[k]
	return place, place > 0
}

// mark marks a curve, and leaves out of its buckets those that sent, the marks of the answer before, tell of.
func (b *Buckets) mark(id uint64, sent curveMarks) curveMarks {
	marks := curveMarks{id: id, buckets: uint64(len(b.Xs))}
	var places []int
	for k := range markedBefore {
		for _, of := range []*curveMarks{&marks, &sent} {
			if place, exists := of.at(k); exists && place <= len(b.Xs) {
				places = append(places, place)
			}
		}
	}
	slices.Sort(places)
	digests := b.digests(places)
	kept := 0
	for k := range markedBefore {
		if place, exists := marks.at(k); exists {
			marks.digests[k] = digests[slices.Index(places, place)]
		}
		if place, exists := sent.at(k); exists && place <= len(b.Xs) && digests[slices.Index(places, place)] == sent.digests[k] {
			kept = max(kept, place)
		}
	}
	b.leaveOut(kept)
	return marks
}

// digests tells apart, for each of some places, ascending, the buckets before it.
func (b *Buckets) digests(places []int) []uint64 {
	var hash maphash.Hash
	hash.SetSeed(markSeed)
	digests := make([]uint64, len(places))
	row := make([]byte, 0, 6*8)
	i := 0
	for k, place := range places {
		for ; i < place; i++ {
			row = binary.LittleEndian.AppendUint64(row[:0], b.Counts[i])
			for _, v := range [...]float64{b.Xs[i], b.Means[i], b.Mins[i], b.Maxs[i], b.Lasts[i]} {
				row = binary.LittleEndian.AppendUint64(row, math.Float64bits(v))
			}
			_, _ = hash.Write(row) // a hash takes everything
		}
		digests[k] = hash.Sum64()
	}
	return digests
}

func (b *Buckets) leaveOut(kept int) {
	b.Kept = kept
	b.Xs, b.Counts = b.Xs[kept:], b.Counts[kept:]
	b.Means, b.Mins, b.Maxs, b.Lasts = b.Means[kept:], b.Mins[kept:], b.Maxs[kept:], b.Lasts[kept:]
}

// markSet is the marks of curves by run, as asked.
type markSet [][]curveMarks

// takeOf takes the marks of some runs out, and gives them by curve.
func (m markSet) takeOf(changed func(run int) bool) map[uint64]curveMarks {
	taken := make(map[uint64]curveMarks)
	for run, marks := range m {
		if !changed(run) {
			continue
		}
		for _, of := range marks {
			taken[of.id] = of
		}
		m[run] = nil
	}
	return taken
}

// appendNumbers writes, for each run, how many curves it has and their marks; of too many curves there are none.
func (m markSet) appendNumbers(numbers []uint64) []uint64 {
	curves := 0
	for _, marks := range m {
		curves += len(marks)
	}
	for _, marks := range m {
		if curves > maxMarked {
			marks = nil
		}
		numbers = append(numbers, uint64(len(marks)))
		for _, of := range marks {
			numbers = append(append(numbers, of.id, of.buckets), of.digests[:]...)
		}
	}
	return numbers
}

// parseMarks reads the marks of so many runs; false of other numbers.
func parseMarks(numbers []uint64, runs int) (markSet, bool) {
	set := make(markSet, runs)
	for run := range set {
		if len(numbers) == 0 || numbers[0] > uint64((len(numbers)-1)/markNumbers) {
			return nil, false
		}
		set[run] = make([]curveMarks, numbers[0])
		numbers = numbers[1:]
		for i := range set[run] {
			of := &set[run][i]
			of.id, of.buckets = numbers[0], min(numbers[1], math.MaxInt32)
			copy(of.digests[:], numbers[2:markNumbers])
			numbers = numbers[markNumbers:]
		}
	}
	return set, len(numbers) == 0
}
