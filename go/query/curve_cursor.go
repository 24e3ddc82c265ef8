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
	curveGrid

	versions []uint64 // by run, as asked
}

// curveGrid is the fixed part of a cursor: the axis as it was cut, and how far it goes
// by now.
type curveGrid struct {
	Question   uint64 // digest of it
	First, Cut uint64 // these steps were cut
	Limit      uint64 // into at most so many buckets; 0: there was nothing to cut
	Last       uint64 // how far the buckets go by now
}

// parseCurveCursor reads a cursor of a question about so many runs; false of any other.
func parseCurveCursor(text []byte, question uint64, runs int) (curveCursor, bool) {
	c := curveCursor{versions: make([]uint64, runs)}
	n, err := binary.Decode(text, binary.LittleEndian, &c.curveGrid)
	if err != nil || len(text)-n != binary.Size(c.versions) || c.Question != question {
		return c, false
	}
	if _, err := binary.Decode(text[n:], binary.LittleEndian, c.versions); err != nil {
		return c, false
	}
	return c, c.First <= c.Cut && c.Cut <= c.Last && c.Limit >= 1 && c.Limit <= maxBuckets
}

func (c curveCursor) bytes() ([]byte, error) {
	text, err := binary.Append(nil, binary.LittleEndian, c.curveGrid)
	if err != nil {
		return nil, fmt.Errorf("writing a cursor: %w", err)
	}
	return binary.Append(text, binary.LittleEndian, c.versions)
}

// axisFor goes on with the buckets until they hold the curves; false where one begins before
// them, and where that takes more than a quarter above what there may be.
func (c curveCursor) axisFor(curves []curve) (axis, bool) {
	last := c.Last
	for _, of := range curves {
		from, to := of.extent()
		if from < c.First {
			return axis{}, false
		}
		last = max(last, to)
	}
	limit := int(c.Limit)
	cut := spanned(c.First, c.Cut, limit).extensible()
	a, fits := cut.upTo(last, limit+limit/4)
	// Of steps beyond 2⁵³ a further bucket may begin within the last one.
	fits = fits && cut.start(cut.count) > c.Cut
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
