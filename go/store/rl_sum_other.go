//go:build !amd64

package store

func sumFours(*float64, int) (sum, lost, least, greatest float64, some, all uint64) {
	panic("not for this processor")
}
