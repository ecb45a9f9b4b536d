package membership_test

import (
	"testing"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
)

func TestLoopbackCrashAndLeave(t *testing.T) {
	t.Parallel()
	c := membertest.Loopback(t)
	nodes := c.StartN(4)
	membertest.Eventually(t, limit, c.Converged)

	nodes[3].Crash()
	membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusFailed, nodes[3]) })
	nodes[2].Leave()
	if err := nodes[2].Wait(); err != nil {
		t.Errorf("Run returned %v after its context ended, want nil", err)
	}
	membertest.Eventually(t, limit, func() error { return c.AllSee(membership.StatusLeft, nodes[2]) })
}
