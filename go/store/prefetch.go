package store

import "unsafe"

// Points mostly come in the order of their environments or series, and what a cell
// has in memory lies in a dozen places that were last touched a batch ago. While one
// cell takes its points the processor already fetches the next ones.

// prefetchAfter expects points of the environments behind one.
func (s *series) prefetchAfter(env uint32) {
	if i := int(env) + 2; i < len(s.envs) && s.envs[i] != nil {
		prefetch(unsafe.Pointer(s.envs[i]), unsafe.Offsetof(cell{}.std))
	}
	if i := int(env); i < len(s.envs) && s.envs[i] != nil {
		s.envs[i].prefetchEnds()
	}
}

// prefetchAfter expects standard points of the series behind one.
func (r *Run) prefetchAfter(no uint32) {
	i := int(no) // of the next
	if i+4 < len(r.series) {
		prefetch(unsafe.Pointer(r.series[i+4]), unsafe.Sizeof(series{}))
	}
	if i+2 < len(r.series) && r.series[i+2].std != nil {
		c := r.series[i+2].std
		prefetch(unsafe.Pointer(&c.head), unsafe.Sizeof(c.head)+unsafe.Sizeof(c.std))
	}
	if i < len(r.series) && r.series[i].std != nil {
		r.series[i].std.prefetchEnds()
	}
}

// prefetchListed expects that series are looked at in the order of a list, and what sums
// up their standard points: what lies behind the i-th.
func prefetchListed(list []*series, i int) {
	if i+16 >= len(list) {
		return
	}
	prefetch(unsafe.Pointer(list[i+16]), unsafe.Offsetof(series{}.envs))
	if c := list[i+8].std; c != nil {
		prefetch(unsafe.Pointer(&c.std), unsafe.Sizeof(c.std))
	}
}

// prefetchEnds fetches what the next points are put behind.
func (c *cell) prefetchEnds() {
	for k := range c.head.ints {
		if n := len(c.head.ints[k]); n > 0 {
			prefetch(unsafe.Pointer(&c.head.ints[k][n-1]), 2*runBytes)
		}
	}
	if n := len(c.head.short); n > 0 {
		prefetch(unsafe.Pointer(&c.head.short[n-1]), 128)
	} else if n := len(c.head.long); n > 0 {
		prefetch(unsafe.Pointer(&c.head.long[n-1]), 128)
	}
	if n := len(c.sums.list); n > 0 {
		prefetch(unsafe.Pointer(&c.sums.list[n-1]), 2*stretchBytes)
	}
	if c.clock != nil {
		prefetch(unsafe.Pointer(c.clock), unsafe.Sizeof(clock{}))
	}
}
