package store

import (
	"encoding/binary"
	"encoding/hex"
)

// RunID names a run for ever; the wire carries it as opaque bytes.
type RunID [16]byte

// String is the id in hexadecimal.
func (id RunID) String() string { return hex.EncodeToString(id[:]) }

// First bytes of the keys. FORMAT.md draws the whole of each.
const (
	prefixFormat    = 'f'
	prefixRecord    = 'c'
	prefixRun       = 'r'
	prefixTombstone = 'd'

	kindJournal  = 'j'
	kindManifest = 'm'
	kindSegment  = 'b' // a small one
	kindState    = 's'
	kindTotals   = 't'
)

var keyFormat = []byte{prefixFormat}

func recordKey(key []byte) []byte {
	return append([]byte{prefixRecord}, key...)
}

func runKey(id RunID, kind byte) []byte {
	key := make([]byte, 0, 32)
	key = append(key, prefixRun)
	key = append(key, id[:]...)
	return append(key, kind)
}

func tombstoneKey(id RunID) []byte { return append([]byte{prefixTombstone}, id[:]...) }

func stateKey(id RunID) []byte { return runKey(id, kindState) }

func totalsKey(id RunID) []byte { return runKey(id, kindTotals) }

func journalKey(id RunID, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(runKey(id, kindJournal), sequence)
}

func manifestKey(id RunID) []byte { return runKey(id, kindManifest) }

func segmentKey(id RunID, number uint64) []byte {
	return binary.BigEndian.AppendUint64(runKey(id, kindSegment), number)
}

// after is the first key behind all that begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
