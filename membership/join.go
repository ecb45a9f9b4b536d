package membership

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	seedEvery   = time.Second      // while a seed is missing
	checkEvery  = 15 * time.Second // while all are there
	joinAtOnce  = 3                // dials under way together
	secretTries = 3                // rounds before a wrong secret is believed
)

// settleAt is when, after the first contact, a random member is joined again.
// When many nodes start together their announcements crowd each other out of
// the gossip; without these, some nodes stay unknown to some for a long time.
var settleAt = []time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond} // +0.5, +1.5, +3 s

// verdict is how an attempt to join one address ended.
type verdict int

const (
	unreachable verdict = iota
	joined
	wrongSecret
	refused
)

// stayJoined joins the seeds and goes on for ever. It returns ErrWrongSecret
// when nobody else can be expected to let this node in; else nil, when ctx ends.
func (a *Agent) stayJoined(ctx context.Context) error {
	seeds := newSeedList(a.cfg.Seeds, a.isSelf)
	if err := a.firstContact(ctx, seeds); err != nil {
		return err
	}
	a.keepContact(ctx, seeds)
	return nil
}

// firstContact tries all seeds, every second, until one lets this node in, or
// somebody else joined it. It gives up with ErrWrongSecret when all seeds that
// could be reached said three times in a row that they can't read us; a single
// seed that is up may be the one that is wrong.
func (a *Agent) firstContact(ctx context.Context, seeds *seedList) error {
	for wrong := 0; ; {
		addrs := seeds.resolve(ctx, true)
		found := a.join(ctx, addrs, len(addrs))
		a.stamp()
		if found[joined] > 0 || len(a.others()) > 0 {
			a.contacted()
			return nil
		}
		if found[wrongSecret] == 0 || found[refused] > 0 {
			wrong = 0
			a.contacted()
		} else if wrong++; wrong >= secretTries {
			return ErrWrongSecret
		}
		if !pause(ctx, jitter(seedEvery)) {
			return nil
		}
	}
}

// keepContact joins again: every second some of the seeds that are not among
// the alive members, every 15 s one of those that are. Gossip alone may never
// heal a partition, because each side ceases to talk to those it holds for
// dead; a seed list does not forget. An attempt across a cut hangs for the
// whole time-out; the next one does not wait for it.
func (a *Agent) keepContact(ctx context.Context, seeds *seedList) {
	var wg sync.WaitGroup
	defer wg.Wait()
	underWay := make(chan struct{}, 3)
	lost, checked := false, time.Now()
	for pause(ctx, jitter(seedEvery)) {
		routine := time.Since(checked) >= checkEvery
		addrs := seeds.resolve(ctx, routine || lost) // a lost seed's name may point elsewhere by now
		missing := slices.DeleteFunc(slices.Clone(addrs), func(addr string) bool {
			m, _ := a.Member(a.idOf(addr))
			return m.Status == StatusAlive
		})
		lost = len(missing) > 0
		try, most := missing, joinAtOnce
		if !lost && routine {
			try, most = addrs, 1
			checked = time.Now()
		}
		if len(try) == 0 {
			continue
		}
		select {
		case underWay <- struct{}{}:
			wg.Go(func() {
				a.join(ctx, try, most)
				<-underWay
			})
		default: // three rounds hang already
		}
	}
}

// join tries up to most of these addresses in random order, a few at once,
// until one answers, and counts how the attempts ended.
func (a *Agent) join(ctx context.Context, addrs []string, most int) map[verdict]int {
	addrs = slices.Clone(addrs)
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	addrs = addrs[:min(most, len(addrs))]
	found := map[verdict]int{}
	for batch := range slices.Chunk(addrs, joinAtOnce) {
		if found[joined] > 0 || ctx.Err() != nil {
			break
		}
		verdicts := make([]verdict, len(batch))
		var wg sync.WaitGroup
		for i, addr := range batch {
			wg.Go(func() { verdicts[i] = a.joinOne(addr) })
		}
		wg.Wait()
		for i, v := range verdicts {
			if found[v]++; v == joined && found[joined] == 1 {
				// serf's own Join also announces that we are here on purpose, which
				// ends an older goodbye of ours. It takes one at a time, and a dead
				// seed would hold up the rest; so only one that just answered.
				_, _ = a.serf.Join(batch[i:i+1], true)
			}
		}
	}
	if found[joined] > 0 {
		a.reconcile()
	}
	if n := found[wrongSecret]; n > 0 && a.saidSecret.admit() {
		a.log.Error("seed uses another secret", "seeds", n, "unreachable", found[unreachable])
	}
	return found
}

// joinOne exchanges everything known with the node at addr.
func (a *Agent) joinOne(addr string) verdict {
	_, err := a.serf.Memberlist().Join([]string{addr})
	v := judge(err)
	if err != nil {
		a.log.Debug("join failed", "address", addr, "error", err)
	}
	return v
}

// judge reads memberlist's error. It keeps nothing but the text of the cause
// (it wraps with %v), so the text is what we go by; the tests hold it.
func judge(err error) verdict {
	if err == nil {
		return joined
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no installed keys could decrypt"), strings.Contains(text, "encryption is"):
		return wrongSecret // they can't read us, or we can't read them
	case strings.Contains(text, ErrOtherGradebook.Error()):
		return refused
	}
	return unreachable
}

// settle joins a random member again, three times, after the first contact.
func (a *Agent) settle(ctx context.Context) {
	changed, stop := a.Watch()
	defer stop()
	for len(a.others()) == 0 {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
	for _, d := range settleAt {
		if !pause(ctx, jitter(d)) {
			return
		}
		if others := a.others(); len(others) > 0 {
			_ = a.joinOne(others[rand.IntN(len(others))].Gossip)
		}
	}
}

// stamp sets the start tag, once, after the first attempt to join: the own
// clock, but later than every tag seen. So a node whose clock is slow is not
// the oldest each time it restarts, and whoever returns is the youngest.
func (a *Agent) stamp() {
	if !a.Self().Started.IsZero() {
		return
	}
	a.reconcile()
	start := a.cfg.Now()
	for _, m := range a.view.Load().byID {
		if after := m.Started.Add(time.Millisecond); after.After(start) {
			start = after
		}
	}
	err := a.Update(func(t *Tags) { t.Started = start })
	if err != nil { // no room for nine bytes more: this node never leads
		a.log.Error("start tag not set", "error", err)
	}
}

// others are the alive members but this one.
func (a *Agent) others() []Member {
	return slices.DeleteFunc(a.Members(), func(m Member) bool {
		return m.ID == a.cfg.ID || m.Status != StatusAlive
	})
}

// isSelf reports whether addr is this node's own gossip port.
func (a *Agent) isSelf(addr string) bool {
	if addr == a.self {
		return true
	}
	host, port, err1 := net.SplitHostPort(addr)
	_, own, err2 := net.SplitHostPort(a.self)
	bound, _, err3 := net.SplitHostPort(a.cfg.Bind)
	if err1 != nil || err2 != nil || err3 != nil || port != own {
		return false
	}
	if host == bound {
		return true
	}
	if ip := net.ParseIP(bound); ip == nil || !ip.IsUnspecified() {
		return false
	}
	addrs, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(addrs, func(x net.Addr) bool {
		n, ok := x.(*net.IPNet)
		return ok && n.IP.Equal(net.ParseIP(host))
	})
}

// pause waits and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter spreads d by a tenth either way, so that nodes started together do
// not act together for ever.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
