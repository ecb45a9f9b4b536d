package membership

import (
	"net"
	"sync"
)

// Faults cuts a node's links on purpose: the one switch behind the tests, the
// script's cut command and the portal's lab. A nil *Faults cuts nothing, so
// that nobody has to ask. All methods may be called at once.
//
// It stands in two places: around gossip's transport (gate.go) and in the
// cluster port's dialer, which asks Blocked and hands its connections to
// Guard. A cut stops what this node sends and the packets it gets. A stream
// the other side opens is not recognised before it says who it is, so a full
// cut between two nodes is set on both.
type Faults struct {
	mu       sync.Mutex
	cut      map[string]bool       // guarded by mu: ids
	isolated bool                  // guarded by mu
	conns    map[*guarded]struct{} // guarded by mu: open connections
}

// Cut blocks the links to these nodes, in addition to those already cut, and
// closes the connections to them.
func (f *Faults) Cut(ids ...string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	if f.cut == nil {
		f.cut = map[string]bool{}
	}
	for _, id := range ids {
		f.cut[id] = true
	}
	f.mu.Unlock()
	f.sever()
}

// Isolate blocks the links to everybody.
func (f *Faults) Isolate() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.isolated = true
	f.mu.Unlock()
	f.sever()
}

// Heal opens all links again.
func (f *Faults) Heal() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut, f.isolated = nil, false
}

// Blocked reports whether the link to this node is cut.
func (f *Faults) Blocked(id string) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.isolated || f.cut[id]
}

// Isolated reports whether all links are cut.
func (f *Faults) Isolated() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.isolated
}

// Guard returns c so that a later cut of the link to this node closes it. It
// closes c at once when the link is cut already.
func (f *Faults) Guard(id string, c net.Conn) net.Conn {
	if f == nil {
		return c
	}
	g := &guarded{Conn: c, id: id, faults: f}
	f.mu.Lock()
	if f.conns == nil {
		f.conns = map[*guarded]struct{}{}
	}
	f.conns[g] = struct{}{}
	f.mu.Unlock()
	if f.Blocked(id) {
		_ = g.Close()
	}
	return g
}

// sever closes the open connections whose link is cut.
func (f *Faults) sever() {
	f.mu.Lock()
	var cut []*guarded
	for g := range f.conns {
		if f.isolated || f.cut[g.id] {
			cut = append(cut, g)
		}
	}
	f.mu.Unlock()
	for _, g := range cut {
		_ = g.Close()
	}
}

// guarded is a connection that a cut closes.
type guarded struct {
	net.Conn
	id     string
	faults *Faults
}

func (g *guarded) Close() error {
	g.faults.mu.Lock()
	delete(g.faults.conns, g)
	g.faults.mu.Unlock()
	return g.Conn.Close()
}
