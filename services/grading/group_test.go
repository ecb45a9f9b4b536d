package grading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/peer"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// group is several grading services in one process: raft over loopback TCP,
// HTTP by calling handlers, gossip a list that tests write.
type group struct {
	t     testing.TB
	mu    sync.Mutex
	nodes map[string]*member
	cut   map[[2]string]bool // pairs that can't talk, in both orders
	tune  func(*Config)
	logs  io.Writer
}

// member is one node of a group. It survives stops and starts of its service.
type member struct {
	g      *group
	id     string
	dir    string
	voting bool

	// guarded by g.mu
	up      bool
	life    int // counts starts; answers of an earlier life are lost
	service *Service
	api     *httpapi.API
	tag     string // gradebook tag
	serving bool
	conns   map[net.Conn]string // raft connections, by peer id ("" for incoming)
	events  []string
	health  *health.Set
	view    func() []membership.Member // nil: what the group knows
	paused  bool                       // takes calls and answers none
	stop    context.CancelFunc
	ended   chan error
}

var testKeys = identity.Keys{Token: [][]byte{[]byte("token key")}, Session: [][]byte{[]byte("session key")}}

// newGroup returns a group with no nodes.
func newGroup(t testing.TB) *group {
	g := &group{t: t, nodes: map[string]*member{}, cut: map[[2]string]bool{}, logs: io.Discard}
	if os.Getenv("GRADING_TEST_LOG") != "" {
		g.logs = os.Stderr
	}
	t.Cleanup(func() {
		for _, m := range g.all() {
			m.kill()
		}
	})
	return g
}

// startGroup returns a founded group of n nodes, n1 to n<n>, in which as many
// vote as should.
func startGroup(t testing.TB, n int) *group {
	t.Helper()
	g := newGroup(t)
	for i := range n {
		g.add(fmt.Sprintf("n%d", i+1)).start()
	}
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(n)
	return g
}

// settle waits until n nodes serve and as many vote as should.
func (g *group) settle(n int) {
	g.t.Helper()
	g.eventually(func() error {
		serving := 0
		for _, m := range g.all() {
			g.mu.Lock()
			if m.up && m.serving {
				serving++
			}
			g.mu.Unlock()
		}
		l, err := g.leader()
		if err != nil {
			return err
		}
		if st := l.service.Status(); serving != n || len(st.Voters) != votersFor(n) {
			return fmt.Errorf("%d serve, want %d; voters %v, want %d", serving, n, st.Voters, votersFor(n))
		}
		return nil
	})
}

// add makes a node that is not started.
func (g *group) add(id string) *member {
	m := &member{g: g, id: id, dir: filepath.Join(g.t.TempDir(), "grading"), voting: true, health: &health.Set{}}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nodes[id] = m
	return m
}

func (g *group) node(id string) *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.nodes[id]
}

func (g *group) all() []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []*member
	for _, m := range g.nodes {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *member) int { return strings.Compare(a.id, b.id) })
	return out
}

// config is how a test node is set up: as a real one, in more of a hurry.
func (m *member) config(ln net.Listener) Config {
	cfg := Config{
		ID: m.id, Name: "name of " + m.id, Dir: m.dir, Listener: m.accepting(ln), Dial: m.dial,
		Peers: transport{m.g, m.id}, Keys: testKeys, Health: m.health,
		Logger: slog.New(slog.NewTextHandler(m.g.logs, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", m.id),
		Members: func() []membership.Member {
			m.g.mu.Lock()
			view := m.view
			m.g.mu.Unlock()
			if view != nil {
				return view()
			}
			return m.g.gossip()
		},
		Publish: func(gradebook string, serving bool) {
			m.g.mu.Lock()
			defer m.g.mu.Unlock()
			m.tag, m.serving = gradebook, serving
		},
		Timeline: func(kind, detail string) {
			m.g.mu.Lock()
			defer m.g.mu.Unlock()
			m.events = append(m.events, kind+": "+detail)
		},
		Raft:   RaftConfig{Heartbeat: 250 * time.Millisecond, Election: 250 * time.Millisecond, Lease: 125 * time.Millisecond},
		stable: 100 * time.Millisecond, replace: 500 * time.Millisecond, planEvery: 25 * time.Millisecond,
	}
	if m.g.tune != nil {
		m.g.tune(&cfg)
	}
	return cfg
}

// try starts the node's service.
func (m *member) try() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s, err := New(m.config(ln))
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	api := httpapi.New(httpapi.Config{Title: "grading", Version: "test", Node: m.id, Trust: true})
	s.Mount(api)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	m.g.mu.Lock()
	m.up, m.service, m.api, m.stop, m.ended, m.conns = true, s, api, cancel, ended, map[net.Conn]string{}
	m.life++
	m.view = nil
	m.g.mu.Unlock()
	addresses.Store(m.g.key(m.id), ln.Addr().String())
	go func() { ended <- s.Run(ctx) }()
	m.g.eventually(func() error { _, err := s.running(); return err })
	return nil
}

func (m *member) start() *member {
	m.g.t.Helper()
	if err := m.try(); err != nil {
		m.g.t.Fatalf("start %s: %v", m.id, err)
	}
	return m
}

// addresses holds where each node's raft listens.
var addresses sync.Map

func (g *group) key(id string) string { return fmt.Sprintf("%p %s", g, id) }

// kill takes a node away as kill -9 does: its connections break, what it was
// about to answer is lost, and nobody is told.
func (m *member) kill() {
	m.g.mu.Lock()
	if !m.up {
		m.g.mu.Unlock()
		return
	}
	m.up, m.serving = false, false
	addresses.Delete(m.g.key(m.id))
	for c := range m.conns {
		_ = c.Close()
	}
	stop, ended := m.stop, m.ended
	m.g.mu.Unlock()
	stop()
	if err := <-ended; err != nil {
		m.g.t.Logf("%s ended: %v", m.id, err)
	}
}

// gossip is what everybody knows of everybody.
func (g *group) gossip() []membership.Member {
	var out []membership.Member
	for _, m := range g.all() {
		g.mu.Lock()
		st := membership.StatusFailed
		if m.up {
			st = membership.StatusAlive
		}
		if m.life > 0 {
			out = append(out, membership.Member{ID: m.id, Name: "name of " + m.id, Status: st, Gradebook: m.tag, Voting: m.voting, Commands: CommandVersion})
		}
		g.mu.Unlock()
	}
	return out
}

// blocked reports whether two nodes can't talk. The caller holds mu.
func (g *group) blocked(a, b string) bool { return g.cut[[2]string{a, b}] }

// cutOff cuts the links between every a and every b.
func (g *group) cutOff(as, bs []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range as {
		for _, b := range bs {
			g.cut[[2]string{a, b}], g.cut[[2]string{b, a}] = true, true
			for c, to := range g.nodes[a].conns {
				if to == b {
					_ = c.Close()
				}
			}
			for c, to := range g.nodes[b].conns {
				if to == a {
					_ = c.Close()
				}
			}
		}
	}
}

func (g *group) heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.cut)
}

