package query

// CurveAnswer is curves in the buckets of one axis.
type CurveAnswer struct {
	Grid

	Curves    []Buckets
	Unchanged []string // runs whose curves are those of the answer before
	Cursor    []byte   // what the next answer to the same question goes on from
}

// Grid is the axis that curves were put on: bucket i begins at First + i × Width,
// rounded down; the first holds nothing before the lowest step, where it is said to begin.
type Grid struct {
	First, Last float64
	Width       float64
	Count       int
}

// Buckets are a curve's that hold finite points: parallel columns.
type Buckets struct {
	Identity

	Kept                   int       // so many first ones are those of the answer before, and left out
	Xs                     []float64 // where they begin
	Counts                 []uint64  // of finite points
	Means, Mins, Maxs      []float64
	Lasts                  []float64 // the finite point last along the axis
	NaNs, Infs, NegatedInf []float64 // where buckets with such points begin
}

// BucketCurves puts curves into so many buckets at most of one axis that spans them all;
// into fewer when these would be too many together. With the cursor of an answer before it
// keeps the buckets of that, while it can, and leaves out the runs that nothing came to.
func (s *Service) BucketCurves(q CurveQuery, buckets int, cursor []byte) (CurveAnswer, error) {
	answer, err := s.bucketCurves(q, buckets, cursor)
	if err != nil {
		return answer, s.failed(err)
	}
	return answer, nil
}

func (s *Service) bucketCurves(q CurveQuery, buckets int, cursor []byte) (CurveAnswer, error) {
	question, err := q.digest(buckets)
	if err != nil {
		return CurveAnswer{}, err
	}
	// Before points are read: what comes in between is in the next answer, too.
	versions, err := s.curveVersions(q)
	if err != nil {
		return CurveAnswer{}, err
	}
	if held, found := parseCurveCursor(cursor, question, len(versions)); found {
		answer, goesOn, err := s.goOn(q, held, versions)
		if goesOn || err != nil {
			return answer, err
		}
	}
	list, err := s.curvesAlong(q)
	if err != nil {
		return CurveAnswer{}, err
	}
	count, across := int64(buckets), int64(maxBucketsPage)
	most, err := mostBuckets(len(list), &count, &across)
	if err != nil {
		return CurveAnswer{}, err
	}
	next := curveCursor{question: question, versions: versions, marks: make(markSet, len(versions))}
	if len(list) == 0 {
		return q.answerOn(axis{}, list, next, nil)
	}
	whole := spanning(len(list), extents(list), most)
	next.first, next.cut, next.last, next.limit = whole.first, whole.last, whole.last, uint64(most)
	next.pooled, next.offset = slotsOf(list)
	return q.answerOn(next.axis(), list, next, nil)
}

// goOn answers with the runs that changed, on the axis of the answer before, so that most of
// their buckets stay as they are; goesOn is false where the axis cannot stay.
func (s *Service) goOn(q CurveQuery, held curveCursor, versions []uint64) (answer CurveAnswer, goesOn bool, err error) {
	changed, unchanged := q, []string(nil)
	changed.Runs = nil
	for i, run := range q.Runs {
		if versions[i] == held.versions[i] {
			unchanged = append(unchanged, run)
		} else {
			changed.Runs = append(changed.Runs, run)
		}
	}
	list, err := s.curvesAlong(changed)
	if err != nil {
		return CurveAnswer{}, false, err
	}
	a, fits := held.axisFor(list)
	if !fits {
		return CurveAnswer{}, false, nil
	}
	sent := held.marks.takeOf(func(run int) bool { return versions[run] != held.versions[run] })
	held.versions, held.last = versions, a.last
	answer, err = q.answerOn(a, list, held, sent)
	answer.Unchanged = unchanged
	return answer, true, err
}

// answerOn fills the buckets of an axis, and leaves out what was sent of them before.
func (q CurveQuery) answerOn(a axis, list []curve, next curveCursor, sent map[uint64]curveMarks) (CurveAnswer, error) {
	filled, err := fillAll(a, list)
	if err != nil {
		return CurveAnswer{}, err
	}
	answer := CurveAnswer{Curves: make([]Buckets, len(filled))}
	if a.count > 0 {
		answer.Grid = Grid{q.Along.number(a.first), q.Along.number(a.last), a.width, a.count}
	}
	places := make(map[string]int, len(q.Runs))
	for i, run := range q.Runs {
		places[run] = i
	}
	for i := range filled {
		answer.Curves[i] = filled[i].placed(q.Along, a)
		if q.KeepsBuckets {
			id, run := filled[i].id(), places[filled[i].run]
			next.marks[run] = append(next.marks[run], answer.Curves[i].mark(id, sent[id]))
		}
	}
	answer.Cursor = next.bytes()
	return answer, nil
}

// placed says where the buckets begin.
func (b *bucketed) placed(along Along, a axis) Buckets {
	starts := func(indexes []uint64) []float64 {
		xs := make([]float64, len(indexes))
		for k, bucket := range indexes {
			xs[k] = along.number(max(a.start(int(bucket)), a.lowest))
		}
		return xs
	}
	return Buckets{
		Identity: b.identity(), Xs: starts(b.indexes), Counts: b.counts, Means: b.means, Mins: b.mins, Maxs: b.maxs, Lasts: b.lasts,
		NaNs: starts(b.nans), Infs: starts(b.infinities), NegatedInf: starts(b.negatives),
	}
}
