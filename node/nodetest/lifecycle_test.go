package nodetest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/nodetest"
	"github.com/distributedgo/rollcall/services/grading"
)

// joinsAndLeaves: a sixth node gets the gradebook and serves it without a
// vote; after `leave` it is gone for good, and the others say that it left.
func joinsAndLeaves(t *testing.T, c *nodetest.Cluster) {
	l := c.Load(c.School(1, 2), 2)
	voters := c.Voters("n1")
	c.Launch("n6")
	c.Eventually(nodetest.Patience, c.Whole)
	c.Eventually(nodetest.Patience, l.More(20))
	id := c.Node("n6").ID()
	c.Eventually(nodetest.Patience, func() error {
		if s := c.Node("n6").Grading(); s.Voter || s.Gradebook != c.Node("n1").Grading().Gradebook || !slices.Equal(s.Voters, voters) {
			return fmt.Errorf("n6 is not a replica of the gradebook without a vote: %+v", s)
		}
		return nil
	})
	post(t, c, "n6", "/v1/leave", http.StatusAccepted)
	c.Ended("n6")
	c.Eventually(nodetest.Patience, c.Sees("n1", id, "left"))
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, func() error {
			if s := c.Node(name).Grading(); slices.Contains(s.Replicas, id) || !slices.Contains(s.Retired, id) {
				return fmt.Errorf("%s still counts n6: %+v", name, s)
			}
			return nil
		})
	}
	l.Verify()
}

// stopInGoodOrder: SIGTERM on each node in turn, under load. A client that
// tries a failed request once more, at another node, never fails; and no vote
// is lost.
func stopInGoodOrder(t *testing.T, c *nodetest.Cluster) {
	l := c.Load(c.School(1, 4), 4)
	voters := c.Voters("n1")
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, l.More(20))
		c.Stop(name)
		c.Eventually(nodetest.Patience, l.More(20))
		c.Launch(name)
		c.Eventually(nodetest.Patience, c.Whole)
		if got := c.Voters(name); !slices.Equal(got, voters) {
			t.Errorf("after a stop of %s the voters are %v, before they were %v", name, got, voters)
		}
	}
	l.Verify()
	for _, err := range l.FailedTwice() {
		t.Errorf("a request failed twice: %v", err)
	}
}

// crashesAndComesBack: the others know soon, and the node catches up with what
// it missed before it serves again.
func crashesAndComesBack(t *testing.T, c *nodetest.Cluster) {
	l := c.Load(c.School(1, 2), 2)
	leader := c.Leader()
	victim := other(c, leader)
	id, voters := c.Node(victim).ID(), c.Voters(leader)
	c.Kill(victim)
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, c.Sees(name, id, "failed"))
	}
	c.Eventually(nodetest.Patience, l.More(50))
	l.Stop()
	c.Launch(victim)
	c.Eventually(nodetest.Patience, c.Whole)
	if got := c.Node(victim).ID(); got != id {
		t.Errorf("%s came back as %s, it was %s", victim, got, id)
	}
	if got := c.Voters(victim); !slices.Equal(got, voters) {
		t.Errorf("%s came back to the voters %v, before they were %v", victim, got, voters)
	}
	want := c.Node(leader).Grading().Index
	c.Eventually(nodetest.Patience, func() error {
		if s := c.Node(victim).Grading(); s.Index < want {
			return fmt.Errorf("%s has come to %d of %d", victim, s.Index, want)
		}
		return nil
	})
	l.Verify()
}

// firstNodeIsWiped: the node that founded the gradebook loses its disk, even
// with its roles and seeds as ever. It comes back as a new node, founds
// nothing, and gets everything from the others; the old id is retired by hand,
// and the new one votes in its place.
func firstNodeIsWiped(t *testing.T, c *nodetest.Cluster) {
	s := c.School(1, 2)
	l := c.Load(s, 2)
	c.Eventually(nodetest.Patience, l.More(20))
	old, book := c.Node("n1").ID(), c.Node("n2").Grading().Gradebook
	c.Kill("n1")
	c.Wipe("n1")
	c.Launch("n1")
	c.Eventually(nodetest.Patience, c.Whole)
	id := c.Node("n1").ID()
	if id == old {
		t.Fatalf("n1 came back under its old id %s", id)
	}
	if got := c.Node("n1").Grading().Gradebook; got != book {
		t.Fatalf("n1 holds gradebook %q, the others %q", got, book)
	}
	err := c.Insist(t.Context(), func(ctx context.Context, g *grading.Client) error { return g.Retire(ctx, old) })
	if err != nil {
		t.Fatalf("leave --id %s: %v", old, err)
	}
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, func() error {
			v := c.Voters(name)
			if slices.Contains(v, old) || !slices.Contains(v, id) || len(v) != 5 {
				return fmt.Errorf("%s knows voters %v; %s should be out, %s in", name, v, old, id)
			}
			return nil
		})
		for _, m := range c.Node(name).Members() {
			if m.ID == old && m.Status == membership.StatusAlive {
				t.Errorf("%s sees the old id %s alive", name, old)
			}
		}
	}
	l.Verify()
}

// allAreLost: the power goes. Three nodes that come back elect a leader, which
// sees nothing of the other two, and removes nobody; then they come back too.
func allAreLost(t *testing.T, c *nodetest.Cluster) {
	s := c.School(1, 2)
	l := c.Load(s, 2)
	c.Eventually(nodetest.Patience, l.More(30))
	voters, all := c.Voters("n1"), c.Running()
	l.Stop()
	c.Kill(all...)
	c.Launch(all[2:]...)
	c.Eventually(nodetest.Patience, func() error { return c.Write("n3", s, 1, nodetest.Patience) })
	if got := c.Voters("n3"); !slices.Equal(got, voters) {
		t.Errorf("the new leader knows voters %v, before they were %v", got, voters)
	}
	c.Launch(all[:2]...)
	c.Eventually(nodetest.Patience, c.Whole)
	if got := c.Voters("n1"); !slices.Equal(got, voters) {
		t.Errorf("in the end the voters are %v, before they were %v", got, voters)
	}
}

// other returns a running node that is not among these.
func other(c *nodetest.Cluster, not ...string) string {
	for _, name := range c.Running() {
		if !slices.Contains(not, name) {
			return name
		}
	}
	return ""
}

// post sends an empty POST as an admin and wants this status.
func post(t *testing.T, c *nodetest.Cluster, name, path string, want int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL(name)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Admin().RoundTrip(r)
	if err != nil {
		t.Fatalf("POST %s at %s: %v", path, name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		t.Fatalf("POST %s at %s: %s, want %d", path, name, resp.Status, want)
	}
}
