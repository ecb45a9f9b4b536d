package registry

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// member makes an alive member of all roles, unless told otherwise.
func member(id string, changes ...func(*membership.Member)) membership.Member {
	m := membership.Member{
		ID: id, Name: "name-" + id, Status: membership.StatusAlive, Since: noon.Add(-time.Hour),
		Roles: []string{Role, "log", "grading", "portal"}, Started: noon.Add(-time.Hour), Gradebook: "book",
	}
	for _, f := range changes {
		f(&m)
	}
	return m
}

func failed(m *membership.Member) {
	m.Status, m.Since = membership.StatusFailed, noon.Add(-time.Second)
}
func left(m *membership.Member) { m.Status = membership.StatusLeft }

// copyOf is a report of a node that holds a copy of the gradebook.
func copyOf(id, leader string, term, commit, index uint64) heard {
	return heard{ok: true, at: noon, report: NodeReport{ID: id, Grading: &GradingReport{
		Voter: true, Index: index, Leader: leader, Term: term, CommitIndex: commit,
		Voters: []string{"n3", "n1", "n2"}, Quorum: leader != "", Gradebook: "book",
	}}}
}

func TestGradingIsMergedByTerm(t *testing.T) {
	t.Parallel()
	old := copyOf("n3", "n3", 9, 900, 900)
	old.at = noon.Add(-freshFor - time.Second)
	all := []string{"n1", "n2", "n3"}
	late := func(id string) heard { return heardAgo(copyOf(id, "n1", 4, 70, 70), 4*time.Second) }
	full := copyOf("n2", "n1", 4, 70, 70)
	full.report.Grading.Fault = "disk: no space left on device"
	cutOff := copyOf("n1", "n2", 4, 70, 70)
	cutOff.report.Unreachable = []string{"n2", "n3"}
	tests := []struct {
		name     string
		members  []membership.Member
		reports  map[string]heard
		want     *Grading
		headline string
	}{
		{
			"all agree", []membership.Member{member("n1"), member("n2"), member("n3")},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": copyOf("n2", "n1", 4, 69, 69), "n3": copyOf("n3", "n1", 4, 70, 68)},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all, Quorum: true},
			"3 of 3 grading copies up; writes accepted",
		},
		{
			"a follower died", []membership.Member{member("n1"), member("n2"), member("n3", failed)},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": copyOf("n2", "n1", 4, 69, 69), "n3": copyOf("n3", "n1", 4, 70, 68)},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all, Quorum: true},
			"2 of 3 grading copies up; writes accepted",
		},
		{
			"the leader died, its followers have not noticed", []membership.Member{member("n1", failed), member("n2"), member("n3")},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": copyOf("n2", "n1", 4, 69, 69), "n3": copyOf("n3", "n1", 4, 68, 68)},
			&Grading{Term: 4, CommitIndex: 69, Voters: all},
			"2 of 3 grading copies up; writes wait until a leader is elected",
		},
		{
			"the next leader is of a higher term, the old one still claims", []membership.Member{member("n1"), member("n2"), member("n3")},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": copyOf("n2", "n2", 5, 71, 71), "n3": copyOf("n3", "", 5, 70, 70)},
			&Grading{Leader: "n2", Term: 5, CommitIndex: 71, Voters: all, Quorum: true},
			"3 of 3 grading copies up; writes accepted",
		},
		{
			"the majority died", []membership.Member{member("n1"), member("n2", failed), member("n3", failed)},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70)},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all},
			"1 of 3 grading copies up; writes refused until a majority is up",
		},
		{
			"an old report counts for nothing", []membership.Member{member("n1"), member("n2"), member("n3")},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": copyOf("n2", "n1", 4, 70, 70), "n3": old},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all, Quorum: true},
			"3 of 3 grading copies up; writes accepted",
		},
		{
			"cut off, and gossip has not noticed: nobody was heard", []membership.Member{member("n1"), member("n2"), member("n3")},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": late("n2"), "n3": late("n3")},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all},
			"1 of 3 grading copies answer this node, which may be cut off; from here it is not known whether writes are accepted",
		},
		{
			"cut off, and calls fail", []membership.Member{member("n1"), member("n2"), member("n3")},
			map[string]heard{"n1": cutOff, "n2": copyOf("n2", "n2", 4, 70, 70), "n3": copyOf("n3", "n2", 4, 70, 70)},
			&Grading{Leader: "n2", Term: 4, CommitIndex: 70, Voters: all},
			"1 of 3 grading copies answer this node, which may be cut off; from here it is not known whether writes are accepted",
		},
		{
			"one died, and another's disk is full", []membership.Member{member("n1"), member("n2"), member("n3", failed)},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": full, "n3": copyOf("n3", "n1", 4, 70, 70)},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all},
			"1 of 3 grading copies up; writes refused until a majority is up",
		},
		{
			"one poll was lost", []membership.Member{member("n1"), member("n2"), member("n3", failed)},
			map[string]heard{"n1": copyOf("n1", "n1", 4, 70, 70), "n2": heardAgo(copyOf("n2", "n1", 4, 70, 70), 2200*time.Millisecond)},
			&Grading{Leader: "n1", Term: 4, CommitIndex: 70, Voters: all, Quorum: true},
			"2 of 3 grading copies up; writes accepted",
		},
		{
			"not founded", []membership.Member{member("n1", func(m *membership.Member) { m.Gradebook = "" })},
			map[string]heard{"n1": {ok: true, at: noon, report: NodeReport{ID: "n1", Grading: &GradingReport{}}}},
			&Grading{Voters: []string{}},
			"no gradebook yet; run `rollcall found` once",
		},
		{"nobody has reported", []membership.Member{member("n1")}, nil, nil, "the grading copies have not reported yet"},
		{
			"nobody grades", []membership.Member{member("n1", func(m *membership.Member) { m.Roles = []string{Role} })},
			map[string]heard{"n1": {ok: true, at: noon}}, nil, "no node serves grades",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := build(input{self: "n1", now: noon, members: tt.members, reports: tt.reports})
			if !reflect.DeepEqual(c.Grading, tt.want) {
				t.Errorf("grading = %s, want %s", mustJSON(t, c.Grading), mustJSON(t, tt.want))
			}
			if c.Headline != tt.headline {
				t.Errorf("headline = %q, want %q", c.Headline, tt.headline)
			}
		})
	}
}

