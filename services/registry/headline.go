package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distributedgo/rollcall/node/health"
)

// headline says in one sentence whether grades can be written, which is what
// people at a school ask first.
func headline(c *Cluster) string {
	switch {
	case c.Grading == nil:
		if slices.ContainsFunc(c.Nodes, func(n Node) bool { return slices.Contains(n.Roles, "grading") }) {
			return "the grading copies have not reported yet"
		}
		return "no node serves grades"
	case c.Gradebook == "":
		return "no gradebook yet; run `rollcall found` once"
	}
	up, voters := c.votersUp(), len(c.Grading.Voters)
	copies := fmt.Sprintf("%d of %d grading copies up", up, voters)
	switch {
	case c.Grading.Quorum:
		return copies + "; writes accepted"
	case 2*up > voters && 2*c.votersHeard() <= voters:
		return fmt.Sprintf("%d of %d grading copies answer this node, which may be cut off; from here it is not known whether writes are accepted", c.votersHeard(), voters)
	case 2*up > voters:
		return copies + "; writes wait until a leader is elected"
	default:
		return copies + "; writes refused until a majority is up"
	}
}

// votersUp counts the voters that are alive, whose service is not found dead,
// and whose copy can write.
func (c *Cluster) votersUp() int {
	up := 0
	for _, id := range c.Grading.Voters {
		if n, ok := c.NodeByID(id); ok && n.Status == "alive" && n.check("probe") != health.Critical && (n.Grading == nil || n.Grading.Fault == "") {
			up++
		}
	}
	return up
}

// votersHeard counts the voters that answer the node that took the view.
func (c *Cluster) votersHeard() int {
	heard := 0
	for _, id := range c.Grading.Voters {
		n, ok := c.NodeByID(id)
		if ok && (id == c.SeenBy || n.Status == "alive" && n.ReportedAt != nil && c.At.Sub(*n.ReportedAt) <= heardFor && !slices.Contains(n.UnreachableFrom, c.SeenBy)) {
			heard++
		}
	}
	return heard
}

// check returns the status of one of the node's checks, "" when it has none
// of that name.
func (n Node) check(name string) health.Status {
	for _, c := range n.Health {
		if c.Name == name {
			return c.Status
		}
	}
	return ""
}

// notes lists what else a person should know. None of them holds an age, so
// that they change only when the facts do.
func notes(c *Cluster) []string {
	out := []string{}
	if c.Preserving {
		out = append(out, "more than half of the members vanished at once: this side may be the one that was cut off, so nothing is forgotten")
	}
	several := func(names []string, one, many string) {
		switch len(names) {
		case 0:
		case 1:
			out = append(out, names[0]+" "+one)
		default:
			out = append(out, strings.Join(names, ", ")+" "+many)
		}
	}
	var failed, dead, ill []string
	for _, n := range c.Nodes {
		switch {
		case n.Status == "failed":
			failed = append(failed, n.Name)
		case n.Status == "left":
		case n.check("probe") == health.Critical:
			dead = append(dead, n.Name)
		case n.Worst == health.Critical:
			ill = append(ill, n.Name)
		}
	}
	several(failed, "failed", "failed")
	several(dead, "is alive in gossip, but its service does not answer", "are alive in gossip, but their services do not answer")
	several(ill, "reports a critical fault", "report critical faults")
	for _, n := range c.Nodes {
		if from := c.namesOf(n.UnreachableFrom); len(from) > 0 && n.Status == "alive" {
			out = append(out, n.Name+" is unreachable from "+strings.Join(from, ", "))
		}
	}
	return out
}

// namesOf turns node ids into names; an id that the view does not know stays.
func (c *Cluster) namesOf(ids []string) []string {
	var names []string
	for _, id := range ids {
		if n, ok := c.NodeByID(id); ok {
			id = n.Name
		}
		names = append(names, id)
	}
	return names
}
