package views

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/views"
)

const (
	// maxTailed is how many runs one stream follows.
	maxTailed = 1000
	// maxTails is how many streams there are at once.
	maxTails = 1000
	// maxTailedSeries is how many series and environments a part of a change has at most;
	// parts go together in a message up to about as many.
	maxTailedSeries = 1000

	tailPeriod    = 500 * time.Millisecond
	tailHeartbeat = 10 * time.Second
)

var errTooManyTails = fmt.Errorf("%d streams are open already", maxTails)

// Tail tells what becomes different of runs. It sleeps until a run says that something
// did; what it keeps of a run is where it stands and the status told last.
func (s *Service) Tail(
	ctx context.Context, request *connect.Request[pb.TailRequest], stream *connect.ServerStream[pb.TailResponse],
) error {
	closed, err := s.openTail()
	if err != nil {
		return err
	}
	defer closed()
	t := tail{service: s, send: stream.Send, news: make(chan struct{}, 1)}
	defer t.close()
	if err := t.open(request.Msg); err != nil {
		return err
	}
	return pace(ctx, t.news, t.tell)
}

// openTail counts a stream until closed is called, or refuses it.
func (s *Service) openTail() (closed func(), err error) {
	if s.tails.Add(1) > maxTails {
		s.tails.Add(-1)
		return nil, connect.NewError(connect.CodeResourceExhausted, errTooManyTails)
	}
	return func() { s.tails.Add(-1) }, nil
}

// tail is one stream.
type tail struct {
	service *Service
	send    func(*pb.TailResponse) error
	runs    []*tailedRun
	news    chan struct{} // something of a run changed since it was read
}

type tailedRun struct {
	*catalog.Run

	points, description uint64 // revisions told
	status              string // told
	stop                func()
}

func (t *tail) open(request *pb.TailRequest) error {
	if n := len(request.GetRuns()); n == 0 || n > maxTailed {
		return invalid("%d runs were named; at least 1 and at most %d are followed", n, maxTailed)
	}
	seen := make(map[string]bool)
	for _, r := range request.GetRuns() {
		run, found := t.service.catalog.FindRun(request.GetWorkspace(), request.GetProject(), r.GetRun())
		if !found {
			return notFound("no run %q in project %q of workspace %q", r.GetRun(), request.GetProject(), request.GetWorkspace())
		}
		if seen[r.GetRun()] {
			return invalid("run %q is named twice", r.GetRun())
		}
		seen[r.GetRun()] = true
		// From here on nothing is missed: what changes before it is read is read, too.
		tailed := &tailedRun{
			Run: run, points: r.GetCursor().GetPoints(), description: r.GetCursor().GetDescription(), stop: run.Notify(t.news),
		}
		t.runs = append(t.runs, tailed)
		if r.GetFromNow() && r.GetCursor() == nil {
			if err := t.service.skip(tailed); err != nil {
				return err
			}
		}
	}
	return nil
}

// skip goes to where the run is now.
func (s *Service) skip(r *tailedRun) error {
	points, err := r.Points()
	if err != nil {
		return s.queries.Status(err)
	}
	r.points, r.description = points.Revision(), r.Run.ChangedSince(0).Revision
	return nil
}

func (t *tail) close() {
	for _, r := range t.runs {
		r.stop()
	}
}

