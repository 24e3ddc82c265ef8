//go:build !amd64

package store

const eights = false

func narrowEights(*byte, *float64, int) bool { panic("not for this processor") }

func widenEights(*float64, *float32, int) { panic("not for this processor") }
