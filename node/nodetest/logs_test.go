package nodetest_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/nodetest"
	"github.com/distributedgo/rollcall/services/logs"
)

// logNodeIsLost: records that were accepted before and after the loss are all
// found, by their number; and an answer that calls itself complete has all that
// log nodes had been told of, at any moment. What a producer accepted an
// instant ago they may not know yet: complete speaks of what they were told.
func logNodeIsLost(t *testing.T, c *nodetest.Cluster) {
	story := identity.NewID()
	victim := other(c, c.Leader())
	stays := other(c, victim)
	accepted := ship(t, c, victim, story, 0, 50)
	accepted += ship(t, c, stays, story, accepted, 50)
	c.Eventually(nodetest.Patience, found(c, stays, story, accepted))
	told := accepted
	c.Kill(victim)
	for range 3 { // while the others find out
		accepted += ship(t, c, stays, story, accepted, 50)
		if a, n, err := query(c, stays, story); err == nil && a.Complete && n < told {
			t.Errorf("an answer with %d of %d records says that it is complete", n, told)
		}
	}
	c.Eventually(nodetest.Patience, func() error {
		if _, n, err := query(c, stays, story); err != nil || n != accepted {
			return fmt.Errorf("without %s %d of %d records are found, error %v", victim, n, accepted, err)
		}
		return nil
	})
	c.Launch(victim)
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, found(c, name, story, accepted))
	}
}

// ship sends n numbered records to a node and returns how many it accepted.
func ship(t *testing.T, c *nodetest.Cluster, name, story string, first, n int) int {
	t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"time":%q,"level":"info","msg":"counted","story":%q,"n":"%d"}`+"\n", time.Now().UTC().Format(time.RFC3339Nano), story, first+i)
	}
	a, err := c.Logs(name).Ingest(t.Context(), strings.NewReader(lines.String()), logs.IngestOptions{Service: "story"})
	if err != nil || a.Rejected != 0 {
		t.Fatalf("ingest at %s: %+v, %v", name, a, err)
	}
	return a.Accepted
}

// query counts the different records of a story that a node finds.
func query(c *nodetest.Cluster, name, story string) (logs.Answer, int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a, err := c.Logs(name).Query(ctx, logs.Query{Service: "story", Fields: []logs.Equal{{Key: "story", Value: story}}, Limit: logs.MaxLimit})
	seen := map[string]bool{}
	for _, r := range a.Records {
		if seen[r.Field("n")] {
			return a, 0, fmt.Errorf("record %s is found twice", strconv.Quote(r.Field("n")))
		}
		seen[r.Field("n")] = true
	}
	return a, len(seen), err
}

// found is a check that a node finds so many records and says that these are
// all.
func found(c *nodetest.Cluster, name, story string, want int) func() error {
	return func() error {
		a, n, err := query(c, name, story)
		if err != nil || n != want || !a.Complete {
			return fmt.Errorf("%s finds %d of %d records, complete %t, missing %+v, error %v", name, n, want, a.Complete, a.Missing, err)
		}
		return nil
	}
}