func TestLagOfACutOffCopy(t *testing.T) {
	t.Parallel()
	reports := map[string]heard{
		"n1": copyOf("n1", "n1", 5, 90, 90),
		"n2": copyOf("n2", "n1", 5, 80, 78), // one poll behind: its own word counts
		"n3": copyOf("n3", "", 4, 70, 70),   // believes that it lags behind nobody
	}
	reports["n2"].report.Grading.Lag = 2
	c := build(input{self: "n1", now: noon, reports: reports, members: []membership.Member{member("n1"), member("n2"), member("n3")}})
	for i, want := range []uint64{0, 2, 20} {
		if got := c.Nodes[i].Grading.Lag; got != want {
			t.Errorf("%s: lag = %d, want %d", c.Nodes[i].ID, got, want)
		}
	}
}

// heardAgo makes a report older.
func heardAgo(h heard, d time.Duration) heard {
	h.at = h.at.Add(-d)
	return h
}

// TestLagOfACopyThatStandsStill is of a follower that hears its leader and
// cannot append: leader and term agree, and what it knows to be agreed on is
// what it has. An idle group has entries that no gradebook counts.
func TestLagOfACopyThatStandsStill(t *testing.T) {
	t.Parallel()
	var book reportBook
	say := func(id string, commit, index uint64, at time.Duration) {
		book.took(id, copyOf(id, "n1", 5, commit, index).report, noon.Add(at))
	}
	say("n1", 80, 77, -2*time.Second)
	say("n1", 90, 87, -time.Second)
	say("n2", 85, 82, -1100*time.Millisecond) // asked before the leader was: no lag
	say("n3", 70, 67, -100*time.Millisecond)
	reports := book.all()
	own := copyOf("n1", "n1", 5, 95, 92)
	own.marks = reports["n1"].marks
	reports["n1"] = own
	c := build(input{self: "n1", now: noon, reports: reports, members: []membership.Member{member("n1"), member("n2"), member("n3")}})
	for i, want := range []uint64{0, 0, 20} {
		if got := c.Nodes[i].Grading.Lag; got != want {
			t.Errorf("%s: lag = %d, want %d", c.Nodes[i].ID, got, want)
		}
	}
}

