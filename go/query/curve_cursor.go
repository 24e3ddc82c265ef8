package query

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
)

// curveCursor says what an answer about curves was made of, so that the next one to the
// same question need hold only what changed.
type curveCursor struct {
	question   uint64   // digest of it
	first, cut uint64   // these steps were cut
	limit      uint64   // into at most so many buckets; 0: there was nothing to cut
	pooled     bool     // they begin where slots do
	offset     uint64   // before the first slot, as spannedEvenly has it
	last       uint64   // how far the buckets go by now
	versions   []uint64 // by run, as asked
	marks      markSet
}

// cursorNumbers is how many numbers a cursor has beside those of runs and curves.
const cursorNumbers = 7

func (c curveCursor) bytes() []byte {
	pooled := uint64(0)
	if c.pooled {
		pooled = 1
	}
	numbers := append([]uint64{c.question, c.first, c.cut, c.limit, pooled, c.offset, c.last}, c.versions...)
	numbers = c.marks.appendNumbers(numbers)
	text := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		text = binary.LittleEndian.AppendUint64(text, n)
	}
	return text
}

// parseCurveCursor reads a cursor of a question about so many runs; false of any other.
func parseCurveCursor(text []byte, question uint64, runs int) (curveCursor, bool) {
	if len(text)%8 != 0 || len(text) < 8*(cursorNumbers+runs) {
		return curveCursor{}, false
	}
	n := make([]uint64, len(text)/8)
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(text[8*i:])
	}
	versions, rest := n[cursorNumbers:cursorNumbers+runs], n[cursorNumbers+runs:]
	marks, whole := parseMarks(rest, runs)
	c := curveCursor{n[0], n[1], n[2], n[3], n[4] != 0, n[5], n[6], versions, marks}
	return c, whole && c.question == question && c.first <= c.cut && c.cut <= c.last && c.limit >= 1 && c.limit <= maxBuckets
}

// axis is the one that was cut.
func (c curveCursor) axis() axis {
	if c.pooled {
		return spannedEvenly(c.first, c.cut, int(c.limit), c.offset).extensible()
	}
	return spanned(c.first, c.cut, int(c.limit)).extensible()
}

// axisFor goes on with the buckets until they hold the curves; false where one begins before
// them, and where that takes more than a quarter above what there may be.
func (c curveCursor) axisFor(curves []curve) (axis, bool) {
	last, cut := c.last, c.axis()
	for _, of := range curves {
		from, to := of.extent()
		if from < cut.lowest {
			return axis{}, false
		}
		last = max(last, to)
	}
	limit := int(c.limit)
	a, fits := cut.upTo(last, limit+limit/4)
	// Of steps beyond 2⁵³ a further bucket may begin within the last one.
	fits = fits && cut.start(cut.count) > c.cut
	return a, fits && len(curves)*a.count <= maxBucketsPage+maxBucketsPage/4
}

// digest tells questions apart.
func (q CurveQuery) digest(buckets int) (uint64, error) {
	text, err := json.Marshal(struct {
		CurveQuery

		Buckets int
	}{q, buckets})
	if err != nil {
		return 0, fmt.Errorf("telling questions apart: %w", err)
	}
	hash := fnv.New64a()
	_, err = hash.Write(text)
	return hash.Sum64(), err
}

// CurveVersions gives, for each run as asked, a number that is another one once anything changed
// that its curves are made of.
func (s *Service) CurveVersions(q CurveQuery) ([]uint64, error) {
	versions, err := s.curveVersions(q)
	if err != nil {
		return nil, s.failed(err)
	}
	return versions, nil
}

// curveVersions gives, for each run, a number that is another one once anything changed
// that its curves are made of.
func (s *Service) curveVersions(q CurveQuery) ([]uint64, error) {
	selected, err := parseSelector(q.Series)
	if err != nil {
		return nil, err
	}
	runs, err := s.findRuns(q.Workspace, q.Project, q.Runs)
	if err != nil {
		return nil, err
	}
	versions := make([]uint64, len(runs))
	for i, run := range runs {
		if versions[i], err = run.curveVersion(selected, q.Inherited); err != nil {
			return nil, err
		}
	}
	return versions, nil
}

// curveVersion is the revision of the last change of the selected series. What a fork inherits
// depends on where environments stood, and so on all series of the runs before.
func (r runPoints) curveVersion(selected selector, inherited bool) (uint64, error) {
	if !inherited || r.Fork == nil {
		version := uint64(0)
		for _, info := range selected.ofAnyScale(r.points) {
			version = max(version, r.points.SeriesChanged(info.No))
		}
		return version, nil
	}
	hash := fnv.New64a()
	for exists := true; exists; {
		if _, err := fmt.Fprintln(hash, r.ID, r.points.Revision()); err != nil {
			return 0, err
		}
		var err error
		if r, exists, err = r.parent(); err != nil {
			return 0, err
		}
	}
	return hash.Sum64(), nil
}
