package membertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// Eventually polls a fact until it holds, and fails the test with the last
// reading when it does not within the limit.
func Eventually(t testing.TB, limit time.Duration, fact func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = fact(); err == nil {
			return
		}
	}
	t.Fatalf("not within %v: %v", limit, err)
}

// Converged holds when every running node lists exactly the running nodes as
// alive.
func (c *Cluster) Converged() error {
	nodes := c.Nodes()
	for _, n := range nodes {
		if err := n.Sees(membership.StatusAlive, nodes...); err != nil {
			return err
		}
		if alive := n.Alive(); len(alive) != len(nodes) {
			return fmt.Errorf("%s lists %d alive, want %d", n.Name, len(alive), len(nodes))
		}
	}
	return nil
}

// Sees holds when this node lists the others with this status.
func (n *Node) Sees(s membership.Status, others ...*Node) error {
	for _, o := range others {
		if m, ok := n.Member(o.ID); !ok || m.Status != s {
			return fmt.Errorf("%s lists %s as %q, want %q", n.Name, o.Name, m.Status, s)
		}
	}
	return nil
}

// AllSee holds when every running node lists these with this status.
func (c *Cluster) AllSee(s membership.Status, others ...*Node) error {
	for _, n := range c.Nodes() {
		if slices.Contains(others, n) && s != membership.StatusAlive {
			continue // it may be crashing just now
		}
		if err := n.Sees(s, others...); err != nil {
			return err
		}
	}
	return nil
}

// Alive lists the members this node holds for alive.
func (n *Node) Alive() []membership.Member {
	return slices.DeleteFunc(n.Members(), func(m membership.Member) bool { return m.Status != membership.StatusAlive })
}
