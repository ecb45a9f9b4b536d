package membertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/peer"
)

// List is a member list that a test writes by hand, with the Members and Watch
// of an agent. All methods may be called at once.
type List struct {
	mu       sync.Mutex
	members  []membership.Member        // guarded by mu
	watchers map[chan struct{}]struct{} // guarded by mu
}

// Fixed returns a list of these members.
func Fixed(members ...membership.Member) *List { return &List{members: members} }

// Alive returns an alive member whose name is its id and whose start tag is
// zero.
func Alive(id string, roles ...string) membership.Member {
	return membership.Member{ID: id, Name: id, Status: membership.StatusAlive, Roles: roles}
}

// Members is a func() []membership.Member for a service's Config.
func (l *List) Members() []membership.Member {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.members)
}

// Watch is a func for a service's Config: a channel that pulses after each Set.
func (l *List) Watch() (<-chan struct{}, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers == nil {
		l.watchers = map[chan struct{}]struct{}{}
	}
	ch := make(chan struct{}, 1)
	l.watchers[ch] = struct{}{}
	return ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, ch)
	}
}

// Set puts a member on the list, in place of the one with its id.
func (l *List) Set(m membership.Member) {
	l.change(func(ms []membership.Member) []membership.Member {
		if i := slices.IndexFunc(ms, func(o membership.Member) bool { return o.ID == m.ID }); i >= 0 {
			ms[i] = m
			return ms
		}
		return append(ms, m)
	})
}

// SetStatus changes one member's status.
func (l *List) SetStatus(id string, s membership.Status) {
	l.change(func(ms []membership.Member) []membership.Member {
		for i := range ms {
			if ms[i].ID == id {
				ms[i].Status = s
			}
		}
		return ms
	})
}

func (l *List) change(f func([]membership.Member) []membership.Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members = f(slices.Clone(l.members))
	for ch := range l.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Servers is HTTP on loopback under node ids: enough for services to call each
// other through a peer.Transport, without gossip or TLS.
type Servers struct {
	t  testing.TB
	mu sync.Mutex
	by map[string]*httptest.Server // guarded by mu: by node id
}

// NewServers returns no servers yet. Those that run are closed when the test
// ends.
func NewServers(t testing.TB) *Servers {
	s := &Servers{t: t, by: map[string]*httptest.Server{}}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, srv := range s.by {
			srv.CloseClientConnections()
			srv.Close()
		}
	})
	return s
}

// Serve starts a server for a node, in place of the one it had.
func (s *Servers) Serve(id string, h http.Handler) {
	s.Kill(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by[id] = httptest.NewServer(h)
}

// Kill ends a node's server and breaks its connections.
func (s *Servers) Kill(id string) {
	s.mu.Lock()
	srv := s.by[id]
	delete(s.by, id)
	s.mu.Unlock()
	if srv != nil {
		srv.CloseClientConnections()
		srv.Close()
	}
}

// Dial connects to a node's server: a Dial for peer.Config and others.
func (s *Servers) Dial(ctx context.Context, id string) (net.Conn, error) {
	s.mu.Lock()
	srv := s.by[id]
	s.mu.Unlock()
	if srv == nil {
		return nil, errors.New("dial " + id + ": connection refused")
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", srv.Listener.Addr().String())
}

// Peers returns a transport to these servers over this list.
func (s *Servers) Peers(l *List) *peer.Transport {
	t := peer.New(peer.Config{Members: l.Members, Dial: s.Dial, Clock: membership.NewClock("test")})
	s.t.Cleanup(t.CloseIdleConnections)
	return t
}
