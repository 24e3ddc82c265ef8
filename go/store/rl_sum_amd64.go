package store

// sumFours sums up n values, a multiple of four above zero: their sum and what rounding took
// from it, sizes added up, and the bits that some of them and all of them have. Which zero it
// gives as an extreme is open.
//
//go:noescape
func sumFours(values *float64, n int) (sum, lost, least, greatest float64, some, all uint64)
