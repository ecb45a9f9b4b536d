package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/services/registry"
)

// statusCommand shows the cluster as one registry node sees it.
type statusCommand struct {
	conn
	JSON    bool          `help:"Print the whole view as JSON."`
	Get     string        `placeholder:"WHAT" help:"Print one thing only: leader, lead, portal (a node that serves it), gradebook, name or headline."`
	Expect  int           `placeholder:"N" help:"Wait until N nodes are alive and well and, where the gradebook is founded, grades can be written; exit 1 when --within is over."`
	Members int           `placeholder:"N" help:"Wait only until N nodes are alive, well or not."`
	Within  time.Duration `default:"60s" help:"How long --expect and --members wait."`
	Quiet   bool          `short:"q" help:"Print nothing: the exit code is the answer."`
}

// answers are the things that --get knows.
var answers = map[string]func(registry.Cluster) string{
	"leader":    leaderName,
	"lead":      leadName,
	"portal":    portalName,
	"gradebook": func(c registry.Cluster) string { return c.Gradebook },
	"name":      func(c registry.Cluster) string { return c.Name },
	"headline":  func(c registry.Cluster) string { return c.Headline },
}

func (s *statusCommand) check(f *faults) {
	s.conn.check(f)
	if s.Get != "" && answers[s.Get] == nil {
		f.add("--get", s.Get, "give leader, lead, portal, gradebook, name or headline")
	}
	if s.Expect < 0 {
		f.add("--expect", strconv.Itoa(s.Expect), "give the number of nodes, 1 or more")
	}
	if s.Members < 0 {
		f.add("--members", strconv.Itoa(s.Members), "give the number of nodes, 1 or more")
	}
	if s.Within <= 0 {
		f.add("--within", s.Within.String(), "give a positive duration, as in 60s")
	}
}

// Run prints the view, after waiting for it to become good if so asked.
func (s *statusCommand) Run(ctx context.Context, c *console) error {
	rt, err := s.dial(c)
	if err != nil {
		return err
	}
	client := registry.NewClient(rt, anyNode)
	var view registry.Cluster
	if s.Expect > 0 || s.Members > 0 {
		rt.patient = true
		view, err = await(ctx, client, s.lacks, s.Within)
	} else {
		view, err = client.Cluster(ctx)
	}
	if err != nil {
		return err
	}
	switch {
	case s.Quiet:
		return nil
	case s.JSON:
		return printJSON(c.out, view)
	case s.Get != "":
		text := answers[s.Get](view)
		if text == "" {
			return fmt.Errorf("the cluster has no %s just now: %s", s.Get, view.Headline)
		}
		_, err := fmt.Fprintln(c.out, text)
		return err
	}
	return printStatus(c.out, view, time.Now())
}

