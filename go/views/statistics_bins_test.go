package views

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Every point counts at the grid point that it is nearest to, and nowhere else.
func TestSamplesAreTheMeansOfThePointsAroundEachGridPoint(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for range 50 {
		s := sample{run: "r"}
		for x := range 300 {
			if random.IntN(4) == 0 {
				s.xs, s.values = append(s.xs, float64(x)+random.Float64()), append(s.values, random.NormFloat64())
			}
		}
		var grid []float64
		for x, width := s.xs[0], 5+20*random.Float64(); x < 301; x += width {
			grid = append(grid, x)
		}
		sums, counts := make([]float64, len(grid)), make([]float64, len(grid))
		for i, x := range s.xs {
			nearest := 0
			for k, g := range grid {
				if math.Abs(g-x) <= math.Abs(grid[nearest]-x) {
					nearest = k
				}
			}
			sums[nearest] += s.values[i]
			counts[nearest]++
		}
		var xs, values []float64
		for k, n := range counts {
			if n > 0 {
				xs, values = append(xs, grid[k]), append(values, sums[k]/n)
			}
		}
		got := s.binned(grid)
		if !slices.Equal(got.xs, xs) || !slices.EqualFunc(got.values, values, near) || got.run != "r" {
			t.Fatalf("%v on %v:\n%v, want\n%v at %v", s, grid, got, values, xs)
		}
	}
}

func TestStatisticsOfBinMeans(t *testing.T) {
	w := newWorld(t)
	w.run("a", func(tx *store.Tx, _ *catalog.Edit) {
		values := []float64{0, 1, 5, 6, 7, 100}
		tx.Append(tx.Series(point.Series{Name: "loss", Scale: point.ScaleMLStep}, point.Ordered), 1,
			point.Batch{Steps: point.Steps{List: []uint64{0, 1, 4, 5, 6, 10}}, Values: values})
	})
	r := &pb.GetStatisticsRequest{
		Workspace: "w", Project: "p", GridPoints: 3, BinMeans: true, Estimators: []pb.Estimator{pb.Estimator_ESTIMATOR_MEAN},
		Groups: []*pb.StatisticsGroup{{Members: []*pb.GroupMember{{Run: "a", SeriesQuery: "loss()"}}}},
	}
	answer := ask(w, w.client.GetStatistics, r)
	if got, want := floats(answer.Groups[0].Estimators[0].Values), []float64{0.5, 6, 100}; !slices.EqualFunc(got, want, near) {
		t.Errorf("%v, want %v", got, want)
	}
	if answer.Interpolation != "linear between bin means" {
		t.Errorf("the answer says %q", answer.Interpolation)
	}
}
