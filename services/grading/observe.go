package grading

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// watch is what a node notes of raft's news: which voters don't answer the
// leader, and since when.
type watch struct {
	mu      sync.Mutex
	failing map[string]time.Time // by node id: since when heartbeats fail
}

func (w *watch) set(id string, fails bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing == nil {
		w.failing = map[string]time.Time{}
	}
	if !fails {
		delete(w.failing, id)
	} else if _, known := w.failing[id]; !known {
		w.failing[id] = time.Now()
	}
}

func (w *watch) fails(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, fails := w.failing[id]
	return fails
}

func (w *watch) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing = nil
}

// observe takes raft's news until ctx ends. Raft never waits for us: what does
// not fit into the channel is dropped, and whoever acts on news also looks
// again by the clock.
func (s *Service) observe(ctx context.Context, r *raft.Raft) {
	ch := make(chan raft.Observation, 256)
	o := raft.NewObserver(ch, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState, raft.PeerObservation,
			raft.FailedHeartbeatObservation, raft.ResumedHeartbeatObservation:
			return true
		}
		return false
	})
	r.RegisterObserver(o)
	defer r.DeregisterObserver(o)
	led := ""
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-ch:
			switch d := o.Data.(type) {
			case raft.LeaderObservation:
				if id := string(d.LeaderID); id != led {
					led = id
					s.newLeader(r, id)
				}
			case raft.RaftState:
				s.log.Debug("raft state", "state", d.String(), "term", r.CurrentTerm())
				if d == raft.Leader {
					s.watch.clear()
					s.spawn(func() { _, _ = s.crown(ctx, r) }) // who needs the reign asks again, and hears the error
				}
			case raft.FailedHeartbeatObservation:
				s.watch.set(string(d.PeerID), true)
			case raft.ResumedHeartbeatObservation:
				s.watch.set(string(d.PeerID), false)
			}
			s.pace(r)
			s.news.ring()
		}
	}
}

// pace sets how often this node's raft greets: each tenth to fifth of its
// heartbeat timeout. As a follower it must miss a dead leader after
// RaftConfig.Heartbeat; as the leader it need only be heard well within that
// and within its lease, and every greeting costs each node of the group some
// tenth of a millisecond of its processor, all day. So a leader greets after
// three to six tenths of its lease.
func (s *Service) pace(r *raft.Raft) {
	want := s.cfg.Raft.Heartbeat
	if r.State() == raft.Leader {
		want = max(want, 3*s.cfg.Raft.Lease)
	}
	c := r.ReloadableConfig()
	if c.HeartbeatTimeout == want {
		return
	}
	c.HeartbeatTimeout, c.ElectionTimeout = want, max(want, s.cfg.Raft.Election)
	if err := r.ReloadConfig(c); err != nil {
		s.log.Warn("raft keeps its pace", "error", err)
	}
}

// newLeader tells of a leader found or lost.
func (s *Service) newLeader(r *raft.Raft, id string) {
	if id == "" {
		s.log.Info("no leader", "term", r.CurrentTerm())
		s.cfg.Timeline("grading.leaderless", fmt.Sprintf("no leader after term %d", r.CurrentTerm()))
		return
	}
	s.log.Info("leader", "node", id, "name", s.nameOf(id), "term", r.CurrentTerm())
	s.cfg.Timeline("grading.leader", fmt.Sprintf("%s leads term %d", s.nameOf(id), r.CurrentTerm()))
}

// nameOf returns a node's human name, or its id when gossip does not know it.
func (s *Service) nameOf(id string) string {
	if id == s.cfg.ID {
		return s.cfg.Name
	}
	members := s.cfg.Members()
	for _, m := range members {
		if m.ID == id {
			return m.Name
		}
	}
	return id
}

// leader returns the current leader's id, empty for none.
func leader(r *raft.Raft) string {
	_, id := r.LeaderWithID()
	return string(id)
}

// Status says what this node's part is.
func (s *Service) Status() Status {
	v := s.fsm.view.Load()
	st := Status{Index: s.fsm.applied.now(), Gradebook: v.gradebook, Retired: v.retired, Voters: []string{}, Replicas: []string{}}
	r := s.raft.Load()
	if r == nil {
		return st
	}
	for _, srv := range servers(r) {
		if srv.Voter {
			st.Voters = append(st.Voters, srv.ID)
			st.Voter = st.Voter || srv.ID == s.cfg.ID
		} else {
			st.Replicas = append(st.Replicas, srv.ID)
		}
	}
	slices.Sort(st.Voters)
	slices.Sort(st.Replicas)
	st.Leader, st.Term, st.CommitIndex = leader(r), r.CurrentTerm(), r.CommitIndex()
	if applied := r.AppliedIndex(); st.CommitIndex > applied {
		st.Lag = st.CommitIndex - applied
	}
	st.Quorum = st.Leader != ""
	return st
}
