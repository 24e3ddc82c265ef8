package query

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// attrFilter reads which attributes a listing wants; none wants all.
func attrFilter(f *pb.ListAttrFilter) (func(catalog.Attribute) bool, error) {
	byName := func(string) bool { return true }
	switch name := f.GetNameFilter().(type) {
	case *pb.ListAttrFilter_Regex:
		pattern, err := regexp.Compile(name.Regex)
		if err != nil {
			return nil, invalid("attr_filter.regex %q: %w", name.Regex, err)
		}
		byName = pattern.MatchString
	case *pb.ListAttrFilter_PrefixPath:
		byName = func(path string) bool { return isChild(path, name.PrefixPath) }
	}
	return func(a catalog.Attribute) bool {
		kinds := f.GetKinds()
		return (len(kinds) == 0 || slices.Contains(kinds, common.AttributeKind(a.Value.Kind))) && byName(a.Path)
	}, nil
}

// isChild tells whether a path lies directly below another.
func isChild(path, parent string) bool {
	rest := path
	if parent != "" {
		below, found := strings.CutPrefix(path, strings.TrimSuffix(parent, "/")+"/")
		if !found {
			return false
		}
		rest = below
	}
	return rest != "" && !strings.Contains(rest, "/")
}

// ListMetricDefinitions lists the metrics of runs with the keys of their labels,
// by name and scale; those of RL series are among them. Without runs it looks at
// the whole project or experiment, except for runs that cannot be read.
func (s *Service) ListMetricDefinitions(
	_ context.Context, request *connect.Request[pb.ListMetricDefinitionsRequest],
) (*connect.Response[pb.ListMetricDefinitionsResponse], error) {
	r := request.Msg
	runs, err := s.runsToDescribe(r)
	if err != nil {
		return nil, s.failed(err)
	}
	passes, err := metricFilter(metricsWanted{r.GetMetricNamePrefixes(), r.GetScales(), r.GetRegex(), r.GetValueKinds()})
	if err != nil {
		return nil, err
	}
	return listMetrics(s.metricsOf(r, runs, passes), r.Limit, r.ResumeToken)
}

// metricsOf lists the metrics of a request's runs that pass, by name and scale.
func (s *Service) metricsOf(r runsRequest, runs []runPoints, passes func(point.Series) bool) []*metric {
	return keep(s.metrics.of(r, runs), func(m *metric) bool { return passes(point.Series{Name: m.name, Scale: m.scale}) })
}

func encodeMetrics(metrics []*metric) []*pb.MetricDefinition {
	var out []*pb.MetricDefinition
	for _, m := range metrics {
		out = append(out, &pb.MetricDefinition{
			MetricName: m.name, Scale: m.scale, LabelKeys: m.labels,
			ValueKind: common.SeriesValueKind_SERIES_VALUE_KIND_FLOAT,
		})
	}
	return out
}

// runsRequest is what requests about the metrics of a project's runs have in common.
type runsRequest interface {
	GetWorkspace() string
	GetProject() string
	GetExperiment() string
	GetRun() string
	GetRunNames() []string
}

// runsToDescribe finds the runs named, or else those of the experiment or of the
// whole project, except for what cannot be read.
func (s *Service) runsToDescribe(r runsRequest) ([]runPoints, error) {
	names := slices.Clone(r.GetRunNames())
	if r.GetRun() != "" {
		names = append(names, r.GetRun())
	}
	if len(names) > 0 {
		return s.findRuns(r.GetWorkspace(), r.GetProject(), names)
	}
	all, err := s.projectRuns(r.GetWorkspace(), r.GetProject())
	if err != nil {
		return nil, err
	}
	if name := r.GetExperiment(); name != "" {
		all = keep(all, func(run *catalog.Run) bool { return inExperiment(run, &name) })
	}
	return s.readable(all), nil
}

// readable gives runs their points, except for those whose cannot be read.
func (s *Service) readable(runs []*catalog.Run) []runPoints {
	list := make([]runPoints, len(runs))
	for i, run := range runs {
		list[i].Run = run
	}
	_ = eachSideBySide(list, func(r *runPoints) error {
		*r = s.pointsOf(r.Run)
		return nil
	}) // what cannot be read is left out
	return keep(list, func(r runPoints) bool { return r.points != nil })
}

// pointsOf gives a run of many its points; none where they cannot be read.
func (s *Service) pointsOf(run *catalog.Run) runPoints {
	points, err := run.Points()
	if err != nil {
		s.leaveOut(run, err)
	}
	return runPoints{run, points}
}

// metricsWanted says which metrics a request wants.
type metricsWanted struct {
	prefixes, scales []string
	regex            string
	kinds            []common.SeriesValueKind
}

func metricFilter(w metricsWanted) (func(point.Series) bool, error) {
	pattern, err := regexp.Compile(w.regex)
	if err != nil {
		return nil, invalid("regex %q: %w", w.regex, err)
	}
	if len(w.kinds) > 0 && !slices.Contains(w.kinds, common.SeriesValueKind_SERIES_VALUE_KIND_FLOAT) {
		return func(point.Series) bool { return false }, nil
	}
	return func(key point.Series) bool {
		hasPrefix := func(prefix string) bool { return strings.HasPrefix(key.Name, prefix) }
		return (len(w.prefixes) == 0 || slices.ContainsFunc(w.prefixes, hasPrefix)) &&
			(len(w.scales) == 0 || slices.Contains(w.scales, key.Scale)) && pattern.MatchString(key.Name)
	}, nil
}

// metricsOf lists the metrics of series that pass, by name and scale.
func metricsOf(infos []store.SeriesInfo, passes func(point.Series) bool) []*metric {
	metrics := newMetricSet()
	for _, info := range infos {
		if passes(info.Key) {
			metrics.add(info.Key)
		}
	}
	return metrics.list()
}
