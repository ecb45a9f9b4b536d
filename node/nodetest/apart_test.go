package nodetest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/nodetest"
)

// TestRolesApart runs every role on nodes of its own: two for the registry,
// and one each for the others. Every node answers everything, and when all
// registry nodes are lost a node that was never given the role takes it.
func TestRolesApart(t *testing.T) {
	t.Parallel()
	one := func(role string) []string { return []string{role} }
	c := nodetest.Start(t, 5, nodetest.Roles(one("registry"), one("registry"), one("log"), one("grading"), one("portal")), nodetest.LogReplicas(1))
	t.Run("every node answers everything", func(t *testing.T) { everyNodeAnswers(t, c.For(t)) })
	t.Run("all registry nodes are lost", func(t *testing.T) { allRegistryNodesAreLost(t, c.For(t)) })
}

func everyNodeAnswers(t *testing.T, c *nodetest.Cluster) {
	s := c.School(1, 1)
	story := identity.NewID()
	accepted := 0
	for i, name := range c.Running() {
		if err := c.Write(name, s, int64(i), nodetest.Patience); err != nil {
			t.Errorf("a grade at %s: %v", name, err)
		}
		accepted += ship(t, c, name, story, accepted, 10)
	}
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, found(c, name, story, accepted))
		c.Eventually(nodetest.Patience, func() error {
			v, err := c.View(name)
			if err == nil && (v.Grading == nil || v.Grading.Leader != c.Node("n4").ID() || len(v.Nodes) != 5 || v.Gradebook == "") {
				err = fmt.Errorf("%s shows %d nodes, grading %+v", name, len(v.Nodes), v.Grading)
			}
			return err
		})
	}
	for name, want := range map[string]int{"n4": http.StatusNotFound, "n5": http.StatusOK} {
		resp, err := http.Get(c.URL(name) + "/signin")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || want == http.StatusOK && !strings.Contains(string(text), "<form") {
			t.Errorf("the sign-in page of %s: %s, want %d", name, resp.Status, want)
		}
	}
}

func allRegistryNodesAreLost(t *testing.T, c *nodetest.Cluster) {
	at := time.Now()
	c.Kill("n1", "n2")
	for _, name := range c.Running() {
		c.Eventually(nodetest.Patience, func() error {
			v, err := c.View(name)
			if err != nil {
				return err
			}
			if v.RegistryLead == nil || c.NameOf(v.RegistryLead.ID) == "" {
				return fmt.Errorf("%s shows the lead %+v, which does not run", name, v.RegistryLead)
			}
			return nil
		})
	}
	t.Logf("a standby took over, and all see it, after %v", time.Since(at).Round(time.Millisecond))
	c.Launch("n1", "n2")
	c.Eventually(nodetest.Patience, c.Whole)
}
