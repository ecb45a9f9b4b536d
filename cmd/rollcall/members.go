package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/services/registry"
)

// membersCommand lists who is here, by gossip.
type membersCommand struct {
	conn
	JSON   bool   `help:"Print JSON."`
	Status string `placeholder:"STATUS" help:"Only members in this status: alive, leaving, left or failed."`
}

func (m *membersCommand) check(f *faults) {
	m.conn.check(f)
	if m.Status != "" && !slices.Contains([]string{"alive", "leaving", "left", "failed"}, m.Status) {
		f.add("--status", m.Status, "give alive, leaving, left or failed")
	}
}

// Run prints the members by name.
func (m *membersCommand) Run(ctx context.Context, c *console) error {
	view, err := m.view(ctx, c)
	if err != nil {
		return err
	}
	nodes := slices.DeleteFunc(view.Nodes, func(n registry.Node) bool { return m.Status != "" && n.Status != m.Status })
	if m.JSON {
		return printJSON(c.out, nodes)
	}
	now := time.Now()
	t := newTable(c.out, "NAME", "ID", "STATUS", "FOR", "HTTP", "CLUSTER", "RTT", "ZONE", "VERSION")
	for _, n := range nodes {
		rtt := ""
		if n.RTTMs != nil {
			rtt = fmt.Sprintf("%.2f ms", *n.RTTMs)
		}
		t.row(n.Name, n.ID, n.Status, ago(n.Since, now), n.HTTP, n.Cluster, rtt, n.Zone, n.Version)
	}
	return t.flush()
}

// view asks for the whole cluster once.
func (c *conn) view(ctx context.Context, con *console) (registry.Cluster, error) {
	rt, err := c.dial(con)
	if err != nil {
		return registry.Cluster{}, err
	}
	return registry.NewClient(rt, anyNode).Cluster(ctx)
}

// servicesCommand lists the roles and who serves them.
type servicesCommand struct {
	conn
	JSON bool   `help:"Print JSON."`
	Role string `arg:"" optional:"" help:"Only this role: registry, log, grading or portal."`
}

// serving is one instance: one role of one node.
type serving struct {
	Service string `json:"service"`
	Node    string `json:"node"`
	ID      string `json:"id"`
	Address string `json:"address"`
	Status  string `json:"status"`
	Health  string `json:"health"`
}

func (s *servicesCommand) check(f *faults) {
	s.conn.check(f)
	if s.Role != "" && !slices.Contains([]string{"registry", "log", "grading", "portal"}, s.Role) {
		f.add("ROLE", s.Role, "give registry, log, grading or portal")
	}
}

// Run prints one line an instance, by role and node.
func (s *servicesCommand) Run(ctx context.Context, c *console) error {
	view, err := s.view(ctx, c)
	if err != nil {
		return err
	}
	list := instances(view, s.Role)
	if s.JSON {
		return printJSON(c.out, list)
	}
	t := newTable(c.out, "SERVICE", "NODE", "ADDRESS", "STATUS", "HEALTH")
	for _, i := range list {
		t.row(i.Service, i.Node, i.Address, i.Status, i.Health)
	}
	return t.flush()
}

func instances(view registry.Cluster, role string) []serving {
	list := []serving{}
	for _, n := range view.Nodes {
		for _, r := range n.Roles {
			if role == "" || role == r {
				list = append(list, serving{r, n.Name, n.ID, n.HTTP, n.Status, string(n.Worst)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b serving) int { return strings.Compare(a.Service, b.Service) })
	return list
}
