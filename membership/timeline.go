package membership

import (
	"sync"
	"time"
)

// timelineLen is how many events are kept. At the size of a school's cluster
// that is days; a client that was away longer starts from a fresh snapshot.
const timelineLen = 1024

// Kinds of events that the agent itself adds. Other parts add their own, such
// as a new leader or a new lead.
const (
	EventJoined   = "joined"   // a member came
	EventBack     = "back"     // a failed member is alive again
	EventServing  = "serving"  // a member changed what it serves; Detail lists it
	EventLeaving  = "leaving"  // a member said it will go
	EventLeft     = "left"     // a member stopped in order
	EventFailed   = "failed"   // a member stopped answering
	EventReaped   = "reaped"   // a member was forgotten
	EventReplaced = "replaced" // a newer member of the same name took a dead one's place
	EventTwin     = "twin"     // two alive members share a name
	EventRefused  = "refused"  // a member of another gradebook was turned away
)

// Event is one numbered line of the timeline.
type Event struct {
	Seq    uint64    `json:"seq"`              // ascending within one node, over restarts too
	At     time.Time `json:"at"`               // this node's clock, UTC
	Kind   string    `json:"kind"`             // such as EventFailed
	Member string    `json:"member,omitempty"` // id
	Name   string    `json:"name,omitempty"`   // for people
	Detail string    `json:"detail,omitempty"` // for people
}

// Timeline is what one node saw happen: a bounded ring of numbered events.
// All methods may be called at once.
//
// Numbers begin at the node's start time in Unix milliseconds, not at one, so
// that a client that resumes with a number from before a restart gets all
// that came after it.
type Timeline struct {
	pulse pulse
	now   func() time.Time

	mu   sync.Mutex
	ring [timelineLen]Event // guarded by mu
	n    uint64             // guarded by mu: events ever added
	base uint64             // number of the first event
}

// NewTimeline returns an empty timeline.
func NewTimeline() *Timeline { return newTimeline(time.Now) }

func newTimeline(now func() time.Time) *Timeline {
	return &Timeline{now: now, base: uint64(max(1, now().UnixMilli()))}
}

// Add appends an event, numbers and dates it, and wakes the watchers.
func (t *Timeline) Add(kind, member, name, detail string) Event {
	t.mu.Lock()
	e := Event{Seq: t.base + t.n, At: t.now().UTC(), Kind: kind, Member: member, Name: name, Detail: detail}
	t.ring[t.n%timelineLen] = e
	t.n++
	t.mu.Unlock()
	t.pulse.beat()
	return e
}

// After returns the kept events with a number greater than seq, oldest first;
// After(0) returns all of them. When the first one is not seq+1, events were
// missed in between.
func (t *Timeline) After(seq uint64) []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := uint64(0)
	if t.n > timelineLen {
		first = t.n - timelineLen
	}
	if seq >= t.base {
		first = max(first, seq-t.base+1)
	}
	if first >= t.n {
		return nil
	}
	out := make([]Event, 0, t.n-first)
	for i := first; i < t.n; i++ {
		out = append(out, t.ring[i%timelineLen])
	}
	return out
}

// Watch returns a channel that pulses after each Add, merged, and a func that
// ends it.
func (t *Timeline) Watch() (<-chan struct{}, func()) { return t.pulse.watch() }
