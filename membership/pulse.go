package membership

import "sync"

// pulse tells any number of watchers that something changed. Each watcher has
// a channel with room for one pulse: changes that come faster than a watcher
// looks are merged into one, and no watcher can hold up the giver.
type pulse struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{} // guarded by mu
}

// watch returns a channel that gets a pulse after each change, and a func that
// ends it. The channel is never closed.
func (p *pulse) watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watchers == nil {
		p.watchers = map[chan struct{}]struct{}{}
	}
	p.watchers[ch] = struct{}{}
	return ch, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, ch)
	}
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ch := range p.watchers {
		select {
		case ch <- struct{}{}:
		default: // one pulse already waits; it speaks for this change too
		}
	}
}
