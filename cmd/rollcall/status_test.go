package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/services/registry"
)

// threeNodes is a cluster with a leader, a follower that is not well, and a
// node that failed.
func threeNodes() (registry.Cluster, time.Time) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	roles := []string{"grading", "log", "portal", "registry"}
	return registry.Cluster{
		Name: "rollcall", Gradebook: "g1", At: now, SeenBy: "id1", Headline: "1 of 3 nodes is down", Notes: []string{"n3 failed"},
		Nodes: []registry.Node{
			{ID: "id1", Name: "n1", Status: "alive", Since: now.Add(-time.Hour), Roles: roles, HTTP: "127.0.0.1:8500", Worst: health.Passing, ReportedAt: &now, Grading: &registry.NodeGrading{Voter: true, Index: 9}},
			{ID: "id2", Name: "n2\x1b[2J", Status: "alive", Since: now.Add(-time.Minute), Roles: roles, HTTP: "127.0.0.1:8510", Worst: health.Warning, ReportedAt: &now,
				Health: []health.Check{{Name: "spool", Status: health.Warning, Output: "75 % full"}}, SpoolBytes: 123456, Grading: &registry.NodeGrading{Voter: true, Index: 7, Lag: 2}},
			{ID: "id3", Name: "n3", Status: "failed", Since: now.Add(-5 * time.Second), HTTP: "127.0.0.1:8520", Worst: health.Critical},
		},
		RegistryLead: &registry.RegistryLead{ID: "id1", Since: now.Add(-time.Hour), Sees: 2},
		Grading:      &registry.Grading{Leader: "id1", Term: 3, CommitIndex: 9, Voters: []string{"id1", "id2", "id3"}, Quorum: true},
	}, now
}

func TestStatusForPeople(t *testing.T) {
	t.Parallel()
	view, now := threeNodes()
	var b bytes.Buffer
	if err := printStatus(&b, view, now); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("a node's name drives the terminal")
	}
	golden(t, "status.golden", bytes.ReplaceAll(b.Bytes(), []byte(stamp(view.At)), []byte("AT")))
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	view, _ := threeNodes()
	for want, change := range map[string]func(*registry.Cluster){
		"1 of 3 nodes alive and well (n2\x1b[2J: spool warning: 75 % full)": func(*registry.Cluster) {},
		"1 of 3 nodes alive and well (n2\x1b[2J: has not reported yet)":     func(c *registry.Cluster) { c.Nodes[1].ReportedAt = nil },
		"2 of 3 nodes alive and well":                                       func(c *registry.Cluster) { c.Nodes[1].Worst = health.Passing },
	} {
		v := view
		v.Nodes = append([]registry.Node(nil), view.Nodes...)
		change(&v)
		if err := shortOf(v, 3); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := shortOf(view, 1); err != nil {
		t.Errorf("one node is well: %v", err)
	}
	view.Grading.Leader = ""
	if err := shortOf(view, 1); err == nil {
		t.Error("a founded gradebook without a leader passes for well")
	}
}

func TestNamesOfWhoLeads(t *testing.T) {
	t.Parallel()
	view, _ := threeNodes()
	for what, want := range map[string]string{"leader": "n1", "lead": "n1", "portal": "n1", "gradebook": "g1", "name": "rollcall"} {
		if got := answers[what](view); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	for what := range answers {
		answers[what](registry.Cluster{}) // must not panic on an empty view
	}
}
