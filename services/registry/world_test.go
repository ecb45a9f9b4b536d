package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// world is a cluster without sockets: one member list that all nodes read at
// once, as if gossip took no time, and calls that are function calls. It is
// an http.RoundTripper whose hosts are <id>.node, and "registry" for the
// first node that serves.
type world struct {
	mu       sync.Mutex
	members  []membership.Member
	nodes    map[string]*node
	watchers map[chan struct{}]bool
}

// node is one node of a world.
type node struct {
	w        *world
	id       string
	svc      *Service
	api      *httpapi.API
	timeline *membership.Timeline
	report   NodeReport // what it says of itself; guarded by w.mu
	dead     bool       // its service answers nobody; guarded by w.mu
	hung     bool       // its service answers too late; guarded by w.mu
	promised int        // calls of Promise; guarded by w.mu
}

// newWorld returns a world with no nodes.
func newWorld() *world {
	return &world{nodes: map[string]*node{}, watchers: map[chan struct{}]bool{}}
}

// add makes a node that started age ago; configured nodes serve the registry
// from the start of Run, the others stand by. Its id is n1, n2…
func (w *world) add(t testing.TB, configured bool, age time.Duration) *node {
	t.Helper()
	now := time.Now()
	w.mu.Lock()
	id := fmt.Sprintf("n%d", len(w.nodes)+1)
	n := &node{w: w, id: id, timeline: membership.NewTimeline()}
	n.report = NodeReport{ID: id, Name: "name-" + id, Health: []health.Check{{Name: "spool", Status: health.Passing, Output: "empty", Since: now}}}
	m := membership.Member{ID: id, Name: "name-" + id, Status: membership.StatusAlive, Since: now, HTTP: id + ":8500", Started: now.Add(-age)}
	if !configured {
		m.Standby = []string{Role}
	}
	w.members = append(w.members, m)
	w.nodes[id] = n
	w.mu.Unlock()

	svc, err := New(Config{
		Self: id, Name: "school", Members: w.list, Watch: w.watch, Timeline: n.timeline, Peers: w,
		Report:     func() NodeReport { w.mu.Lock(); defer w.mu.Unlock(); return n.report },
		Configured: configured, Standby: !configured,
		Promise: n.promise,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.svc = svc
	n.api = httpapi.New(httpapi.Config{Title: "test", Version: "1", Trust: true})
	svc.Mount(n.api)
	n.api.Echo.GET("/v1/node", n.getNode)
	n.api.Echo.GET("/readyz", n.getReady)
	return n
}

// run starts the registries of all nodes until the test ends.
func (w *world) run(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, n := range w.nodes {
		wg.Go(func() {
			if err := n.svc.Run(ctx); err != nil {
				t.Errorf("%s: Run: %v", n.id, err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func (w *world) list() []membership.Member {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.members)
}

func (w *world) watch() (<-chan struct{}, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan struct{}, 1)
	w.watchers[ch] = true
	return ch, func() { w.mu.Lock(); defer w.mu.Unlock(); delete(w.watchers, ch) }
}

// change alters one member and tells everybody.
func (w *world) change(id string, f func(*membership.Member)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.members {
		if w.members[i].ID == id {
			f(&w.members[i])
		}
	}
	for ch := range w.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// set alters a node's own facts.
func (n *node) set(f func(*node)) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	f(n)
}

// crash ends a node as kill -9 does: nobody answers, and gossip says failed.
func (n *node) crash() {
	n.set(func(n *node) { n.dead = true })
	n.w.change(n.id, func(m *membership.Member) { m.Status, m.Since = membership.StatusFailed, time.Now() })
}

func (n *node) promise(serve bool) error {
	n.set(func(n *node) { n.promised++ })
	n.w.change(n.id, func(m *membership.Member) {
		m.Roles = nil
		if serve {
			m.Roles = []string{Role}
		}
	})
	return nil
}

// lead returns who leads, in this node's eyes.
func (n *node) lead() string {
	if l := n.svc.Cluster().RegistryLead; l != nil {
		return l.ID
	}
	return ""
}

// sees returns one node of this node's view.
func (n *node) sees(t testing.TB, id string) Node {
	t.Helper()
	c := n.svc.Cluster()
	other, ok := c.NodeByID(id)
	if !ok {
		t.Fatalf("%s does not see %s", n.id, id)
	}
	return other
}

var errRefused = errors.New("connection refused")

// RoundTrip calls the node that the URL's host names.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	n := w.nodes[strings.TrimSuffix(r.URL.Host, ".node")]
	if r.URL.Host == Role {
		for _, m := range w.members {
			if m.Serves(Role) && !w.nodes[m.ID].dead {
				n = w.nodes[m.ID]
				break
			}
		}
	}
	ok, hung := n != nil && !n.dead, n != nil && n.hung
	w.mu.Unlock()
	if hung {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if !ok {
		return nil, fmt.Errorf("dial %s: %w", r.URL.Host, errRefused)
	}
	return call(n.api, r)
}

// call serves r in a goroutine and streams the answer through a pipe, so that
// event streams work and no socket keeps virtual time from passing.
func call(h http.Handler, r *http.Request) (*http.Response, error) {
	in, out := io.Pipe()
	a := &answer{header: http.Header{}, out: out, began: make(chan int, 1)}
	r = r.Clone(r.Context())
	r.RequestURI = r.URL.RequestURI()
	go func() {
		h.ServeHTTP(a, r)
		a.WriteHeader(http.StatusOK)
		out.Close()
	}()
	context.AfterFunc(r.Context(), func() { in.CloseWithError(r.Context().Err()) })
	select {
	case code := <-a.began:
		return &http.Response{StatusCode: code, Header: a.sent, Body: in, Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

type answer struct {
	header, sent http.Header
	out          *io.PipeWriter
	began        chan int
	once         sync.Once
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) Flush()              {}
func (a *answer) WriteHeader(code int) {
	a.once.Do(func() { a.sent = a.header.Clone(); a.began <- code })
}
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.out.Write(p)
}

// asPerson is the context of someone who may look at the cluster.
func asPerson(ctx context.Context) context.Context {
	return identity.With(ctx, identity.Principal{Role: identity.Reader, Name: "anna"})
}

// get calls one node and returns status, header and body.
func (n *node) get(ctx context.Context, t testing.TB, path string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.id+".node"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(identity.Header, identity.From(ctx).Encode())
	resp, err := call(n.api, req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
