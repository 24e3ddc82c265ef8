//go:build !amd64

package wire

var vectors = false

func countWithin(*uint64, int, uint64, uint64) int { panic("not for this processor") }

func writeEqual(*byte, *uint64, int, *writePlan) int { panic("not for this processor") }