// pace calls tell at once, when there is news and, with beat, after some silence, but not
// more often than a stream may speak, until ctx ends or tell fails; io.EOF is no failure.
func pace(ctx context.Context, news <-chan struct{}, tell func(beat bool) (told bool, err error)) error {
	heartbeat := time.NewTimer(tailHeartbeat)
	defer heartbeat.Stop()
	pause := time.NewTimer(tailPeriod)
	defer pause.Stop()
	for beat := true; ; {
		told, err := tell(beat)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if beat = false; told {
			heartbeat.Reset(tailHeartbeat)
			pause.Reset(tailPeriod)
			select {
			case <-pause.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-news:
		case <-heartbeat.C: // a status may have changed with time alone
			beat = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell sends what changed of all runs; where nothing did, a heartbeat or nothing. After
// the last run was deleted it gives io.EOF.
func (t *tail) tell(beat bool) (told bool, err error) {
	answer := &pb.TailResponse{}
	left := t.runs[:0:0]
	size := 0
	for _, r := range t.runs {
		parts, err := t.service.changesOf(r)
		if err != nil {
			return false, err
		}
		for _, part := range parts {
			if n := 1 + len(part.GetSeries()) + len(part.GetEnvironments()); size > 0 && size+n > maxTailedSeries {
				if err := t.send(answer); err != nil {
					return false, err
				}
				answer, size, beat, told = &pb.TailResponse{}, n, false, true
			} else {
				size += n
			}
			answer.Changes = append(answer.Changes, part)
		}
		if len(parts) > 0 && parts[len(parts)-1].GetDeleted() {
			r.stop()
			continue
		}
		left = append(left, r)
	}
	t.runs = left
	if len(answer.GetChanges()) == 0 && !beat {
		return told, nil
	}
	if err := t.send(answer); err != nil {
		return false, err
	}
	if len(t.runs) == 0 {
		return true, io.EOF
	}
	return true, nil
}

// changesOf gives the parts of a run's change, none when there is nothing new.
func (s *Service) changesOf(r *tailedRun) ([]*pb.RunChange, error) {
	if r.Deleted() {
		return []*pb.RunChange{{Run: r.Name, Cursor: r.cursor(), Deleted: true}}, nil
	}
	points, err := r.Points()
	if err != nil {
		if r.Deleted() {
			return s.changesOf(r)
		}
		return nil, s.queries.Status(err)
	}
	description, changes, status := r.Run.ChangedSince(r.description), points.ChangedSince(r.points), r.Status()
	if r.points == changes.Revision && r.description == description.Revision && r.status == status {
		return nil, nil
	}
	parts := tailParts(changes)
	for _, part := range parts {
		part.Run, part.Status, part.PointsStored, part.Cursor = r.Name, status, changes.Points, r.cursor()
	}
	r.points, r.description, r.status = changes.Revision, description.Revision, status
	last := parts[len(parts)-1]
	last.Cursor, last.AttributesChanged, last.DeliveryChanged = r.cursor(), description.Attributes, description.Delivery
	return parts, nil
}

func (r *tailedRun) cursor() *pb.TailCursor {
	return &pb.TailCursor{Points: r.points, Description: r.description}
}

// tailParts cuts what points came to into at least one part.
func tailParts(changes store.Changes) []*pb.RunChange {
	part := &pb.RunChange{}
	parts := []*pb.RunChange{part}
	size := 0
	next := func() *pb.RunChange {
		if size++; size > maxTailedSeries {
			part, size = &pb.RunChange{}, 1
			parts = append(parts, part)
		}
		return part
	}
	for _, info := range changes.Series {
		p := next()
		p.Series = append(p.Series, tailedSeries(info))
	}
	for _, env := range changes.Environments {
		p := next()
		p.Environments = append(p.Environments, tailedEnvironment(env))
	}
	return parts
}

func tailedSeries(info store.SeriesInfo) *pb.TailedSeries {
	out := &pb.TailedSeries{
		MetricName: info.Key.Name, Scale: info.Key.Scale, Labels: labelsOf(info.Key), Points: info.Count + info.RLCount,
	}
	if info.Standard {
		out.LastStep = &info.LastStep
	}
	return out
}

func tailedEnvironment(env store.EnvInfo) *pb.TailedEnvironment {
	out := &pb.TailedEnvironment{Environment: env.ID, Points: env.Points, LastRlStep: env.LastRLStep}
	if env.HasEpisode {
		out.LastEpisode = &env.LastEpisode
	}
	return out
}
