package views

import (
	"math"

	"github.com/metrana/metrana/go/query"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// scalesOf tells which scale the points of a member in an environment are put on.
func (s *Service) scalesOf(r *pb.GetStatisticsRequest, n *pb.Normalisation, m *pb.GroupMember) (func(environment string) string, error) {
	switch {
	case n.GetByEnvironment():
		return func(environment string) string { return environment }, nil
	case n.GetByRunAttribute() != "":
		run, err := s.findRun(&pb.RunName{Workspace: r.GetWorkspace(), Project: r.GetProject(), Run: m.GetRun()})
		if err != nil {
			return nil, err
		}
		task := query.TextOf(run.Attribute(n.GetByRunAttribute()))
		return func(string) string { return task }, nil
	case n.GetByEnvironmentAttribute() != "":
		listed, err := s.queries.ListEnvironments(query.EnvironmentListing{
			Workspace: r.GetWorkspace(), Project: r.GetProject(), Run: m.GetRun(), Inherited: r.GetIncludeInherited(),
		})
		if err != nil {
			return nil, err
		}
		tasks := make(map[string]string, len(listed))
		for _, environment := range listed {
			tasks[environment.ID] = environment.Text(n.GetByEnvironmentAttribute())
		}
		return func(environment string) string { return tasks[environment] }, nil
	}
	return func(string) string { return "" }, nil
}

// joinTasks makes the samples of each member, one for each task, into one: at each grid
// point the mean of those that have a value there.
func joinTasks(groups [][]sample, grid []float64) {
	for i, samples := range groups {
		var joined []sample
		for from := 0; from < len(samples); {
			to := from + 1
			for to < len(samples) && samples[to].member == samples[from].member {
				to++
			}
			joined = append(joined, meanOf(samples[from:to], grid))
			from = to
		}
		groups[i] = joined
	}
}

func meanOf(samples []sample, grid []float64) sample {
	out := sample{run: samples[0].run, member: samples[0].member}
	present := make([]float64, 0, len(samples))
	for _, x := range grid {
		present = present[:0]
		for _, s := range samples {
			if v := s.at(x); !math.IsNaN(v) {
				present = append(present, v)
			}
		}
		if len(present) > 0 {
			out.xs, out.values = append(out.xs, x), append(out.values, mean(present))
		}
	}
	return out
}
