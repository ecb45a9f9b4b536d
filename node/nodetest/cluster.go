// Package nodetest runs whole nodes in one process, with real sockets and real
// disks, for stories at the level of the cluster:
//
//	c := nodetest.Start(t, 5)
//	c.Kill(c.Leader())
//	c.Eventually(5*time.Second, c.Writable)
//
// Each cluster has a loopback address and a secret of its own, so any number of
// them run side by side. Faults are injected at the links: Cut and Heal switch
// the same gate that the portal's lab does.
package nodetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node"
	"github.com/distributedgo/rollcall/node/secret"
)

// Patience is how long Start waits for a whole cluster. It is generous: a busy
// machine with the race detector is several times slower than a school's.
const Patience = 90 * time.Second

// Option changes the configuration of the i-th node, counted from 1.
type Option func(i int, c *node.Config)

// Roles gives the i-th node the i-th of the lists; the last is for the rest.
func Roles(lists ...[]string) Option {
	return func(i int, c *node.Config) { c.Roles = lists[min(i, len(lists))-1] }
}

// LogReplicas sets how many copies of each log record are kept (2).
func LogReplicas(n int) Option { return func(_ int, c *node.Config) { c.LogReplicas = n } }

// Join adds seeds to those of the cluster itself.
func Join(seeds ...string) Option {
	return func(_ int, c *node.Config) { c.Join = append(c.Join, seeds...) }
}

// Cluster is some nodes, named n1, n2, …. Its methods are for the test's own
// goroutine, but for those that only read.
type Cluster struct {
	t testing.TB
	*nodes
}

// nodes is what all views of a cluster share; see For.
type nodes struct {
	secret secret.Secret
	dir    string
	rt     *http.Transport

	mu    sync.Mutex
	procs map[string]*proc // guarded by mu
}

// proc is one node and how to start it again.
type proc struct {
	cfg    node.Config
	node   *node.Node
	cancel context.CancelFunc
	done   chan struct{} // closed when Run has returned
	err    error         // valid after done
	log    *tail
}

// Start runs n nodes, founds a gradebook on the first that serves grading, and
// waits until every node serves all its roles. Everything ends with the test.
func Start(t testing.TB, n int, options ...Option) *Cluster {
	t.Helper()
	c := New(t, n, options...)
	c.Up(c.Names()...)
	return c
}

// Up launches these nodes, founds a gradebook on the first of them that serves
// grading, and waits until every node serves all its roles.
func (c *Cluster) Up(names ...string) {
	c.t.Helper()
	c.Launch(names...)
	for _, name := range names {
		if slices.Contains(c.Config(name).Roles, "grading") {
			c.Found(name)
			break
		}
	}
	c.Eventually(Patience, c.Whole)
}

// New prepares n nodes and starts none.
func New(t testing.TB, n int, options ...Option) *Cluster {
	t.Helper()
	c := &Cluster{t, &nodes{
		secret: secret.New(), dir: t.TempDir(), rt: http.DefaultTransport.(*http.Transport).Clone(), procs: map[string]*proc{},
	}}
	c.rt.MaxIdleConnsPerHost = 64
	ports := freePorts(t, ownHost(t), 3*n)
	var gossip []string
	for i := 1; i <= n; i++ {
		cfg := node.DefaultConfig()
		cfg.Name = fmt.Sprintf("n%d", i)
		cfg.DataDir = filepath.Join(c.dir, cfg.Name)
		cfg.Secret = c.secret.Text()
		cfg.HTTP, cfg.Cluster, cfg.Gossip = ports[3*i-3], ports[3*i-2], ports[3*i-1]
		cfg.Lab, cfg.LogLevel = true, cmp.Or(os.Getenv("ROLLCALL_TEST_LOG"), "info")
		cfg.RaftHeartbeat, cfg.RaftElection, cfg.RaftLease = slowness*cfg.RaftHeartbeat, slowness*cfg.RaftElection, slowness*cfg.RaftLease
		if n == 1 {
			cfg.LogReplicas = 1
		}
		gossip = append(gossip, cfg.Gossip)
		for _, o := range options {
			o(i, &cfg)
		}
		c.procs[cfg.Name] = &proc{cfg: cfg, log: newTail(t, cfg.Name)}
	}
	for _, p := range c.procs {
		p.cfg.Join = append(p.cfg.Join, gossip...)
	}
	t.Cleanup(func() {
		c.Kill(c.Running()...)
		c.rt.CloseIdleConnections()
	})
	c.tellLogs()
	return c
}

