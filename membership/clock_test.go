package membership

import (
	"testing"
	"time"
)

func TestClockNeverRunsBackwards(t *testing.T) {
	t.Parallel()
	wall := time.UnixMilli(1_000_000)
	c := NewClock("a")
	c.now = func() time.Time { return wall }
	last := c.Now()
	for _, step := range []time.Duration{0, time.Millisecond, -time.Hour, 0, 2 * time.Hour} {
		wall = wall.Add(step)
		next := c.Now()
		if next.Compare(last) <= 0 {
			t.Errorf("after a step of %v: %v is not after %v", step, next, last)
		}
		last = next
	}
}

func TestClockIsAfterWhatItMerged(t *testing.T) {
	t.Parallel()
	wall := time.UnixMilli(1_000_000)
	c := NewClock("a")
	c.now = func() time.Time { return wall }
	seen := Stamp{Wall: wall.Add(10 * time.Second).UnixMilli(), Count: 1<<32 - 1, Node: "z"}
	c.Merge(seen)
	if got := c.Now(); got.Compare(seen) <= 0 {
		t.Errorf("%v is not after %v, which was merged", got, seen)
	}
}

func TestClockTellsSkewOnceAMinute(t *testing.T) {
	t.Parallel()
	wall := time.UnixMilli(1_000_000)
	c := NewClock("a")
	c.now = func() time.Time { return wall }
	var said []string
	c.OnSkew(func(node string, ahead time.Duration) { said = append(said, node+" "+ahead.String()) })
	ahead := func(d time.Duration) Stamp { return Stamp{Wall: wall.Add(d).UnixMilli(), Node: "b"} }
	c.Merge(ahead(900 * time.Millisecond))
	c.Merge(ahead(2 * time.Second))
	c.Merge(ahead(3 * time.Second))
	wall = wall.Add(time.Minute)
	c.Merge(ahead(2 * time.Second))
	if len(said) != 2 || said[0] != "b 2s" {
		t.Errorf("said %q, want b 2s twice", said)
	}
}

func TestClockDoesNotBelieveAWrongYear(t *testing.T) {
	t.Parallel()
	c := NewClock("a")
	told := false
	c.OnSkew(func(string, time.Duration) { told = true })
	c.Merge(Stamp{Wall: time.Now().AddDate(50, 0, 0).UnixMilli(), Node: "b"})
	if got := time.UnixMilli(c.Now().Wall); time.Until(got) > time.Hour {
		t.Errorf("the clock was dragged to %v", got)
	}
	if !told {
		t.Error("nobody was told")
	}
}

func TestStampText(t *testing.T) {
	t.Parallel()
	s := Stamp{Wall: 1763825378123, Count: 4, Node: "9f2c.01"}
	got, err := ParseStamp(s.String())
	if err != nil || got != s {
		t.Errorf("%v came back as %v, %v", s, got, err)
	}
	for _, bad := range []string{"", "1", "1.2", "x.1.a", "1.x.a", "-1.0.a", "1.4294967296.a"} {
		if s, err := ParseStamp(bad); err == nil {
			t.Errorf("ParseStamp(%q) = %v, want an error", bad, s)
		}
	}
}

func FuzzParseStamp(f *testing.F) {
	f.Add("1763825378123.4.9f2c01")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStamp(text)
		if err != nil {
			return
		}
		if again, err := ParseStamp(s.String()); err != nil || again != s {
			t.Errorf("%q reads as %v, which reads as %v, %v", text, s, again, err)
		}
	})
}
