package chunk

import "golang.org/x/sys/cpu"

// vectors tells whether the processor has what the functions here take: AVX2 and BMI2.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI2

// surveyEights is survey of n values, a multiple of eight above zero.
//
//go:noescape
func surveyEights(values *float64, n int, lanes *surveyLanes)

// packEights writes low bits of n values, a multiple of eight above zero, and eight bytes
// at most behind.
//
//go:noescape
func packEights(dst *byte, values *float64, n int, dropped, low uint, steps *packSteps)

// packCodes writes the codes of n values, a multiple of four above zero, to whole bytes,
// and eight bytes at most behind; it returns what is left of a byte.
//
//go:noescape
func packCodes(dst *byte, values *float64, n int, cut uint, base uint64, codes *code) (size int, held uint64, bits uint)
