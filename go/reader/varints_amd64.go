package reader

import "golang.org/x/sys/cpu"

// vectors tells whether the processor has what the function here takes: AVX2.
var vectors = cpu.X86.HasAVX2

// readEqual writes numbers of one length from a column to memory, four by four, until
// there are n, a multiple of four above zero, or other lengths come. It reads sixteen
// bytes from the beginning of each pair.
//
//go:noescape
func readEqual(memory, column *byte, n int, plan *readPlan) (read int)
