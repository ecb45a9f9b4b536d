package nodetest_test

import (
	"testing"

	"github.com/distributedgo/rollcall/node/nodetest"
)

// TestFiveNodes tells the stories that leave a cluster whole, one after the
// other on the same five nodes, as a cluster lives through a year. n6 waits
// outside until it joins.
func TestFiveNodes(t *testing.T) {
	t.Parallel()
	c := nodetest.New(t, 6)
	c.Up("n1", "n2", "n3", "n4", "n5")
	for _, story := range []struct {
		name string
		tell func(*testing.T, *nodetest.Cluster)
	}{
		{"a node joins and leaves", joinsAndLeaves},
		{"nodes stop in good order", stopInGoodOrder},
		{"a node crashes and comes back", crashesAndComesBack},
		{"the leader is lost", leaderIsLost},
		{"the registry's lead is lost", leadIsLost},
		{"a log node is lost", logNodeIsLost},
		{"an import meets a new leader", importMeetsNewLeader},
		{"the cluster is cut in two", cutInTwo},
		{"the first node is wiped", firstNodeIsWiped},
		{"all nodes are lost at once", allAreLost},
	} {
		ok := t.Run(story.name, func(t *testing.T) {
			c := c.For(t)
			c.Eventually(nodetest.Patience, c.Whole)
			story.tell(t, c)
			c.Eventually(nodetest.Patience, c.Whole)
		})
		if !ok {
			return // what follows would only tell of the same
		}
	}
}
