package nodetest_test

import (
	"testing"

	"github.com/distributedgo/rollcall/node/nodetest"
)

func TestThreeNodesBecomeACluster(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	t.Log(c.Leader(), c.Lead())
}
