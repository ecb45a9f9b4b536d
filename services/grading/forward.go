package grading

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/distributedgo/rollcall/membership/peer"
	"github.com/distributedgo/rollcall/node/identity"
)

// The calls between replicas. They are answered by the leader itself or not at
// all, never passed on, so a request can't go round in a circle while two
// nodes each take the other for the leader.
const (
	pathPropose = "/v1/grading/internal/propose"
	pathIndex   = "/v1/grading/internal/index"
)

// proposed answers pathPropose. NotSent says that the command was certainly
// not applied and may be tried elsewhere; Unknown, that it may be.
type proposed struct {
	Outcome outcome `json:"outcome,omitzero"`
	Fault   *fault  `json:"fault,omitempty"`
	NotSent string  `json:"notSent,omitempty"`
	Unknown string  `json:"unknown,omitempty"`
}

// indexed answers pathIndex.
type indexed struct {
	Index     uint64 `json:"index"`
	NotLeader string `json:"notLeader,omitempty"`
}

// forward sends a command to the leader. Its errors are those of lead.
func (s *Service) forward(ctx context.Context, id string, c command) (outcome, error) {
	b, err := c.encode()
	if err != nil {
		return outcome{}, err
	}
	a, err := callNode[proposed](ctx, s, id, http.MethodPost, pathPropose, b)
	switch {
	case errors.Is(err, peer.ErrNoPeer):
		return outcome{}, fmt.Errorf("%w: %w", errNotSent, err)
	case err != nil:
		return outcome{}, err
	case a.Fault != nil:
		return outcome{}, a.Fault
	case a.NotSent != "":
		return outcome{}, fmt.Errorf("%w: %s", errNotSent, a.NotSent)
	case a.Unknown != "":
		return outcome{}, errors.New(a.Unknown)
	}
	return a.Outcome, nil
}

// takeProposal is the leader's side of forward.
func (s *Service) takeProposal(ctx context.Context, c command) proposed {
	r, err := s.serving()
	if err != nil {
		return proposed{NotSent: err.Error()}
	}
	out, err := s.lead(ctx, r, c)
	switch f := faultOf(err); {
	case err == nil:
		s.batch.nudge() // the node that forwarded it waits until it has it too
		return proposed{Outcome: out}
	case f != nil:
		return proposed{Fault: f}
	case errors.Is(err, errNotSent):
		return proposed{NotSent: err.Error()}
	}
	return proposed{Unknown: err.Error()}
}

// askIndex asks the leader for a read index.
func (s *Service) askIndex(ctx context.Context, id string) (uint64, error) {
	have := strconv.FormatUint(s.fsm.applied.now(), 10)
	a, err := callNode[indexed](ctx, s, id, http.MethodGet, pathIndex+"?have="+have, nil)
	if err != nil {
		return 0, err
	}
	if a.NotLeader != "" {
		return 0, fmt.Errorf("%w: %s", errNotLeader, a.NotLeader)
	}
	return a.Index, nil
}

// giveIndex is the leader's side of askIndex, for a follower that has come as
// far as have.
func (s *Service) giveIndex(ctx context.Context, have uint64) indexed {
	r, err := s.serving()
	if err == nil {
		var index uint64
		if index, err = s.reads.index(ctx, r); err == nil {
			if have < index {
				s.batch.nudge()
			}
			return indexed{Index: index}
		}
	}
	return indexed{NotLeader: err.Error()}
}

// callNode calls exactly one node, as this node itself.
func callNode[T any](ctx context.Context, s *Service, id, method, path string, body []byte) (T, error) {
	var answer T
	req, err := http.NewRequestWithContext(ctx, method, "http://"+id+".node"+path, bytes.NewReader(body))
	if err != nil {
		return answer, fmt.Errorf("node %s: %w", id, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(identity.Header, identity.Principal{Role: identity.Node, Name: s.cfg.ID}.Encode())
	resp, err := s.cfg.Peers.RoundTrip(req)
	if err != nil {
		return answer, fmt.Errorf("node %s: %w", id, err)
	}
	defer discard(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("node %s: %s: %w", id, path, problemIn(resp))
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("node %s: %s: answer: %w", id, path, err)
	}
	return answer, nil
}
