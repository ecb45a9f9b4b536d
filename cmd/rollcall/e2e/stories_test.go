package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestProcesses tells what happens to five nodes when one of them dies, pauses,
// is wiped or is told to stop, while people write grades. The stories share
// the cluster, and each leaves it well.
func TestProcesses(t *testing.T) {
	c := newCluster(t, 5, "MATH-7")
	gradebook := c.now().Gradebook
	voters := c.voters(5)

	for _, doer := range []struct {
		what string
		who  func() *process
	}{
		{"gradebook leader", c.leader},
		{"registry lead", c.lead},
		{"portal in use", func() *process { return c.neither(1) }},
		{"log node", func() *process { return c.neither(2) }},
	} {
		t.Run("kill the "+doer.what, func(t *testing.T) { c.told(t).diesAndComesBack(doer.what, doer.who()) })
	}
	t.Run("pause the leader", func(t *testing.T) { c.told(t).pausedLeader() })
	t.Run("stop all in turn under load", func(t *testing.T) { c.told(t).rollingRestart() })
	t.Run("a second signal", func(t *testing.T) { c.told(t).secondSignal() })
	if now := c.voters(5); !slices.Equal(now, voters) {
		t.Errorf("the voters were %v and are %v: a stop or a crash is not a leave", voters, now)
	}
	t.Run("wipe the first node and another", func(t *testing.T) { c.told(t).wiped(c.nodes[0], c.nodes[3]) })
	if now := c.now().Gradebook; now != gradebook {
		t.Errorf("the gradebook was %s and is %s: a node founded another", gradebook, now)
	}
}

// told is the same cluster in another test. A story that failed may have left
// nodes dead; they are started again, so that the next one has its chance.
func (c *cluster) told(t *testing.T) *cluster {
	told := *c
	told.t = t
	t.Cleanup(func() {
		if t.Failed() {
			for _, p := range c.nodes {
				t.Logf("%s said at last:\n%s", p.name, p.tail(40))
			}
			for _, p := range c.nodes {
				if !p.runs() {
					p.start(t)
				}
			}
			told.healthy()
		}
	})
	return &told
}

// voters waits until n nodes have a vote and returns their ids.
func (c *cluster) voters(n int) (ids []string) {
	c.t.Helper()
	eventually(c.t, 60*time.Second, fmt.Sprintf("%d voters", n), func() error {
		ids = slices.Sorted(slices.Values(c.now().Grading.Voters))
		if len(ids) != n {
			return fmt.Errorf("the voters are %v", ids)
		}
		return nil
	})
	return ids
}

// neither is the k-th node that neither leads the gradebook nor probes.
func (c *cluster) neither(k int) *process {
	c.t.Helper()
	leader, lead := c.leader(), c.lead()
	for _, p := range c.running() {
		if p != leader && p != lead {
			if k--; k == 0 {
				return p
			}
		}
	}
	c.t.Fatal("no node is free of duties")
	return nil
}

