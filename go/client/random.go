package client

import (
	crypto "crypto/rand"
	"math/rand/v2"
)

// newRandom returns a source that the system seeds.
//
// Go seeds its own from memory that a process gets at its start and hands on to
// children of fork(): there each library loaded anew draws the same numbers.
// Two writers of one run with one session id would look like one that repeats
// itself, and the server would drop what the second one sends.
func newRandom() *rand.Rand {
	var seed [32]byte
	crypto.Read(seed[:]) //nolint:errcheck // it never fails: without randomness the program ends
	return rand.New(rand.NewChaCha8(seed))
}
