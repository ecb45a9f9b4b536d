package membership

import (
	"sync"

	"github.com/hashicorp/serf/serf"
)

// queueMost bounds the queue. When nobody takes, the oldest changes are
// dropped: the view is compared with serf's list afterwards anyway, so only a
// line of the timeline can be missing.
const queueMost = 4 * timelineLen

// queue stands between serf and the view. serf sends each event while it holds
// its lock on the members, and waits when the channel is full: whoever reads
// that channel must never wait for serf. So one goroutine does nothing but
// move events here, and another takes them in batches.
type queue struct {
	wake chan struct{} // room for one

	mu      sync.Mutex
	changes []serf.MemberEvent // guarded by mu
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// drain moves events into the queue until stop is closed.
func (q *queue) drain(events <-chan serf.Event, stop <-chan struct{}) {
	for {
		select {
		case e := <-events:
			if e, ok := e.(serf.MemberEvent); ok {
				q.push(e)
			}
		case <-stop:
			return
		}
	}
}

// push adds an event. An update of tags that follows one of the same member is
// merged into it.
func (q *queue) push(e serf.MemberEvent) {
	q.mu.Lock()
	if n := len(q.changes); n > 0 && mergeable(q.changes[n-1], e) {
		q.changes[n-1] = e
	} else {
		q.changes = append(q.changes, e)
	}
	if over := len(q.changes) - queueMost; over > 0 {
		q.changes = append(q.changes[:0], q.changes[over:]...)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func mergeable(a, b serf.MemberEvent) bool {
	return a.Type == serf.EventMemberUpdate && b.Type == serf.EventMemberUpdate &&
		len(a.Members) == 1 && len(b.Members) == 1 && a.Members[0].Name == b.Members[0].Name
}

// take empties the queue.
func (q *queue) take() []serf.MemberEvent {
	q.mu.Lock()
	defer q.mu.Unlock()
	changes := q.changes
	q.changes = nil
	return changes
}
