package registry

import (
	"slices"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// grading merges what the nodes say of the raft group, and returns the id of
// their gradebook. Reports are up to a second apart and, under a cut, from
// two sides; raft's own rule settles that: the higher term is the newer truth.
// It returns nil when no node reports a copy.
func (in *input) grading(probes map[string]*Probe) (*Grading, string) {
	best, commit := in.bestReport()
	if best == nil {
		return nil, in.gradebookTag()
	}
	g := &Grading{
		Leader:      best.Leader,
		Term:        best.Term,
		CommitIndex: commit,
		Voters:      slices.Sorted(slices.Values(best.Voters)),
	}
	if g.Voters == nil {
		g.Voters = []string{}
	}
	if !in.up(g.Leader, probes) {
		g.Leader = "" // gossip knows sooner than raft's followers do
	}
	up := 0
	for _, id := range g.Voters {
		if in.up(id, probes) && in.answers(id) {
			up++
		}
	}
	g.Quorum = best.Quorum && g.Leader != "" && 2*up > len(g.Voters)
	if best.Gradebook != "" {
		return g, best.Gradebook
	}
	return g, in.gradebookTag()
}

// bestReport picks the report to go by: the highest term, then the leader's
// own, then one that knows a leader, then the one that has come furthest. The
// commit index is the highest that any node of the same gradebook knows.
func (in *input) bestReport() (best *GradingReport, commit uint64) {
	type place struct {
		term   uint64
		leader int
		commit uint64
	}
	var top place
	for _, m := range in.members {
		r, ok := in.fresh(m)
		if !ok || r.Grading == nil {
			continue
		}
		p := place{term: r.Grading.Term, commit: r.Grading.CommitIndex}
		switch r.Grading.Leader {
		case m.ID:
			p.leader = 2
		case "":
		default:
			p.leader = 1
		}
		if best == nil || p.term > top.term ||
			p.term == top.term && (p.leader > top.leader || p.leader == top.leader && p.commit > top.commit) {
			best, top = r.Grading, p
		}
	}
	if best == nil {
		return nil, 0
	}
	for _, m := range in.members {
		if r, ok := in.fresh(m); ok && r.Grading != nil && r.Grading.Gradebook == best.Gradebook {
			commit = max(commit, r.Grading.CommitIndex)
		}
	}
	return best, commit
}

// up reports whether a node can take part in a quorum: alive by gossip, its
// service not found dead, and its copy not one that cannot write.
func (in *input) up(id string, probes map[string]*Probe) bool {
	m, ok := memberOf(in.members, id)
	if !ok || m.Status != membership.StatusAlive {
		return false
	}
	if g := in.reports[id].report.Grading; g != nil && g.Fault != "" {
		return false
	}
	p := probes[id]
	return p == nil || p.Status != health.Critical
}

// answers reports whether a node was heard of late and is not called
// unreachable by this one. Gossip and raft need a while to see a cut; a node
// that is on the small side of one must not go on saying that all is well.
func (in *input) answers(id string) bool {
	h := in.reports[id]
	return id == in.self || h.ok && in.now.Sub(h.at) <= heardFor && !slices.Contains(in.reports[in.self].report.Unreachable, id)
}

// gradebookTag is the gradebook that the members' tags name, for the moments
// when no report does.
func (in *input) gradebookTag() string {
	for _, m := range in.members {
		if m.Status == membership.StatusAlive && m.Gradebook != "" {
			return m.Gradebook
		}
	}
	return ""
}
