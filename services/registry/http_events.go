package registry

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/httpapi"
)

// maxRecent is the most past events that a new caller can ask for.
const maxRecent = 1024

// eventID names a place in this node's timeline: <node id>:<number>. Numbers
// are per node, and ascend over its restarts too (membership.Timeline).
func (s *Service) eventID(seq uint64) string {
	return s.cfg.Self + ":" + strconv.FormatUint(seq, 10)
}

// seqOf returns the place that an id of this node names; 0 for another's.
func (s *Service) seqOf(id string) uint64 {
	number, ours := strings.CutPrefix(id, s.cfg.Self+":")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ours || err != nil {
		return 0
	}
	return seq
}

// follower is one caller's stream.
type follower struct {
	s      *Service
	stream *httpapi.Stream
	seq    uint64          // the place it has come to in the timeline; 0 before its first event
	next   <-chan struct{} // closed when a newer view than it has is up; nil when it has none
}

// getEvents streams the timeline and the view. A caller whose place in the
// timeline is known goes on from there; any other begins with a snapshot.
func (s *Service) getEvents(c echo.Context) error {
	if err := s.admit(c.Request().Context()); err != nil {
		return err
	}
	recent, err := parseRecent(c.QueryParam("recent"))
	if err != nil {
		return err
	}
	events, stop := s.cfg.Timeline.Watch()
	defer stop()
	stream, err := httpapi.SSE(c)
	if err != nil {
		return err
	}
	defer stream.End()
	f := &follower{s: s, stream: stream}
	if err := f.begin(c.Request().Header.Get("Last-Event-ID"), recent); err != nil {
		return nil // the caller is gone, and nobody is left to tell
	}
	f.follow(events)
	return nil
}

// parseRecent reads the query parameter of that name.
func parseRecent(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxRecent {
		return 0, httpapi.Problemf(http.StatusUnprocessableEntity, "a parameter is not valid").
			With("query.recent", text, "give a whole number from 0 to "+strconv.Itoa(maxRecent))
	}
	return n, nil
}

// begin brings the caller up to now.
func (f *follower) begin(lastID string, recent int) error {
	newest := f.newest()
	if seq := f.s.seqOf(lastID); seq > 0 && seq <= newest {
		f.seq = seq
		return f.catchUp()
	}
	if lastID != "" {
		recent = 0 // a caller that comes from another node has its events
	}
	f.seq = newest - min(newest, uint64(recent))
	if past := f.s.cfg.Timeline.After(f.seq); len(past) > 0 {
		f.seq = past[0].Seq - 1 // there may be fewer than asked for
	}
	if err := f.snapshot(); err != nil {
		return err
	}
	return f.catchUp()
}

// newest is the number of the last event there is.
func (f *follower) newest() uint64 {
	all := f.s.cfg.Timeline.After(0)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Seq
}

// catchUp sends what the timeline holds after f.seq. If the timeline has
// forgotten some of that, a snapshot takes its place.
func (f *follower) catchUp() error {
	events := f.s.cfg.Timeline.After(f.seq)
	if len(events) == 0 {
		return nil
	}
	if f.seq > 0 && events[0].Seq != f.seq+1 {
		f.seq = events[len(events)-1].Seq
		return f.snapshot()
	}
	for _, e := range events {
		if err := f.stream.Send(f.s.eventID(e.Seq), MessageTimeline, f.s.eventOf(e)); err != nil {
			return err
		}
		f.seq = e.Seq
	}
	return nil
}

// snapshot sends a fresh view, so that the published one is not sent again.
func (f *follower) snapshot() error {
	_, f.next = f.s.board.read()
	return f.stream.Send(f.s.eventID(f.seq), MessageSnapshot, f.s.Cluster())
}

// follow sends what is new until the caller goes away, or this node stops
// serving.
func (f *follower) follow(events <-chan struct{}) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		if f.next == nil {
			var view json.RawMessage
			if view, f.next = f.s.board.read(); view != nil {
				err = f.stream.Send("", MessageCluster, string(view))
			}
		}
		if err == nil {
			select {
			case <-f.stream.Context().Done():
				return
			case <-events:
				err = f.catchUp()
			case <-f.next:
				f.next = nil
			case <-ping.C:
				err = f.stream.Ping()
			}
		}
		if err != nil {
			return
		}
		if !f.s.Serving() {
			_ = f.stream.Send("", MessageMoved, "{}") // it may be gone already
			return
		}
	}
}

// pingEvery is how often a stream says that it lives.
const pingEvery = httpapi.PingEvery

func (s *Service) eventOf(e membership.Event) Event {
	return Event{ID: s.eventID(e.Seq), At: e.At.UTC(), Kind: e.Kind, Member: e.Member, Name: e.Name, Detail: e.Detail}
}
