package registry

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

func TestNothingIsAnsweredBeforeTheOthersAreMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n := w.add(t, true, 0)
		w.change("n1", func(m *membership.Member) { m.Started = time.Time{} }) // gossip stamps it after joining
		w.run(t)
		time.Sleep(time.Second)
		if n.svc.Serving() {
			t.Fatal("a registry that has met nobody serves")
		}
		w.change("n1", func(m *membership.Member) { m.Started = time.Now() })
		synctest.Wait()
		if !n.svc.Serving() {
			t.Fatal("a registry that has joined does not serve")
		}
	})
}

func TestSettlingEndsWhenNobodyCanBeMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n := w.add(t, true, 0)
		w.change("n1", func(m *membership.Member) { m.Started = time.Time{} })
		w.run(t)
		time.Sleep(settleLimit + time.Millisecond)
		synctest.Wait()
		if !n.svc.Serving() {
			t.Fatalf("not serving after %v", settleLimit)
		}
	})
}
