package query

// Sums add up the finite points that a curve has at each x.
type Sums struct {
	Identity

	Xs, Sums []float64
	Counts   []uint64
}

func (s *Sums) add(x, sum float64, count uint64) {
	if k := len(s.Xs) - 1; k >= 0 && s.Xs[k] == x {
		s.Sums[k] += sum
		s.Counts[k] += count
		return
	}
	s.Xs, s.Sums, s.Counts = append(s.Xs, x), append(s.Sums, sum), append(s.Counts, count)
}

// Sums sums up the i-th curve at each x. Where points lie close the store does that, and
// they are not put in order.
func (c Curves) Sums(i int) (Sums, error) {
	const sparse = 4 // places a point
	of := c.list[i]
	first, last := of.extent()
	if staysInStore(of) && (last-first)/sparse <= of.most() {
		return c.sumsInStore(of, first, last)
	}
	points, err := of.points()
	if err != nil {
		return Sums{}, err
	}
	sums := Sums{Identity: points.identity()}
	for k, v := range points.values {
		if v-v == 0 {
			sums.add(c.along.number(points.xs[k]), v, 1)
		}
	}
	return sums, nil
}

// sumsInStore has buckets of one place each filled, so many at a time.
func (c Curves) sumsInStore(of curve, first, last uint64) (Sums, error) {
	const together = 1 << 13
	var sums Sums
	for from := first; ; from += together {
		to := from + min(last-from, together-1)
		if part, some := of.cut(from, to); some {
			filled, err := part.fill(&filler{axis: spanned(from, to, together)})
			if err != nil {
				return sums, err
			}
			sums.Identity = filled.identity()
			for k, bucket := range filled.indexes {
				sums.add(c.along.number(from+bucket), filled.sums[k], filled.counts[k])
			}
		}
		if to == last {
			return sums, nil
		}
	}
}

// staysInStore tells whether the store sums a curve up, over and over without reading all
// of it.
func staysInStore(c curve) bool {
	switch c.(type) {
	case storedEnvironment, storedPool:
		return true
	default:
		return false
	}
}
