package store

import (
	"hash/maphash"

	"github.com/metrana/metrana/go/point"
)

// labelIndex finds the series of a name that have a label with a value.
//
// Name, label and value are known by their hash, and the series that have them are a
// chain from the last to the first: some 40 bytes a series and label at most, without
// pointers, whatever the texts. Where two share a hash a chain has the series of both.
type labelIndex struct {
	seed   maphash.Seed
	chains map[uint64]labelChain
	links  []labelLink
}

type labelChain struct {
	last   uint32 // link plus one
	series uint32 // how many there are
}

type labelLink struct {
	series uint32
	before uint32 // link plus one; 0: it is the first
}

func newLabelIndex() labelIndex {
	return labelIndex{seed: maphash.MakeSeed(), chains: make(map[uint64]labelChain)}
}

// add takes in a series, which is the newest.
func (x *labelIndex) add(s *series) {
	for _, label := range s.key.Labels {
		hash := x.hash(s.key.Name, label)
		chain := x.chains[hash]
		x.links = append(x.links, labelLink{s.no, chain.last})
		x.chains[hash] = labelChain{uint32(len(x.links)), chain.series + 1}
	}
}

func (x *labelIndex) hash(name string, label point.Label) uint64 {
	return maphash.Comparable(x.seed, struct {
		name  string
		label point.Label
	}{name, label})
}

func (x *labelIndex) chain(name, key, value string) labelChain {
	return x.chains[x.hash(name, point.Label{Key: key, Value: value})]
}

// count says how many series of a name a choice finds.
func (x *labelIndex) count(name string, c LabelChoice) int {
	n := 0
	for _, value := range c.Values {
		n += int(x.chain(name, c.Key, value).series)
	}
	return n
}

// each visits the numbers of these series; a value that is there twice, twice.
func (x *labelIndex) each(name string, c LabelChoice, visit func(no uint32)) {
	for _, value := range c.Values {
		for at := x.chain(name, c.Key, value).last; at > 0; at = x.links[at-1].before {
			visit(x.links[at-1].series)
		}
	}
}
