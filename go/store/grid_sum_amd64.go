package store

// addEights adds up n values, a multiple of eight above zero, and their sizes; off tells
// whether one of them is not on the grid of the center.
//
//go:noescape
func addEights(values *float64, n int, center float64) (sum, size float64, off bool)
