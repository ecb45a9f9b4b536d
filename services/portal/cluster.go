package portal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/services/registry"
)

type clusterData struct {
	clusterMiddle
	ServedBy string
	Others   []otherPortal // where the same page is, when this node is not
}

type otherPortal struct{ Name, URL string }

// clusterMiddle is the part of the page that is asked for again whenever the
// view changes.
type clusterMiddle struct {
	Cluster      registry.Cluster
	Alerts       []notice
	Tone, Glyph  string // of the headline
	Leader, Lead string // names
	LeadSince    string
	SeenBy       string
	Legend       []roleWord
	States       []nodeState
	Nodes        []nodeLine
	Ring         ring
}

type nodeLine struct {
	registry.Node
	State    nodeState
	Roles    []roleWord
	Troubles []troubleLine
	RTT      string
	Link     string // its public port, when that is an address a browser can open
	Serving  bool   // it is the node this page came from
}

// nodeState is a member's status as a word, a glyph, and a class for colour.
type nodeState struct{ Word, Glyph, Detail string }

// roleWord is a role as a word and a shape; Mark is what this node is in it.
type roleWord struct{ Glyph, Word, Mark string }

type troubleLine struct{ Name, Status, Output, Tone, Glyph string }

// shapes gives each role a shape of its own, so that it is known without
// reading and without colour.
var shapes = []roleWord{{"◆", "registry", ""}, {"■", "log", ""}, {"▲", "grading", ""}, {"●", "portal", ""}}

// states are the ways a member can be, as stateOf gives them.
var states = []nodeState{
	{Word: "alive", Glyph: "✓"}, {Word: "unreachable", Glyph: "?"}, {Word: "leaving", Glyph: "→"}, {Word: "failed", Glyph: "✕"}, {Word: "left", Glyph: "○"},
}

// clusterPage is the page that shows who is here and what happens.
func (s *Service) clusterPage(c echo.Context) error {
	d := clusterData{clusterMiddle: s.clusterNow(c), ServedBy: s.servedBy()}
	for _, o := range s.others() {
		if o.Host != c.Request().Host {
			d.Others = append(d.Others, otherPortal{Name: o.Host, URL: o.JoinPath("/cluster").String()})
		}
	}
	return s.render(c, http.StatusOK, page{Name: "cluster", Title: "Cluster", Data: d, Wide: true})
}

// clusterFragment is the middle of that page alone.
func (s *Service) clusterFragment(c echo.Context) error {
	return s.fragment(c, http.StatusOK, "cluster", "view", s.clusterNow(c))
}

// clusterNow asks a registry. Without an answer the page is still a page: it
// says so, and tries again by itself.
func (s *Service) clusterNow(c echo.Context) clusterMiddle {
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience/4)
	defer cancel()
	view, err := s.cluster.Cluster(ctx)
	if err != nil {
		s.log.Warn("no view of the cluster", "error", err)
		return clusterMiddle{Alerts: []notice{warn("No registry answers: who is here is known to the nodes, but not gathered. A standby takes the role over within seconds.")}}
	}
	return middleOf(view, s.cfg.Self)
}

// middleOf arranges a view for people. It is pure; self is the node that
// serves the page.
func middleOf(view registry.Cluster, self string) clusterMiddle {
	m := clusterMiddle{Cluster: view, Legend: shapes, States: states, SeenBy: nameOf(view, view.SeenBy)}
	m.Tone, m.Glyph = toneOf(view)
	if g := view.Grading; g != nil {
		m.Leader = nameOf(view, g.Leader)
	}
	if l := view.RegistryLead; l != nil {
		m.Lead = nameOf(view, l.ID)
		m.LeadSince = fmt.Sprintf("%s leads the registry since %s UTC and sees %d alive.", m.Lead, l.Since.UTC().Format("15:04:05"), l.Sees)
	}
	for _, n := range view.Nodes {
		line := nodeLine{Node: n, State: stateOf(view, n), Roles: rolesOf(view, n), RTT: "–", Serving: n.ID == self}
		if n.RTTMs != nil {
			line.RTT = fmt.Sprintf("%.1f ms", *n.RTTMs)
		}
		if slices.Contains(n.Roles, Role) && hostOnly.MatchString(n.HTTP) && n.Status == "alive" && !line.Serving {
			line.Link = "//" + n.HTTP + "/cluster"
		}
		for _, check := range n.Health {
			if check.Status != health.Passing {
				line.Troubles = append(line.Troubles, troubleOf(check))
			}
		}
		m.Nodes = append(m.Nodes, line)
	}
	m.Ring = drawRing(view, m.Nodes, m.Leader)
	return m
}

func nameOf(view registry.Cluster, id string) string {
	if n, ok := view.NodeByID(id); ok {
		return n.Name
	}
	return id
}

func toneOf(view registry.Cluster) (tone, glyph string) {
	switch {
	case view.Grading != nil && !view.Grading.Quorum:
		return "bad", "✕"
	case view.Worst != health.Passing || len(view.Notes) > 0 || view.Grading == nil:
		return "warn", "!"
	}
	return "good", "✓"
}

// stateOf is gossip's status, and "unreachable" for a node that gossip holds
// for alive while calls from others fail.
func stateOf(view registry.Cluster, n registry.Node) nodeState {
	switch n.Status {
	case "failed":
		return nodeState{Word: "failed", Glyph: "✕"}
	case "left":
		return nodeState{Word: "left", Glyph: "○"}
	case "leaving":
		return nodeState{Word: "leaving", Glyph: "→"}
	}
	if len(n.UnreachableFrom) > 0 {
		var from []string
		for _, id := range n.UnreachableFrom {
			from = append(from, nameOf(view, id))
		}
		return nodeState{Word: "unreachable", Glyph: "?", Detail: "from " + strings.Join(from, ", ")}
	}
	return nodeState{Word: "alive", Glyph: "✓"}
}

// rolesOf lists the roles a node serves, ours first and in their fixed order.
func rolesOf(view registry.Cluster, n registry.Node) []roleWord {
	var list []roleWord
	for _, r := range shapes {
		if !slices.Contains(n.Roles, r.Word) {
			continue
		}
		switch {
		case r.Word == "grading" && view.Grading != nil && view.Grading.Leader == n.ID:
			r.Mark = "leader"
		case r.Word == "registry" && view.RegistryLead != nil && view.RegistryLead.ID == n.ID:
			r.Mark = "lead"
		}
		list = append(list, r)
	}
	return list
}

func troubleOf(c health.Check) troubleLine {
	t := troubleLine{Name: c.Name, Status: string(c.Status), Output: clip(c.Output, 160), Tone: "bad", Glyph: "✕"}
	if c.Status == health.Warning {
		t.Tone, t.Glyph = "warn", "!"
	}
	return t
}
