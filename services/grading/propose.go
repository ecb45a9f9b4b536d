package grading

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/membership"
)

// patience is how long a request waits for a leader, which is longer than an
// election takes, so that a caller does not notice one. A command that was
// sent and not answered is worth more time: insistence bounds that.
const (
	patience   = 3 * time.Second
	insistence = 6 * time.Second
	retryPause = 50 * time.Millisecond
)

// propose has a command applied and returns its outcome. It goes to the leader
// wherever that is, waits through elections, and sends the command again under
// its key when an answer is lost. It gives up with a *NoQuorumError when the
// command was certainly not applied, and with an *UnknownOutcomeError when it
// may have been.
func (s *Service) propose(ctx context.Context, c command) (outcome, error) {
	var unsure error
	longer := insistence + time.Duration(len(c.Packed)>>18)*time.Second // a large command takes its time on every disk
	out, err := attempt(ctx, s, longer, &unsure, func(ctx context.Context, r *raft.Raft, id string) (outcome, error) {
		if id == s.cfg.ID {
			return s.lead(ctx, r, c)
		}
		return s.forward(ctx, id, c)
	})
	if err != nil && unsure != nil && faultOf(err) == nil {
		return outcome{}, &UnknownOutcomeError{Key: c.Key, Err: errors.Join(unsure, err)}
	}
	return out, err
}

// attempt calls try with the leader's id until it succeeds, patience ends, or
// ctx does. errNotSent and errNotLeader are tried again, as is any failure,
// which is then noted in unsure; a *fault is an answer.
func attempt[T any](ctx context.Context, s *Service, most time.Duration, unsure *error, try func(ctx context.Context, r *raft.Raft, id string) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, most, errInsisted)
	defer cancel()
	var none T
	begun := time.Now()
	for {
		news := s.news.wait()
		r, err := s.serving()
		if err != nil {
			return none, err
		}
		if id := leader(r); id != "" {
			whileLeading, stop := s.whileLeading(ctx, r, id)
			out, err := try(whileLeading, r, id)
			stop()
			switch {
			case err == nil:
				return out, nil
			case faultOf(err) != nil:
				return none, err
			case !errors.Is(err, errNotSent) && !errors.Is(err, errNotLeader):
				*unsure = err
			}
		}
		if ctx.Err() != nil {
			return none, s.outOfTime(ctx, r)
		}
		left := s.cfg.patience - time.Since(begun)
		if *unsure != nil {
			left = most - time.Since(begun)
		}
		if left <= 0 {
			return none, s.noQuorum(r)
		}
		// Jitter keeps those who wait for the same leader from coming as one.
		pause := time.NewTimer(min(left, retryPause/2+rand.N(retryPause)))
		select {
		case <-news:
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// errInsisted ends a request's context when insistence does.
var errInsisted = errors.New("no leader answered in time")

// outOfTime tells a caller whose own time is over from one for whom no leader
// answered.
func (s *Service) outOfTime(ctx context.Context, r *raft.Raft) error {
	if errors.Is(context.Cause(ctx), errInsisted) {
		return s.noQuorum(r)
	}
	return ctx.Err()
}

// whileLeading returns a context that ends when this node no longer takes id
// for the leader. A leader that is paused answers nothing and breaks no
// connection; the others have long chosen another when a caller's time is over.
func (s *Service) whileLeading(ctx context.Context, r *raft.Raft, id string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if id == s.cfg.ID {
		return ctx, cancel
	}
	s.spawn(func() {
		for {
			news := s.news.wait()
			if leader(r) != id {
				cancel()
			}
			select {
			case <-news:
			case <-ctx.Done():
				return
			}
		}
	})
	return ctx, cancel
}

// noQuorum counts the voters that gossip sees alive.
func (s *Service) noQuorum(r *raft.Raft) error {
	alive := map[string]bool{s.cfg.ID: true}
	for _, m := range s.cfg.Members() {
		alive[m.ID] = alive[m.ID] || m.Status == membership.StatusAlive
	}
	e := &NoQuorumError{}
	for _, srv := range servers(r) {
		if srv.Voter {
			e.Voters++
			if alive[srv.ID] {
				e.Up++
			}
		}
	}
	return e
}
