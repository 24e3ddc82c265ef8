package chunk

// joinEights is join of n values, a multiple of eight above zero, the first of which begins
// with a whole byte.
//
//go:noescape
func joinEights(dst *float64, symbols, low *byte, n int, highs *uint64, plan *joinPlan)

// readOneRounds is readRounds of a reader that is ready.
//
//go:noescape
func readOneRounds(r *symbolReader, table *decodeTable)

// readBothRounds is readRoundsBeside of readers that are ready.
//
//go:noescape
func readBothRounds(a, b *symbolReader, table *decodeTable)
