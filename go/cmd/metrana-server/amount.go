package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// amount is a number of bytes.
type amount uint64

// units of amounts, each a thousand times the one before.
var units = []string{"B", "kB", "MB", "GB", "TB"}

func (a *amount) String() string {
	n, unit := uint64(*a), 0
	for unit < len(units)-1 && n >= 1000 && n%1000 == 0 {
		n, unit = n/1000, unit+1
	}
	return strconv.FormatUint(n, 10) + units[unit]
}

func (a *amount) Set(text string) error {
	digits := strings.TrimRight(text, "BkKMGTbmgt ")
	unit, factor := strings.TrimSpace(text[len(digits):]), 1.0
	if unit == "" {
		unit = units[0]
	}
	for _, known := range units {
		if strings.EqualFold(unit, known) {
			n, err := strconv.ParseFloat(digits, 64)
			if err != nil || !(n >= 0 && n*factor < math.MaxInt64) {
				break
			}
			*a = amount(n * factor)
			return nil
		}
		factor *= 1000
	}
	return fmt.Errorf("%q is no number of bytes, as 500MB or 10GB", text)
}
