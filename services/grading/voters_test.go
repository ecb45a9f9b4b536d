package grading

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files anew")

// readView reads a view from text, one node a word:
//
//	n1*   voter that leads            n4?   not in the configuration, offers itself
//	n2    voter that answers          n5+   replica without a vote that kept up
//	n3!   voter gone for a minute     n6-   replica that has not caught up
//	n3~   voter that gossip lost but raft reaches
//	n3x   voter that fails since a second
//	n3_   voter that stopped in good order a minute ago
//	n7^   voter gone for a minute whom gossip does not know
//	n8#   not in the configuration, of another gradebook
//	n9/   retired voter that answers    n1@   retired voter that leads
//	n8&   replica that turned out to hold another gradebook
func readView(text string) view {
	v := view{Gradebook: "g", Stable: stableAfter, Replace: replaceAfter}
	for word := range strings.FieldsSeq(text) {
		id, mark := word[:2], word[2:]
		c := candidate{ID: id, Gossip: alive, Offers: true, Gradebook: "g", Answers: true}
		srv := server{ID: id, Voter: true}
		in := true
		switch mark {
		case "*":
			v.Self = id
		case "!":
			c.Gossip, c.Answers, c.Gone = failed, false, time.Minute
		case "~":
			c.Gossip = failed
		case "x":
			c.Gossip, c.Answers, c.Gone = failed, false, time.Second
		case "_":
			c.Gossip, c.Answers, c.Gone = stopped, false, time.Minute
		case "^":
			c.Gossip, c.Answers, c.Gone, c.Offers = unknown, false, time.Minute, false
		case "+":
			srv.Voter, c.KeptUp = false, time.Minute
		case "-":
			srv.Voter, c.KeptUp = false, time.Second
		case "?":
			in, c.Gradebook, c.Answers = false, "", false
		case "#":
			in, c.Gradebook, c.Answers = false, "other", false
		case "&":
			srv.Voter, c.KeptUp, c.Gradebook = false, 0, "other"
		case "/":
			v.Retired = append(v.Retired, id)
		case "@":
			v.Self, v.Retired = id, append(v.Retired, id)
		}
		if in {
			v.Servers = append(v.Servers, srv)
		}
		v.Candidates = append(v.Candidates, c)
	}
	return v
}

func TestPlanGolden(t *testing.T) {
	t.Parallel()
	const golden = "testdata/plan.golden"
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for block := range strings.SplitSeq(string(b), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "#") {
			t.Fatalf("a block is a comment, a view and its changes, got %q", block)
		}
		fmt.Fprintf(&out, "%s\n%s\n", lines[0], lines[1])
		changes := plan(readView(lines[1]))
		if len(changes) == 0 {
			fmt.Fprintln(&out, "\tnothing")
		}
		for _, c := range changes {
			fmt.Fprintf(&out, "\t%s\n", c)
		}
		fmt.Fprintln(&out)
	}
	got := strings.TrimSpace(out.String()) + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(b) {
		t.Errorf("plans have changed; run with -update and read the difference\n%s", got)
	}
}

func TestPlanWaitsForTheFounding(t *testing.T) {
	t.Parallel()
	v := readView("n1* n2? n3?")
	v.Gradebook = ""
	if got := plan(v); got != nil {
		t.Fatalf("before the gradebook has an id: %v", got)
	}
}

// TestPlanHoldsWhateverHappens lets random nodes come, fail and come back, and
// checks at each step that the group never does what it must not.
func TestPlanHoldsWhateverHappens(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		v := readView("n1*")
		for range 200 {
			step(r, &v)
			changes := plan(v)
			if len(changes) == 0 {
				continue
			}
			if err := check(v, changes[0]); err != nil {
				t.Fatalf("%v\nin %+v", err, v)
			}
			apply(&v, changes[0])
		}
		// When everybody is well again, the group comes to what it should be.
		for i := range v.Candidates {
			c := &v.Candidates[i]
			c.Gossip, c.Answers, c.Gone, c.KeptUp = alive, true, 0, time.Minute
		}
		for range 50 {
			if changes := plan(v); len(changes) > 0 {
				apply(&v, changes[0])
			}
		}
		p := planner{view: v}
		if got, want := len(p.voters()), votersFor(len(v.Servers)); got < want || len(v.Servers) != len(v.Candidates) {
			t.Fatalf("%d of %d nodes are in, %d vote, want %d", len(v.Servers), len(v.Candidates), got, want)
		}
	}
}

// step changes one thing in the world.
func step(r *rand.Rand, v *view) {
	if len(v.Candidates) < 9 && r.IntN(8) == 0 {
		v.Candidates = append(v.Candidates, candidate{ID: fmt.Sprintf("n%d", len(v.Candidates)+1), Gossip: alive, Offers: true})
		return
	}
	c := &v.Candidates[r.IntN(len(v.Candidates))]
	if c.ID == v.Self {
		return
	}
	switch r.IntN(6) {
	case 0:
		c.Gossip, c.Answers, c.KeptUp, c.Gone = failed, false, 0, time.Second
	case 1:
		if !c.Answers && c.Gossip != alive {
			c.Gone = time.Minute
		}
	case 2:
		c.Gossip, c.Answers, c.KeptUp, c.Gone = unknown, false, 0, time.Second
	case 3:
		c.Gossip, c.Gone = stopped, 0
		c.Answers, c.KeptUp = false, 0
	default:
		c.Gossip, c.Answers, c.Gone, c.KeptUp = alive, true, 0, time.Minute
	}
}

// check says what is wrong with a change.
func check(v view, c change) error {
	p := planner{view: v, by: map[string]candidate{}}
	for _, c := range v.Candidates {
		p.by[c.ID] = c
	}
	after := p.voters()
	switch c.Op {
	case opRemove:
		if p.by[c.ID].Gone < replaceAfter || p.by[c.ID].Gossip == stopped {
			return fmt.Errorf("%s takes away a voter that is not dead", c)
		}
		if len(after)-1 < 3 && len(after) > 1 {
			return fmt.Errorf("%s shrinks the group to %d", c, len(after)-1)
		}
		after = slices.DeleteFunc(after, func(id string) bool { return id == c.ID })
	case opPromote:
		if p.by[c.ID].KeptUp < stableAfter || p.by[c.ID].Gossip != alive {
			return fmt.Errorf("%s promotes one that is not ready", c)
		}
		after = append(after, c.ID)
	case opAdd:
		return nil
	case opHandOver:
		return fmt.Errorf("%s: nobody is retired here", c)
	}
	if !p.safe(after) {
		return fmt.Errorf("%s makes a quorum of %v that is not alive", c, after)
	}
	return nil
}

func apply(v *view, c change) {
	i := slices.IndexFunc(v.Servers, func(s server) bool { return s.ID == c.ID })
	switch c.Op {
	case opAdd:
		v.Servers = append(v.Servers, server{ID: c.ID})
		j := slices.IndexFunc(v.Candidates, func(x candidate) bool { return x.ID == c.ID })
		v.Candidates[j].Answers, v.Candidates[j].Gradebook = true, v.Gradebook
	case opPromote:
		v.Servers[i].Voter = true
	case opRemove:
		v.Servers = slices.Delete(v.Servers, i, i+1)
	}
}
