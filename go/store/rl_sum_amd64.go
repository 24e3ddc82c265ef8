package store

// sumFours sums up n values, a multiple of four above zero.
//
//go:noescape
func sumFours(s *plainSum, values *float64, n int)
