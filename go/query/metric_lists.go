package query

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
)

// maxMetricLists is how many runs' metrics are kept.
const maxMetricLists = 64

// metricLists keeps the metrics of runs that were asked for, sorted: a page of
// 100,000 costs as much as its entries. A run's series only become more, so their
// number tells whether its list still holds.
type metricLists struct {
	mu    sync.Mutex
	lists map[store.RunID]metricList
}

type metricList struct {
	series  int
	metrics []*metric // never changed again
}

func (l *metricLists) of(run runPoints) []*metric {
	series := run.points.SeriesCount()
	l.mu.Lock()
	known, found := l.lists[run.ID]
	l.mu.Unlock()
	if found && known.series == series {
		return known.metrics
	}
	infos := run.points.SeriesInfos()
	made := metricList{len(infos), metricsOf(infos, func(point.Series) bool { return true })}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lists) >= maxMetricLists || l.lists == nil {
		l.lists = make(map[store.RunID]metricList)
	}
	l.lists[run.ID] = made
	return made.metrics
}

// collect gives the metrics of runs that pass, by name and scale.
func (l *metricLists) collect(runs []runPoints, passes func(point.Series) bool) []*metric {
	var all []*metric
	for _, run := range runs {
		for _, m := range l.of(run) {
			if passes(point.Series{Name: m.name, Scale: m.scale}) {
				all = append(all, m)
			}
		}
	}
	if len(runs) < 2 {
		return all
	}
	slices.SortStableFunc(all, compareMetrics)
	return slices.CompactFunc(joined(all), func(a, b *metric) bool { return a == b })
}

func compareMetrics(a, b *metric) int { return strings.Compare(metricKey(a), metricKey(b)) }

// joined makes one metric of equal ones that follow each other.
func joined(sorted []*metric) []*metric {
	for i := 1; i < len(sorted); i++ {
		before, m := sorted[i-1], sorted[i]
		if before.name != m.name || before.scale != m.scale {
			continue
		}
		both := &metric{name: m.name, scale: m.scale, labels: maps.Clone(before.labels)}
		maps.Copy(both.labels, m.labels)
		sorted[i] = both
		for k := i - 1; k >= 0 && sorted[k] == before; k-- {
			sorted[k] = both
		}
	}
	return sorted
}
