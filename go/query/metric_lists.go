package query

import (
	"strings"
	"sync"

	"github.com/metrana/metrana/go/store"
)

// maxMetricLists is how many lists of metrics are kept.
const maxMetricLists = 64

// metricLists keeps the metrics of runs that were asked for, those of whole projects
// among them, by the names in the question.
type metricLists struct {
	mu    sync.Mutex
	lists map[string]*metricList
}

// of gives the metrics of runs by name and scale; nobody may change the list.
func (l *metricLists) of(r runsRequest, runs []runPoints) []*metric {
	names := append([]string{r.GetWorkspace(), r.GetProject(), r.GetExperiment(), r.GetRun()}, r.GetRunNames()...)
	return l.named(strings.Join(names, "\x00")).of(runs)
}

func (l *metricLists) named(question string) *metricList {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lists[question] == nil {
		if len(l.lists) >= maxMetricLists || l.lists == nil {
			l.lists = make(map[string]*metricList)
		}
		l.lists[question] = &metricList{}
	}
	return l.lists[question]
}

// metricList is the metrics of some runs. The series of a run only become more, so that
// it need look at those only that came since it was asked last.
type metricList struct {
	mu      sync.Mutex
	series  map[store.RunID]int // how many of each run are in metrics
	metrics metricSet
}

func (l *metricList) of(runs []runPoints) []*metric {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.series == nil || l.lost(runs) {
		l.series, l.metrics = make(map[store.RunID]int), newMetricSet()
	}
	for _, run := range runs {
		keys := run.points.SeriesFrom(l.series[run.ID])
		for _, key := range keys {
			l.metrics.add(key)
		}
		l.series[run.ID] += len(keys)
	}
	return l.metrics.list()
}

// lost tells whether there are series in the list of a run that is not among these.
func (l *metricList) lost(runs []runPoints) bool {
	here := make(map[store.RunID]bool, len(runs))
	for _, run := range runs {
		here[run.ID] = true
	}
	for id := range l.series {
		if !here[id] {
			return true
		}
	}
	return false
}
