package store

// sumFours adds n values, a multiple of four above zero, to lanes, of which the i-th takes
// every fourth from the i-th on.
//
//go:noescape
func sumFours(lanes *sumLanes, values *float64, n int)
