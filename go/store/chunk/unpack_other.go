//go:build !amd64

package chunk

func joinEights(*float64, *byte, *byte, int, *uint64, *joinPlan) { panic("not for this processor") }

func readRounds(*symbolReader, *symbolReader, *decodeTable) bool { panic("not for this processor") }
