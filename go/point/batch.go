package point

// Steps are the steps of a batch, one for each value. Without a list they run
// First, First+1, First+2, …
type Steps struct {
	First uint64
	List  []uint64 // nil for consecutive steps
}

// At returns the step of value i.
func (s Steps) At(i int) uint64 {
	if s.List != nil {
		return s.List[i]
	}
	return s.First + uint64(i)
}

// Times are the Unix times of a batch in milliseconds, one for each value.
// Without a list all are Millis.
type Times struct {
	Millis int64
	List   []int64 // nil for one time for all
}

// At returns the time of value i.
func (t Times) At(i int) int64 {
	if t.List != nil {
		return t.List[i]
	}
	return t.Millis
}

// Batch holds consecutive points of one standard series, in the order they
// were logged: what one log call adds.
type Batch struct {
	Steps  Steps
	Times  Times
	Values []float64
}

// RLBatch holds consecutive points of one series in one environment at one
// rl_step: what one log call adds for a stretch of one episode.
type RLBatch struct {
	RLStep uint64
	// Episode the points belong to, when HasEpisode. Points of EPISODE scale
	// have none: there the minor step is the episode.
	Episode    uint64
	HasEpisode bool
	// Minors are relative to (RLStep, Episode), or absolute within the
	// episode when Flat.
	Minors Steps
	Flat   bool
	// FromOne says that the writer counts env steps from one.
	FromOne bool
	Times   Times
	Values  []float64
}
