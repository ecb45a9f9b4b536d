package nodetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/secret"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/logs"
	"github.com/distributedgo/rollcall/services/registry"
)

// bearer calls with an admin token made from the cluster's secret.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// Token returns the text of a token made from the cluster's secret.
func (c *Cluster) Token(role identity.Role, account string) string {
	ring := secret.Ring{c.secret}
	keys := identity.Keys{Token: ring.Token(), Session: ring.Session()}
	now := time.Now()
	return keys.SignToken(identity.Token{ID: identity.NewID(), Name: "test", Role: role, Account: account, Issued: now, Expires: now.Add(time.Hour)})
}

// As returns a transport that calls a node's public port with a token.
func (c *Cluster) As(token string) http.RoundTripper { return bearer{token, c.rt} }

// Admin returns a transport that calls a node's public port as an admin.
func (c *Cluster) Admin() http.RoundTripper { return c.As(c.Token(identity.Admin, "")) }

// URL is a node's public port, whether it runs or not.
func (c *Cluster) URL(name string) string { return "http://" + c.Config(name).HTTP }

// Grades, Logs and Registry return clients of a node's public port.
func (c *Cluster) Grades(name string) *grading.Client {
	return grading.NewClient(c.Admin(), c.URL(name))
}

// Logs returns a client of the logs; see Grades.
func (c *Cluster) Logs(name string) *logs.Client { return logs.NewClient(c.Admin(), c.URL(name)) }

// Registry returns a client of the cluster view; see Grades.
func (c *Cluster) Registry(name string) *registry.Client {
	return registry.NewClient(c.Admin(), c.URL(name))
}

// Found founds a gradebook on a node, once that node answers.
func (c *Cluster) Found(name string) {
	c.t.Helper()
	client := &http.Client{Transport: c.Admin(), Timeout: 20 * time.Second}
	c.Eventually(Patience, func() error {
		resp, err := client.Post(c.URL(name)+"/v1/found", "application/json", nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusConflict {
			return fmt.Errorf("found on %s: %s", name, resp.Status)
		}
		return nil
	})
}

// View returns the cluster as the registry role sees it, asked at a node.
func (c *Cluster) View(name string) (registry.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return c.Registry(name).Cluster(ctx)
}

// Whole is nil when every running node sees all running nodes, and no other,
// alive and serving all of their roles, and the gradebook, if any node serves
// it, has a leader and at least as many voters as so many nodes should have.
func (c *Cluster) Whole() error {
	running := c.Running()
	graders := 0
	for _, name := range running {
		if slices.Contains(c.Config(name).Roles, "grading") {
			graders++
		}
	}
	want := []int{0, 1, 2, 3, 3, 5}[min(graders, 5)]
	for _, name := range running {
		n := c.Node(name)
		alive := 0
		for _, m := range n.Members() {
			if m.Status != membership.StatusAlive {
				continue
			}
			alive++
			other := c.NameOf(m.ID)
			if other == "" {
				return fmt.Errorf("%s sees %s (%s) alive, which does not run", name, m.Name, m.ID)
			}
			for _, role := range c.Config(other).Roles {
				if !m.Serves(role) {
					return fmt.Errorf("%s does not see that %s serves %s", name, other, role)
				}
			}
		}
		if alive != len(running) {
			return fmt.Errorf("%s sees %d alive, want %d", name, alive, len(running))
		}
		if s := n.Grading(); s != nil && (len(s.Voters) < want || s.Leader == "") {
			return fmt.Errorf("%s knows %d voters and leader %q, want %d and one", name, len(s.Voters), s.Leader, want)
		}
	}
	return nil
}

// Voters returns the ids of the gradebook's voters, sorted, as a node knows
// them.
func (c *Cluster) Voters(name string) []string { return c.Node(name).Grading().Voters }

// Leader returns the name of the node that leads the gradebook, as the newest
// term that a running node knows says. It waits until there is one.
func (c *Cluster) Leader() (name string) {
	c.t.Helper()
	c.Eventually(Patience, func() error {
		var term uint64
		name = ""
		for _, n := range c.Running() {
			if s := c.Node(n).Grading(); s != nil && s.Leader != "" && s.Term >= term {
				term, name = s.Term, c.NameOf(s.Leader)
			}
		}
		if name == "" {
			return errors.New("no leader")
		}
		return nil
	})
	return name
}

// Lead returns the name of the registry's lead, as the view says. It waits
// until there is one among the running nodes.
func (c *Cluster) Lead() (name string) {
	c.t.Helper()
	c.Eventually(Patience, func() error {
		for _, n := range c.Running() {
			v, err := c.View(n)
			if err != nil || v.RegistryLead == nil {
				continue
			}
			if name = c.NameOf(v.RegistryLead.ID); name != "" {
				return nil
			}
		}
		return errors.New("no lead among the running nodes")
	})
	return name
}

// Sees is a check that node knows other with the given status.
func (c *Cluster) Sees(node, otherID, status string) func() error {
	return func() error {
		for _, m := range c.Node(node).Members() {
			if m.ID == otherID {
				if string(m.Status) == status {
					return nil
				}
				return fmt.Errorf("%s sees %s as %s, want %s", node, m.Name, m.Status, status)
			}
		}
		return fmt.Errorf("%s does not know %s", node, otherID)
	}
}
