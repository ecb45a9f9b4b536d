package grading

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// replaceAfter is how long a voter must have been gone, in gossip and in raft
// both, before a spare may take its place. stableAfter is how long a new
// replica must have kept up before it may vote.
const (
	replaceAfter = 30 * time.Second
	stableAfter  = 2 * time.Second
)

// server is one replica as raft's configuration has it.
type server struct {
	ID    string
	Voter bool
}

// gossip is what membership says of a node.
type gossip int

// A node that gossip does not know, because it was reaped, superseded by a
// node of the same name, or not heard of yet, is unknown.
const (
	unknown gossip = iota
	alive
	stopped // left in good order: it says that it will be back
	failed
)

// candidate is one node as the leader sees it, from gossip and from its own
// calls to it. Nodes of the configuration without a candidate are unknown.
type candidate struct {
	ID        string
	Gossip    gossip
	Offers    bool          // has the grading role configured
	Gradebook string        // id of the gradebook it holds; empty for none
	Gone      time.Duration // for how long it is neither alive in gossip nor answers raft
	Answers   bool          // answers raft now
	KeptUp    time.Duration // for how long it has been caught up with the log
}

// op is one way to change raft's configuration.
type op string

const (
	opAdd      op = "add"      // as a replica without a vote
	opPromote  op = "promote"  // a replica to voter
	opRemove   op = "remove"   // from the configuration
	opHandOver op = "handover" // leadership, because the leader itself is to go
)

// change is one step of a plan, with the reason for people and logs.
type change struct {
	Op  op
	ID  string
	Why string
}

func (c change) String() string { return fmt.Sprintf("%s %s: %s", c.Op, c.ID, c.Why) }

// view is all that a plan depends on.
type view struct {
	Self       string // the leader
	Gradebook  string // its gradebook's id; empty until founded
	Servers    []server
	Candidates []candidate
	Retired    []string // ids that must never come back

	Stable, Replace time.Duration // stableAfter and replaceAfter, unless a test is in a hurry
}

// votersFor returns how many voters n usable nodes should have: the largest
// odd number up to 5, and 2 for 2. Two voters survive no loss, but two copies
// of each grade are on two disks. A fourth voter would add work and no
// safety: four need three, so they too survive one loss only.
func votersFor(n int) int {
	switch {
	case n >= 5:
		return 5
	case n >= 3:
		return 3
	}
	return n
}

// plan says what the leader should change, most urgent first. The caller
// makes the first change and plans again from what is then true: one change
// at a time, as two at once could give two majorities that share no voter.
//
// What it holds to:
//   - Nobody is added before the gradebook's id is committed, nor anybody who
//     holds another gradebook, nor an id that was retired.
//   - A joiner gets the log first and the vote after it has kept up for
//     stableAfter.
//   - Gossip alone never takes a vote away. A voter goes when its id is
//     retired, or when it is replaced: gone for replaceAfter, and a spare that
//     has kept up is promoted before the dead one is removed.
//   - No change is made whose new quorum is not alive now.
func plan(v view) []change {
	if v.Gradebook == "" {
		return nil
	}
	p := planner{view: v, by: map[string]candidate{}}
	for _, c := range v.Candidates {
		p.by[c.ID] = c
	}
	var changes []change
	changes = append(changes, p.retire()...)
	changes = append(changes, p.expel()...)
	changes = append(changes, p.promote()...)
	changes = append(changes, p.bury()...)
	changes = append(changes, p.join()...)
	return changes
}

// planner is one run of plan.
type planner struct {
	view
	by map[string]candidate
}

// retire removes the servers whose ids were retired; a leader first hands
// over to another.
func (p planner) retire() []change {
	var out []change
	for _, s := range p.Servers {
		switch {
		case !slices.Contains(p.Retired, s.ID):
		case s.ID == p.Self && len(p.Servers) > 1:
			out = append(out, change{opHandOver, s.ID, "its id is retired, another must lead"})
		case s.ID != p.Self && (!s.Voter || p.safe(p.without(s.ID))):
			out = append(out, change{opRemove, s.ID, "its id is retired"})
		}
	}
	return out
}

