package membership_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
)

func TestWrongSecretEndsRun(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		c.StartN(2)
		membertest.Eventually(t, limit, c.Converged)
		stranger := c.Stranger().Start("s", membertest.Seeds(c.Addrs()...))
		if err := stranger.Wait(); !errors.Is(err, membership.ErrWrongSecret) {
			t.Errorf("Run returned %v, want ErrWrongSecret", err)
		}
	})
}

func TestWrongSecretIsRetriedWhileAnotherSeedAnswers(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		s := c.Stranger().Start("s")
		a := c.Start("n1")
		b := c.Start("n2", membertest.Seeds(s.Addr(), a.Addr()))
		membertest.Eventually(t, limit, c.Converged)
		time.Sleep(time.Minute)
		if err := b.Sees(membership.StatusAlive, a); err != nil {
			t.Error(err)
		}
		if n := len(s.Members()); n != 1 {
			t.Errorf("the stranger lists %d members, want itself only", n)
		}
	})
}

func TestKeyRotation(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		fresh := bytes.Repeat([]byte{7}, 32)
		n1 := c.Start("n1", func(cfg *membership.Config) { cfg.Keys = append(cfg.Keys, fresh) }) // accepts
		n2 := c.Start("n2", membertest.Seeds(n1.Addr()), func(cfg *membership.Config) {
			cfg.Keys = [][]byte{fresh, cfg.Keys[0]} // uses
		})
		membertest.Eventually(t, limit, c.Converged)
		n1.Leave()
		n1.Restart(membertest.Seeds(n2.Addr()), func(cfg *membership.Config) { cfg.Keys = [][]byte{fresh} }) // has only that
		membertest.Eventually(t, limit, c.Converged)
	})
}

func TestTwoClustersDoNotMix(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		other := c.Stranger()
		c.StartN(3)
		membertest.Eventually(t, limit, c.Converged)
		// The other cluster has ours among its seeds, by mistake.
		first := other.Start("x1")
		for i := range 2 {
			other.Start(fmt.Sprintf("x%d", i+2), membertest.Seeds(append(c.Addrs(), first.Addr())...))
		}
		membertest.Eventually(t, limit, other.Converged)
		time.Sleep(time.Minute)
		if err := errors.Join(c.Converged(), other.Converged()); err != nil {
			t.Error(err)
		}
	})
}

func TestOtherGradebookIsRefused(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		var logged syncBuffer
		ours := c.StartN(2, membertest.Gradebook("A"), func(cfg *membership.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		})
		membertest.Eventually(t, limit, c.Converged)
		stranger := c.Start("s", membertest.Gradebook("B"))
		empty := c.Start("e", membertest.Seeds(ours[0].Addr()))
		membertest.Eventually(t, limit, func() error {
			return errors.Join(empty.Sees(membership.StatusAlive, ours...), ours[1].Sees(membership.StatusAlive, empty))
		})
		time.Sleep(time.Minute)
		for _, n := range append(ours, empty) {
			if _, ok := n.Member(stranger.ID); ok {
				t.Errorf("%s lists the member of another gradebook", n.Name)
			}
		}
		if alive := stranger.Alive(); len(alive) != 1 {
			t.Errorf("the stranger lists %v, want itself only", alive)
		}
		if !strings.Contains(logged.String(), "member of another gradebook refused") {
			t.Error("nothing in the log says that a member was refused")
		}
		refused := 0
		for _, e := range ours[0].Timeline().After(0) {
			if e.Kind == membership.EventRefused {
				refused++
			}
		}
		if refused == 0 || refused > 3 {
			t.Errorf("%d refusals on the timeline in a minute, want 1 to 3", refused)
		}
	})
}

