package store

import "golang.org/x/sys/cpu"

// eights tells whether the processor converts values eight at a time.
var eights = cpu.X86.HasAVX2

// narrowEights writes n values, a multiple of eight above zero, as float32 and tells
// whether all of them kept their bits.
//
//go:noescape
func narrowEights(dst *byte, src *float64, n int) (exact bool)

// widenEights writes n values, a multiple of eight above zero, as float64.
//
//go:noescape
func widenEights(dst *float64, src *float32, n int)