// expel removes the replicas that turned out to hold another gradebook. Their
// raft does not talk to ours, so they have nothing of it.
func (p planner) expel() []change {
	var out []change
	for _, s := range p.Servers {
		if c := p.by[s.ID]; !s.Voter && c.Gradebook != "" && c.Gradebook != p.Gradebook {
			out = append(out, change{opRemove, s.ID, "it holds gradebook " + c.Gradebook})
		}
	}
	return out
}

// promote gives a vote to the replicas that kept up, until there are as many
// voters as the usable nodes ask for, or one for each voter that is gone.
func (p planner) promote() []change {
	voters, spares := p.voters(), p.spares()
	want := votersFor(len(voters) + len(spares))
	why := fmt.Sprintf("kept up for %s; %d of %d voters", p.Stable, len(voters), want)
	if dead := p.dead(); len(voters) >= want && len(dead) > 0 && len(voters) == want {
		want++
		why = fmt.Sprintf("takes the place of %s, gone for %s", dead[0], p.Replace)
	}
	if len(voters) >= want || len(spares) == 0 || !p.safe(append(voters, spares[0])) {
		return nil
	}
	return []change{{opPromote, spares[0], why}}
}

// bury removes a dead voter once there is a voter too many.
func (p planner) bury() []change {
	voters, dead := p.voters(), p.dead()
	if len(dead) == 0 || len(voters) <= votersFor(len(voters)+len(p.spares())) || !p.safe(p.without(dead[0])) {
		return nil
	}
	return []change{{opRemove, dead[0], fmt.Sprintf("gone for %s in gossip and raft, and replaced", p.Replace)}}
}

// join adds the nodes that offer themselves.
func (p planner) join() []change {
	var out []change
	for _, c := range p.Candidates {
		known := slices.ContainsFunc(p.Servers, func(s server) bool { return s.ID == c.ID })
		if known || c.Gossip != alive || !c.Offers || slices.Contains(p.Retired, c.ID) {
			continue
		}
		if c.Gradebook == "" || c.Gradebook == p.Gradebook {
			out = append(out, change{opAdd, c.ID, "offers itself"})
		}
	}
	slices.SortFunc(out, func(a, b change) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// voters returns the voters' ids.
func (p planner) voters() []string {
	var out []string
	for _, s := range p.Servers {
		if s.Voter {
			out = append(out, s.ID)
		}
	}
	return out
}

// spares returns the replicas that could vote now, longest ready first.
func (p planner) spares() []string {
	var ready []candidate
	for _, s := range p.Servers {
		c := p.by[s.ID]
		if !s.Voter && c.Gossip == alive && c.Offers && c.KeptUp >= p.Stable && !slices.Contains(p.Retired, s.ID) {
			ready = append(ready, c)
		}
	}
	slices.SortFunc(ready, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.KeptUp, a.KeptUp), cmp.Compare(a.ID, b.ID))
	})
	out := make([]string, len(ready))
	for i, c := range ready {
		out[i] = c.ID
	}
	return out
}

// dead returns the voters that may be replaced, longest gone first. One that
// stopped in good order is not dead.
func (p planner) dead() []string {
	var gone []candidate
	for _, s := range p.Servers {
		c, ok := p.by[s.ID]
		if s.Voter && s.ID != p.Self && ok && c.Gone >= p.Replace && (c.Gossip == failed || c.Gossip == unknown) {
			gone = append(gone, c)
		}
	}
	slices.SortFunc(gone, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.Gone, a.Gone), cmp.Compare(a.ID, b.ID))
	})
	out := make([]string, len(gone))
	for i, c := range gone {
		out[i] = c.ID
	}
	return out
}

// without returns the voters' ids but one.
func (p planner) without(id string) []string {
	return slices.DeleteFunc(p.voters(), func(v string) bool { return v == id })
}

// safe reports whether these voters would have a quorum that answers now.
func (p planner) safe(voters []string) bool {
	up := 0
	for _, id := range voters {
		if id == p.Self || p.by[id].Answers {
			up++
		}
	}
	return up >= len(voters)/2+1
}
