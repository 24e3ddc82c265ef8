//go:build !amd64

package chunk

var vectors = false

func surveyEights(*float64, int, *surveyLanes) { panic("not for this processor") }

func packEights(*byte, *float64, int, uint, uint, *packSteps) { panic("not for this processor") }

func packCodes(*byte, *float64, int, uint, uint64, *code) (size int, held uint64, bits uint) {
	panic("not for this processor")
}
