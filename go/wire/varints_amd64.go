package wire

import "golang.org/x/sys/cpu"

// vectors tells whether the processor has what the functions here take: AVX2.
var vectors = cpu.X86.HasAVX2

// countWithin counts how many values, by eights, of n, a multiple of eight above zero,
// are in front of the first eight of which one is below low or above low + span.
//
//go:noescape
func countWithin(values *uint64, n int, low, span uint64) (count int)

// writeEqual writes values of the plan's length, four by four, until there are n, a
// multiple of four above zero, or others come, and counts them. It writes sixteen bytes at
// most behind them.
//
//go:noescape
func writeEqual(dst *byte, values *uint64, n int, plan *writePlan) (count int)
