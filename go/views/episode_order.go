package views

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	pb "github.com/metrana/metrana/go/wire/pb/views"
	"google.golang.org/protobuf/proto"
)

// episodePlace is where a row stands in the order of a listing: everything is
// turned into unsigned numbers that ascend.
type episodePlace struct {
	key     uint64
	rank    int // of the environment
	episode uint64
}

func (p episodePlace) compare(other episodePlace) int {
	return cmp.Or(cmp.Compare(p.key, other.key), cmp.Compare(p.rank, other.rank), cmp.Compare(p.episode, other.episode))
}

const signBit = 1 << 63

// signed turns the order of signed numbers into that of unsigned ones.
func signed(v int64) uint64 { return uint64(v) ^ signBit }

// floating turns the order of numbers into that of unsigned ones; -0 is 0.
func floating(v float64) uint64 {
	bits := math.Float64bits(v + 0)
	if bits&signBit != 0 {
		return ^bits
	}
	return bits | signBit
}

var episodeKeys = map[pb.EpisodeColumn]func(r *episodeRow) uint64{
	pb.EpisodeColumn_EPISODE_COLUMN_UNSPECIFIED:   func(r *episodeRow) uint64 { return uint64(r.rank) },
	pb.EpisodeColumn_EPISODE_COLUMN_ENVIRONMENT:   func(r *episodeRow) uint64 { return uint64(r.rank) },
	pb.EpisodeColumn_EPISODE_COLUMN_EPISODE:       func(r *episodeRow) uint64 { return r.episode },
	pb.EpisodeColumn_EPISODE_COLUMN_FIRST_RL_STEP: func(r *episodeRow) uint64 { return r.firstRLStep },
	pb.EpisodeColumn_EPISODE_COLUMN_LAST_RL_STEP:  func(r *episodeRow) uint64 { return r.lastRLStep },
	pb.EpisodeColumn_EPISODE_COLUMN_ENV_STEPS:     func(r *episodeRow) uint64 { return r.envSteps },
	pb.EpisodeColumn_EPISODE_COLUMN_FIRST_TIME:    func(r *episodeRow) uint64 { return signed(r.firstTime) },
	pb.EpisodeColumn_EPISODE_COLUMN_LAST_TIME:     func(r *episodeRow) uint64 { return signed(r.lastTime) },
	pb.EpisodeColumn_EPISODE_COLUMN_RESTARTS:      func(r *episodeRow) uint64 { return r.restarts },
	pb.EpisodeColumn_EPISODE_COLUMN_METRIC:        func(r *episodeRow) uint64 { return floating(r.values[0]) },

	pb.EpisodeColumn_EPISODE_COLUMN_TOTAL_ENV_STEPS: func(r *episodeRow) uint64 { return r.totalEnvSteps },
}

// episodeOrder is the order of a listing.
type episodeOrder struct {
	column     pb.EpisodeColumn
	descending bool
	key        func(r *episodeRow) uint64
}

func parseEpisodeOrder(o *pb.EpisodeOrder, metrics int) (episodeOrder, error) {
	key, known := episodeKeys[o.GetColumn()]
	if !known {
		return episodeOrder{}, invalid("order.column %d is none", o.GetColumn())
	}
	order := episodeOrder{o.GetColumn(), o.GetDescending(), key}
	if order.byMetric() && int(o.GetMetric()) >= metrics {
		return order, invalid("order.metric %d is none of the %d metrics", o.GetMetric(), metrics)
	}
	return order, nil
}

func (o episodeOrder) byMetric() bool { return o.column == pb.EpisodeColumn_EPISODE_COLUMN_METRIC }

func (o episodeOrder) byEnvironment() bool {
	return o.column <= pb.EpisodeColumn_EPISODE_COLUMN_ENVIRONMENT
}

func (o episodeOrder) place(r *episodeRow) episodePlace {
	p := episodePlace{o.key(r), r.rank, r.episode}
	switch {
	case o.byMetric() && math.IsNaN(r.values[0]):
		p.key = math.MaxUint64 // behind everything
	case o.descending:
		p.key = ^p.key
	}
	return p
}

// firstRows keeps the rows that come first in an order.
type firstRows struct {
	order episodeOrder
	after *episodePlace // only those behind
	limit int
	rows  []placedRow
	full  bool // no row behind rows[limit-1] is wanted
	total uint64
}

type placedRow struct {
	episodePlace

	row episodeRow
}

func comparePlaced(a, b placedRow) int { return a.compare(b.episodePlace) }

func (f *firstRows) take(rows []episodeRow) {
	f.total += uint64(len(rows))
	for i := range rows {
		place := f.order.place(&rows[i])
		if f.after != nil && place.compare(*f.after) <= 0 || f.full && place.compare(f.rows[f.limit-1].episodePlace) > 0 {
			continue
		}
		f.rows = append(f.rows, placedRow{place, rows[i]})
		if len(f.rows) >= 2*f.limit {
			f.cut()
		}
	}
}

func (f *firstRows) cut() {
	slices.SortFunc(f.rows, comparePlaced)
	if len(f.rows) >= f.limit {
		f.rows, f.full = f.rows[:f.limit], true
	}
}

// joinFirst makes one of what several workers kept.
func joinFirst(parts []firstRows) firstRows {
	all := parts[0]
	for _, part := range parts[1:] {
		all.rows = append(all.rows, part.rows...)
		all.total += part.total
	}
	all.cut()
	return all
}

// A token names the last row of its page, and the question.

func questionOf(r *pb.ListEpisodesRequest) uint64 {
	asked := proto.CloneOf(r)
	asked.PageToken, asked.Limit = "", 0
	h := fnv.New64a()
	bytes, _ := proto.MarshalOptions{Deterministic: true}.Marshal(asked) // it came as such a message
	_, _ = h.Write(bytes)                                                // a hash takes everything
	return h.Sum64()
}

func episodeToken(r *pb.ListEpisodesRequest, last placedRow, id string) string {
	text := fmt.Sprintf("%x.%x.%x.%s", questionOf(r), last.key, last.episode, id)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// placeOf finds where the page before ended; nil for the first page.
func (o episodeOrder) placeOf(r *pb.ListEpisodesRequest, envs environments) (*episodePlace, error) {
	token := r.GetPageToken()
	if token == "" {
		return nil, nil //nolint:nilnil // no page before, no error
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	var question uint64
	var place episodePlace
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%x.%x.%x.", &question, &place.key, &place.episode)
	}
	if err != nil || question != questionOf(r) {
		return nil, invalid("page_token %q was not given for this request", token)
	}
	id := text[len(fmt.Sprintf("%x.%x.%x.", question, place.key, place.episode)):]
	rank, found := envs.find(string(id))
	if !found {
		return nil, invalid("page_token %q was not given for this request", token)
	}
	place.rank = rank
	if o.byEnvironment() { // others may have come before it meanwhile
		place.key = o.place(&episodeRow{rank: rank}).key
	}
	return &place, nil
}