// await asks until the view is what was expected, and else says what is
// missing. One good view is enough: it is one node's honest word, and the
// next one may differ.
func await(ctx context.Context, client *registry.Client, lacks func(registry.Cluster) error, within time.Duration) (registry.Cluster, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("waited %v", within))
	defer cancel()
	last := fmt.Errorf("no view yet")
	for {
		view, err := client.Cluster(ctx)
		if err == nil {
			err = lacks(view)
		}
		if err == nil {
			return view, nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return registry.Cluster{}, fmt.Errorf("%w: %w", context.Cause(ctx), last)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// lacks says what view lacks to be what was asked for, or nil.
func (s *statusCommand) lacks(view registry.Cluster) error {
	alive := 0
	for _, n := range view.Nodes {
		if n.Status == "alive" {
			alive++
		}
	}
	if alive < s.Members {
		return fmt.Errorf("%d of %d nodes alive", alive, s.Members)
	}
	if s.Expect == 0 {
		return nil
	}
	return shortOf(view, s.Expect)
}

// shortOf says what view lacks to count as want nodes alive and well, or nil.
func shortOf(view registry.Cluster, want int) error {
	var well int
	var ill []string
	for _, n := range view.Nodes {
		switch {
		case n.Status != "alive":
		case n.ReportedAt == nil:
			ill = append(ill, n.Name+": has not reported yet")
		case n.Worst == health.Passing:
			well++
		default:
			ill = append(ill, n.Name+": "+reason(n))
		}
	}
	switch {
	case well < want && len(ill) > 0:
		return fmt.Errorf("%d of %d nodes alive and well (%s)", well, want, strings.Join(ill, "; "))
	case well < want:
		return fmt.Errorf("%d of %d nodes alive and well", well, want)
	case view.Gradebook != "" && (view.Grading == nil || !view.Grading.Quorum || view.Grading.Leader == ""):
		return fmt.Errorf("the gradebook has no leader")
	}
	return nil
}

// reason is the worst check of a node, in words.
func reason(n registry.Node) string {
	for _, c := range n.Health {
		if c.Status == n.Worst {
			return c.Name + " " + string(c.Status) + ": " + c.Output
		}
	}
	return string(n.Worst)
}

func printStatus(w io.Writer, v registry.Cluster, now time.Time) error {
	fmt.Fprintf(w, "%s: %s\n", plain(v.Name), plain(v.Headline))
	for _, n := range v.Notes {
		fmt.Fprintf(w, "  %s\n", plain(n))
	}
	if v.Gradebook == "" {
		fmt.Fprintln(w, "gradebook: not founded; run `rollcall found` once")
	} else if g := v.Grading; g != nil {
		leader := leaderName(v)
		if leader == "" {
			leader = "none"
		}
		fmt.Fprintf(w, "gradebook %s: leader %s in term %d, %d voters, commit index %d\n", plain(v.Gradebook), leader, g.Term, len(g.Voters), g.CommitIndex)
	}
	if lead := v.RegistryLead; lead != nil {
		fmt.Fprintf(w, "registry lead: %s for %s, sees %d members\n", leadName(v), ago(lead.Since, now), lead.Sees)
	}
	fmt.Fprintf(w, "seen by %s, %s\n\n", nodeName(v, v.SeenBy), stamp(v.At))
	t := newTable(w, "NODE", "STATUS", "FOR", "HEALTH", "ROLES", "HTTP", "GRADEBOOK", "LAG", "SPOOL")
	for _, n := range v.Nodes {
		voter, lag := "", ""
		if g := n.Grading; g != nil && (n.Status != "left" || v.Grading != nil && slices.Contains(v.Grading.Voters, n.ID)) { // a stopped node keeps its vote; one that was retired has none, whatever it last said
			voter, lag = "copy", strconv.FormatUint(g.Lag, 10)
			if g.Voter {
				voter = "voter"
			}
			if v.Grading != nil && v.Grading.Leader == n.ID {
				voter = "leader"
			}
		}
		t.row(n.Name, n.Status, ago(n.Since, now), string(n.Worst), strings.Join(n.Roles, ","), n.HTTP, voter, lag, size(n.SpoolBytes))
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, n := range v.Nodes {
		if n.Status == "alive" && n.Worst != health.Passing {
			fmt.Fprintf(w, "%s: %s\n", plain(n.Name), plain(reason(n)))
		}
	}
	return nil
}

// nodeName gives the name people use for a node id.
func nodeName(v registry.Cluster, id string) string {
	if n, ok := v.NodeByID(id); ok && n.Name != "" {
		return plain(n.Name)
	}
	return plain(id)
}

func leaderName(v registry.Cluster) string {
	if v.Grading == nil || v.Grading.Leader == "" {
		return ""
	}
	return nodeName(v, v.Grading.Leader)
}

// portalName names a node that serves pages.
func portalName(v registry.Cluster) string {
	for _, i := range instances(v, "portal") {
		if i.Status == "alive" {
			return plain(i.Node)
		}
	}
	return ""
}

func leadName(v registry.Cluster) string {
	if v.RegistryLead == nil || v.RegistryLead.ID == "" {
		return ""
	}
	return nodeName(v, v.RegistryLead.ID)
}

// size prints bytes in the unit a person would choose.
func size(b int64) string {
	switch {
	case b < 10_000:
		return fmt.Sprintf("%d B", b)
	case b < 10_000_000:
		return fmt.Sprintf("%d kB", b/1000)
	}
	return fmt.Sprintf("%d MB", b/1_000_000)
}