// dial connects to another node's raft and says who calls, which in a real
// node the certificate does.
func (m *member) dial(ctx context.Context, id string) (net.Conn, error) {
	addr, ok := addresses.Load(m.g.key(id))
	m.g.mu.Lock()
	blocked := m.g.blocked(m.id, id) || !m.up
	m.g.mu.Unlock()
	if !ok || blocked {
		return nil, fmt.Errorf("no way from %s to %s", m.id, id)
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr.(string))
	if err != nil {
		return nil, err
	}
	return m.track(c, id), nil
}

func (m *member) track(c net.Conn, id string) net.Conn {
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	if !m.up {
		_ = c.Close()
		return c
	}
	m.conns[c] = id
	return tracked{c, m}
}

type tracked struct {
	net.Conn
	m *member
}

func (c tracked) Close() error {
	c.m.g.mu.Lock()
	delete(c.m.conns, c.Conn)
	c.m.g.mu.Unlock()
	return c.Conn.Close()
}

type accepting struct {
	net.Listener
	m *member
}

func (m *member) accepting(ln net.Listener) net.Listener { return accepting{ln, m} }

func (a accepting) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return a.m.track(c, ""), nil
}

// transport carries HTTP between nodes without sockets, and, with an empty
// from, from a client to nodes. It loses what a dying node had to say.
type transport struct {
	g    *group
	from string
}

var errLost = errors.New("connection lost")

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	id, exact := strings.CutSuffix(r.URL.Host, ".node")
	if exact {
		return t.call(r, id)
	}
	last := peer.ErrNoPeer
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	for _, m := range t.g.all() {
		t.g.mu.Lock()
		serving := m.up && m.serving
		t.g.mu.Unlock()
		if !serving {
			continue
		}
		r := r.Clone(r.Context())
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		resp, err := t.call(r, m.id)
		if err == nil && resp.Header.Get(httpapi.HeaderNotServing) == "" {
			return resp, nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("%s does not serve", m.id)
		}
	}
	return nil, last
}

func (t transport) call(r *http.Request, id string) (*http.Response, error) {
	t.g.mu.Lock()
	m := t.g.nodes[id]
	if m == nil || !m.up || t.g.blocked(t.from, id) {
		t.g.mu.Unlock()
		return nil, fmt.Errorf("%s to %s: %w", t.from, id, peer.ErrNoPeer)
	}
	life, api, paused := m.life, m.api, m.paused
	t.g.mu.Unlock()
	if paused {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	r.RequestURI = r.URL.RequestURI()
	api.ServeHTTP(w, r)
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	if !m.up || m.life != life || t.g.blocked(t.from, id) {
		return nil, errLost
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// asAdmin is a context of a caller who may do everything.
func asAdmin(ctx context.Context) context.Context {
	return identity.With(ctx, identity.Principal{Role: identity.Admin, Name: "admin token", Token: "t1"})
}

// client talks to any node that serves; on, to one.
func (g *group) client() *Client { return NewClient(transport{g: g}, "http://grading") }

func (m *member) client() *Client { return NewClient(transport{g: m.g}, "http://"+m.id+".node") }

// leader returns the node that leads the highest term.
func (g *group) leader() (*member, error) {
	var best *member
	var term uint64
	for _, m := range g.all() {
		g.mu.Lock()
		up, s := m.up, m.service
		g.mu.Unlock()
		if !up {
			continue
		}
		if st := s.Status(); st.Leader == m.id && st.Term > term {
			best, term = m, st.Term
		}
	}
	if best == nil {
		return nil, errors.New("no leader")
	}
	return best, nil
}

func (g *group) mustLeader() *member {
	g.t.Helper()
	var l *member
	g.eventually(func() (err error) { l, err = g.leader(); return err })
	return l
}

// follower returns a node that serves and does not lead.
func (g *group) follower() *member {
	g.t.Helper()
	l := g.mustLeader()
	for _, m := range g.all() {
		if m.id != l.id && m.up {
			return m
		}
	}
	g.t.Fatal("no follower")
	return nil
}

// eventually waits for fact to return nil, and reports its last word.
func (g *group) eventually(fact func() error) {
	g.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := fact()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("after 30s: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// renameAway loses a directory without destroying it.
func renameAway(dir string) error { return os.Rename(dir, dir+".lost") }
