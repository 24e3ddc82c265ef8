package client

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire"
)

func TestPointsWaitForCompanyNoLongerThanTheirAge(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s)) // a second
		series := seriesOf(t, l, "loss")
		synctest.Wait()
		log(t, l, series, 1)
		time.Sleep(999 * time.Millisecond)
		log(t, l, series, 2)
		synctest.Wait()
		wantEqual(t, "messages before the age", len(s.frames(0)), 1)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		wantEqual(t, "messages at the age", len(s.frames(0)), 2)
		wantText(t, "both", s.messages(0)[1].Series[0].PointBatches[0].Values, []float64{1, 2})
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnAgeOfZeroIsAMessageForEachCall(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.BatchMaxAge = 0
		l := opened(t, o)
		series := seriesOf(t, l, "loss")
		for i := range 5 {
			log(t, l, series, float64(i))
		}
		flush(t, l)
		wantEqual(t, "messages", len(s.frames(0)), 1+5)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

// Everything that has a size in a message is logged in turns, to a small limit.
func TestMessagesAreNoLargerThanTheirLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		const limit = 1500
		o := testOptions(s)
		o.MaxMessageSize = limit
		l := opened(t, o)
		env, err := l.Environment("env-0")
		if err != nil {
			t.Fatal(err)
		}
		var wantPoints, wantAttributes int
		for i := range 60 {
			series := seriesOf(t, l, fmt.Sprintf("series-%d-%s", i, strings.Repeat("x", 10*i)))
			log(t, l, series, make([]float64, 7*i+1)...)
			p := RLPoints{
				Series: series, Environments: []uint32{env}, Values: make([]float64, 3*i+1), RLStep: uint64(i),
				TimeShape: One, Times: []int64{1},
			}
			if err := l.RLPoints(&p, 0); err != nil {
				t.Fatal(err)
			}
			text := wire.AttributeUpdate{Path: fmt.Sprint("path/", i), Kind: wire.AttributeString, String: strings.Repeat("y", 20*i)}
			if err := l.Attributes([]Attribute{text, text}, 0); err != nil {
				t.Fatal(err)
			}
			wantPoints, wantAttributes = wantPoints+10*i+2, wantAttributes+2
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
		checkBalance(t, l)
		points, attributes, declared := 0, 0, map[uint64]bool{}
		for i, m := range s.messages(0) {
			if n := len(s.frames(0)[i]); n > limit {
				t.Errorf("message %d has %d bytes", i, n)
			}
			for _, d := range m.SeriesDeclarations {
				declared[d.DeclarationId] = true
			}
			for _, group := range m.Series {
				if !declared[group.SeriesId] {
					t.Errorf("message %d uses the series %d before it is declared", i, group.SeriesId)
				}
				for _, b := range group.PointBatches {
					points += len(b.Values)
				}
			}
			for _, group := range m.RlSeries {
				for _, b := range group.RlStepBatches {
					points += len(b.Values)
				}
			}
			attributes += len(m.Attributes)
		}
		wantEqual(t, "points", points, wantPoints)
		wantEqual(t, "attributes", attributes, wantAttributes)
	})
}

func TestWhatIsLargerThanAMessageGoesAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		o := testOptions(s)
		o.MaxMessageSize = 100
		l := opened(t, o)
		large := wire.AttributeUpdate{Path: "large", Kind: wire.AttributeString, String: strings.Repeat("x", 1000)}
		small := wire.AttributeUpdate{Path: "small", Kind: wire.AttributeString, String: "x"}
		if err := l.Attributes([]Attribute{small, large, small}, 0); err != nil {
			t.Fatal(err)
		}
		flush(t, l)
		var paths []string
		for _, m := range s.messages(0)[1:] {
			var inMessage []string
			for _, a := range m.Attributes {
				inMessage = append(inMessage, a.Path)
			}
			paths = append(paths, strings.Join(inMessage, "+"))
		}
		wantText(t, "messages", paths, "[small large small]")
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASeriesIsDeclaredInTheMessageThatFirstUsesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		a, unused, b := seriesOf(t, l, "a"), seriesOf(t, l, "unused"), seriesOf(t, l, "b")
		log(t, l, a, 1)
		flush(t, l)
		log(t, l, b, 1)
		log(t, l, a, 2)
		flush(t, l)
		var declared []string
		for _, m := range s.messages(0)[1:] {
			for _, d := range m.SeriesDeclarations {
				declared = append(declared, fmt.Sprint(d.MetricName, " ", d.DeclarationId))
			}
			declared = append(declared, "|")
		}
		wantText(t, "declared", declared, fmt.Sprintf("[a %d | b %d |]", a, b))
		wantEqual(t, "numbers count from 1", []uint32{a, unused, b}[2], 3)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAMessageGroupsPointsBySeries(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		a, b := seriesOf(t, l, "a"), seriesOf(t, l, "b")
		for range 3 {
			log(t, l, a, 1)
			log(t, l, b, make([]float64, mergedValues+1)...)
		}
		flush(t, l)
		groups := s.messages(0)[1].Series
		wantEqual(t, "groups", len(groups), 2)
		wantEqual(t, "small calls become one batch", len(groups[0].PointBatches), 1)
		wantEqual(t, "large ones stay", len(groups[1].PointBatches), 3)
		for i, batch := range groups[1].PointBatches {
			wantEqual(t, "first step", batch.GetFirstStep(), uint64(i*(mergedValues+1)))
		}
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheSameSeriesHasOneDeclarationForPointsOfBothKinds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		l := opened(t, testOptions(s))
		series, err := l.Series(point.Series{Name: "m", Scale: point.ScaleEpisode}, point.Ordered)
		if err != nil {
			t.Fatal(err)
		}
		env, err := l.Environment("a")
		if err != nil {
			t.Fatal(err)
		}
		log(t, l, series, 1)
		p := RLPoints{Series: series, Environments: []uint32{env}, Values: []float64{1}, OfEpisodes: true, TimeShape: One, Times: []int64{1}}
		if err := l.RLPoints(&p, 0); err != nil {
			t.Fatal(err)
		}
		flush(t, l)
		m := s.messages(0)[1]
		wantEqual(t, "declarations", len(m.SeriesDeclarations), 1)
		wantEqual(t, "ids", m.Series[0].SeriesId, m.RlSeries[0].SeriesId)
		if err := closeLogger(l, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}
