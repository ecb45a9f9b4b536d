package nodetest_test

import (
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/nodetest"
)

func TestFiveNodes(t *testing.T) {
	t.Parallel()
	start := time.Now()
	c := nodetest.Start(t, 5)
	t.Log("whole after", time.Since(start))
	start = time.Now()
	s := c.School(2, 8)
	t.Log("school after", time.Since(start))
	l := c.Load(s, 4)
	c.Eventually(nodetest.Patience, l.More(100))
	t.Log("100 after", time.Since(start))
	start = time.Now()
	leader := c.Leader()
	c.Kill(leader)
	t.Log("killed after", time.Since(start))
	c.Eventually(nodetest.Patience, l.More(50))
	t.Log("gap", l.Gap(start))
	start = time.Now()
	c.Launch(leader)
	c.Eventually(nodetest.Patience, c.Whole)
	t.Log("whole after", time.Since(start))
	start = time.Now()
	l.Verify()
	t.Log("verified after", time.Since(start))
	start = time.Now()
	c.Stop("n1")
	t.Log("stopped after", time.Since(start))
}
