// Package membertest is membership for tests: fixed lists for services that
// only read the members ([List]), real agents on an in-memory network or on
// loopback ([Cluster]), and that network ([Network]), which drops, cuts and
// heals.
//
// In a testing/synctest bubble the in-memory network runs in virtual time: a
// failure is detected, and fifty nodes converge, in milliseconds of wall time.
package membertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/distributedgo/rollcall/membership"
)

// Cluster is a set of agents that share a key. All agents still running are
// crashed when the test ends.
type Cluster struct {
	t   testing.TB
	key []byte
	Net *Network // nil on loopback

	mu    sync.Mutex
	nodes []*Node // guarded by mu: all that were ever started
	ids   int     // guarded by mu
}

// Node is one agent of a cluster. Its ID and Name are also in Self.
type Node struct {
	*membership.Agent
	ID, Name string
	Faults   *membership.Faults

	c      *Cluster
	cfg    membership.Config
	end    *Endpoint
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, once done is closed
}

// Virtual returns an empty cluster on an in-memory network. Call it inside a
// synctest bubble, where time runs as fast as the work allows.
func Virtual(t *testing.T) *Cluster {
	// Runs after all agents have ended: the library's last timers run out, at
	// no cost, before the bubble looks for goroutines left behind.
	t.Cleanup(func() { time.Sleep(time.Minute) })
	c := Loopback(t)
	c.Net = NewNetwork()
	return c
}

// Loopback returns an empty cluster on real sockets of 127.0.0.1.
func Loopback(t testing.TB) *Cluster {
	key := sha256.Sum256([]byte(t.Name()))
	c := &Cluster{t: t, key: key[:]}
	t.Cleanup(c.stop)
	return c
}

// Stranger returns an empty cluster on the same network under another key: a
// stranger's, as on one machine.
func (c *Cluster) Stranger() *Cluster {
	key := sha256.Sum256(append([]byte("stranger"), c.key...))
	s := &Cluster{t: c.t, key: key[:], Net: c.Net}
	c.t.Cleanup(s.stop)
	return s
}

// Option changes an agent's configuration before it starts.
type Option func(*membership.Config)

// Roles sets what the agent serves.
func Roles(roles ...string) Option {
	return func(c *membership.Config) { c.Tags.Roles = roles }
}

// Gradebook sets the gradebook the agent holds.
func Gradebook(id string) Option {
	return func(c *membership.Config) { c.Tags.Gradebook = id }
}

// Seeds sets whom the agent joins.
func Seeds(addrs ...string) Option {
	return func(c *membership.Config) { c.Seeds = addrs }
}

// Start starts an agent under a fresh id. Its seeds are all agents that run
// now, unless an option says otherwise; so start the first ones with Start and
// the rest find them.
func (c *Cluster) Start(name string, opts ...Option) *Node {
	c.t.Helper()
	n, err := c.Try(name, opts...)
	if err != nil {
		c.t.Fatalf("start %s: %v", name, err)
	}
	return n
}

// Try is Start that returns the error of membership.New.
func (c *Cluster) Try(name string, opts ...Option) (*Node, error) {
	c.mu.Lock()
	c.ids++
	id := fmt.Sprintf("%04x%s", c.ids, strings.Map(plain, name))
	c.mu.Unlock()
	cfg := membership.Config{
		ID: id, Bind: "127.0.0.1:0", Keys: [][]byte{c.key}, Seeds: c.Addrs(),
		Tags: membership.Tags{Name: name, HTTP: ":80", Cluster: ":81", Version: "test"},
	}
	for _, o := range opts {
		o(&cfg)
	}
	return c.start(cfg, nil)
}

// StartN starts n agents named n1, n2, …; each knows those before it.
func (c *Cluster) StartN(n int, opts ...Option) []*Node {
	c.t.Helper()
	nodes := make([]*Node, n)
	for i := range nodes {
		nodes[i] = c.Start(fmt.Sprintf("n%d", i+1), opts...)
	}
	return nodes
}

func (c *Cluster) start(cfg membership.Config, end *Endpoint) (*Node, error) {
	if c.Net != nil && end == nil {
		end = c.Net.Open()
	}
	if end != nil {
		cfg.Transport = end
	}
	cfg.Faults = new(membership.Faults)
	a, err := membership.New(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &Node{Agent: a, ID: cfg.ID, Name: cfg.Tags.Name, Faults: cfg.Faults, c: c, cfg: cfg, end: end, cancel: cancel, done: make(chan struct{})}
	go func() { // waited for by Crash, Leave and the test's end
		defer close(n.done)
		n.err = a.Run(ctx)
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = append(c.nodes, n)
	return n, nil
}

// Nodes lists the agents that run now.
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *Node) bool { return n.ended() })
}

// Addrs lists the gossip addresses of the agents that run now.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, n := range c.Nodes() {
		addrs = append(addrs, n.Addr())
	}
	return addrs
}

// Cut parts these nodes from all others: at the network, or on loopback at
// each node's fault gate.
func (c *Cluster) Cut(nodes ...*Node) {
	if c.Net != nil {
		var addrs []string
		for _, n := range nodes {
			addrs = append(addrs, n.Addr())
		}
		c.Net.Cut(addrs...)
		return
	}
	for _, a := range nodes {
		for _, b := range c.Nodes() {
			if !slices.Contains(nodes, b) {
				a.Faults.Cut(b.ID)
				b.Faults.Cut(a.ID)
			}
		}
	}
}

// Heal ends all cuts.
func (c *Cluster) Heal() {
	if c.Net != nil {
		c.Net.Heal()
	}
	for _, n := range c.Nodes() {
		n.Faults.Heal()
	}
}

// Crash ends the agent without a word, as kill -9 does.
func (n *Node) Crash() {
	n.Agent.Crash()
	n.cancel()
	<-n.done
}

// Leave stops the agent in order.
func (n *Node) Leave() {
	n.cancel()
	<-n.done
}

// Wait returns what Run returned, once it has.
func (n *Node) Wait() error {
	<-n.done
	return n.err
}

// Restart starts a stopped agent again: same id, same data, same address.
func (n *Node) Restart(opts ...Option) *Node { return n.again(n.ID, opts) }

// Wipe starts a stopped agent again after its data directory was lost: same
// name, same address, a new id.
func (n *Node) Wipe(opts ...Option) *Node { return n.again("w"+n.ID, opts) }

func (n *Node) again(id string, opts []Option) *Node {
	n.c.t.Helper()
	cfg := n.cfg
	cfg.ID, cfg.Seeds = id, n.c.Addrs()
	for _, o := range opts {
		o(&cfg)
	}
	var end *Endpoint
	if n.end != nil {
		end = n.c.Net.Reopen(n.end)
	} else {
		cfg.Bind = n.Addr()
	}
	next, err := n.c.start(cfg, end)
	if err != nil {
		n.c.t.Fatalf("restart %s: %v", n.Name, err)
	}
	return next
}

func (n *Node) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

func (c *Cluster) stop() {
	var wg sync.WaitGroup
	for _, n := range c.Nodes() {
		wg.Go(n.Crash)
	}
	wg.Wait()
}

// plain keeps the letters and digits of a name, which an id is made of.
func plain(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return r
	}
	return -1
}
