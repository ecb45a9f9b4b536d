package grading

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/node/health"
)

// announceEvery is how often a replica looks at itself when no news comes.
const announceEvery = 500 * time.Millisecond

// announce keeps the node's tags and health true to what this replica is: the
// id of its gradebook, and whether it serves, which is from when it first
// caught up until it is taken out. It ends the service when the state machine
// can't go on.
func (s *Service) announce(ctx context.Context, r *raft.Raft, fail context.CancelCauseFunc) {
	tick := time.NewTicker(announceEvery)
	defer tick.Stop()
	var id string
	var serving, first = false, true
	caught := false
	for {
		news := s.news.wait()
		if err := s.fsm.failure(); err != nil {
			s.report(health.Critical, err.Error())
			s.log.Error("this replica must not go on", "error", err)
			s.cfg.Publish(id, false)
			fail(err)
			return
		}
		in := s.member(r)
		view := s.fsm.view.Load()
		caught = in && (caught || s.caughtUp(ctx))
		serves := caught && !slices.Contains(view.retired, s.cfg.ID)
		if first || id != view.gradebook || serving != serves {
			first, id, serving = false, view.gradebook, serves
			s.log.Info("grading role", "gradebook", id, "serving", serving)
			s.cfg.Publish(id, serving)
		}
		s.report(s.condition(r, in, serves))
		select {
		case <-news:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// caughtUp asks the leader once what is committed and whether it is here.
func (s *Service) caughtUp(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, announceEvery)
	defer cancel()
	_, err := s.read(ctx)
	return err == nil
}

// condition puts this replica's state into a word and a sentence.
func (s *Service) condition(r *raft.Raft, in, serving bool) (health.Status, string) {
	view, fault := s.fsm.view.Load(), s.Fault()
	switch {
	case slices.Contains(view.retired, s.cfg.ID):
		return health.Critical, "this node's id is retired: stop it, remove its data directory, and start it again as a new node"
	case fault != nil:
		return health.Critical, fault.Error()
	case view.gradebook == "" && len(servers(r)) == 0:
		return health.Warning, waiting
	case !in:
		return health.Warning, "waiting: the leader has not added this node yet"
	case leader(r) == "":
		if err, ok := errors.AsType[*NoQuorumError](s.noQuorum(r)); ok && err.Up <= err.Voters/2 {
			return health.Critical, err.Error()
		}
		return health.Critical, "no leader"
	case !serving:
		return health.Warning, "catching up with the leader"
	}
	return health.Passing, "leader " + s.nameOf(leader(r))
}
