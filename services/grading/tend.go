package grading

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/membership"
)

// planEvery is how often the leader plans when nothing calls for it sooner.
// caughtUpSlack is how many entries a replica may be behind, at the moment it
// is asked, and count as keeping up: under load it always is by some.
const (
	planEvery     = time.Second
	planSoon      = 250 * time.Millisecond
	caughtUpSlack = 256
	changeTimeout = 5 * time.Second
)

// tend keeps the group as plan wants it, while this node leads. It looks again
// when membership changes, and by the clock, as news can be lost.
func (s *Service) tend(ctx context.Context, r *raft.Raft) {
	changed, stop := s.cfg.Watch()
	defer stop()
	t := &tender{s: s, r: r, strangers: map[string]bool{}}
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		news := s.news.wait()
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changed:
			if !ok {
				changed = nil
			}
		case <-news:
		case <-wait.C:
		}
		wait.Reset(t.round(ctx))
	}
}

// tender is the leader's memory between two rounds.
type tender struct {
	s         *Service
	r         *raft.Raft
	term      uint64
	gone      map[string]time.Time // since when a server is neither in gossip nor answers raft
	kept      map[string]time.Time // since when a replica without a vote keeps up
	strangers map[string]bool      // members of another gradebook, told once
}

// round plans and makes one change. It returns when to look again.
func (t *tender) round(ctx context.Context) time.Duration {
	g, err := t.s.crown(ctx, t.r)
	if err != nil {
		t.term = 0
		return t.s.cfg.planEvery
	}
	if g.term != t.term {
		// A new leader knows nothing of the others yet: every wait begins anew.
		t.term, t.gone, t.kept = g.term, map[string]time.Time{}, map[string]time.Time{}
	}
	conf := t.r.GetConfiguration()
	if conf.Error() != nil {
		return t.s.cfg.planEvery
	}
	v := t.survey(ctx, servers(t.r))
	changes := plan(v)
	if len(changes) > 0 {
		t.make(changes[0], conf.Index())
	}
	for _, srv := range v.Servers {
		if !srv.Voter {
			return min(planSoon, t.s.cfg.planEvery)
		}
	}
	return t.s.cfg.planEvery
}

// survey gathers what plan depends on.
func (t *tender) survey(ctx context.Context, servers []server) view {
	state := t.s.fsm.view.Load()
	v := view{
		Self: t.s.cfg.ID, Gradebook: state.gradebook, Servers: servers, Retired: state.retired,
		Stable: t.s.cfg.stable, Replace: t.s.cfg.replace,
	}
	members := map[string]membership.Member{}
	for _, m := range t.s.cfg.Members() {
		members[m.ID] = m
	}
	kept := t.askReplicas(ctx, servers, members)
	now := time.Now()
	for _, srv := range servers {
		c := t.judge(srv, members[srv.ID], now)
		c.KeptUp = since(t.kept, srv.ID, kept[srv.ID], now)
		v.Candidates = append(v.Candidates, c)
		t.stranger(members[srv.ID], state.gradebook)
		delete(members, srv.ID)
	}
	for _, m := range members {
		v.Candidates = append(v.Candidates, candidate{ID: m.ID, Gossip: gossipOf(m), Offers: m.Voting, Gradebook: m.Gradebook})
		t.stranger(m, state.gradebook)
	}
	return v
}

// judge says how a server of the configuration is.
func (t *tender) judge(srv server, m membership.Member, now time.Time) candidate {
	c := candidate{ID: srv.ID, Gossip: gossipOf(m), Offers: m.Voting, Gradebook: m.Gradebook}
	fails := srv.ID != t.s.cfg.ID && t.s.watch.fails(srv.ID)
	c.Answers = !fails && c.Gossip == alive
	c.Gone = since(t.gone, srv.ID, fails && c.Gossip != alive, now)
	return c
}

// gossipOf puts a member's status into plan's words; the zero Member is one
// that gossip does not know.
func gossipOf(m membership.Member) gossip {
	switch m.Status {
	case membership.StatusAlive:
		return alive
	case membership.StatusLeaving, membership.StatusLeft:
		return stopped
	case membership.StatusFailed:
		return failed
	}
	return unknown
}

// since notes from when on something holds for id, and returns for how long.
func since(notes map[string]time.Time, id string, holds bool, now time.Time) time.Duration {
	if !holds {
		delete(notes, id)
		return 0
	}
	if _, known := notes[id]; !known {
		notes[id] = now
	}
	return now.Sub(notes[id])
}

// askReplicas asks the replicas without a vote how far they are. Raft knows
// it, but tells nobody.
func (t *tender) askReplicas(ctx context.Context, servers []server, members map[string]membership.Member) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := map[string]bool{}
	commit, gradebook := t.r.CommitIndex(), t.s.fsm.view.Load().gradebook
	for _, srv := range servers {
		if srv.Voter || members[srv.ID].Status != membership.StatusAlive {
			continue
		}
		wg.Go(func() {
			st, err := callNode[Status](ctx, t.s, srv.ID, http.MethodGet, "/v1/grading/status", nil)
			if err == nil && st.Gradebook == gradebook && st.CommitIndex+caughtUpSlack >= commit && st.Lag <= caughtUpSlack {
				mu.Lock()
				kept[srv.ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return kept
}

// stranger tells, once, of a member that holds another gradebook.
func (t *tender) stranger(m membership.Member, ours string) {
	other := m.Gradebook != "" && ours != "" && m.Gradebook != ours
	if other && !t.strangers[m.ID] {
		t.s.log.Error("a member holds another gradebook and is not added: two gradebooks can't be joined; stop it, and if its grades are not needed remove its data directory",
			"node", m.ID, "name", m.Name, "its_gradebook", m.Gradebook, "ours", ours)
		t.s.cfg.Timeline("grading.refused", fmt.Sprintf("%s holds gradebook %s, ours is %s: not added", m.Name, m.Gradebook, ours))
	}
	t.strangers[m.ID] = other
}

// make makes one change. prev is the configuration it was planned from: raft
// refuses it when another was made since.
func (t *tender) make(c change, prev uint64) {
	id, addr := raft.ServerID(c.ID), raft.ServerAddress(c.ID)
	var f raft.Future
	kind := "grading.replica.added"
	switch c.Op {
	case opAdd:
		f = t.r.AddNonvoter(id, addr, prev, changeTimeout)
	case opPromote:
		kind, f = "grading.voter.added", t.r.AddVoter(id, addr, prev, changeTimeout)
	case opRemove:
		kind, f = "grading.voter.removed", t.r.RemoveServer(id, prev, changeTimeout)
	case opHandOver:
		kind, f = "grading.handover", t.r.LeadershipTransfer()
	}
	if err := t.s.await(f); err != nil {
		t.s.log.Warn("the group was not changed", "change", string(c.Op), "node", c.ID, "error", err)
		return
	}
	t.s.log.Info("the group was changed", "change", string(c.Op), "node", c.ID, "why", c.Why)
	t.s.cfg.Timeline(kind, fmt.Sprintf("%s: %s", t.s.nameOf(c.ID), c.Why))
	t.s.news.ring()
}
