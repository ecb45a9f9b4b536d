package nodetest_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/nodetest"
)

// TestAnotherSecretDoesNotMix runs two clusters on one machine, the second with
// the addresses of the first among its seeds. They never see each other, and a
// token of one is worth nothing to the other.
func TestAnotherSecretDoesNotMix(t *testing.T) {
	t.Parallel()
	one := nodetest.Start(t, 1)
	two := nodetest.Start(t, 2, nodetest.Join(one.Config("n1").Gossip))
	s := two.School(1, 1)
	for i := range 20 { // long enough for many rounds of gossip
		if err := two.Write("n2", s, int64(i), nodetest.Patience); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*nodetest.Cluster{one, two} {
		var own []string
		for _, name := range c.Running() {
			own = append(own, c.Node(name).ID())
		}
		for _, name := range c.Running() {
			for _, m := range c.Node(name).Members() {
				if !slices.Contains(own, m.ID) {
					t.Errorf("%s knows a stranger: %+v", name, m)
				}
			}
		}
	}
	if a, b := one.Node("n1").Grading().Gradebook, two.Node("n1").Grading().Gradebook; a == b || a == "" || b == "" {
		t.Errorf("the gradebooks are %q and %q", a, b)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, one.URL("n1")+"/v1/courses", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := one.As(two.Token(identity.Admin, "")).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token of the other cluster gets %s, want 401", resp.Status)
	}
}

// TestAloneAmongStrangersEnds: a node whose only seed holds another secret has
// been given the wrong one. It says so and ends, instead of becoming a cluster
// of its own.
func TestAloneAmongStrangersEnds(t *testing.T) {
	t.Parallel()
	one := nodetest.Start(t, 1)
	lost := nodetest.New(t, 1, nodetest.Join(one.Config("n1").Gossip))
	lost.Launch("n1")
	err := lost.EndsWith("n1")
	if err == nil {
		t.Fatal("a node with the wrong secret ended without an error")
	}
	t.Log(err)
}
