package membership_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
)

// These run on real sockets of 127.0.0.1, for what an in-memory network cannot
// show: that ports are bound, freed and found again, and, under the race
// detector, that the library's goroutines and ours keep out of each other's way.

func TestLoopbackCrashRestartLeave(t *testing.T) {
	t.Parallel()
	c := membertest.Loopback(t)
	nodes := c.StartN(4, membertest.Roles("registry"))
	membertest.Eventually(t, limit, c.Converged)

	start := time.Now()
	nodes[3].Agent.Crash()
	membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusFailed, nodes[3]) })
	t.Logf("crash known by all after %v", time.Since(start))

	nodes[3].Crash()            // waits for what it still had under way
	again := nodes[3].Restart() // on the port it had
	if again.Addr() != nodes[3].Addr() {
		t.Errorf("back on %s, want %s", again.Addr(), nodes[3].Addr())
	}
	membertest.Eventually(t, limit, c.Converged)

	nodes[2].Leave()
	if err := nodes[2].Wait(); err != nil {
		t.Errorf("Run returned %v after its context ended, want nil", err)
	}
	membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusLeft, nodes[2]) })
}

func TestLoopbackPartitionHeals(t *testing.T) {
	t.Parallel()
	c := membertest.Loopback(t)
	nodes := c.StartN(4)
	membertest.Eventually(t, limit, c.Converged)
	c.Cut(nodes[0])
	membertest.Eventually(t, limit, func() error {
		for _, n := range nodes[1:] {
			if err := n.Sees(membership.StatusFailed, nodes[0]); err != nil {
				return err
			}
		}
		return nodes[0].Sees(membership.StatusFailed, nodes[1:]...)
	})
	c.Heal()
	membertest.Eventually(t, limit, c.Converged)
}

func TestLoopbackTagsUnderLoad(t *testing.T) {
	t.Parallel()
	c := membertest.Loopback(t)
	nodes := c.StartN(3)
	membertest.Eventually(t, limit, c.Converged)
	changed, stop := nodes[1].Watch()
	defer stop()
	done := make(chan error)
	for i := range 4 {
		go func() {
			done <- nodes[0].Update(func(t *membership.Tags) { t.Roles = append(t.Roles, fmt.Sprint("r", i)) })
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	membertest.Eventually(t, limit, func() error {
		if m, _ := nodes[1].Member(nodes[0].ID); len(m.Roles) != 4 {
			return fmt.Errorf("roles %v have arrived, want all four", m.Roles)
		}
		return nil
	})
	select {
	case <-changed:
	default:
		t.Error("no pulse after a change")
	}
}

func TestPortTakenIsNamed(t *testing.T) {
	t.Parallel()
	c := membertest.Loopback(t)
	n := c.Start("n1")
	_, err := c.Try("n2", func(cfg *membership.Config) { cfg.Bind = n.Addr() })
	if err == nil {
		t.Fatal("two agents on one port")
	}
	t.Log(err)
}

// BenchmarkDetectFailure measures how long it takes until every survivor of
// five nodes on loopback lists a killed one as failed.
func BenchmarkDetectFailure(b *testing.B) {
	c := membertest.Loopback(b)
	c.StartN(5)
	membertest.Eventually(b, limit, c.Converged)
	var total time.Duration
	for b.Loop() {
		nodes := c.Nodes()
		victim := nodes[len(nodes)-1]
		start := time.Now()
		victim.Agent.Crash()
		membertest.Eventually(b, limit, func() error { return c.AllSee(membership.StatusFailed, victim) })
		total += time.Since(start)
		b.StopTimer()
		victim.Crash() // waits for what it still had under way
		victim.Restart()
		membertest.Eventually(b, limit, c.Converged)
		b.StartTimer()
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms/death")
}

// BenchmarkConverge measures how long ten nodes that start together on
// loopback need until each lists all.
func BenchmarkConverge(b *testing.B) {
	var total time.Duration
	for b.Loop() {
		c := membertest.Loopback(b)
		start := time.Now()
		c.StartN(10)
		membertest.Eventually(b, limit, c.Converged)
		total += time.Since(start)
		b.StopTimer()
		for _, n := range c.Nodes() {
			n.Crash()
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms/start")
}