// For returns the same cluster for a subtest: failures are then the subtest's.
// Stories that leave the cluster whole share one that way.
func (c *Cluster) For(t testing.TB) *Cluster {
	other := &Cluster{t, c.nodes}
	other.tellLogs()
	return other
}

// tellLogs prints the end of every node's log when the test has failed, and
// fails it when a node recovered from a panic.
func (c *Cluster) tellLogs() {
	c.t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(c.procs)) {
			log := c.procs[name].log
			if p := log.panicked(); p != "" {
				c.t.Errorf("%s panicked: %s", name, p)
			}
			if c.t.Failed() {
				c.t.Logf("── %s ──\n%s", name, log)
			}
		}
	})
}

// Launch starts nodes that are prepared, or that were stopped or killed, with
// the data they had.
func (c *Cluster) Launch(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.launch(name)
	}
}

func (c *Cluster) launch(name string) {
	c.t.Helper()
	p := c.proc(name)
	cfg := p.cfg
	cfg.Stderr = p.log
	n, err := node.New(cfg)
	if err != nil {
		c.t.Fatalf("%s does not start: %v", name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	p.node, p.cancel, p.done, p.err = n, cancel, make(chan struct{}), nil
	c.mu.Unlock()
	go func() {
		defer close(p.done)
		p.err = n.Run(ctx)
	}()
}

// Stop ends a node in good order, as SIGTERM does, and waits for it.
func (c *Cluster) Stop(name string) {
	c.t.Helper()
	p := c.proc(name)
	p.cancel()
	c.wait(name, p)
}

// Kill ends nodes without a word, as kill -9 does, all at once, and waits for
// them.
func (c *Cluster) Kill(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.Node(name).Kill()
	}
	for _, name := range names {
		c.wait(name, c.proc(name))
	}
}

func (c *Cluster) wait(name string, p *proc) {
	c.t.Helper()
	select {
	case <-p.done:
		if p.err != nil {
			c.t.Errorf("%s ended with: %v", name, p.err)
		}
	case <-time.After(30 * time.Second):
		c.t.Fatalf("%s does not end", name)
	}
	c.mu.Lock()
	p.node = nil
	c.mu.Unlock()
}

// Ended waits for a node that stops by itself, such as after leave.
func (c *Cluster) Ended(name string) {
	c.t.Helper()
	c.wait(name, c.proc(name))
}

// EndsWith waits for a node that fails by itself and returns its error.
func (c *Cluster) EndsWith(name string) error {
	c.t.Helper()
	p := c.proc(name)
	c.Eventually(Patience, func() error {
		select {
		case <-p.done:
			return nil
		default:
			return fmt.Errorf("%s runs on", name)
		}
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	p.node = nil
	return p.err
}

// Wipe removes all that a stopped node had on its disk.
func (c *Cluster) Wipe(name string) {
	c.t.Helper()
	if err := os.RemoveAll(c.proc(name).cfg.DataDir); err != nil {
		c.t.Fatal(err)
	}
}

// Cut parts the nodes of one side from all others, in both directions.
func (c *Cluster) Cut(side ...string) {
	c.t.Helper()
	for _, name := range c.Running() {
		var others []string
		for _, other := range c.Running() {
			if slices.Contains(side, name) != slices.Contains(side, other) {
				others = append(others, c.Node(other).ID())
			}
		}
		c.Node(name).Faults().Cut(others...)
	}
}

// Heal opens all links again.
func (c *Cluster) Heal() {
	for _, name := range c.Running() {
		c.Node(name).Faults().Heal()
	}
}

// Node returns a running node.
func (c *Cluster) Node(name string) *node.Node {
	c.t.Helper()
	p := c.proc(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.node == nil {
		c.t.Fatalf("%s does not run", name)
	}
	return p.node
}

// Config returns how a node is started.
func (c *Cluster) Config(name string) node.Config { return c.proc(name).cfg }

// Names lists the names of all nodes, whether they run or not.
func (c *Cluster) Names() []string { return slices.Sorted(maps.Keys(c.procs)) }

// Running lists the names of the nodes that run.
func (c *Cluster) Running() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name, p := range c.procs {
		if p.node != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// NameOf returns the name of the running node with an id.
func (c *Cluster) NameOf(id string) string {
	for _, name := range c.Running() {
		if c.Node(name).ID() == id {
			return name
		}
	}
	return ""
}

func (c *Cluster) proc(name string) *proc {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.procs[name]
	if !ok {
		c.t.Fatalf("there is no node %q", name)
	}
	return p
}

// Eventually waits for a fact: it calls check until that returns nil, and fails
// the test with the last error when limit is over. A wait that is long, but
// not too long, is told with what it waited for.
func (c *Cluster) Eventually(limit time.Duration, check func() error) {
	c.t.Helper()
	start := time.Now()
	var last error
	for {
		err := check()
		if err == nil {
			if took := time.Since(start); took > 5*time.Second {
				c.t.Logf("waited %v, in the end because: %v", took.Round(time.Millisecond), last)
			}
			return
		}
		last = err
		if time.Since(start) > limit {
			c.t.Fatalf("after %v: %v", limit, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ownHost returns a loopback address that no other cluster of this machine
// uses: on Linux all of 127.0.0.0/8 is there.
func ownHost(t testing.TB) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "127.0.0.1"
	}
	ln.Close()
	return host
}

// freePorts returns n addresses of host that are free for TCP and UDP, each
// another one: all are held until the last is found. They are known before the
// nodes bind them, and stay the same when a node restarts.
func freePorts(t testing.TB, host string, n int) []string {
	t.Helper()
	var addrs []string
	for len(addrs) < n {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if udp, err := net.ListenPacket("udp", ln.Addr().String()); err == nil {
			udp.Close()
			addrs = append(addrs, ln.Addr().String())
		}
	}
	return addrs
}

// tail keeps the last of what a node wrote to stderr, and the first panic. With
// ROLLCALL_TEST_LOGS, a folder, all of it goes there as well.
type tail struct {
	file *os.File // nil without a folder

	mu    sync.Mutex
	buf   bytes.Buffer // guarded by mu
	panic string       // guarded by mu
}

// newTail returns the tail of a node.
func newTail(t testing.TB, name string) *tail {
	dir := os.Getenv("ROLLCALL_TEST_LOGS")
	if dir == "" {
		return &tail{}
	}
	f, err := os.Create(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+"-"+name+".log"))
	if err != nil {
		t.Fatalf("ROLLCALL_TEST_LOGS: %v", err)
	}
	return &tail{file: f} // closed with the process: a node may write to it to the very end
}

var _ io.Writer = (*tail)(nil)

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf.Len() > 1<<20 {
		w.buf.Next(w.buf.Len() / 2)
	}
	if w.file != nil {
		_, _ = w.file.Write(p)
	}
	if w.panic == "" && bytes.Contains(p, []byte("panic: ")) {
		w.panic = string(p)
	}
	return w.buf.Write(p)
}

// panicked returns the line about the first panic that a node recovered from.
func (w *tail) panicked() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.panic
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := strings.Split(w.buf.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-80):], "\n")
}
