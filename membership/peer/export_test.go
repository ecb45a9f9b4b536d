package peer

// InFlight counts the calls under way to all nodes.
func (t *Transport) InFlight() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.stats {
		n += s.inFlight
	}
	return n
}
