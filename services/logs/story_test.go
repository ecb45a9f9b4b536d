package logs

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

func three(t testing.TB) (c *cluster, n1, n2, n3 *node) {
	c = newCluster(t)
	return c, c.start("n1", Role), c.start("n2", Role), c.start("n3", Role)
}

func TestRecordsReachTwoNodesAndComeBackOnce(t *testing.T) {
	t.Parallel()
	_, n1, n2, n3 := three(t)
	log := slog.New(n1.agent.Handler("grading"))
	for i := range 500 {
		log.Info(fmt.Sprintf("one %d", i), "i", i)
	}
	n2.ingest(t, "two", 300)
	n1.shipped(t)
	n2.shipped(t)
	var copies int64
	for _, n := range []*node{n1, n2, n3} {
		n.exactly(t, Query{Limit: 70}, 800)
		n.exactly(t, Query{Limit: 70, Order: Ascending}, 800)
		n.exactly(t, Query{Service: "grading"}, 500)
		n.exactly(t, Query{Node: "name-n2"}, 300)
		n.exactly(t, Query{Node: "n2", Fields: []Equal{{"i", "7"}}}, 1)
		copies += n.service.Status().Batches
	}
	batches := n1.agent.Counters().Batches + n2.agent.Counters().Batches + n3.agent.Counters().Batches
	if copies != 2*batches {
		t.Fatalf("%d copies of %d batches, want two of each", copies, batches)
	}
}

func TestHolderDiesAndNothingIsMissing(t *testing.T) {
	t.Parallel()
	c, n1, n2, n3 := three(t)
	for i := range 40 { // some hold a part each
		n1.ingest(t, fmt.Sprintf("a%d", i), 10)
	}
	n1.shipped(t)
	c.kill(n2)
	n3.exactly(t, Query{Limit: 99}, 400) // heard of n2 less than 5 s ago
	n1.ingest(t, "after", 10)
	n1.shipped(t) // R is two: n1 and n3 take it
	n3.exactly(t, Query{}, 410)
	c.run(n2)
	n2.exactly(t, Query{}, 410)
}

func TestBothHoldersDieAndTheAnswerSaysSo(t *testing.T) {
	t.Parallel()
	c, n1, n2, n3 := three(t)
	n1.ingest(t, "x", 10)
	n1.shipped(t)
	var holders []*node
	var other *node
	for _, n := range []*node{n1, n2, n3} {
		if n.service.Status().Batches > 0 {
			holders = append(holders, n)
		} else {
			other = n
		}
	}
	if len(holders) != 2 {
		t.Fatalf("%d holders", len(holders))
	}
	other.exactly(t, Query{}, 10) // and so it knows who holds what
	for _, n := range holders {
		c.kill(n)
	}
	msgs, a := other.all(t, Query{})
	if len(msgs) != 0 || a.Complete || len(a.Missing) == 0 || a.Missing[0].Producer != "n1" || a.Missing[0].From != 1 ||
		!strings.Contains(a.Missing[0].Reason, "name-"+holders[0].id+" and name-"+holders[1].id) {
		t.Fatalf("%q, %+v", msgs, a)
	}
	// What is missing is known to be too old to matter here.
	if _, a := other.all(t, Query{From: time.Now().Add(time.Hour)}); !a.Complete {
		t.Fatalf("an answer about tomorrow misses %+v", a.Missing)
	}
	for _, n := range holders {
		c.run(n)
	}
	other.exactly(t, Query{}, 10)
}

