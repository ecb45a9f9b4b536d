package health_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/node/health"
)

func TestSinceMovesOnlyWithTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s health.Set
		start := time.Now()
		s.Report("raft", health.Passing, "leader")
		time.Sleep(time.Minute)
		s.Report("raft", health.Passing, "follower")
		if c := s.Checks()[0]; !c.Since.Equal(start) || c.Output != "follower" {
			t.Fatalf("got %+v, want the new output since the first report", c)
		}
		s.Report("raft", health.Critical, "no quorum")
		if c := s.Checks()[0]; !c.Since.Equal(start.Add(time.Minute)) {
			t.Fatalf("got %+v, want since the change of status", c)
		}
		s.Clear("raft")
		if cs := s.Checks(); cs == nil || len(cs) != 0 {
			t.Fatalf("got %v, want an empty list", cs)
		}
	})
}

func TestWorst(t *testing.T) {
	for _, tc := range []struct {
		in   []health.Status
		want health.Status
	}{
		{nil, health.Passing},
		{[]health.Status{health.Passing, health.Warning}, health.Warning},
		{[]health.Status{health.Critical, health.Warning, health.Passing}, health.Critical},
		{[]health.Status{"odd", health.Warning}, "odd"},
	} {
		var cs []health.Check
		for _, s := range tc.in {
			cs = append(cs, health.Check{Status: s})
		}
		if got := health.Worst(cs); got != tc.want {
			t.Errorf("Worst(%v) = %q, want %q", tc.in, got, tc.want)
		}
	}
}
