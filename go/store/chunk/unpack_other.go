//go:build !amd64

package chunk

func joinEights(*float64, *byte, *byte, int, *uint64, *joinPlan) { panic("not for this processor") }

func readOneRounds(*symbolReader, *decodeTable) { panic("not for this processor") }

func readBothRounds(*symbolReader, *symbolReader, *decodeTable) { panic("not for this processor") }
