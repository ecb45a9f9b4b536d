package membership_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
)

// These stories run on an in-memory network in virtual time: the durations are
// those of real timers, and pass in milliseconds.

const limit = 30 * time.Second

// virtual runs a story in a bubble of virtual time.
func virtual(t *testing.T, story func(t *testing.T, c *membertest.Cluster)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { story(t, membertest.Virtual(t)) })
}

func TestCrashIsKnownByAll(t *testing.T) {
	for _, n := range []int{3, 5, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			virtual(t, func(t *testing.T, c *membertest.Cluster) {
				nodes := c.StartN(n)
				membertest.Eventually(t, limit, c.Converged)
				time.Sleep(3 * time.Second) // virtual: the settling is over

				start := time.Now()
				nodes[1].Crash()
				membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusFailed, nodes[1]) })
				took := time.Since(start)
				t.Logf("%d nodes: a crash is known by all after %v", n, took)
				if took > 3*time.Second {
					t.Errorf("a crash was known by all after %v, want below 3s", took)
				}
				if got := len(nodes[0].Alive()); got != n-1 {
					t.Errorf("%d alive, want %d: a false alarm", got, n-1)
				}
			})
		})
	}
}

func TestLossyNetworkRaisesNoFalseAlarm(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		c.Net.Drop(0.05)
		nodes := c.StartN(5)
		membertest.Eventually(t, limit, c.Converged)
		time.Sleep(time.Minute)
		for _, n := range nodes {
			for _, e := range n.Timeline().After(0) {
				if e.Kind == membership.EventFailed {
					t.Errorf("%s held %s for dead at %v", n.Name, e.Name, e.At)
				}
			}
		}
	})
}

func TestPartitionHeals(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(5)
		membertest.Eventually(t, limit, c.Converged)
		minority, majority := nodes[:2], nodes[2:]

		c.Cut(minority...)
		membertest.Eventually(t, limit, func() error {
			for _, n := range minority {
				if err := n.Sees(membership.StatusFailed, majority...); err != nil {
					return err
				}
			}
			for _, n := range majority {
				if err := n.Sees(membership.StatusFailed, minority...); err != nil {
					return err
				}
			}
			return nil
		})
		time.Sleep(time.Minute) // longer than news are gossiped to the dead

		c.Heal()
		healed := time.Now()
		membertest.Eventually(t, limit, c.Converged)
		t.Logf("whole again %v after healing", time.Since(healed))
		if took := time.Since(healed); took > 5*time.Second {
			t.Errorf("whole again %v after healing, want below 5s", took)
		}
	})
}

func TestIsolatedNodeReturns(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(3)
		membertest.Eventually(t, limit, c.Converged)
		nodes[0].Faults.Isolate()
		membertest.Eventually(t, limit, func() error {
			return errors.Join(
				nodes[0].Sees(membership.StatusFailed, nodes[1:]...),
				nodes[1].Sees(membership.StatusFailed, nodes[0]),
				nodes[1].Sees(membership.StatusAlive, nodes[2]))
		})
		nodes[0].Faults.Heal()
		membertest.Eventually(t, limit, c.Converged)
	})
}

func TestStopIsLeftAndRestartIsBack(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(3)
		membertest.Eventually(t, limit, c.Converged)
		nodes[2].Leave()
		if err := nodes[2].Wait(); err != nil {
			t.Errorf("Run returned %v after its context ended, want nil", err)
		}
		membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusLeft, nodes[2]) })

		again := nodes[2].Restart()
		membertest.Eventually(t, limit, c.Converged)
		time.Sleep(time.Minute) // an old goodbye, still going round, must not win
		if err := c.AllSee(membership.StatusAlive, again); err != nil {
			t.Error(err)
		}
		again.Crash()
		membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusFailed, again) })
		again.Restart()
		membertest.Eventually(t, limit, c.Converged)
	})
}

func TestRestartOnAnotherPort(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(3)
		membertest.Eventually(t, limit, c.Converged)
		nodes[2].Crash()
		membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusFailed, nodes[2]) })
		again := c.Start(nodes[2].Name, func(cfg *membership.Config) { cfg.ID = nodes[2].ID })
		if again.Addr() == nodes[2].Addr() {
			t.Fatalf("both on %s: the test does not test what it says", again.Addr())
		}
		membertest.Eventually(t, limit, c.Converged)
	})
}

