package membership_test

import (
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

func TestCrashIsKnownByAll(t *testing.T) {
	for _, n := range []int{3, 5, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := membertest.Virtual(t)
				nodes := c.StartN(n)
				membertest.Eventually(t, limit, c.Converged)
				time.Sleep(3 * time.Second) // settled

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