func TestHealthIsTheWorstWitness(t *testing.T) {
	t.Parallel()
	self := func(st health.Status) []health.Check { return []health.Check{{Name: "raft", Status: st, Since: noon}} }
	lead := heard{ok: true, at: noon, report: NodeReport{ID: "n1", Registry: &RegistryReport{Leads: true, Since: noon.Add(-time.Minute), Sees: 4, Probes: []Probe{
		{Node: "n2", Status: health.Critical, Output: "does not answer", Since: noon},
		{Node: "n3", Status: health.Passing, Output: "answers", Since: noon},
	}}}}
	tests := []struct {
		name  string
		m     membership.Member
		h     heard
		want  health.Status
		names []string
	}{
		{"all well", member("n3"), heard{ok: true, at: noon, report: NodeReport{Health: self(health.Passing)}}, health.Passing, []string{"gossip", "probe", "raft"}},
		{"its own word", member("n3"), heard{ok: true, at: noon, report: NodeReport{Health: self(health.Warning)}}, health.Warning, []string{"gossip", "probe", "raft"}},
		{"the lead's probe", member("n2"), heard{ok: true, at: noon, report: NodeReport{Health: self(health.Passing)}}, health.Critical, []string{"gossip", "probe", "raft"}},
		{"gossip", member("n3", failed), heard{ok: true, at: noon, report: NodeReport{Health: self(health.Passing)}}, health.Critical, []string{"gossip"}},
		{"left in good order", member("n3", left), heard{}, health.Warning, []string{"gossip"}},
		{"never heard", member("n4"), heard{failures: silentAfter, err: "refused"}, health.Warning, []string{"gossip", "report"}},
		{"one lost poll", member("n4"), heard{failures: 1, err: "refused"}, health.Passing, []string{"gossip"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := build(input{
				self: "n1", now: noon, lead: leadState{ID: "n1", Since: noon},
				members: []membership.Member{member("n1"), tt.m},
				reports: map[string]heard{"n1": lead, tt.m.ID: tt.h},
			})
			n, _ := c.NodeByID(tt.m.ID)
			var names []string
			for _, check := range n.Health {
				names = append(names, check.Name)
			}
			if n.Worst != tt.want || !slices.Equal(names, tt.names) {
				t.Errorf("worst = %s of %v, want %s of %v", n.Worst, names, tt.want, tt.names)
			}
			if want := (&RegistryLead{ID: "n1", Since: noon.Add(-time.Minute), Sees: 4}); !reflect.DeepEqual(c.RegistryLead, want) {
				t.Errorf("registryLead = %+v, want the lead's own claim %+v", c.RegistryLead, want)
			}
		})
	}
}

