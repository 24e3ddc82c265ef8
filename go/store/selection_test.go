package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/metrana/metrana/go/point"
)

// randomKey makes a series of few names and labels: some values are shared by many
// series, some have one.
func randomKey(random *rand.Rand) point.Series {
	names := []string{"loss", "los", "loss/a", "loss\x00a"}
	labels := map[string]string{"rank": fmt.Sprint(random.IntN(3)), "env": fmt.Sprint(random.IntN(200))}
	if random.IntN(4) == 0 {
		delete(labels, "env")
	}
	if random.IntN(4) == 0 {
		labels["host"] = labels["rank"]
	}
	scale := []string{point.ScaleMLStep, "custom"}[random.IntN(2)]
	return point.Series{Name: names[min(random.IntN(8), 3)], Scale: scale, Labels: point.SortLabels(labels)}
}

func randomSelection(random *rand.Rand) Selection {
	q := Selection{Name: randomKey(random).Name}
	for range random.IntN(3) {
		like := randomKey(random).Labels
		c := LabelChoice{Key: like[random.IntN(len(like))].Key}
		for range 1 + random.IntN(4) {
			c.Values = append(c.Values, fmt.Sprint(random.IntN(200>>(6*random.IntN(2)))))
		}
		q.Labels = append(q.Labels, c)
	}
	scale := randomKey(random).Scale
	q.Passes = func(key point.Series) bool {
		for _, c := range q.Labels {
			holds := func(l point.Label) bool { return l.Key == c.Key && slices.Contains(c.Values, l.Value) }
			if !slices.ContainsFunc(key.Labels, holds) {
				return false
			}
		}
		return key.Name == q.Name && (key.Scale == scale || len(q.Labels) > 0)
	}
	return q
}

// scanned looks at every series of the run.
func scanned(r *Run, selections []Selection) (found []SeriesInfo) {
	for _, info := range r.SeriesInfos() {
		if slices.ContainsFunc(selections, func(q Selection) bool { return q.Passes(info.Key) }) {
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b SeriesInfo) int { return strings.Compare(a.Identity, b.Identity) })
	return found
}

func numbers[T any](list []T, no func(T) uint32) []uint32 {
	out := make([]uint32, len(list))
	for i, one := range list {
		out[i] = no(one)
	}
	return out
}

func ofInfo(i SeriesInfo) uint32   { return i.No }
func ofSums(s SelectedSums) uint32 { return s.No }

// Series that a selection finds are those that a look at all of them finds, while more
// come, and after the run was read from disk.
func TestSelectionsFindWhatAScanFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 3))
	dir := t.TempDir()
	db := open(t, dir)
	found, looked := 0, 0
	check := func(r *Run) {
		for range 300 {
			selections := []Selection{randomSelection(random)}
			for random.IntN(3) == 0 {
				selections = append(selections, randomSelection(random))
			}
			if _, known := r.labelled(selections[:1], len(r.series)/indexPays); known {
				looked++
			}
			want := scanned(r, selections)
			found += len(want)
			got := r.SeriesSelected(selections)
			if !slices.Equal(numbers(got, ofInfo), numbers(want, ofInfo)) {
				t.Fatalf("%v: got %v, want %v", selections, numbers(got, ofInfo), numbers(want, ofInfo))
			}
			sumsByPages(t, r, selections, want, random.IntN(20)+1)
		}
	}
	for range 6 {
		commit(t, runOf(t, db), func(tx *Tx) {
			for range 150 {
				no := tx.Series(randomKey(random), point.Ordered)
				switch random.IntN(4) {
				case 0:
				case 1:
					tx.AppendRL(no, tx.Environment(fmt.Sprint(random.IntN(3))), rl(0, 0, 0, 1, random.Float64()), true)
				default:
					tx.Append(no, 1, point.Batch{Steps: point.Steps{First: random.Uint64N(1000)}, Values: []float64{1, random.Float64()}})
				}
			}
		})
		check(runOf(t, db))
	}
	closed(t, db)
	db = open(t, dir)
	check(runOf(t, db))
	closed(t, db)
	if found < 10_000 || looked < 200 {
		t.Fatalf("hardly anything was looked for: %d found, %d times by label", found, looked)
	}
}

// sumsByPages checks the series among those wanted that have points, page by page.
func sumsByPages(t *testing.T, r *Run, selections []Selection, want []SeriesInfo, size int) {
	t.Helper()
	want = slices.DeleteFunc(slices.Clone(want), func(i SeriesInfo) bool { return !i.Standard && !i.RL })
	var all []SelectedSums
	after := ""
	for {
		page := r.AppendSelected(nil, selections, after, size)
		if all = append(all, page...); len(page) < size {
			break
		}
		after = page[size-1].Identity
	}
	if !slices.Equal(numbers(all, ofSums), numbers(want, ofInfo)) {
		t.Fatalf("got %v, want %v", numbers(all, ofSums), numbers(want, ofInfo))
	}
	for i, sums := range all {
		w := want[i]
		if sums.Count != w.Count || sums.LastStep != w.LastStep || sums.LastTime != w.LastTime || sums.Summary != w.Summary || sums.RL == w.Standard || w.Standard && sums.Ordered != w.Ordered() || sums.Key.Key() != w.Key.Key() {
			t.Fatalf("got %+v, want %+v", sums, w)
		}
	}
}