func TestWipedNodeSupersedesItself(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(3)
		membertest.Eventually(t, limit, c.Converged)
		nodes[2].Crash()
		membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusFailed, nodes[2]) })
		wiped := nodes[2].Wipe()
		membertest.Eventually(t, limit, func() error {
			for _, n := range c.Nodes()[:2] {
				ms := n.Members()
				if len(ms) != 3 || ms[2].ID != wiped.ID || ms[2].Name != "n3" || ms[2].Status != membership.StatusAlive {
					return fmt.Errorf("%s lists %d members, the last %+v; want 3, the last n3 under its new id", n.Name, len(ms), ms[len(ms)-1])
				}
			}
			return nil
		})
		if m, ok := nodes[0].Member(nodes[2].ID); !ok || m.Status != membership.StatusFailed {
			t.Errorf("the old id is %+v, want still known as failed", m)
		}
	})
}

func TestTwoAliveOfOneNameAreBothShown(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		a, b := c.Start("n1"), c.Start("n1")
		membertest.Eventually(t, limit, func() error {
			ms := a.Members()
			if len(ms) != 2 || ms[0].Name != "n1-"+a.ID[:4] || ms[1].Name != "n1-"+b.ID[:4] {
				return fmt.Errorf("listed as %v", ms)
			}
			return nil
		})
	})
}

func TestMassStart(t *testing.T) {
	for _, n := range []int{50, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			virtual(t, func(t *testing.T, c *membertest.Cluster) {
				first := c.Start("n001")
				start := time.Now()
				for i := 2; i <= n; i++ {
					c.Start(fmt.Sprintf("n%03d", i), membertest.Seeds(first.Addr()))
				}
				membertest.Eventually(t, limit, c.Converged)
				took := time.Since(start)
				t.Logf("%d nodes started together know each other after %v", n, took)
				if took > 6*time.Second {
					t.Errorf("converged after %v, want below 6s", took)
				}
			})
		})
	}
}

func TestEveryoneSeedsEveryone(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		// As cluster.sh starts them: each is given all, itself too, and none is up.
		addrs := []string{"10.99.0.1:7946", "10.99.0.2:7946", "10.99.0.3:7946", "10.99.0.4:7946", "10.99.0.5:7946"}
		c.StartN(5, membertest.Seeds(addrs...))
		membertest.Eventually(t, 5*time.Second, c.Converged)
	})
}

func TestWithdrawIsSeenBeforeItReturns(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(5, membertest.Roles("log"))
		membertest.Eventually(t, limit, c.Converged)
		if err := nodes[0].Withdraw(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			if m, _ := n.Member(nodes[0].ID); m.Serves("log") {
				t.Errorf("%s would still pick a node that withdrew", n.Name)
			}
		}
	})
}

func TestTimelineTellsTheStory(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(3)
		membertest.Eventually(t, limit, c.Converged)
		line := nodes[0].Timeline()
		woken, stop := line.Watch()
		defer stop()
		before := line.After(0)
		seq := before[len(before)-1].Seq

		if err := nodes[1].Update(func(t *membership.Tags) { t.Roles = []string{"grading"} }); err != nil {
			t.Fatal(err)
		}
		membertest.Eventually(t, limit, func() error {
			if m, _ := nodes[0].Member(nodes[1].ID); !m.Serves("grading") {
				return errors.New("the role has not arrived")
			}
			return nil
		})
		nodes[1].Crash()
		membertest.Eventually(t, limit, func() error { return nodes[0].Sees(membership.StatusFailed, nodes[1]) })
		nodes[1].Restart()
		membertest.Eventually(t, limit, c.Converged)
		nodes[2].Leave()
		membertest.Eventually(t, limit, func() error { return nodes[0].Sees(membership.StatusLeft, nodes[2]) })

		var kinds []string
		for i, e := range line.After(seq) {
			if e.Seq != seq+uint64(i)+1 {
				t.Errorf("event %d has number %d, want %d", i, e.Seq, seq+uint64(i)+1)
			}
			if e.Kind != membership.EventLeaving { // it may be over before anybody looks
				kinds = append(kinds, e.Name+" "+e.Kind)
			}
		}
		want := []string{"n2 serving", "n2 failed", "n2 back", "n3 left"}
		if fmt.Sprint(kinds) != fmt.Sprint(want) {
			t.Errorf("the timeline says %v, want %v", kinds, want)
		}
		<-woken
	})
}

func TestRTTIsKnownAfterProbes(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(3)
		membertest.Eventually(t, limit, func() error {
			if _, ok := nodes[0].RTT(nodes[1].ID); !ok {
				return errors.New("no round-trip time yet")
			}
			return nil
		})
		if _, ok := nodes[0].RTT("nobody"); ok {
			t.Error("a round-trip time to nobody")
		}
	})
}
