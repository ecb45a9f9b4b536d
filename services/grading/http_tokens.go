package grading

import (
	"context"
	"net/http"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// How long a token lasts when nothing is said, and at most.
const (
	tokenLife    = 30 * 24 * time.Hour
	tokenLongest = 365 * 24 * time.Hour
)

func (s *Service) getTokens(ctx context.Context, in *Consistent) (*answer[items[gradebook.Token]], error) {
	v, stale, err := s.manage(ctx, *in)
	if err != nil {
		return nil, err
	}
	out := ok(items[gradebook.Token]{v.Tokens()})
	out.Stale = stale
	return out, nil
}

func (s *Service) postToken(ctx context.Context, in *struct {
	Keyed
	Body NewToken
}) (*answer[IssuedToken], error) {
	b, life := in.Body, tokenLife
	if b.ExpiresIn != "" {
		var err error
		if life, err = time.ParseDuration(b.ExpiresIn); err != nil || life < time.Minute || life > tokenLongest {
			return nil, httpapi.Problemf(http.StatusUnprocessableEntity, "not accepted").
				With("expiresIn", b.ExpiresIn, "write a duration from 1m to 8760h, such as 720h")
		}
	}
	v, p, _, err := s.look(ctx, Consistent{})
	if err != nil {
		return nil, err
	}
	t := identity.Token{ID: identity.NewID(), Account: b.Account, Name: b.Name, Role: identity.Role(b.Role)}
	if b.Account != "" {
		a, err := v.Account(b.Account)
		if err != nil && p.Allow(identity.ManageAccounts, identity.Resource{}) == nil {
			return nil, err
		}
		t.Epoch = a.Epoch
		if t.Role == "" {
			t.Role = identity.Role(a.Role)
		}
	}
	t.Issued = time.Now().UTC().Truncate(time.Second)
	t.Expires = t.Issued.Add(life)
	out, err := s.change(ctx, gradebook.RecordToken{
		ID: t.ID, Account: t.Account, Name: t.Name, Role: string(t.Role), Expires: t.Expires,
	}, in.Key, b)
	if err != nil {
		return nil, err
	}
	if out.Result.ID != t.ID {
		// A retry: the first answer held a token's text, which nobody kept.
		return nil, httpapi.Problemf(http.StatusConflict, "token %s was made by this request before, and its text was in that answer only: revoke it and make another under a new key", out.Result.ID)
	}
	return created(IssuedToken{Text: s.cfg.Keys.SignToken(t), ID: t.ID, Expires: t.Expires}), nil
}

func (s *Service) deleteToken(ctx context.Context, in *struct {
	Keyed
	Token   string    `path:"token"`
	Expires time.Time `query:"expires" doc:"For a token that was made offline: until when it must be refused; default in one year."`
}) (*nothing, error) {
	c := gradebook.RevokeID{ID: in.Token, Expires: in.Expires}
	v, _, _, err := s.look(ctx, Consistent{})
	if err != nil {
		return nil, err
	}
	recorded := false
	for _, t := range v.Tokens() {
		recorded = recorded || t.ID == in.Token
	}
	if !recorded && c.Expires.IsZero() {
		c.Expires = time.Now().Add(tokenLongest)
	}
	_, err = s.change(ctx, c, in.Key, in.Token, in.Expires)
	return &nothing{}, err
}