// TestProducerDiesWithUnshippedRecords cuts a producer off, gives it records,
// kills it, and starts it again: they go out under the names they had.
func TestProducerDiesWithUnshippedRecords(t *testing.T) {
	t.Parallel()
	c, n1, n2, _ := three(t)
	p := c.start("p")
	p.ingest(t, "before", 10)
	p.shipped(t)
	c.mark(p, membership.StatusAlive, true)
	for i := range 20 {
		p.ingest(t, fmt.Sprintf("cut%d", i), 10)
	}
	c.kill(p)
	c.mark(n1, membership.StatusFailed, true)
	c.run(p)
	p.ingest(t, "after", 10)
	p.shipped(t)
	n2.exactly(t, Query{Limit: 50}, 220)
	eventually(t, 10*time.Second, func() error { // the last word on it comes with the next manifest
		manifests, _ := n2.service.know.producers()
		i := slices.IndexFunc(manifests, func(m manifest) bool { return m.Producer == "p" })
		e := manifests[i].Epochs
		if len(e) != 2 || e[0].Cut < 21 || e[0].Released != e[0].Cut || !e[0].Closed || e[1].Cut < 1 {
			return fmt.Errorf("epochs of p: %+v, %+v", *e[0], *e[len(e)-1])
		}
		return nil
	})
}

// TestWholeClusterRestarts kills all at once in the middle of shipping.
func TestWholeClusterRestarts(t *testing.T) {
	t.Parallel()
	c, n1, n2, n3 := three(t)
	all := []*node{n1, n2, n3}
	for i := range 30 {
		all[i%3].ingest(t, fmt.Sprintf("r%d", i), 20)
	}
	for _, n := range all {
		c.mark(n, membership.StatusFailed, true)
	}
	for _, n := range all {
		c.kill(n)
	}
	for _, n := range all {
		c.run(n)
	}
	for _, n := range all {
		n.shipped(t)
		n.exactly(t, Query{Limit: 200}, 600)
	}
}

func TestUnshippedBatchesAreMissing(t *testing.T) {
	t.Parallel()
	c, n1, n2, _ := three(t)
	n1.ingest(t, "x", 10)
	n1.shipped(t)
	// n2 hears of a batch that no log node has.
	m := n1.agent.spool.manifest(false)
	m.Epochs[len(m.Epochs)-1].Cut += 2
	n2.service.know.hear(m, 0)
	msgs, a := n2.all(t, Query{})
	if len(msgs) != 10 || a.Complete || len(a.Missing) != 1 || a.Missing[0].To != a.Missing[0].From+1 {
		t.Fatalf("%d records, %+v", len(msgs), a)
	}
	_ = c
}

func TestSilentProducerMakesAnswersIncomplete(t *testing.T) {
	t.Parallel()
	c, n1, n2, n3 := three(t)
	n3.ingest(t, "x", 10)
	n3.shipped(t)
	n1.exactly(t, Query{}, 10)
	c.kill(n3)
	for _, n := range []*node{n1, n2} { // six seconds pass
		n.service.know.mu.Lock()
		n.service.know.heard["n3"] = time.Now().Add(-6 * time.Second)
		n.service.know.mu.Unlock()
	}
	msgs, a := n1.all(t, Query{})
	if len(msgs) != 10 || a.Complete || len(a.Missing) != 1 || a.Missing[0].Producer != "n3" || a.Missing[0].To != 0 {
		t.Fatalf("%d records, %+v", len(msgs), a)
	}
	c.run(n3)
	n1.exactly(t, Query{}, 10)
}

func TestOrderlyStopLeavesNothingMissing(t *testing.T) {
	t.Parallel()
	c, n1, _, _ := three(t)
	p := c.start("p")
	slog.New(p.agent.Handler("x")).Info("the last word")
	p.stop()
	c.mark(p, membership.StatusLeft, true)
	n1.service.know.mu.Lock()
	n1.service.know.heard["p"] = time.Now().Add(-time.Hour)
	n1.service.know.mu.Unlock()
	n1.exactly(t, Query{}, 1)
}

func TestOneLogNodeStoresAndTheSpoolWaits(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	n1 := c.start("n1", Role)
	n1.ingest(t, "x", 10)
	if err := n1.agent.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	n1.exactly(t, Query{}, 10)
	if n1.agent.SpoolBytes() == 0 {
		t.Fatal("the spool let go of records that have one copy")
	}
	n2 := c.start("n2", Role)
	n1.shipped(t)
	c.kill(n1)
	n2.exactly(t, Query{}, 10)
}

func TestReplicasOneIsForClustersOfOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.nodes["n1"] = &node{id: "n1", dir: t.TempDir(), roles: []string{Role}, tweak: func(cfg *AgentConfig) { cfg.Replicas = 1 }}
	n1 := c.start("n1")
	n1.ingest(t, "x", 10)
	n1.shipped(t)
	n1.exactly(t, Query{}, 10)
}

// TestFullStoreSendsBatchesElsewhere fills one of three log nodes.
func TestFullStoreSendsBatchesElsewhere(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.nodes["n1"] = &node{id: "n1", dir: t.TempDir(), roles: []string{Role}, limit: 1}
	n1, n2 := c.start("n1"), c.start("n2", Role)
	c.start("n3", Role)
	n2.ingest(t, "one", 10)
	n2.shipped(t)
	n2.ingest(t, "two", 10)
	n2.shipped(t)
	n1.exactly(t, Query{}, 20)
	if n := n1.service.Status().Batches; n > 1 {
		t.Fatalf("a full store took %d batches", n)
	}
}

func TestSpoolFullRefusesAndKeepsWhatItAccepted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.nodes["p"] = &node{id: "p", dir: t.TempDir(), tweak: func(cfg *AgentConfig) { cfg.MaxBytes, cfg.Level = 64<<10, slog.LevelDebug }}
	p := c.start("p")
	accepted, debugRefused := 0, false
	log := slog.New(p.agent.Handler("p"))
	for i := 0; ; i++ {
		if i == 5000 {
			t.Fatal("the spool is never full")
		}
		body := fmt.Sprintf(`{"msg":"m %d","noise":"%x"}`, i, strings.Repeat(fmt.Sprint(i*i*7919), 40))
		code, header, answer := p.call(t, "service", "POST", "/v1/ingest", body)
		if code == 503 {
			if header.Get("Retry-After") == "" || !strings.Contains(answer, "full") && !strings.Contains(answer, "room") {
				t.Fatalf("503 with %v: %s", header, answer)
			}
			break
		}
		if code != 200 {
			t.Fatalf("%d: %s", code, answer)
		}
		accepted++
		if !debugRefused && p.agent.SpoolBytes() > 50<<10 {
			debugRefused = true
			if code, _, answer := p.call(t, "service", "POST", "/v1/ingest", `{"level":"debug","msg":"d"}`); code != 503 {
				t.Fatalf("debug at 75 %%: %d: %s", code, answer)
			}
			before := p.agent.Counters().Refused
			log.Debug("no room for this")
			if p.agent.Counters().Refused != before+1 {
				t.Fatal("a refused debug record was not counted")
			}
		}
	}
	if !debugRefused {
		t.Fatal("the spool was full before it was three quarters full")
	}
	n1 := c.start("n1", Role)
	c.start("n2", Role)
	p.shipped(t)
	n1.exactly(t, Query{Limit: 300}, accepted)
	if code, _, answer := p.call(t, "service", "POST", "/v1/ingest", `{"msg":"room again"}`); code != 200 {
		t.Fatalf("%d: %s", code, answer)
	}
}

// TestTwoDisksUnderOneIdentityLoseNothing gives a node its id back, but not its
// disk: its counters begin anew and the names of its batches clash. Both
// lives' records come out, and the alarm is raised.
func TestTwoDisksUnderOneIdentityLoseNothing(t *testing.T) {
	t.Parallel()
	c, n1, _, _ := three(t)
	p := c.start("p")
	p.ingest(t, "original", 10)
	p.shipped(t)
	p.stop()
	p.dir = t.TempDir()
	c.run(p)
	p.ingest(t, "copy", 10)
	p.shipped(t)
	n1.exactly(t, Query{}, 20)
	if checks := p.health.Checks(); !slices.ContainsFunc(checks, func(ch health.Check) bool { return ch.Name == "log identity" && ch.Status == health.Critical }) {
		t.Fatalf("no alarm: %+v", checks)
	}
}
