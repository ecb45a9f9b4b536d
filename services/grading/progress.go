package grading

import (
	"context"
	"sync"
)

// progress is a number that only grows, and that one can wait for. All methods
// may be called at once.
type progress struct {
	mu    sync.Mutex
	at    uint64
	moved chan struct{} // closed at the next move; nil when nobody waits
}

// advance moves to at, unless it is there or further already.
func (p *progress) advance(at uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at <= p.at {
		return
	}
	p.at = at
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
}

// now returns where it is.
func (p *progress) now() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// wait returns nil once it is at least at, or the context's error.
func (p *progress) wait(ctx context.Context, at uint64) error {
	for {
		p.mu.Lock()
		if p.at >= at {
			p.mu.Unlock()
			return nil
		}
		if p.moved == nil {
			p.moved = make(chan struct{})
		}
		moved := p.moved
		p.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
