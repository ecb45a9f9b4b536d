package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestExpired(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 0, 30, 0, 0, time.UTC)
	sizes := map[int]int64{20260227: 10, 20260228: 10, 20260301: 10, 20260302: 50, 20260303: 1}
	for _, c := range []struct {
		days int
		max  int64
		want string
	}{
		{0, 0, "[]"},
		{3, 0, "[]"},
		{2, 0, "[20260227]"},
		{1, 0, "[20260227 20260228]"},
		{0, 81, "[]"},
		{0, 65, "[20260227 20260228]"},
		{0, 1, "[20260227 20260228 20260301]"}, // never today, nor tomorrow of a clock that is ahead
		{2, 65, "[20260227 20260228]"},
	} {
		if got := fmt.Sprint(expired(sizes, now, c.days, c.max)); got != c.want {
			t.Errorf("%d days, %d bytes: %s, want %s", c.days, c.max, got, c.want)
		}
	}
}

// TestDroppedDaysAreNotMissing lets one day of two go on each log node, one
// after the other, and restarts one of them.
func TestDroppedDaysAreNotMissing(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	n1, n2 := c.start("n1", Role), c.start("n2", Role)
	p := c.start("p")
	p.ingest(t, "old", 10)
	p.shipped(t)
	p.stop()
	// The first batch of p becomes one of long ago, on both nodes.
	for _, n := range []*node{n1, n2} {
		n.exactly(t, Query{}, 10)
		n.stop()
		today := fmt.Sprint(date(time.Now()))
		if err := os.Rename(filepath.Join(n.dir, "logs", today), filepath.Join(n.dir, "logs", "20200101")); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []*node{n1, n2, p} {
		c.run(n)
	}
	p.ingest(t, "new", 10)
	p.shipped(t)
	n1.exactly(t, Query{}, 20)
	drop := func(n *node) {
		n.service.cfg.Days = 30
		n.service.retain()
	}
	drop(n1)
	n1.exactly(t, Query{}, 20) // n2 still has it
	n2.exactly(t, Query{}, 20)
	drop(n2)
	n1.exactly(t, Query{}, 10)
	n2.exactly(t, Query{}, 10)
	c.kill(n1)
	c.run(n1)
	n1.exactly(t, Query{}, 10)
	n1.exactly(t, Query{Contains: "new"}, 10)
	if _, err := os.Stat(filepath.Join(n1.dir, "logs", "20200101")); !os.IsNotExist(err) {
		t.Fatalf("the day is still there: %v", err)
	}
}
