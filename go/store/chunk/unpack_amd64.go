package chunk

// joinEights is join of n values, a multiple of eight above zero, the first of which begins
// with a whole byte. It reads all bytes that plan.reach counts.
//
//go:noescape
func joinEights(dst *float64, symbols, low *byte, n int, highs *uint64, plan *joinPlan)

// readRounds reads two streams that are ready side by side until one of them is not; it
// reports bits that begin no code.
//
//go:noescape
func readRounds(a, b *symbolReader, table *decodeTable) (valid bool)
