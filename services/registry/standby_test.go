package registry

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	// history reads every readEvery from the first to the last second given.
	history := func(from, to time.Duration, r reading) []reading {
		var h []reading
		for at := from; at <= to; at += readEvery {
			r.at = began.Add(at)
			h = append(h, r)
		}
		return h
	}
	vacant, held := reading{vacant: true}, reading{}
	serving, relieved := reading{serving: true}, reading{serving: true, relieved: true}
	second := time.Second
	tests := []struct {
		name    string
		history []reading
		want    move
	}{
		{"nothing read", nil, stay},
		{"somebody serves", history(0, 60*second, held), stay},
		{"first ten seconds", history(0, 9800*time.Millisecond, vacant), stay},
		{"vacant from the start", history(0, 10*second, vacant), take},
		{"vacant from the start, the second oldest", history(0, 10800*time.Millisecond, reading{vacant: true, rank: 1}), stay},
		{"vacant for less than a second", append(history(0, 20*second, held), history(20200*time.Millisecond, 21*second, vacant)...), stay},
		{"vacant for a second", append(history(0, 20*second, held), history(20200*time.Millisecond, 21200*time.Millisecond, vacant)...), take},
		{"the second oldest waits one more", history(20*second, 21200*time.Millisecond, reading{vacant: true, rank: 1}), stay},
		{"the second oldest at last", history(20*second, 22*second, reading{vacant: true, rank: 1}), take},
		{"after a pause of the process", append(history(0, 20*second, vacant), history(40*second, 40200*time.Millisecond, vacant)...), stay},
		{"serving alone", history(0, 120*second, serving), stay},
		{"relieved for 29.8 s", append(history(0, 20*second, serving), history(20200*time.Millisecond, 50*second, relieved)...), stay},
		{"relieved for 30 s", append(history(0, 20*second, serving), history(20200*time.Millisecond, 50200*time.Millisecond, relieved)...), withdraw},
		{"relief that flaps", append(append(history(0, 20*second, relieved), history(20200*time.Millisecond, 20400*time.Millisecond, serving)...), history(20600*time.Millisecond, 40*second, relieved)...), stay},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := decide(tt.history, began); got != tt.want {
				t.Errorf("decide = %s, want %s", got, tt.want)
			}
		})
	}
}

// after lets virtual time pass until done says so, and returns how long that
// took; it fails the test after limit.
func after(t *testing.T, limit time.Duration, what string, done func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !done() {
		if time.Since(began) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(10 * time.Millisecond) // virtual: costs nothing
		synctest.Wait()
	}
	return time.Since(began)
}

func TestStandbyTakesTheRoleAndGivesItBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1 := w.add(t, true, time.Hour)
		n2, n3 := w.add(t, false, 50*time.Minute), w.add(t, false, 40*time.Minute)
		w.run(t)
		time.Sleep(time.Minute)
		if n2.svc.Serving() || n3.svc.Serving() {
			t.Fatal("a standby serves beside a configured node")
		}
		n1.crash()
		took := after(t, 3*time.Second, "the oldest standby serves", n2.svc.Serving)
		if took < vacantFor || took > vacantFor+2*readEvery {
			t.Errorf("took the role after %v, want about %v", took, vacantFor)
		}
		time.Sleep(time.Minute)
		if n3.svc.Serving() {
			t.Error("the younger standby took the role too")
		}
		if got := n2.lead(); got != "n2" {
			t.Errorf("lead = %q, want n2", got)
		}

		// n1 comes back with the same disk, and a newer start.
		n1.set(func(n *node) { n.dead = false })
		w.change("n1", func(m *membership.Member) {
			m.Status, m.Started, m.Since = membership.StatusAlive, time.Now(), time.Now()
		})
		took = after(t, time.Minute, "the standby gives the role back", func() bool { return !n2.svc.Serving() })
		if took < relievedFor || took > relievedFor+3*time.Second {
			t.Errorf("gave the role back after %v, want about %v", took, relievedFor)
		}
		if n2.svc.Claim() != nil || len(w.list()[1].Roles) != 0 {
			t.Error("n2 still claims the role")
		}
		var kinds int
		for _, e := range n2.timeline.After(0) {
			if e.Kind == "standby" {
				kinds++
			}
		}
		if kinds != 2 {
			t.Errorf("%d standby events in the timeline, want 2", kinds)
		}
	})
}

func TestStandbyWaitsInAClustersFirstSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, false, time.Second), w.add(t, false, 0)
		w.run(t)
		if took := after(t, 15*time.Second, "a standby serves", n1.svc.Serving); took < settleFor {
			t.Errorf("took the role after %v, want %v at least", took, settleFor)
		}
		time.Sleep(time.Minute)
		if n2.svc.Serving() {
			t.Error("both serve")
		}
	})
}

func TestYoungerOfTwoStandbysWithdraws(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, false, time.Hour), w.add(t, false, time.Minute)
		w.run(t)
		// As after a partition: both took the role on their side.
		n1.svc.standIn()
		n2.svc.standIn()
		after(t, time.Minute, "the younger withdraws", func() bool { return !n2.svc.Serving() })
		time.Sleep(2 * time.Minute)
		if !n1.svc.Serving() || n2.svc.Serving() {
			t.Errorf("serving: n1 %v, n2 %v; want the older alone", n1.svc.Serving(), n2.svc.Serving())
		}
	})
}

func TestStandbyDoesNotYieldToADeadService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, true, time.Hour), w.add(t, false, time.Minute)
		n1.set(func(n *node) { n.dead = true })
		w.run(t)
		n2.svc.standIn()
		time.Sleep(2 * time.Minute)
		if !n2.svc.Serving() {
			t.Error("gave the role to a node that answers nobody")
		}
	})
}
