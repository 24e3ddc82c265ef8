package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// Each cell is what the episodes of its environments between its column's first and
// the next one's come to.
func TestAMatrixSumsUpTheEpisodesOfItsCells(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	w := newWorld(t)
	w.randomEpisodes("r", random, 7, 700)
	w.forks(random, 400)
	runs := []string{"r", "fork"}
	all := [][]*plainEpisode{plainEpisodes(t, w.pointsOf("r", true)), plainEpisodes(t, w.pointsOf("fork", true))}
	for round := range 60 {
		of := round / 12 % len(runs)
		r := &pb.GetEpisodeMatrixRequest{
			Run: named(runs[of]), IncludeInherited: true, Metric: &pb.EpisodeMetric{SeriesQuery: `reward(scale="ENVIRONMENT_STEP")`, Reduction: pb.Reduction_REDUCTION_SUM},
			MaxRows: uint32(random.IntN(9)), MaxColumns: uint32(random.IntN(60)),
		}
		if round%4 == 1 {
			r.Environments = []string{"env-4", "env-0", []string{"env-6", "env-1"}[of]}
		}
		if from, to := random.Uint64N(20), 20+random.Uint64N(30); round%3 == 1 {
			r.Episodes = &pb.IndexRange{From: from, To: &to}
		}
		want := slices.DeleteFunc(slices.Clone(all[of]), func(e *plainEpisode) bool {
			return r.Environments != nil && !slices.Contains(r.Environments, e.env) || !finite(e.reduced("reward", pb.Reduction_REDUCTION_SUM)) ||
				r.Episodes != nil && (e.episode < r.Episodes.From || e.episode > r.Episodes.GetTo())
		})
		checkMatrix(t, want, r, ask(w, w.client.GetEpisodeMatrix, r))
	}
}

func checkMatrix(t *testing.T, want []*plainEpisode, r *pb.GetEpisodeMatrixRequest, answer *pb.GetEpisodeMatrixResponse) {
	t.Helper()
	var ids []string
	first, last := uint64(math.MaxUint64), uint64(0)
	for _, e := range want {
		ids = append(ids, e.env)
		first, last = min(first, e.episode), max(last, e.episode)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	sizes, firsts := numbers(answer.EnvironmentCounts), numbers(answer.FirstEpisodes)
	rows, columns := len(sizes), len(firsts)
	if most := int(r.MaxRows); rows != len(ids) && rows != most || most > 0 && rows > most {
		t.Fatalf("%d rows of %d, at most %d", rows, len(ids), most)
	}
	if most := int(r.MaxColumns); uint64(columns) != last-first+1 && columns != most || most > 0 && columns > most {
		t.Fatalf("%d columns from %d to %d, at most %d", columns, first, last, most)
	}
	if firsts[0] != first || answer.LastEpisode != last {
		t.Fatalf("columns from %d to %d, want %d to %d", firsts[0], answer.LastEpisode, first, last)
	}
	firsts = append(firsts, last+1)
	means, low, high := floats(answer.Means), floats(answer.Minima), floats(answer.Maxima)
	if binned := rows < len(ids) || uint64(columns) < last-first+1; binned != (low != nil) || binned != (high != nil) {
		t.Fatalf("binned %v, %d minima", binned, len(low))
	}
	if low == nil {
		low, high = means, means
	}
	fewest := len(ids) / rows
	for row, size := range sizes {
		members := ids[:size]
		if answer.Environments[row] != members[0] || int(size) < fewest || int(size) > fewest+1 {
			t.Fatalf("row %d: %d from %s, want %v", row, size, answer.Environments[row], members)
		}
		ids = ids[size:]
		for column := range columns {
			var values []float64
			sum := 0.0
			for _, e := range want {
				if slices.Contains(members, e.env) && e.episode >= firsts[column] && e.episode < firsts[column+1] {
					values = append(values, e.reduced("reward", pb.Reduction_REDUCTION_SUM))
					sum += values[len(values)-1]
				}
			}
			at := row*columns + column
			got := fmt.Sprintf("%.9f %v %v", means[at], low[at], high[at])
			wanted := fmt.Sprintf("%.9f %v %v", math.NaN(), math.NaN(), math.NaN())
			if n := len(values); n > 0 {
				wanted = fmt.Sprintf("%.9f %v %v", sum/float64(n)+0, slices.Min(values), slices.Max(values))
			}
			if got != wanted && got != "-"+wanted {
				t.Fatalf("row %d, column %d: %s, want %s", row, column, got, wanted)
			}
		}
	}
	if len(ids) > 0 {
		t.Fatalf("%v are in no row", ids)
	}
}

func TestAMatrixOfNothing(t *testing.T) {
	w := newWorld(t)
	w.randomEpisodes("r", rand.New(rand.NewPCG(1, 1)), 2, 50)
	answer := ask(w, w.client.GetEpisodeMatrix, &pb.GetEpisodeMatrixRequest{Run: named("r"), Metric: &pb.EpisodeMetric{SeriesQuery: "none()"}})
	if answer.Environments != nil || answer.Means != nil || answer.FirstEpisodes != nil {
		t.Errorf("%v", answer)
	}
	refused(w, w.client.GetEpisodeMatrix, &pb.GetEpisodeMatrixRequest{MaxRows: 5000}, connect.CodeInvalidArgument, "max_rows 5000 is above 4096")
}

func TestBinsHoldEquallyMany(t *testing.T) {
	f := func(n uint64, most int) {
		t.Helper()
		b := binsOf(n, most)
		for bin := range b.count {
			from, to := b.start(bin), b.start(bin+1)
			if size := to - from; size != n/uint64(b.count) && size != n/uint64(b.count)+1 {
				t.Fatalf("bin %d of %+v has %d", bin, b, size)
			}
			if b.of(from) != bin || b.of(to-1) != bin {
				t.Fatalf("bin %d of %+v: %d to %d are in %d and %d", bin, b, from, to-1, b.of(from), b.of(to-1))
			}
		}
	}
	f(1, 5)
	f(5, 5)
	f(7, 5)
	f(1000, 512)
	f(math.MaxUint64, 512)
}
