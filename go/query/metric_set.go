package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/metrana/metrana/go/point"
)

// metric is what a metric's series have in common. It does not change.
type metric struct {
	name, scale string
	key         string   // by which metrics are listed
	labels      []string // keys, sorted
}

func metricKey(m *metric) string { return m.key }

// metricID is by what series are of one metric.
type metricID struct{ name, scale string }

// metricSet joins series that differ in labels alone.
type metricSet struct {
	known  map[metricID]*metric
	sorted []*metric // of known; nil when it has changed since. Its array does not change
}

func newMetricSet() metricSet { return metricSet{known: make(map[metricID]*metric)} }

func (s *metricSet) add(key point.Series) {
	id := metricID{key.Name, key.Scale}
	m := s.known[id]
	if m == nil {
		m = &metric{name: id.name, scale: id.scale, key: id.name + "\x00" + id.scale}
	}
	if m = m.labelled(key.Labels); m != s.known[id] {
		s.known[id], s.sorted = m, nil
	}
}

// labelled is the metric when a series of it has these labels.
func (m *metric) labelled(labels []point.Label) *metric {
	for _, label := range labels {
		if i, known := slices.BinarySearch(m.labels, label.Key); !known {
			more := *m
			more.labels = slices.Insert(slices.Clone(m.labels), i, label.Key)
			m = &more
		}
	}
	return m
}

// list gives the metrics by name and scale; nobody may change it.
func (s *metricSet) list() []*metric {
	if s.sorted == nil {
		s.sorted = slices.SortedFunc(maps.Values(s.known), func(a, b *metric) int { return strings.Compare(a.key, b.key) })
	}
	return s.sorted
}
