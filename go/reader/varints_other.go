//go:build !amd64

package reader

var vectors = false

func readEqual(*byte, *byte, int, *readPlan) int { panic("not for this processor") }
