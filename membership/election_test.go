package membership_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
)

// agree holds when every running node names this lead.
func agree(c *membertest.Cluster, want *membertest.Node) error {
	for _, n := range c.Nodes() {
		if got, ok := membership.Lead(n.Members(), "registry"); !ok || got.ID != want.ID {
			return fmt.Errorf("%s names %q as lead, want %s", n.Name, got.Name, want.Name)
		}
	}
	return nil
}

func TestLeadMovesOnAndNotBack(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		var nodes []*membertest.Node
		for i := range 5 {
			nodes = append(nodes, c.Start(fmt.Sprintf("n%d", i+1), membertest.Roles("registry")))
			time.Sleep(100 * time.Millisecond)
		}
		membertest.Eventually(t, limit, c.Converged)
		membertest.Eventually(t, limit, func() error { return agree(c, nodes[0]) })

		lost := time.Now()
		nodes[0].Crash()
		membertest.Eventually(t, limit, func() error { return agree(c, nodes[1]) })
		t.Logf("all agree on the next lead %v after the death of the first", time.Since(lost))

		nodes[0].Restart()
		membertest.Eventually(t, limit, c.Converged)
		membertest.Eventually(t, limit, func() error { return agree(c, nodes[1]) })
		time.Sleep(10 * time.Second)
		if err := agree(c, nodes[1]); err != nil {
			t.Errorf("the lead moved back: %v", err)
		}
	})
}

func TestEachSideOfAPartitionHasALead(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(5, membertest.Roles("registry"))
		membertest.Eventually(t, limit, c.Converged)
		membertest.Eventually(t, limit, func() error {
			lead, _ := membership.Lead(nodes[0].Members(), "registry")
			if lead.Started.IsZero() {
				return fmt.Errorf("%s has no start tag yet", lead.Name)
			}
			return nil
		})
		whole, _ := membership.Lead(nodes[0].Members(), "registry")
		c.Cut(nodes[:2]...)
		membertest.Eventually(t, limit, func() error {
			a, _ := membership.Lead(nodes[0].Members(), "registry")
			b, _ := membership.Lead(nodes[4].Members(), "registry")
			if a.ID == b.ID || a.ID != whole.ID && b.ID != whole.ID {
				return fmt.Errorf("leads %s and %s, want %s on one side and another on the other", a.Name, b.Name, whole.Name)
			}
			return nil
		})
		c.Heal()
		membertest.Eventually(t, limit, c.Converged)
		for _, n := range nodes {
			if lead, _ := membership.Lead(n.Members(), "registry"); lead.ID != whole.ID {
				t.Errorf("after healing %s names %s, want %s again: the oldest", n.Name, lead.Name, whole.Name)
			}
		}
	})
}

func TestSlowClockDoesNotLead(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(2, membertest.Roles("registry"))
		membertest.Eventually(t, limit, c.Converged)
		membertest.Eventually(t, limit, func() error { return agree(c, nodes[0]) })

		slow := func() time.Time { return time.Now().Add(-time.Hour) }
		late := c.Start("n3", membertest.Roles("registry"), func(cfg *membership.Config) { cfg.Now = slow })
		membertest.Eventually(t, limit, func() error {
			m, _ := nodes[0].Member(late.ID)
			if m.Started.IsZero() {
				return fmt.Errorf("n3 has no start tag yet")
			}
			return nil
		})
		if err := agree(c, nodes[0]); err != nil {
			t.Errorf("an hour's slow clock took the lead: %v", err)
		}
		second, _ := nodes[0].Member(nodes[1].ID)
		third, _ := nodes[0].Member(late.ID)
		if d := third.Started.Sub(second.Started); d != time.Millisecond {
			t.Errorf("the start tag is %v after the newest seen, want 1ms", d)
		}
	})
}

func TestLead(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	m := func(id string, started time.Time, status membership.Status, roles ...string) membership.Member {
		return membership.Member{ID: id, Started: started, Status: status, Roles: roles}
	}
	tests := map[string]struct {
		members []membership.Member
		want    string
	}{
		"nobody":                {nil, ""},
		"nobody serves it":      {[]membership.Member{m("a", at(1), membership.StatusAlive, "log")}, ""},
		"the oldest":            {[]membership.Member{m("a", at(2), membership.StatusAlive, "r"), m("b", at(1), membership.StatusAlive, "r")}, "b"},
		"a tie goes by id":      {[]membership.Member{m("b", at(1), membership.StatusAlive, "r"), m("a", at(1), membership.StatusAlive, "r")}, "a"},
		"not the dead":          {[]membership.Member{m("a", at(1), membership.StatusFailed, "r"), m("b", at(2), membership.StatusAlive, "r")}, "b"},
		"not who is leaving":    {[]membership.Member{m("a", at(1), membership.StatusLeaving, "r"), m("b", at(2), membership.StatusAlive, "r")}, "b"},
		"without a tag is last": {[]membership.Member{m("a", time.Time{}, membership.StatusAlive, "r"), m("b", at(9), membership.StatusAlive, "r")}, "b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := membership.Lead(tt.members, "r")
			if got.ID != tt.want || ok != (tt.want != "") {
				t.Errorf("lead %q, %v; want %q", got.ID, ok, tt.want)
			}
		})
	}
}
