package grading

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// A linearizable read sees every write that was answered before it began. No
// clock is trusted for that (a leader that was paused would trust its lease
// while another one leads); the leader asks a majority instead:
//
//	1. the reader notes the commit index: all that was answered is below it
//	2. the leader hears from a majority that it still leads
//	3. the reader waits until its own state machine has applied that far
//
// Step 2 is shared by all reads that wait for it, and step 3 may happen on any
// replica: a follower asks the leader for the index and then reads by itself
// (Ongaro, "Consensus: Bridging Theory and Practice", 2014, §6.4).

// read returns the gradebook as of now or later.
func (s *Service) read(ctx context.Context) (*reading, error) {
	if err := s.able(); err != nil {
		return nil, err
	}
	var unsure error
	index, err := attempt(ctx, s, insistence, &unsure, func(ctx context.Context, r *raft.Raft, id string) (uint64, error) {
		if id == s.cfg.ID {
			return s.reads.index(ctx, r)
		}
		return s.askIndex(ctx, id)
	})
	if err != nil {
		return nil, err
	}
	if err := s.fsm.applied.wait(ctx, index); err != nil {
		return nil, fmt.Errorf("grading: waiting for log index %d: %w", index, err)
	}
	return s.fsm.view.Load(), nil
}

// stale returns the gradebook as this node has it, and how long ago this node
// last heard from the leader.
func (s *Service) stale() (*reading, time.Duration, error) {
	r, err := s.serving()
	if err != nil {
		return nil, 0, err
	}
	var age time.Duration
	if r.State() != raft.Leader {
		age = time.Since(r.LastContact())
		if r.LastContact().IsZero() {
			age = time.Since(s.fsm.view.Load().stamp)
		}
	}
	return s.fsm.view.Load(), age, nil
}

// reads shares verifications of leadership: all reads that come while one is
// under way share the next one. (The one under way may have begun before
// their write was answered elsewhere, so it proves nothing for them.)
type reads struct {
	s    *Service
	mu   sync.Mutex
	busy bool
	next *verification
}

// verification is one question to the majority, with its answer.
type verification struct {
	done  chan struct{}
	index uint64
	err   error
}

// index returns a log index at which this leader's state machine holds all
// that was answered before the call. It is the index of a command or of a
// configuration: other entries never reach the state machines of followers,
// who would wait for them in vain.
func (v *reads) index(ctx context.Context, r *raft.Raft) (uint64, error) {
	if _, err := v.s.crown(ctx, r); err != nil {
		return 0, err
	}
	v.mu.Lock()
	if v.next == nil {
		v.next = &verification{done: make(chan struct{})}
	}
	mine := v.next
	if !v.busy {
		v.busy = v.s.spawn(func() { v.run(r) })
		if !v.busy {
			v.next = nil
			v.mu.Unlock()
			return 0, ErrNotServing
		}
	}
	v.mu.Unlock()
	select {
	case <-mine.done:
		return mine.index, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// run answers verification after verification until nobody waits.
func (v *reads) run(r *raft.Raft) {
	for {
		v.mu.Lock()
		now := v.next
		v.next = nil
		v.busy = now != nil
		v.mu.Unlock()
		if now == nil {
			return
		}
		now.index, now.err = v.verify(r)
		close(now.done)
	}
}

// verify takes one index and proves it. The index, the proof and the barrier
// must be of one term: of another term's entries nothing is known here.
func (v *reads) verify(r *raft.Raft) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), insistence)
	defer cancel()
	g, err := v.s.crown(ctx, r)
	if err != nil {
		return 0, err
	}
	commit := r.CommitIndex()
	if err := v.s.await(r.VerifyLeader()); err != nil {
		return 0, fmt.Errorf("%w: %w", errNotLeader, err)
	}
	if r.CurrentTerm() != g.term {
		return 0, errNotLeader
	}
	// Up to the barrier all is applied; after it this leader's log holds only
	// commands and configurations, each of which moves the counter.
	if commit > g.barrier {
		if err := v.s.fsm.applied.wait(ctx, commit); err != nil {
			return 0, fmt.Errorf("grading: state machine stuck before %d: %w", commit, err)
		}
	}
	return v.s.fsm.changed.now(), nil
}