func TestEmptyNodeIsNoBridge(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		a := c.Start("a", membertest.Gradebook("A"), membertest.Seeds())
		b := c.Start("b", membertest.Gradebook("B"), membertest.Seeds())
		empty := c.Start("e", membertest.Seeds(a.Addr(), b.Addr()))
		membertest.Eventually(t, limit, func() error {
			if n := len(empty.Alive()); n != 2 {
				return fmt.Errorf("the node between lists %d alive, want itself and one more", n)
			}
			return nil
		})
		time.Sleep(time.Minute)
		if n := len(empty.Alive()); n != 2 {
			t.Errorf("the node between lists %d alive, want itself and one more", n)
		}
		if _, ok := a.Member(b.ID); ok {
			t.Error("two gradebooks met through a node that has none")
		}
		if _, ok := b.Member(a.ID); ok {
			t.Error("two gradebooks met through a node that has none")
		}
	})
}

func TestCopiedDataDirectoryIsNoticed(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		nodes := c.StartN(4)
		membertest.Eventually(t, limit, c.Converged)
		twin := c.Start("copy", func(cfg *membership.Config) { cfg.ID = nodes[0].ID })
		if err := twin.Wait(); !errors.Is(err, membership.ErrSameID) {
			t.Errorf("Run of the copy returned %v, want ErrSameID", err)
		}
		if err := nodes[1].Sees(membership.StatusAlive, nodes[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestCrashWhileLeaving(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		first := c.Start("first")
		for after := time.Duration(0); after < 500*time.Millisecond; after += 50 * time.Millisecond {
			n := c.Start(fmt.Sprint("after ", after))
			membertest.Eventually(t, limit, c.Converged)
			go n.Leave()
			time.Sleep(after)
			n.Crash()
			membertest.Eventually(t, limit, func() error {
				if m, _ := first.Member(n.ID); m.Status != membership.StatusLeft && m.Status != membership.StatusFailed {
					return fmt.Errorf("listed as %q, want left or failed", m.Status)
				}
				return nil
			})
		}
	})
}

func TestCrashEndsRun(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		n := c.Start("n1")
		n.Crash()
		if err := n.Wait(); !errors.Is(err, membership.ErrCrashed) {
			t.Errorf("Run returned %v, want ErrCrashed", err)
		}
	})
}

func TestConfigFaultsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := membership.New(membership.Config{
		ID: "a/b", Bind: "localhost:1", Seeds: []string{"n1"}, Profile: "moon", Keys: [][]byte{{1}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`ID "a/b"`, `Bind "localhost:1"`, `Seeds[0] "n1"`, `Profile "moon"`, "Keys[0] has 1 bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
}

func TestTagsThatDoNotFit(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		zone := strings.Repeat("z", 600)
		_, err := c.Try("n1", func(cfg *membership.Config) { cfg.Tags.Zone = zone })
		if err == nil || !strings.Contains(err.Error(), "Zone is 600 bytes") {
			t.Errorf("New returned %v, want an error that names Zone", err)
		}
		n := c.Start("n1")
		err = n.Update(func(t *membership.Tags) { t.Zone = zone })
		if err == nil || !strings.Contains(err.Error(), "Zone is 600 bytes") {
			t.Errorf("Update returned %v, want an error that names Zone", err)
		}
		if got := n.Self().Zone; got != "" {
			t.Errorf("Zone is %q after an Update that failed", got)
		}
		// The longest that passes our check must pass the library's, too.
		longest := 0
		for size := 600; size > 0; size-- {
			if n.Update(func(t *membership.Tags) { t.Zone = zone[:size] }) == nil {
				longest = size
				break
			}
		}
		if got := len(n.Self().Zone); got != longest || longest < 400 {
			t.Errorf("a zone of %d bytes was taken, %d are told", longest, got)
		}
	})
}

func TestWithdrawEndsWithItsContext(t *testing.T) {
	virtual(t, func(t *testing.T, c *membertest.Cluster) {
		n := c.Start("n1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.Withdraw(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Withdraw returned %v, want context.Canceled", err)
		}
	})
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
