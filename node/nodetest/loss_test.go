package nodetest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/nodetest"
)

// leaderIsLost, three times, under load from several writers over all nodes.
func leaderIsLost(t *testing.T, c *nodetest.Cluster) {
	l := c.Load(c.School(2, 4), 4)
	for range 3 {
		c.Eventually(nodetest.Patience, l.More(40))
		leader := c.Leader()
		at := time.Now()
		c.Kill(leader)
		c.Eventually(nodetest.Patience, l.More(40))
		t.Logf("leader %s killed, next acknowledged grade after at most %v", leader, l.Gap(at).Round(time.Millisecond))
		c.Launch(leader)
		c.Eventually(nodetest.Patience, c.Whole)
	}
	l.Verify()
}

// leadIsLost: the others agree on the next, and the old one does not take the
// lead back when it returns.
func leadIsLost(t *testing.T, c *nodetest.Cluster) {
	first := c.Lead()
	at := time.Now()
	c.Kill(first)
	var next string
	agree := func() error {
		next = ""
		for _, name := range c.Running() {
			v, err := c.View(name)
			switch {
			case err != nil:
				return err
			case v.RegistryLead == nil:
				return fmt.Errorf("%s knows no lead", name)
			case next == "":
				next = v.RegistryLead.ID
			}
			if c.NameOf(v.RegistryLead.ID) == "" || v.RegistryLead.ID != next {
				return fmt.Errorf("%s takes %s for the lead, another node %s", name, v.RegistryLead.ID, next)
			}
		}
		return nil
	}
	c.Eventually(nodetest.Patience, agree)
	t.Logf("all agree on the next lead after %v", time.Since(at).Round(time.Millisecond))
	lead := next
	c.Launch(first)
	c.Eventually(nodetest.Patience, c.Whole)
	c.Eventually(nodetest.Patience, agree)
	if next != lead {
		t.Errorf("the lead moved back to %s", c.NameOf(next))
	}
}

// cutInTwo: two nodes on one side, three on the other. The three go on; the
// two, the leader among them, refuse with a reason; once healed nothing that
// was acknowledged on either side is missing.
func cutInTwo(t *testing.T, c *nodetest.Cluster) {
	probe := c.School(1, 1)
	l := c.Load(c.School(1, 4), 4)
	c.Eventually(nodetest.Patience, l.More(20))
	leader := c.Leader()
	few := []string{leader, other(c, leader)}
	c.Cut(few...)
	c.Eventually(nodetest.Patience, l.More(15)) // slow: two of five refuse after some seconds
	for _, name := range few {
		refused(t, c, name, probe, "voters up")
	}
	c.Heal()
	c.Eventually(nodetest.Patience, c.Whole)
	for _, name := range few {
		c.Eventually(nodetest.Patience, func() error { return c.Write(name, probe, 2, 10*time.Second) })
	}
	l.Verify()
}

// refused wants a write at a node to be refused with 503 and this reason.
func refused(t *testing.T, c *nodetest.Cluster, name string, s nodetest.School, reason string) {
	t.Helper()
	c.Eventually(nodetest.Patience, func() error {
		err := c.Write(name, s, 1, 15*time.Second)
		if p, ok := errors.AsType[*httpapi.Problem](err); !ok || p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Detail, reason) {
			return fmt.Errorf("a write at %s gets %v, want 503 with %q", name, err, reason)
		}
		return nil
	})
}

// TestTwoVotersLoseOne: two nodes are two copies, and no more safety: with one
// of them gone, writes are refused with the reason until it is back.
func TestTwoVotersLoseOne(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 2)
	s := c.School(1, 1)
	l := c.Load(s, 1)
	c.Eventually(nodetest.Patience, l.More(20))
	l.Stop()
	c.Kill("n2")
	refused(t, c, "n1", s, "1 of 2 voters up")
	c.Launch("n2")
	c.Eventually(nodetest.Patience, c.Whole)
	more := c.Load(s, 1)
	c.Eventually(nodetest.Patience, more.More(20))
	more.Stop()
}
