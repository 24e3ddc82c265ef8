package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

// listedPoints are all points of a run as rows of text, read in pages.
func (w *world) listedPoints(run string, most uint32) (rows []string, pages int) {
	w.Helper()
	request := &pb.ListPointsRequest{Run: named(run), MaxPoints: most}
	for {
		page := ask(w, w.client.ListPoints, request)
		pages++
		before := len(rows)
		for _, of := range page.Series {
			rows = append(rows, pointRows(of)...)
		}
		if n := len(rows) - before; n > int(most) || page.ResumeToken != nil && n != int(most) {
			w.Fatalf("page %d has %d points, asked for %d", pages, n, most)
		}
		if page.ResumeToken == nil {
			return rows, pages
		}
		if page.GetResumeToken() == request.GetResumeToken() {
			w.Fatalf("page %d goes on where it began: %s", pages, page.GetResumeToken())
		}
		request.ResumeToken = page.ResumeToken
	}
}

func pointRows(of *pb.PointsOfSeries) (rows []string) {
	values, times := floats(of.Values), numbers(of.Timestamps)
	rlSteps, episodes := numbers(of.RlSteps), numbers(of.Episodes)
	for i, step := range numbers(of.Steps) {
		place := fmt.Sprint("step ", step)
		if of.Environment != nil {
			episode := fmt.Sprint(episodes[i])
			if len(of.HasEpisode) > 0 && of.HasEpisode[i] == 0 {
				episode = "none"
			}
			place = fmt.Sprintf("%s rl_step %d episode %s env_step %d", of.GetEnvironment(), rlSteps[i], episode, step)
		}
		rows = append(rows, fmt.Sprintf("%s %s %v: %s = %v at %d", of.MetricName, of.Scale, of.Labels, place, values[i], times[i]))
	}
	return rows
}

// storedPoints are the same rows, series by series out of the store.
func storedPoints(t *testing.T, points *store.Run) (rows []string) {
	t.Helper()
	for _, info := range points.SeriesInfos() {
		standard, err := points.Points(info.No, 0, math.MaxUint64)
		if err != nil {
			t.Fatal(err)
		}
		identity := fmt.Sprintf("%s %s %v", info.Key.Name, info.Key.Scale, labelsOf(info.Key))
		for i, step := range standard.Steps {
			rows = append(rows, fmt.Sprintf("%s: step %d = %v at %d", identity, step, standard.Values[i], standard.Times[i]))
		}
		for _, env := range points.Environments() {
			rl, err := points.RLPoints(info.No, env.No, store.RLRange{})
			if err != nil {
				t.Fatal(err)
			}
			for i, value := range rl.Values {
				episode := fmt.Sprint(rl.Episodes[i])
				if rl.HasEpisode != nil && !rl.HasEpisode[i] {
					episode = "none"
				}
				rows = append(rows, fmt.Sprintf(
					"%s: %s rl_step %d episode %s env_step %d = %v at %d", identity, env.ID, rl.RLSteps[i], episode, rl.EnvSteps[i], value, rl.Times[i]))
			}
		}
	}
	return rows
}

// addOrdinary logs ordinary points beside those of the environments, also into one of their series.
func addOrdinary(tx *store.Tx, edit *catalog.Edit) {
	edit.Logged()
	steps := []uint64{0, 1, 5, 6, 40, 41, 42, 1000}
	labelled := point.Series{Name: "loss", Scale: point.ScaleMLStep, Labels: []point.Label{{Key: "split", Value: "a b"}}}
	for _, key := range []point.Series{{Name: `odd "name"`, Scale: "MINE"}, labelled, reward} {
		tx.Append(tx.Series(key, point.Ordered), 3, point.Batch{
			Steps: point.Steps{List: steps}, Times: point.Times{Millis: 5000}, Values: []float64{1, 2, math.NaN(), 4, 5, 6, 7, math.Inf(1)},
		})
	}
	for logger := range uint64(3) {
		tx.Append(tx.Series(point.Series{Name: "ranks"}, point.Unordered), logger, point.Batch{
			Steps: point.Steps{List: steps}, Times: point.Times{Millis: 5000}, Values: []float64{1, 2, 3, 4, 5, 6, 7, float64(logger)},
		})
	}
}

func TestPagesOfPointsHaveEachOnce(t *testing.T) {
	w := newWorld(t)
	points := w.randomEpisodes("r", rand.New(rand.NewPCG(7, 7)), 5, 300)
	w.run("r", addOrdinary)
	want := storedPoints(t, points)
	for _, most := range []uint32{1, 2, 3, 7, 50, 100_000} {
		rows, pages := w.listedPoints("r", most)
		if !slices.Equal(rows, want) {
			t.Fatalf("pages of %d: %d points, want %d", most, len(rows), len(want))
		}
		if least := (len(want) + int(most) - 1) / int(most); pages != least {
			t.Errorf("%d pages of %d points hold %d", pages, most, len(want))
		}
	}
}

// Points that come between two pages are not put where the first of them was.
func TestPagesOfPointsStayWhereTheyWereWhilePointsCome(t *testing.T) {
	w := newWorld(t)
	at := func(rlStep uint64, values ...float64) func(tx *store.Tx, edit *catalog.Edit) {
		return func(tx *store.Tx, edit *catalog.Edit) {
			tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("env"), point.RLBatch{RLStep: rlStep, Values: values}, false)
		}
	}
	w.run("r", at(5, 1, 2, 3))
	first := ask(w, w.client.ListPoints, &pb.ListPointsRequest{Run: named("r"), MaxPoints: 2})
	w.run("r", at(4, 10, 11))
	w.run("r", at(6, 4))
	second := ask(w, w.client.ListPoints, &pb.ListPointsRequest{Run: named("r"), ResumeToken: first.ResumeToken})
	if got := floats(second.Series[0].Values); !slices.Equal(got, []float64{3, 4}) || second.ResumeToken != nil {
		t.Errorf("behind 1 and 2 come %v", got)
	}
}

func TestQuestionsAboutPointsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.run("r", addOrdinary)
	refused(w, w.client.ListPoints, &pb.ListPointsRequest{Run: named("x")}, connect.CodeNotFound, `no run "x"`)
	for _, token := range []string{"", "x", "0.0.0", "-1.0.0.0", "0.0.0.-1", "0.0.0.0 "} {
		refused(w, w.client.ListPoints, &pb.ListPointsRequest{Run: named("r"), ResumeToken: &token}, connect.CodeInvalidArgument, "resume_token")
	}
	beyond := pointsPlace{series: 1 << 40, env: 9}.token()
	if page := ask(w, w.client.ListPoints, &pb.ListPointsRequest{Run: named("r"), ResumeToken: &beyond}); len(page.Series) > 0 || page.ResumeToken != nil {
		t.Errorf("behind all series: %v", page)
	}
}
