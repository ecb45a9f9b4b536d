package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"
)

// publishGap is the shortest time between two published views. The first
// change after a quiet time is published at once; what follows within the gap
// comes together at its end.
const publishGap = 250 * time.Millisecond

// board holds the last published view for all streams, rendered once. Streams
// wait on a channel that is closed when the next view is up.
type board struct {
	mu      sync.Mutex
	content []byte          // the view without what changes all the time; guarded by mu
	view    json.RawMessage // nil while this node does not serve; guarded by mu
	next    chan struct{}   // guarded by mu

	once   sync.Once
	nudges chan struct{}
}

// nudged pulses when somebody thinks that the view may have changed.
func (b *board) nudged() chan struct{} {
	b.once.Do(func() { b.nudges = make(chan struct{}, 1) })
	return b.nudges
}

// nudge asks for the view to be looked at again. It never waits.
func (b *board) nudge() {
	select {
	case b.nudged() <- struct{}{}:
	default:
	}
}

// read returns the published view, nil when there is none, and a channel that
// is closed when another takes its place.
func (b *board) read() (json.RawMessage, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.view, b.next
}

// post publishes c if its content differs from the published one, and reports
// whether it does.
func (b *board) post(c Cluster) (bool, error) {
	content, err := json.Marshal(steady(c))
	if err != nil {
		return false, err
	}
	view, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes.Equal(content, b.content) {
		return false, nil
	}
	b.set(content, view)
	return true, nil
}

// withdraw takes the view down; streams end.
func (b *board) withdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(nil, nil)
}

// set replaces the view and wakes all who wait. b.mu is held.
func (b *board) set(content, view []byte) {
	b.content, b.view = content, view
	if b.next != nil {
		close(b.next)
	}
	b.next = make(chan struct{})
}

// steady returns c without the times of looking and the round-trip times,
// which differ at every look and are no news by themselves.
func steady(c Cluster) Cluster {
	c.At = time.Time{}
	nodes := make([]Node, len(c.Nodes))
	for i, n := range c.Nodes {
		n.ReportedAt, n.RTTMs = nil, nil
		nodes[i] = n
	}
	c.Nodes = nodes
	return c
}

// publish posts the view whenever it changes, until ctx ends.
func (s *Service) publish(ctx context.Context) {
	pulses, stop := s.cfg.Watch()
	defer stop()
	for {
		if s.Serving() {
			s.updateLead()
			changed, err := s.board.post(s.Cluster())
			if err != nil {
				s.log.Error("view not published", "err", err)
			}
			if changed && !sleep(ctx, publishGap) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-pulses:
		case <-s.board.nudged():
		}
	}
}