func TestVanished(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) func(*membership.Member) {
		return func(m *membership.Member) { m.Status, m.Since = membership.StatusFailed, noon.Add(d) }
	}
	alive := func(*membership.Member) {}
	tests := []struct {
		name    string
		members []func(*membership.Member)
		want    bool
	}{
		{"all here", []func(*membership.Member){alive, alive, alive, alive}, false},
		{"half of four", []func(*membership.Member){alive, alive, at(0), at(time.Second)}, false},
		{"three of four at once", []func(*membership.Member){alive, at(0), at(time.Second), at(2 * time.Second)}, true},
		{"three of four, one by one", []func(*membership.Member){alive, at(0), at(time.Minute), at(time.Hour)}, false},
		{"three of five at once, one long before", []func(*membership.Member){alive, at(-time.Hour), at(0), at(0), at(0)}, true},
		{"two of three", []func(*membership.Member){alive, at(0), at(0)}, false},
		{"those that left do not count", []func(*membership.Member){alive, at(0), at(0), left, left}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var members []membership.Member
			for i, f := range tt.members {
				members = append(members, member(string(rune('a'+i)), f))
			}
			if got := vanished(members); got != tt.want {
				t.Errorf("vanished = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	unreachable := func(ids ...string) heard {
		return heard{ok: true, at: noon, report: NodeReport{Unreachable: ids}}
	}
	c := build(input{
		self: "n1", now: noon, lead: leadState{ID: "n1"},
		members: []membership.Member{member("n1"), member("n2"), member("n3"), member("n4", failed)},
		reports: map[string]heard{"n1": unreachable("n3"), "n2": unreachable("n3", "n4"), "n3": unreachable()},
	})
	want := []string{"name-n4 failed", "name-n3 is unreachable from name-n1, name-n2"}
	if !slices.Equal(c.Notes, want) {
		t.Errorf("notes = %q, want %q", c.Notes, want)
	}
	if got := c.Nodes[2].UnreachableFrom; !slices.Equal(got, []string{"n1", "n2"}) {
		t.Errorf("unreachableFrom = %v", got)
	}
}

// TestShape pins the keys of the answer, which other programs read.
func TestShape(t *testing.T) {
	t.Parallel()
	own := copyOf("n1", "n1", 1, 1, 1)
	own.report.RTTMs = map[string]float64{"n2": 0.123456, "n3": math.NaN()}
	c := build(input{self: "n1", name: "school", now: noon, lead: leadState{ID: "n1", Since: noon},
		members: []membership.Member{member("n1"), member("n2"), member("n3")}, reports: map[string]heard{"n1": own}})
	var got map[string]any
	if err := json.Unmarshal([]byte(mustJSON(t, c)), &got); err != nil {
		t.Fatal(err)
	}
	keys := func(v any) []string { return slices.Sorted(maps.Keys(v.(map[string]any))) }
	check := func(what string, v any, want ...string) {
		t.Helper()
		slices.Sort(want)
		if have := keys(v); !slices.Equal(have, want) {
			t.Errorf("%s has keys %q, want %q", what, have, want)
		}
	}
	node := got["nodes"].([]any)[0].(map[string]any)
	check("cluster", got, "name", "gradebook", "at", "seenBy", "headline", "notes", "worst", "preserving", "nodes", "registryLead", "grading", "log")
	check("node", node, "id", "name", "zone", "version", "status", "since", "roles", "http", "cluster", "started", "fingerprint",
		"unreachableFrom", "rttMs", "spoolBytes", "worst", "health", "grading", "reportedAt")
	check("node.grading", node["grading"], "voter", "index", "lag")
	check("node.health", node["health"].([]any)[0], "name", "status", "output", "since")
	check("registryLead", got["registryLead"], "id", "since", "sees")
	check("grading", got["grading"], "leader", "term", "commitIndex", "voters", "quorum")
	check("log", got["log"], "nodes", "batches", "bytes", "spoolBytes")
	for i, want := range []any{0.0, 0.12, nil} {
		if rtt := got["nodes"].([]any)[i].(map[string]any)["rttMs"]; rtt != want {
			t.Errorf("rttMs of node %d = %v, want %v", i, rtt, want)
		}
	}
	for _, list := range []any{got["notes"], node["roles"], node["unreachableFrom"], got["log"].(map[string]any)["nodes"]} {
		if list == nil {
			t.Error("a list is null, want []")
		}
	}
}

// BenchmarkBuild takes a view of fifty nodes, far above what a school has.
func BenchmarkBuild(b *testing.B) {
	in := input{self: "n0", now: noon, reports: map[string]heard{}, lead: leadState{ID: "n0"}}
	for i := range 50 {
		id := fmt.Sprintf("n%d", i)
		in.members = append(in.members, member(id))
		in.reports[id] = copyOf(id, "n1", 4, 70, 70)
	}
	b.ReportAllocs()
	for b.Loop() {
		build(in)
	}
}
