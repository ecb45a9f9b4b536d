package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// cluster is some nodes in one process. It is their member list and their
// network: a RoundTripper that takes "<id>.node" to that node's API.
type cluster struct {
	t     testing.TB
	mu    sync.Mutex
	nodes map[string]*node
}

type node struct {
	id, dir string
	roles   []string
	status  membership.Status
	cut     bool // no call reaches it or leaves it
	api     *httpapi.API
	agent   *Agent
	service *Service
	health  *health.Set
	stop    func()
	tweak   func(*AgentConfig)
	limit   int64 // of the store
	stderr  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newCluster(t testing.TB) *cluster { return &cluster{t: t, nodes: map[string]*node{}} }

func (c *cluster) members() []membership.Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []membership.Member
	for _, n := range c.nodes {
		out = append(out, membership.Member{ID: n.id, Name: "name-" + n.id, Status: n.status, Roles: n.roles})
	}
	slices.SortFunc(out, func(a, b membership.Member) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// link is the network as one node sees it.
type link struct {
	c    *cluster
	from string
}

func (l link) RoundTrip(r *http.Request) (*http.Response, error) {
	id, ok := strings.CutSuffix(r.URL.Host, ".node")
	l.c.mu.Lock()
	from, to := l.c.nodes[l.from], l.c.nodes[id]
	reachable := ok && to != nil && to.api != nil && !to.cut && (from == nil || !from.cut)
	l.c.mu.Unlock()
	if !reachable {
		return nil, fmt.Errorf("no way from %s to %s", l.from, r.URL.Host)
	}
	w := httptest.NewRecorder()
	to.api.ServeHTTP(w, r.Clone(r.Context()))
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// start runs a node. With "log" among the roles it stores.
func (c *cluster) start(id string, roles ...string) *node {
	c.t.Helper()
	c.mu.Lock()
	n := c.nodes[id]
	if n == nil {
		n = &node{id: id, dir: c.t.TempDir(), roles: roles}
		c.nodes[id] = n
	}
	c.mu.Unlock()
	c.run(n)
	return n
}

func (c *cluster) run(n *node) {
	c.t.Helper()
	n.stderr, n.health = &lockedBuffer{}, new(health.Set)
	cfg := AgentConfig{
		Dir: n.dir, Node: "name-" + n.id, NodeID: n.id, Members: c.members, Peers: link{c, n.id},
		Stderr: n.stderr, Health: n.health,
	}
	if n.tweak != nil {
		n.tweak(&cfg)
	}
	agent, err := OpenAgent(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	api := httpapi.New(httpapi.Config{Title: "test", Version: "1", Trust: true})
	agent.Mount(api)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	check := func(run func(context.Context) error) func() {
		return func() {
			if err := run(ctx); err != nil {
				c.t.Errorf("%s: %v", n.id, err)
			}
		}
	}
	var service *Service
	if slices.Contains(n.roles, Role) {
		service, err = New(Config{
			Dir: n.dir, NodeID: n.id, Members: c.members, Peers: link{c, n.id}, Stderr: n.stderr, Health: n.health, MaxBytes: n.limit,
		})
		if err != nil {
			c.t.Fatal(err)
		}
		service.Mount(api)
		wg.Go(check(service.Run))
	}
	c.mu.Lock()
	n.agent, n.service, n.api, n.status, n.cut = agent, service, api, membership.StatusAlive, false
	c.mu.Unlock()
	wg.Go(check(agent.Run))
	n.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	c.t.Cleanup(n.stop)
}

// kill is kill -9: nothing more reaches the node or leaves it, and what its
// disk has at that moment is all that a later start finds.
func (c *cluster) kill(n *node) {
	c.t.Helper()
	c.mark(n, membership.StatusFailed, true)
	n.dir = snapshot(c.t, n.dir)
	n.stop()
}

func (c *cluster) mark(n *node, st membership.Status, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.status, n.cut = st, cut
}

// snapshot copies a data directory while it is in use: segment files first,
// and the state that lets go of them last.
func snapshot(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	var late []string
	copyFile := func(path string) {
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		rel, err2 := filepath.Rel(dir, path)
		dst := filepath.Join(to, rel)
		if err := errors.Join(err, err2, os.MkdirAll(filepath.Dir(dst), 0o700), os.WriteFile(dst, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files come and go
		}
		switch filepath.Ext(path) {
		case ".log":
			copyFile(path)
		case ".json":
			late = append(late, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range late {
		copyFile(path)
	}
	return to
}

// eventually waits for a fact, and says the last reading when it does not come.
func eventually(t testing.TB, within time.Duration, fact func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := fact()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", within, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// shipped waits until R nodes have all that n took in.
func (n *node) shipped(t testing.TB) {
	t.Helper()
	if err := n.agent.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() error {
		if b := n.agent.SpoolBytes(); b > 0 {
			return fmt.Errorf("%d bytes wait in the spool of %s\n%s", b, n.id, n.stderr)
		}
		return nil
	})
}

// ingest gives n records "<prefix> <i>" and returns when they are accepted.
func (n *node) ingest(t testing.TB, prefix string, count int) {
	t.Helper()
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, `{"level":"info","msg":"%s %d","i":%d}`+"\n", prefix, i, i)
	}
	a, err := n.agent.Ingest(t.Context(), strings.NewReader(b.String()), IngestOptions{Service: prefix})
	if err != nil || a.Accepted != count {
		t.Fatalf("ingest %s: %+v, %v", prefix, a, err)
	}
}

// all reads every page and returns the messages, and whether all pages were
// complete.
func (n *node) all(t testing.TB, q Query) ([]string, Answer) {
	t.Helper()
	var msgs []string
	var last Answer
	complete := true
	for {
		a, err := n.service.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range a.Records {
			msgs = append(msgs, r.Msg)
		}
		complete = complete && a.Complete
		last = a
		if q.Cursor = a.Next; a.Next == "" {
			last.Complete = complete
			return msgs, last
		}
	}
}

// exactly checks that q finds count records, each once, and all there are.
func (n *node) exactly(t testing.TB, q Query, count int) {
	t.Helper()
	eventually(t, 10*time.Second, func() error {
		msgs, a := n.all(t, q)
		seen := map[string]bool{}
		for _, m := range msgs {
			if seen[m] {
				t.Fatalf("%q is in the answer twice", m)
			}
			seen[m] = true
		}
		if len(msgs) != count || !a.Complete {
			return fmt.Errorf("%s found %d records, want %d; complete %t, missing %+v", n.id, len(msgs), count, a.Complete, a.Missing)
		}
		return nil
	})
}

// call is a request by a caller with a role, over HTTP.
func (n *node) call(t testing.TB, role identity.Role, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set(identity.Header, identity.Principal{Role: role, Name: "caller"}.Encode())
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header(), string(b)
}
