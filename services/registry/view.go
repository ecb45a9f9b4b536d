package registry

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// freshFor is how old a report may be and still speak for its node: five
// polls.
const freshFor = 5 * time.Second

// input is all that a view is made of.
type input struct {
	self    string
	name    string
	now     time.Time
	members []membership.Member
	reports map[string]heard // by node id; this node's own among them
	lead    leadState
}

// fresh returns the report of an alive member that is young enough to go by.
func (in *input) fresh(m membership.Member) (NodeReport, bool) {
	h := in.reports[m.ID]
	return h.report, h.ok && m.Status == membership.StatusAlive && in.now.Sub(h.at) <= freshFor
}

// heardFor is how old a report may be and still show that its node answers
// this one: two polls, and one that was late.
const heardFor = 3 * time.Second

// build makes the view. It is pure: the same input gives the same view.
func build(in input) Cluster {
	members := slices.SortedFunc(slices.Values(in.members), func(a, b membership.Member) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	in.members = members
	probes := in.probes()
	c := Cluster{
		Name:         in.name,
		At:           in.now,
		SeenBy:       in.self,
		Nodes:        make([]Node, 0, len(members)),
		RegistryLead: in.registryLead(),
		Log:          in.logs(),
		Preserving:   vanished(members),
		Worst:        health.Passing,
	}
	c.Grading, c.Gradebook = in.grading(probes)
	var all []health.Check
	for _, m := range members {
		n := in.node(m, probes[m.ID], c.Grading)
		c.Nodes = append(c.Nodes, n)
		if m.Status != membership.StatusLeft {
			all = append(all, n.Health...)
		}
	}
	c.Worst = health.Worst(all)
	c.Headline = headline(&c)
	c.Notes = notes(&c)
	return c
}

// node joins what gossip, the probe and the last report say of one member.
func (in *input) node(m membership.Member, probe *Probe, group *Grading) Node {
	h := in.reports[m.ID]
	n := Node{
		ID:              m.ID,
		Name:            m.Name,
		Zone:            m.Zone,
		Version:         m.Version,
		Status:          string(m.Status),
		Since:           m.Since.UTC(),
		Roles:           slices.Concat([]string{}, m.Roles),
		HTTP:            m.HTTP,
		Cluster:         m.Cluster,
		Started:         m.Started.UTC(),
		Fingerprint:     m.Fingerprint,
		UnreachableFrom: in.unreachableFrom(m.ID),
		RTTMs:           in.rtt(m.ID),
		Health:          in.checks(m, probe),
	}
	n.Worst = health.Worst(n.Health)
	if !h.ok {
		return n
	}
	at := h.at.UTC()
	n.ReportedAt = &at
	n.SpoolBytes = h.report.SpoolBytes
	if g := h.report.Grading; g != nil {
		n.Grading = &NodeGrading{Voter: g.Voter, Index: g.Index, Lag: in.lag(m, h, group), Fault: g.Fault}
	}
	return n
}

// lag is how many entries a copy has yet to apply. What it says itself is true
// of what it knows to be agreed on; a copy that is cut off, or cannot append,
// believes that it lags behind nobody, and what the others say counts.
func (in *input) lag(m membership.Member, h heard, group *Grading) uint64 {
	g := h.report.Grading
	agreed := in.settled(h.at, g.Gradebook)
	if _, fresh := in.fresh(m); group != nil && (!fresh || g.Leader != group.Leader || g.Term != group.Term) {
		agreed = max(agreed, group.CommitIndex)
	}
	// Not Index: entries that change no grade never reach the gradebook.
	applied := max(g.Index, g.CommitIndex-min(g.CommitIndex, g.Lag))
	return max(g.Lag, agreed-min(agreed, applied))
}

// followFor is how long a healthy copy may take to hear what is agreed on,
// which is some heartbeats.
const followFor = 250 * time.Millisecond

// settled is the highest log index that was known to be agreed on so long
// before a report that a healthy copy had it by then. Reports of one moment
// are up to a poll apart, and comparing those would show a lag that is none.
func (in *input) settled(at time.Time, gradebook string) (commit uint64) {
	for _, h := range in.reports {
		for _, k := range h.marks {
			if k.gradebook == gradebook && gradebook != "" && at.Sub(k.at) >= followFor {
				commit = max(commit, k.commit)
			}
		}
	}
	return commit
}

// unreachableFrom lists the nodes whose fresh report names id as unreachable.
func (in *input) unreachableFrom(id string) []string {
	from := []string{}
	for _, m := range in.members {
		if r, ok := in.fresh(m); ok && m.ID != id && slices.Contains(r.Unreachable, id) {
			from = append(from, m.ID)
		}
	}
	slices.Sort(from)
	return from
}

// rtt is the round-trip time from this node, to a hundredth of a millisecond.
func (in *input) rtt(id string) *float64 {
	ms, ok := in.reports[in.self].report.RTTMs[id]
	if id == in.self {
		ms, ok = 0, true
	}
	if !ok || math.IsNaN(ms) || math.IsInf(ms, 0) { // JSON has no word for them
		return nil
	}
	ms = math.Round(ms*100) / 100
	return &ms
}

// probes returns the lead's findings by node id, as the lead's last report
// tells them; none while that report is old.
func (in *input) probes() map[string]*Probe {
	out := map[string]*Probe{}
	if lead, ok := memberOf(in.members, in.lead.ID); ok {
		if r, fresh := in.fresh(lead); fresh && r.Registry != nil && r.Registry.Leads {
			for _, p := range r.Registry.Probes {
				out[p.Node] = &p
			}
		}
	}
	return out
}

// registryLead prefers the lead's own claim about itself to what this node
// has seen: it knows best since when, and how many members it sees.
func (in *input) registryLead() *RegistryLead {
	if in.lead.ID == "" {
		return nil
	}
	l := &RegistryLead{ID: in.lead.ID, Since: in.lead.Since.UTC(), Sees: sees(in.members)}
	if m, ok := memberOf(in.members, in.lead.ID); ok {
		if r, fresh := in.fresh(m); fresh && r.Registry != nil && r.Registry.Leads {
			l.Since, l.Sees = r.Registry.Since.UTC(), r.Registry.Sees
		}
	}
	return l
}

// logs sums up the log role. The spools of dead nodes count: what waits on
// their disks is shipped when they are back.
func (in *input) logs() Log {
	l := Log{Nodes: []string{}}
	for _, m := range in.members {
		if m.Serves("log") {
			l.Nodes = append(l.Nodes, m.ID)
		}
		h := in.reports[m.ID]
		if h.ok {
			l.SpoolBytes += h.report.SpoolBytes
		}
		if r, ok := in.fresh(m); ok && r.Log != nil {
			l.Batches += r.Log.Batches
			l.Bytes += r.Log.Bytes
		}
	}
	return l
}
