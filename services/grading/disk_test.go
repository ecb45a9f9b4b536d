package grading

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
)

// fillable makes the disk of every node of a group one that can be full.
func fillable(g *group) (fill func(id string, full bool)) {
	var full atomic.Pointer[string]
	g.tune = func(c *Config) {
		id := c.ID
		c.diskFault = func() error {
			if f := full.Load(); f != nil && *f == id {
				return fmt.Errorf("file resize error: %s", &os.PathError{Op: "truncate", Path: "raft.db", Err: syscall.ENOSPC})
			}
			return nil
		}
	}
	return func(id string, is bool) {
		if is {
			full.Store(&id)
		} else {
			full.Store(nil)
		}
	}
}

const fullDisk = "disk: no space left on device; this copy takes no part until there is room"

func says(m *member) (st health.Status, output string) {
	for _, c := range m.health.Checks() {
		if c.Name == healthName {
			return c.Status, c.Output
		}
	}
	return "", ""
}

func (g *group) wellAgain(m *member) {
	g.t.Helper()
	g.eventually(func() error {
		st, output := says(m)
		if lag := m.service.Status().Lag; st != health.Passing || lag > 0 || m.service.Fault() != nil {
			return fmt.Errorf("%s is %s: %s, lag %d", m.id, st, output, lag)
		}
		return nil
	})
}

func TestAFollowerSaysThatItsDiskIsFull(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	fill := fillable(g)
	for _, id := range []string{"n1", "n2", "n3"} {
		g.add(id).start()
	}
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(3)
	ctx, c := asAdmin(t.Context()), g.mustLeader().client()
	course, assignment, student := classroom(t, c)
	f := g.follower()
	g.wellAgain(f)
	fill(f.id, true)
	if _, err := c.SetScore(ctx, course, assignment, student, points(70), nil); err != nil {
		t.Fatalf("a majority can write, and the answer is %v", err)
	}
	g.eventually(func() error {
		if st, output := says(f); st != health.Critical || output != fullDisk {
			return fmt.Errorf("%s says %s: %s", f.id, st, output)
		}
		return nil
	})
	_, err := f.client().Course(ctx, course)
	if p, ok := errors.AsType[*httpapi.Problem](err); !ok || p.Status != 503 || p.Detail != fullDisk {
		t.Errorf("a read from the copy that stands still: got %v, want 503 that says why", err)
	}
	fill(f.id, false)
	g.wellAgain(f)
	if s, err := f.client().Score(ctx, course, assignment, student); err != nil || s.Points.String() != "70" {
		t.Errorf("after there is room: %+v, %v", s, err)
	}
}

func TestALeaderWithAFullDiskGivesWay(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	fill := fillable(g)
	for _, id := range []string{"n1", "n2", "n3"} {
		g.add(id).start()
	}
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(3)
	l := g.mustLeader()
	ctx, c := asAdmin(t.Context()), l.client()
	course, assignment, student := classroom(t, c)
	fill(l.id, true)
	var err error
	if _, err = c.SetScore(ctx, course, assignment, student, points(70), nil); err != nil {
		t.Logf("through the leader itself: %v", err)
	}
	g.eventually(func() error {
		now, err := g.leader()
		if err != nil || now.id == l.id {
			return fmt.Errorf("leader %v, %v", now, err)
		}
		if st, output := says(l); st != health.Critical || output != fullDisk {
			return fmt.Errorf("%s says %s: %s", l.id, st, output)
		}
		return nil
	})
	if _, err := g.mustLeader().client().SetScore(ctx, course, assignment, student, points(71), nil); err != nil {
		t.Errorf("through the next leader: %v", err)
	}
	fill(l.id, false)
	g.wellAgain(l)
}

func TestALoneNodeWaitsForRoom(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	fill := fillable(g)
	n := g.add("n1").start()
	if _, err := n.service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(1)
	ctx, c := asAdmin(t.Context()), n.client()
	course, assignment, student := classroom(t, c)
	fill("n1", true)
	if _, err := c.SetScore(ctx, course, assignment, student, points(70), nil); err == nil {
		t.Fatal("a grade was acknowledged that no disk holds")
	}
	g.eventually(func() error {
		if st, output := says(n); st != health.Critical || output != fullDisk {
			return fmt.Errorf("says %s: %s", st, output)
		}
		return nil
	})
	fill("n1", false)
	g.wellAgain(n)
	g.eventually(func() error {
		_, err := c.SetScore(ctx, course, assignment, student, points(71), nil)
		return err
	})
}

// A node that cannot write its term stops all the same.
func TestANodeWithAFullDiskStops(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	fill := fillable(g)
	n := g.add("n1").start()
	if _, err := n.service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(1)
	fill("n1", true)
	ctx, c := asAdmin(t.Context()), n.client()
	_, _ = c.CreateCourse(ctx, NewCourse{Title: "x"})
	g.eventually(func() error {
		if n.service.Fault() == nil {
			return errors.New("no fault")
		}
		return nil
	})
	done := make(chan struct{})
	go func() { n.kill(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("a full disk holds up the stop")
	}
}

func TestDiskErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.ENOSPC, fmt.Errorf("x: %w", syscall.ENOSPC), fmt.Errorf("x: %s", syscall.ENOSPC)} {
		if got := (&diskError{err}).Error(); got != fullDisk {
			t.Errorf("%v: got %q", err, got)
		}
	}
	if got := (&diskError{syscall.EIO}).Error(); !strings.HasPrefix(got, "disk: input/output error; ") {
		t.Errorf("got %q", got)
	}
}
