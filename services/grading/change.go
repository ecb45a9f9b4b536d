package grading

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// maxKey is how long an idempotency key may be, in bytes.
const maxKey = 200

// change has a change made for the context's caller, under the caller's key.
// The request is what was asked for, in parts: a retry must give the same.
// The outcome's Fault is returned as the error.
func (s *Service) change(ctx context.Context, c gradebook.Change, key string, request ...any) (outcome, error) {
	p := identity.From(ctx)
	if err := s.admit(ctx, p, c); err != nil {
		return outcome{}, err
	}
	payload, err := gradebook.Encode(c)
	if err != nil {
		return outcome{}, err
	}
	return s.command(ctx, c.Kind(), key, payload, hashRequest(append([]any{c.Kind()}, request...)...))
}

// command proposes a command and turns a refusal into an error.
func (s *Service) command(ctx context.Context, kind, key string, payload []byte, request requestHash) (outcome, error) {
	if key == "" {
		key = identity.NewID()
	}
	if err := s.able(); err != nil {
		return outcome{}, err
	}
	if err := errors.Join(checkKey(key), checkSize(payload)); err != nil {
		return outcome{}, err // before it travels to the leader
	}
	c := command{
		Version: versionOf(kind), Kind: kind, Key: key, Request: request,
		Node: s.cfg.Name, Actor: identity.From(ctx),
	}
	if err := c.pack(payload); err != nil {
		return outcome{}, err
	}
	out, err := s.propose(ctx, c)
	if err == nil && out.Fault != nil {
		err = out.Fault
	}
	return out, err
}

// admit refuses here what the state machine would refuse, without a log entry.
// This replica may be behind: it looks again, at the newest state, before it
// says no.
func (s *Service) admit(ctx context.Context, p identity.Principal, c gradebook.Change) error {
	if p.Anonymous() {
		return p.Allow(identity.WriteCourse, identity.Resource{})
	}
	if authorise(s.fsm.view.Load(), p, c) == nil {
		return nil
	}
	v, err := s.read(ctx)
	if err != nil {
		return err
	}
	return authorise(v, p, c)
}

// after returns the gradebook as this replica has it once the outcome's
// command is applied here too.
func (s *Service) after(ctx context.Context, out outcome) (*reading, error) {
	if err := s.fsm.applied.wait(ctx, out.Index); err != nil {
		return nil, err
	}
	return s.fsm.view.Load(), nil
}

func checkKey(key string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(key) > maxKey || strings.ContainsFunc(key, odd) {
		return httpapi.Problemf(http.StatusUnprocessableEntity, "not accepted").
			With(HeaderKey, "", "use at most 200 visible ASCII characters, such as a UUID")
	}
	return nil
}
