//go:build !amd64

package store

func sumFours(*sumLanes, *float64, int) { panic("not for this processor") }
