package grading

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// waiting is what a node says that has no gradebook.
const waiting = "waiting: no gradebook; run `rollcall found` once, or join one"

// Found makes this node the first replica of a new gradebook and returns the
// gradebook's id. It must happen once in the life of a school, by a person's
// hand: a node that founded by itself, because it saw nobody, would after a
// wiped disk or a partition make a second gradebook, and two of them can never
// be joined again. It is refused when this node has a gradebook's state, or
// any member has a gradebook.
func (s *Service) Found(ctx context.Context) (string, error) {
	r, err := s.running()
	if err != nil {
		return "", err
	}
	if err := s.mayFound(r); err != nil {
		return "", err
	}
	id, err := s.bootstrap(r)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(id)
	if err != nil {
		return "", err
	}
	actor := identity.From(ctx)
	if actor.Role == "" {
		actor = identity.Principal{Role: identity.Node, Name: s.cfg.ID}
	}
	out, err := s.foundAs(ctx, r, command{
		Version: CommandVersion, Kind: kindFound, Key: "found " + id, Request: hashRequest(kindFound, id),
		Node: s.cfg.Name, Actor: actor, Payload: payload,
	})
	if err != nil {
		return "", err
	}
	if out.Fault != nil {
		return "", refuseFound(out.Fault.Text)
	}
	s.log.Info("gradebook founded", "gradebook", id)
	s.cfg.Timeline("grading.founded", fmt.Sprintf("%s founded gradebook %s", s.cfg.Name, id))
	s.news.ring()
	return id, nil
}

// bootstrap makes this node the one voter of a group, and draws the
// gradebook's id. Each step is kept on disk: a founding that was cut short goes
// on where it stopped. No leader of elsewhere gets in meanwhile (see letIn).
func (s *Service) bootstrap(r *raft.Raft) (string, error) {
	s.founding.Lock()
	defer s.founding.Unlock()
	if len(servers(r)) == 0 {
		self := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(s.cfg.ID), Address: raft.ServerAddress(s.cfg.ID)}}}
		if err := s.await(r.BootstrapCluster(self)); errors.Is(err, raft.ErrCantBootstrap) {
			return "", refuseFound("this node has raft state already: it is or was a replica of a gradebook")
		} else if err != nil {
			return "", fmt.Errorf("grading: found: %w", err)
		}
	}
	if id := s.store.pin.gradebook(); id != "" {
		return id, nil
	}
	// The id is short, as it travels in every node's tags, and random: two
	// gradebooks must never be taken for one.
	id := "g-" + strings.ToLower(rand.Text())[:16]
	return id, s.store.pin.take(id)
}

// letIn says whether a dialer of a gradebook may talk to raft here. A node
// that is founding, and has no id yet, hears nobody.
func (s *Service) letIn(gradebook string) error {
	s.founding.Lock()
	defer s.founding.Unlock()
	r := s.raft.Load()
	if s.store.pin.gradebook() == "" && (r == nil || s.store.used || len(servers(r)) > 0) {
		return fmt.Errorf("%w: this node is starting or founding its own", errOtherGradebook)
	}
	err := s.store.pin.take(gradebook)
	if err != nil {
		s.log.Error("a raft connection was refused", "error", err)
	}
	return err
}

// foundAs waits for this node's own election and commits the first command.
func (s *Service) foundAs(ctx context.Context, r *raft.Raft, c command) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, insistence)
	defer cancel()
	for {
		news := s.news.wait()
		out, err := s.lead(ctx, r, c)
		if err == nil || !errors.Is(err, errNotSent) {
			return out, err
		}
		select {
		case <-news:
		case <-time.After(retryPause):
		case <-ctx.Done():
			return outcome{}, fmt.Errorf("grading: found: this node did not become leader: %w", ctx.Err())
		}
	}
}

// mayFound refuses where there is a gradebook already. A founding that was cut
// short, this node alone in the configuration and no id yet, may be finished.
func (s *Service) mayFound(r *raft.Raft) error {
	if id := s.fsm.view.Load().gradebook; id != "" {
		return refuseFound(fmt.Sprintf("this node holds gradebook %s already", id))
	}
	for _, m := range s.cfg.Members() {
		if m.ID != s.cfg.ID && m.Gradebook != "" {
			return refuseFound(fmt.Sprintf("node %s holds gradebook %s: this node joins it by itself", m.Name, m.Gradebook))
		}
	}
	srv := servers(r)
	alone := len(srv) == 1 && srv[0].ID == s.cfg.ID
	if len(srv) > 0 && !alone {
		return refuseFound("this node is a replica of a gradebook already")
	}
	if pinned := s.store.pin.gradebook(); pinned != "" && !alone {
		return refuseFound(fmt.Sprintf("this node is joining gradebook %s", pinned))
	}
	if s.store.used && !alone {
		return refuseFound("this node has raft state already: it is or was a replica of a gradebook")
	}
	return nil
}

func refuseFound(why string) error {
	return httpapi.Problemf(http.StatusConflict, "not founded: %s", why)
}

// foundIfNone is Found for --dev: once, and only when there is nothing.
func (s *Service) foundIfNone(ctx context.Context) {
	r, err := s.running()
	if err != nil || s.mayFound(r) != nil {
		return
	}
	if _, err := s.Found(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("no gradebook was founded", "error", err)
	}
}
