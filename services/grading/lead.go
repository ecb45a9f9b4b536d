package grading

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// reign is one term of this node as leader, begun by a barrier: an entry of
// its own that, once applied, proves that everything committed in earlier
// terms is applied here too. Before that a new leader may hold old state, and
// neither reads nor stamps by it.
type reign struct {
	term    uint64
	barrier uint64        // log index
	begun   chan struct{} // closed when barrier or err is set
	err     error
}

// crown returns this node's reign of the current term, once it has begun.
// Everybody who asks shares one barrier. errNotLeader is for who is none.
func (s *Service) crown(ctx context.Context, r *raft.Raft) (*reign, error) {
	if r.State() != raft.Leader {
		return nil, errNotLeader
	}
	term := r.CurrentTerm()
	s.mu.Lock()
	mine := s.reign
	if mine == nil || mine.term != term || mine.failed() {
		mine = &reign{term: term, begun: make(chan struct{})}
		if !s.spawnLocked(func() { s.begin(r, mine) }) {
			s.mu.Unlock()
			return nil, ErrNotServing
		}
		s.reign = mine
	}
	s.mu.Unlock()
	select {
	case <-mine.begun:
		if mine.err != nil {
			return nil, fmt.Errorf("%w: %w", errNotLeader, mine.err)
		}
		return mine, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// failed reports whether the reign ended before it began.
func (g *reign) failed() bool {
	select {
	case <-g.begun:
		return g.err != nil
	default:
		return false
	}
}

// begin passes the barrier. Raft answers it when the leader is deposed, too.
func (s *Service) begin(r *raft.Raft, g *reign) {
	defer close(g.begun)
	f := r.Barrier(enqueueTimeout)
	if g.err = s.await(f); g.err != nil {
		return
	}
	if at, ok := f.(raft.IndexFuture); ok {
		g.barrier = at.Index()
	}
	s.log.Info("leading", "term", g.term, "barrier", g.barrier)
	s.cfg.Timeline("grading.writable", fmt.Sprintf("%s takes writes in term %d", s.cfg.Name, g.term))
}

// lead takes a command as the leader: stamps it and has it applied. errNotSent
// and errNotLeader say that it certainly was not; after any other error it may
// be, now or later.
func (s *Service) lead(ctx context.Context, r *raft.Raft, c command) (outcome, error) {
	if _, err := s.crown(ctx, r); err != nil {
		return outcome{}, fmt.Errorf("%w: %w", errNotSent, err)
	}
	if err := s.understood(r, c.Kind); err != nil {
		return outcome{}, err
	}
	c.Version = versionOf(c.Kind)
	c.At = time.Now().UTC().Round(0)
	if last := s.fsm.view.Load().stamp; last.After(c.At) {
		c.At = last
	}
	b, err := c.encode()
	if err != nil {
		return outcome{}, err
	}
	answer, err := s.batch.Apply(ctx, b)
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrEnqueueTimeout) || errors.Is(err, raft.ErrLeadershipTransferInProgress) {
		return outcome{}, fmt.Errorf("%w: %w", errNotSent, err) // refused before it was appended
	}
	if err != nil {
		return outcome{}, err
	}
	out, ok := answer.(outcome)
	if !ok {
		return outcome{}, fmt.Errorf("grading: answer of type %T", answer)
	}
	return out, nil
}

// understood refuses a kind that some voter is too old to apply: that voter
// would stop. A voter that gossip does not see now is not asked; it updates
// before it catches up, or stops and says so.
func (s *Service) understood(r *raft.Raft, kind string) error {
	need := versionOf(kind)
	if need <= 1 {
		return nil
	}
	commands := map[string]int{s.cfg.ID: CommandVersion}
	for _, m := range s.cfg.Members() {
		commands[m.ID] = m.Commands
	}
	for _, srv := range servers(r) {
		if have, known := commands[srv.ID]; known && have < need {
			return &fault{Code: faultUnknownKind, Text: fmt.Sprintf("node %s does not know %s yet: update it first", s.nameOf(srv.ID), kind)}
		}
	}
	return nil
}

// HandOver gives the leadership to another voter, before this node stops. It
// returns nil when this node does not lead or nobody can take over.
func (s *Service) HandOver(ctx context.Context) error {
	r, err := s.running()
	if err != nil || r.State() != raft.Leader {
		return nil
	}
	others := 0
	for _, srv := range servers(r) {
		if srv.Voter && srv.ID != s.cfg.ID {
			others++
		}
	}
	if others == 0 {
		return nil
	}
	f := r.LeadershipTransfer()
	got := make(chan error, 1)
	if !s.spawn(func() { got <- s.await(f) }) {
		return nil
	}
	select {
	case err := <-got:
		if err != nil {
			return fmt.Errorf("grading: hand over leadership: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("grading: hand over leadership: %w", ctx.Err())
	}
}
