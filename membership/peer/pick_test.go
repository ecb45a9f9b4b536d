package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

func members(n int) []membership.Member {
	ms := make([]membership.Member, n)
	for i := range ms {
		ms[i] = membership.Member{ID: fmt.Sprint("n", i), Name: fmt.Sprint("n", i), Status: membership.StatusAlive, Roles: []string{"log"}}
	}
	return ms
}

func over(ms []membership.Member) *Transport {
	return New(Config{
		Self: "n0", Members: func() []membership.Member { return ms },
		Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("nobody") },
	})
}

// firsts counts who is picked first.
func firsts(t *Transport, times int) map[string]int {
	n := map[string]int{}
	for range times {
		n[t.Pick("log")[0].ID]++
	}
	return n
}

func TestPickSpreads(t *testing.T) {
	t.Parallel()
	for id, n := range firsts(over(members(5)), 1000) {
		if n < 100 {
			t.Errorf("%s was first %d times of 1000 among five equals", id, n)
		}
	}
}

func TestPickPrefersTheIdleAndTheFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := over(members(2))
		tr.reached("n0", 2*time.Millisecond)
		tr.reached("n1", 2*time.Millisecond)
		for range 3 {
			tr.begin("n0")
		}
		if n := firsts(tr, 100); n["n1"] != 100 {
			t.Errorf("first were %v, want always n1: n0 is busy", n)
		}
		tr = over(members(2))
		tr.reached("n0", 100*time.Millisecond)
		tr.reached("n1", 2*time.Millisecond)
		if n := firsts(tr, 100); n["n1"] != 100 {
			t.Errorf("first were %v, want always n1: n0 is slow", n)
		}
		time.Sleep(time.Minute) // with nobody asking, slowness fades
		tr.reached("n1", 2*time.Millisecond)
		if n := firsts(tr, 100); n["n0"] == 0 {
			t.Errorf("first were %v: n0 is never tried again", n)
		}
	})
}

func TestPickPutsTheRestingLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := over(members(3))
		tr.lost("n1")
		for range 50 {
			if ps := tr.Pick("log"); len(ps) != 3 || ps[2].ID != "n1" {
				t.Fatalf("picked %v, want n1 last", ps)
			}
		}
		time.Sleep(defaultRest + time.Millisecond)
		if n := firsts(tr, 100); n["n1"] == 0 {
			t.Errorf("first were %v: n1 is not tried after its rest", n)
		}
		if got := tr.Unreachable(); fmt.Sprint(got) != "[n1]" {
			t.Errorf("unreachable %v, want n1 until a call reaches it", got)
		}
		tr.reached("n1", time.Millisecond)
		if got := tr.Unreachable(); len(got) != 0 {
			t.Errorf("unreachable %v after n1 answered", got)
		}
	})
}

func TestPickTakesOnlyTheLivingThatServe(t *testing.T) {
	t.Parallel()
	ms := members(4)
	ms[0].Status = membership.StatusFailed
	ms[1].Status = membership.StatusLeaving
	ms[2].Roles = []string{"grading"}
	if got := over(ms).Pick("log"); len(got) != 1 || got[0].ID != "n3" {
		t.Errorf("picked %v, want n3 alone", got)
	}
}

func TestForgottenMembersAreForgotten(t *testing.T) {
	t.Parallel()
	ms := members(2)
	tr := over(nil)
	tr.cfg.Members = func() []membership.Member { return ms }
	tr.lost("n1")
	ms = ms[:1]
	if got := tr.Unreachable(); len(got) != 0 || len(tr.stats) != 0 {
		t.Errorf("unreachable %v, %d entries kept for nobody", got, len(tr.stats))
	}
}

func TestPeakCountsAtOnceAndFades(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var s stat
	s.observe(10*time.Millisecond, now)
	s.observe(100*time.Millisecond, now)
	if s.latency != 100*time.Millisecond {
		t.Errorf("latency %v after a peak of 100ms", s.latency)
	}
	for range 50 {
		s.observe(10*time.Millisecond, now)
	}
	if s.latency > 12*time.Millisecond {
		t.Errorf("latency %v after fifty calls of 10ms", s.latency)
	}
	s.observe(time.Hour, now)
	if s.latency > latencyMost {
		t.Errorf("latency %v: one blocking query counts as an hour", s.latency)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{5, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tr := over(members(n))
			b.ReportAllocs()
			for b.Loop() {
				tr.Pick("log")
			}
		})
	}
}
