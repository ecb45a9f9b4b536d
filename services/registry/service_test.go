package registry

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

func TestNewNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Standby: true})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"Self", "Name", "Members", "Watch", "Timeline", "Peers", "Report", "Promise"} {
		if !strings.Contains(err.Error(), "Config."+field+":") {
			t.Errorf("error does not name %s: %v", field, err)
		}
	}
}

func TestReportsReachEveryView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := w.add(t, true, 3*time.Hour), w.add(t, true, 2*time.Hour), w.add(t, false, time.Hour)
		n3.set(func(n *node) {
			n.report.SpoolBytes = 4096
			n.report.Unreachable = []string{"n2"}
		})
		w.run(t)
		for _, n := range []*node{n1, n2} {
			after(t, 2*pollEvery, n.id+" has heard n3", func() bool { return n.sees(t, "n3").SpoolBytes == 4096 })
			if from := n.sees(t, "n2").UnreachableFrom; len(from) != 1 || from[0] != "n3" {
				t.Errorf("%s: n2 unreachable from %v, want n3", n.id, from)
			}
			after(t, pollEvery, n.id+" follows n1", func() bool { return n.lead() == "n1" })
		}
		if n3.svc.Serving() {
			t.Error("a standby serves")
		}
	})
}

// TestDeadServiceWithLivingGossip is the reason for the lead's probe.
func TestDeadServiceWithLivingGossip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := w.add(t, true, 3*time.Hour), w.add(t, true, 2*time.Hour), w.add(t, true, time.Hour)
		w.run(t)
		time.Sleep(5 * time.Second)
		n3.set(func(n *node) { n.dead = true })
		for _, n := range []*node{n1, n2} {
			took := after(t, 5*time.Second, n.id+" sees n3 critical", func() bool { return n.sees(t, "n3").Worst == health.Critical })
			t.Logf("%s: critical %v later", n.id, took)
			if st := n.sees(t, "n3").Status; st != "alive" {
				t.Errorf("%s: n3 is %s, want alive: gossip lives", n.id, st)
			}
		}
		n3.set(func(n *node) { n.dead = false })
		after(t, 5*time.Second, "n3 passes again", func() bool { return n2.sees(t, "n3").Worst == health.Passing })
	})
}

func TestHungNodeDoesNotDelayTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, true, 3*time.Hour), w.add(t, true, 2*time.Hour)
		w.add(t, true, time.Hour)
		w.run(t)
		n2.set(func(n *node) { n.hung = true })
		after(t, 5*time.Second, "n2 is critical", func() bool { return n1.sees(t, "n2").Worst == health.Critical })
		for range 10 {
			time.Sleep(pollEvery)
			if at := n1.sees(t, "n3").ReportedAt; time.Since(*at) > 2*pollEvery {
				t.Fatalf("report of n3 is %v old", time.Since(*at))
			}
		}
	})
}

func TestLeadLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := w.add(t, true, 3*time.Hour), w.add(t, true, 2*time.Hour), w.add(t, true, time.Hour)
		w.run(t)
		time.Sleep(5 * time.Second)
		n1.crash()
		for _, n := range []*node{n2, n3} {
			after(t, pollEvery, n.id+" follows n2", func() bool { return n.lead() == "n2" })
		}
		after(t, 3*time.Second, "n2's probes reach n3", func() bool {
			return n3.sees(t, "n2").Worst == health.Passing && n3.sees(t, "n3").check("probe") == health.Passing
		})
		if c := n3.svc.Cluster(); c.RegistryLead.Sees != 2 {
			t.Errorf("the lead sees %d members, want 2", c.RegistryLead.Sees)
		}
		// The lead does not move back: who returns has a newer start.
		n1.set(func(n *node) { n.dead = false })
		w.change("n1", func(m *membership.Member) { m.Status, m.Started = membership.StatusAlive, time.Now() })
		time.Sleep(10 * time.Second)
		if n3.lead() != "n2" || n1.lead() != "n2" {
			t.Errorf("lead = %s by n3, %s by n1; want n2", n3.lead(), n1.lead())
		}
		events := n3.timeline.After(0)
		if last := events[len(events)-1]; last.Kind != "lead" || last.Member != "n2" {
			t.Errorf("last event = %+v, want lead n2", last)
		}
	})
}

// TestDeadLeadIsPassedOver: nobody would probe the prober otherwise.
func TestDeadLeadIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := w.add(t, true, 3*time.Hour), w.add(t, true, 2*time.Hour), w.add(t, true, time.Hour)
		w.run(t)
		time.Sleep(5 * time.Second)
		n1.set(func(n *node) { n.dead = true })
		for _, n := range []*node{n2, n3} {
			took := after(t, 8*time.Second, n.id+" sees n1 critical", func() bool { return n.sees(t, "n1").Worst == health.Critical })
			t.Logf("%s: critical %v later", n.id, took)
			if n.lead() != "n2" {
				t.Errorf("%s: lead = %q, want n2", n.id, n.lead())
			}
		}
		n1.set(func(n *node) { n.dead = false })
		after(t, 3*time.Second, "n1 leads again", func() bool { return n2.lead() == "n1" && n3.lead() == "n1" })
	})
}

func TestReportOfAnotherNodeIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, true, 2*time.Hour), w.add(t, false, time.Hour)
		n2.set(func(n *node) { n.report.ID = "n9" })
		w.run(t)
		after(t, 5*time.Second, "the fault shows", func() bool { return n1.sees(t, "n2").check("report") == health.Warning })
		if at := n1.sees(t, "n2").ReportedAt; at != nil {
			t.Errorf("report taken at %v, want none", at)
		}
	})
}
