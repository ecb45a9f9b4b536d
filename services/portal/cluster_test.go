package portal

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/registry"
)

// sampleView is three nodes with all roles; n1 leads the gradebook, n2 the
// registry.
func sampleView() registry.Cluster {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	rtt := 0.4
	node := func(i int) registry.Node {
		id := fmt.Sprintf("n%did", i)
		return registry.Node{
			ID: id, Name: fmt.Sprintf("n%d", i), Status: "alive", Roles: []string{"registry", "log", "grading", "portal"},
			HTTP: fmt.Sprintf("127.0.0.1:85%d0", i-1), Version: "1.0", Started: now, RTTMs: &rtt, SpoolBytes: 2048, Worst: health.Passing,
			Grading: &registry.NodeGrading{Voter: true, Index: 40 + uint64(i)},
		}
	}
	return registry.Cluster{
		Name: "test", Gradebook: "b1", At: now, SeenBy: "n1id", Headline: "All 3 nodes alive. 3 of 3 grading copies up; writes accepted.", Worst: health.Passing,
		Nodes:        []registry.Node{node(1), node(2), node(3)},
		RegistryLead: &registry.RegistryLead{ID: "n2id", Since: now, Sees: 3},
		Grading:      &registry.Grading{Leader: "n1id", Term: 2, CommitIndex: 43, Voters: []string{"n1id", "n2id", "n3id"}, Quorum: true},
	}
}

func TestClusterPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Portals = func() []string { return []string{"http://127.0.0.1:8510", "http://example.com"} }
	})
	w.view = sampleView()
	w.get(t, "/cluster", identity.Teacher).is(http.StatusOK).has(
		`hx-sse:connect="/v1/cluster/events?recent=200"`, `hx-get="/cluster/view"`, "vendor/htmx-4.0.1.min.js", "vendor/hx-sse-4.0.1.min.js",
		"All 3 nodes alive", `<dd id="leader">n1</dd>`, `<dd id="lead">n2</dd>`, "n2 leads the registry since 08:00:00 UTC and sees 3 alive",
		`data-status="alive"`, "this page", `<a href="//127.0.0.1:8510/cluster"><bdi>n2</bdi></a>`, "★ leader", "★ lead", "2.0 kB", "0.4 ms", "voter",
		`<svg class="ring"`, "Ring of 3 nodes: n1 alive, n2 alive, n3 alive. The gradebook&#39;s leader is n1.",
		`<a href="http://127.0.0.1:8510/cluster">127.0.0.1:8510</a>`, `id="pause"`, `id="silent"`, `<b id="servedby">n1</b>`,
	).lacks(`href="http://example.com/cluster"`) // that is this page
}

func TestClusterFragmentIsNoPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.view = sampleView()
	w.view.Nodes[2].Name = script
	w.view.Nodes[2].Zone = script
	w.get(t, "/cluster/view", identity.Teacher, "HX-Request", "true").is(200).has(`id="nodes"`, "&lt;script&gt;").lacks("<html", "<script>")
	w.get(t, "/cluster/view", "", "HX-Request", "true").is(http.StatusUnauthorized) // a redirect would be swapped into the page
}

func TestClusterWithoutRegistry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.err = errors.New("no peer")
	w.get(t, "/cluster", identity.Teacher).is(200).has("No registry answers", `id="noview"`).lacks("<svg class=\"ring\"")
}

func TestNodeStates(t *testing.T) {
	t.Parallel()
	view := sampleView()
	view.Nodes[0].Status = "failed"
	view.Nodes[0].HTTP = "127.0.0.1:8500"
	view.Nodes[1].UnreachableFrom = []string{"n3id", "gone"}
	view.Nodes[1].HTTP = `evil.example" onclick="x`
	view.Nodes[2].Status = "left"
	view.Nodes[2].Roles = []string{"portal", "somethingnew"}
	view.Nodes[2].Health = []health.Check{{Name: "disk", Status: health.Warning, Output: "90 % full"}, {Name: "gossip", Status: health.Critical}, {Name: "ok", Status: health.Passing}}
	m := middleOf(view, "n3id")
	want := []nodeState{{"failed", "✕", ""}, {"unreachable", "?", "from n3, gone"}, {"left", "○", ""}}
	for i, n := range m.Nodes {
		if n.State != want[i] {
			t.Errorf("%s is %+v, want %+v", n.Name, n.State, want[i])
		}
		if n.Link != "" {
			t.Errorf("%s has the link %q", n.Name, n.Link)
		}
	}
	if len(m.Nodes[2].Troubles) != 2 || len(m.Nodes[2].Roles) != 1 || !m.Nodes[2].Serving {
		t.Errorf("n3 is %+v", m.Nodes[2])
	}
	if len(m.Ring.Cuts) != 1 {
		t.Errorf("%d cuts are drawn, want one: the other end of the second is unknown", len(m.Ring.Cuts))
	}
}

func TestHeadlineTone(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*registry.Cluster){
		"good": func(*registry.Cluster) {},
		"warn": func(c *registry.Cluster) { c.Worst = health.Critical },
		"bad":  func(c *registry.Cluster) { c.Grading.Quorum = false },
	} {
		view := sampleView()
		change(&view)
		if got, glyph := toneOf(view); got != want || glyph == "" {
			t.Errorf("tone is %q %q, want %q", got, glyph, want)
		}
	}
	view := sampleView()
	view.Grading = nil
	if got, _ := toneOf(view); got != "warn" {
		t.Errorf("before founding the tone is %q", got)
	}
}

// TestRing: whatever the number of nodes, none lies on another or outside.
func TestRing(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 5, 12, 50} {
		view := sampleView()
		view.Nodes = nil
		for i := range n {
			node := sampleView().Nodes[0]
			node.ID, node.Name = fmt.Sprintf("id%d", i), fmt.Sprintf("a very long name of node %d", i)
			view.Nodes = append(view.Nodes, node)
		}
		view.Grading.Leader = "id0"
		m := middleOf(view, "")
		if len(m.Ring.Nodes) != n || len(m.Ring.Copies) != max(0, n-1) {
			t.Fatalf("%d nodes: %d drawn, %d copies", n, len(m.Ring.Nodes), len(m.Ring.Copies))
		}
		for i, a := range m.Ring.Nodes {
			if a.X < a.Size || a.Y < a.Size || a.X > m.Ring.Width-a.Size || a.Y > m.Ring.Height-a.Size || a.LY < 12 || a.LY+17 > m.Ring.Height {
				t.Errorf("%d nodes: %d lies outside: %+v", n, i, a)
			}
			for _, b := range m.Ring.Nodes[:i] {
				if math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) < 2*ringSize {
					t.Errorf("%d nodes: %s lies on %s", n, a.ID, b.ID)
				}
			}
		}
	}
}
