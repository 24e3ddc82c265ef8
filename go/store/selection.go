package store

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/metrana/metrana/go/point"
)

// Selection selects the series of one name that pass. Passes must refuse those that
// Labels do not choose: these only say where to look.
type Selection struct {
	Name   string
	Labels []LabelChoice // a series has one of the values of each
	Passes func(key point.Series) bool
}

// LabelChoice is some values of a label.
type LabelChoice struct {
	Key    string
	Values []string
}

// namedSeries are the series of a run that have one name.
type namedSeries struct {
	list []*series // by number
	// ordered is the list by identity, from the last time that it was asked for.
	ordered atomic.Pointer[[]*series]
}

func compareIdentities(a, b *series) int {
	return cmp.Or(strings.Compare(a.identity, b.identity), cmp.Compare(a.no, b.no))
}

// byIdentity gives the list by identity. The caller holds the lock of the run, for
// reading at least.
func (n *namedSeries) byIdentity() []*series {
	if kept := n.ordered.Load(); kept != nil && len(*kept) == len(n.list) {
		return *kept
	}
	list := slices.Clip(n.list)
	if !slices.IsSortedFunc(list, compareIdentities) {
		list = slices.Clone(list)
		slices.SortFunc(list, compareIdentities)
	}
	n.ordered.Store(&list)
	return list
}

// find visits the series that any of the selections selects, each once, by identity:
// those behind an identity, until visit has enough. The caller holds the lock.
func (r *Run) find(selections []Selection, after string, visit func(*series) (more bool)) {
	selections = slices.Clone(selections)
	slices.SortStableFunc(selections, func(a, b Selection) int { return strings.Compare(a.Name, b.Name) })
	if slices.ContainsFunc(selections, func(s Selection) bool { return strings.Contains(s.Name, "\x00") }) {
		r.findOfOddNames(selections, after, visit)
		return
	}
	// By name is by identity, then.
	r.findByName(selections, after, visit)
}

func (r *Run) findByName(selections []Selection, after string, visit func(*series) (more bool)) {
	for len(selections) > 0 {
		n := 1
		for n < len(selections) && selections[n].Name == selections[0].Name {
			n++
		}
		same := selections[:n]
		selections = selections[n:]
		list := r.candidates(same, after)
		for i, s := range list {
			prefetchListed(list, i)
			if slices.ContainsFunc(same, func(q Selection) bool { return q.Passes(s.key) }) && !visit(s) {
				return
			}
		}
	}
}

// findOfOddNames is find where a name has the character that ends it in an identity.
func (r *Run) findOfOddNames(selections []Selection, after string, visit func(*series) (more bool)) {
	var found []*series
	r.findByName(selections, after, func(s *series) bool {
		found = append(found, s)
		return true
	})
	slices.SortFunc(found, compareIdentities)
	for _, s := range found {
		if !visit(s) {
			return
		}
	}
}

// candidates gives the series among which are all that selections of one name select,
// by identity, from behind one on.
func (r *Run) candidates(selections []Selection, after string) []*series {
	named := r.byName[selections[0].Name]
	if named == nil {
		return nil
	}
	list, found := r.labelled(selections, len(named.list)/indexPays)
	if !found {
		list = named.byIdentity()
	}
	if after == "" {
		return list
	}
	from, _ := slices.BinarySearchFunc(list, after, func(s *series, after string) int {
		return cmp.Or(strings.Compare(s.identity, after), -1)
	})
	return list[from:]
}

// indexPays is how much rarer than all series of a name those are that the index is
// asked for: they have to be sorted.
const indexPays = 4

// labelled looks series up by their labels; found is false when these are too many or
// nothing is said of labels.
func (r *Run) labelled(selections []Selection, most int) (list []*series, found bool) {
	choices := make([]LabelChoice, len(selections))
	all := 0
	for i, q := range selections {
		count := most + 1
		for _, c := range q.Labels {
			if n := r.byLabel.count(q.Name, c); n < count {
				count, choices[i] = n, c
			}
		}
		if all += count; all > most {
			return nil, false
		}
	}
	list = make([]*series, 0, all)
	for i, c := range choices {
		r.byLabel.each(selections[i].Name, c, func(no uint32) { list = append(list, r.series[no-1]) })
	}
	slices.SortFunc(list, compareIdentities)
	return slices.Compact(list), true
}

// SeriesSelected sums up the series of the run that any of the selections selects, each
// once, by identity.
func (r *Run) SeriesSelected(selections []Selection) []SeriesInfo {
	r.readLock()
	defer r.mu.RUnlock()
	var found []*series
	r.find(selections, "", func(s *series) bool {
		found = append(found, s)
		return true
	})
	infos := make([]SeriesInfo, len(found))
	for i, s := range found {
		infos[i] = s.info()
	}
	return infos
}

// SelectedSums is what sums up the standard points of a series, for listings of many. Of
// one that has RL points only, it says no more than which series it is: RLSummary has the
// rest.
type SelectedSums struct {
	No       uint32
	Key      *point.Series // not to be changed
	Identity string
	Ordered  bool
	RL       bool // there are RL points only

	Count    uint64
	LastStep uint64
	LastTime int64 // Unix milliseconds
	Summary  Summary
}

// AppendSelected sums up those series that any of the selections selects and that have
// points, each once, by identity: those behind an identity, of these the first.
func (r *Run) AppendSelected(dst []SelectedSums, selections []Selection, after string, most int) []SelectedSums {
	r.readLock()
	defer r.mu.RUnlock()
	r.find(selections, after, func(s *series) bool {
		standard := s.std != nil && s.std.std.count > 0
		if !standard && !s.hasRL() {
			return true
		}
		if most == 0 {
			return false
		}
		most--
		dst = slices.Grow(dst, 1)[:len(dst)+1]
		sums := &dst[len(dst)-1]
		if standard {
			s.sumUp(sums)
		} else {
			*sums = SelectedSums{No: s.no, Key: &s.key, Identity: s.identity, RL: true}
		}
		return most > 0
	})
	return dst
}

// sumUp writes field by field: to put a copy in its place takes longer.
func (s *series) sumUp(sums *SelectedSums) {
	std := &s.std.std
	sums.No, sums.Key, sums.Identity, sums.Ordered, sums.RL = s.no, &s.key, s.identity, s.ordered(), false
	sums.Count, sums.LastStep, sums.LastTime, sums.Summary = std.count, std.last, std.lastTime, std.moments.Summary
}