// known waits until every running node but some shows the node with an id in
// a status, and returns how long after since the last of them did.
func (c *cluster) known(id, status string, since time.Time, but ...*process) time.Duration {
	c.t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	var last time.Duration
	var fault error
	for _, p := range c.running() {
		if slices.Contains(but, p) {
			continue
		}
		all.Go(func() {
			_, err := await(10*time.Second, func() error {
				v, err := c.view(p)
				if err == nil && v.status(id) != status {
					err = fmt.Errorf("%s sees it %q", p.name, v.status(id))
				}
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			last = max(last, time.Since(since))
			if err != nil {
				fault = err
			}
		})
	}
	all.Wait()
	if fault != nil {
		c.t.Fatalf("%s is not %s everywhere: %v", id, status, fault)
	}
	return last
}

// diesAndComesBack kills a node with -9 under load and starts it again with
// the data it had.
func (c *cluster) diesAndComesBack(what string, p *process) {
	x := c.traffic(c.t, hasty)
	began := time.Now()
	x.nextGrade(began)
	x.nextRecord(began)
	v := c.now()
	id := v.id(p.name)

	at := time.Now()
	p.kill(c.t)
	known := c.known(id, "failed", at)
	grade, rec := x.nextGrade(at), x.nextRecord(at)
	c.page(c.others(p))

	at = time.Now()
	p.start(c.t)
	c.known(id, "alive", at)
	c.healthy()
	back := time.Since(at)
	x.check()
	measured(c.t, "kill -9 of %s, the %s: known everywhere after %v, next grade after %v, next log record after %v; back, caught up and well after %v",
		p.name, what, round(known), round(grade), round(rec), round(back))
}

// page asks every node for a page that people see first.
func (c *cluster) page(nodes []*process) {
	c.t.Helper()
	for _, p := range nodes {
		eventually(c.t, 5*time.Second, p.name+" serves the sign-in page", func() error {
			answer, err := hasty.Get(p.url() + "/signin")
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("it answers %s", answer.Status)
			}
			return nil
		})
	}
}

// pausedLeader stops the leader in its tracks. When it goes on it must not
// show anybody what it last knew.
func (c *cluster) pausedLeader() {
	x := c.traffic(c.t, hasty)
	x.nextGrade(time.Now())
	p := c.leader()
	id := c.now().id(p.name)

	at := time.Now()
	p.signal(c.t, syscall.SIGSTOP)
	known := c.known(id, "failed", at, p)
	grade := x.nextGrade(at)

	x.halt()
	at = time.Now()
	p.signal(c.t, syscall.SIGCONT)
	for cell, number := range x.lastOf {
		var score struct{ Points string }
		if err := c.get(p, cell, &score); err == nil && score.Points != fmt.Sprint(number) {
			c.t.Errorf("%s, just awake, shows %s in %s; acknowledged was %d", p.name, score.Points, cell, number)
		}
	}
	c.known(id, "alive", at)
	c.healthy()
	back := time.Since(at)
	x.check()
	measured(c.t, "%s, the leader, paused: known everywhere after %v, next grade after %v; awake, no stale read, well again after %v", p.name, round(known), round(grade), round(back))
}

// rollingRestart tells every node to stop, one after the other, and starts it
// again. Who tries a second time is served.
func (c *cluster) rollingRestart() {
	x := c.traffic(c.t, patient)
	x.nextGrade(time.Now())
	var slowest time.Duration
	for _, p := range c.nodes {
		id := c.now().id(p.name)
		at := time.Now()
		p.signal(c.t, syscall.SIGTERM)
		slowest = max(slowest, p.awaitEnd(c.t, 12*time.Second))
		if p.err != nil {
			c.t.Errorf("%s did not stop in good order: %v", p.name, p.err)
		}
		if v := c.now(); v.status(id) == "failed" {
			c.t.Logf("%s stopped and is shown as failed: its goodbye was lost", p.name)
		}
		x.nextGrade(at)
		p.start(c.t)
		c.known(id, "alive", at)
		c.healthy()
	}
	if n := x.most(); n > 2 {
		c.t.Errorf("a grade took %d tries; a stop in good order costs one more at most", n)
	}
	x.check()
	measured(c.t, "all %d nodes restarted in turn under load; the slowest stop took %v", len(c.nodes), round(slowest))
}

// secondSignal interrupts a stop in good order.
func (c *cluster) secondSignal() {
	x := c.traffic(c.t, hasty)
	x.nextGrade(time.Now())
	p := c.leader()
	stops := p.count("node stops")
	p.signal(c.t, syscall.SIGTERM)
	eventually(c.t, 5*time.Second, p.name+" begins to stop", func() error {
		if p.count("node stops") == stops {
			return fmt.Errorf("it has not said so")
		}
		return nil
	})
	p.signal(c.t, syscall.SIGTERM)
	took := p.awaitEnd(c.t, time.Second)
	at := time.Now()
	x.nextGrade(at)
	p.start(c.t)
	c.healthy()
	x.check()
	measured(c.t, "the second signal ended %s, the leader, after %v (%v)", p.name, round(took), p.err)
}

// wiped takes the disks of two nodes away, one after the other. Each comes back
// as a new node of the same gradebook, though it is started exactly as it was
// the first time, and in half a minute has the vote of the one that is lost.
func (c *cluster) wiped(nodes ...*process) {
	x := c.traffic(c.t, hasty)
	x.nextGrade(time.Now())
	before := c.now()
	was, is := map[string]string{}, map[string]string{}
	start := time.Now()
	for _, p := range nodes {
		was[p.name] = before.id(p.name)
		at := time.Now()
		p.kill(c.t)
		x.nextGrade(at)
		x.forgetRecords() // what only this disk had of the log is gone with it
		p.wipe(c.t)
		at = time.Now()
		p.start(c.t)
		p.ready(c.t)
		eventually(c.t, 20*time.Second, p.name+" is here under a new id", func() error {
			v, err := c.view(p)
			if err != nil {
				return err
			}
			if v.Gradebook != "" && v.Gradebook != before.Gradebook {
				c.t.Fatalf("%s is of gradebook %q, the others of %q", p.name, v.Gradebook, before.Gradebook)
			}
			if is[p.name] = v.id(p.name); is[p.name] == "" || is[p.name] == was[p.name] || v.Gradebook == "" {
				return fmt.Errorf("its id is %q and was %q; its gradebook is %q", is[p.name], was[p.name], v.Gradebook)
			}
			return nil
		})
		c.healthy()
		measured(c.t, "%s, wiped, serves as a new node after %v", p.name, round(time.Since(at)))
	}
	eventually(c.t, 60*time.Second, "the new nodes have the old ones' votes", func() error {
		voters := c.now().Grading.Voters
		for _, p := range nodes {
			if slices.Contains(voters, was[p.name]) || !slices.Contains(voters, is[p.name]) {
				return fmt.Errorf("voters %v; %s was %s and is %s", voters, p.name, was[p.name], is[p.name])
			}
		}
		return nil
	})
	vote := time.Since(start)
	c.healthy()
	x.check()
	measured(c.t, "both have the votes of those they replace after %v", round(vote))
}
