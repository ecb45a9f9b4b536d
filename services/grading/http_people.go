package grading

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// mountPeople adds sessions, accounts and tokens.
func (s *Service) mountPeople(api *httpapi.API) {
	handle(api, http.MethodPost, "/session", "sign-in", "Sign in; the session is good as Authorization: Bearer for 30 minutes", s.postSession)
	api.Huma.OpenAPI().Paths["/v1/session"].Post.Security = httpapi.Anonymous()
	handle(api, http.MethodGet, "/session", "who-am-i", "Who the caller is", s.getSession)
	handle(api, http.MethodDelete, "/session", "sign-out", "End this session", s.deleteSession)
	handle(api, http.MethodGet, "/accounts", "list-accounts", "All accounts", s.getAccounts)
	handle(api, http.MethodPost, "/accounts", "create-account", "Add an account", s.postAccount)
	handle(api, http.MethodPatch, "/accounts/{account}", "update-account", "Change an account", s.patchAccount)
	handle(api, http.MethodPost, "/accounts/{account}/password", "set-password", "Set a password, which ends the account's sessions", s.postPassword)
	handle(api, http.MethodPost, "/accounts/{account}/signout", "sign-out-everywhere", "End all sessions of an account", s.postSignOut)
	handle(api, http.MethodGet, "/tokens", "list-tokens", "Tokens that were made and have not expired", s.getTokens)
	handle(api, http.MethodPost, "/tokens", "create-token", "Make a token; its text is shown this once", s.postToken)
	handle(api, http.MethodDelete, "/tokens/{token}", "revoke-token", "End a token before its time", s.deleteToken)
}

func (s *Service) postSession(ctx context.Context, in *struct {
	Key  string `header:"Idempotency-Key" doc:"Not used: signing in changes nothing."`
	Body SignIn
}) (*answer[Session], error) {
	session, err := s.signIn(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return ok(session), nil
}

func (s *Service) getSession(ctx context.Context, in *Consistent) (*answer[Who], error) {
	v, p, stale, err := s.look(ctx, *in)
	if err != nil {
		return nil, err
	}
	who := Who{ID: p.Account, Name: p.Name, Display: p.Name, Role: string(p.Role)}
	if a, err := v.Account(p.Account); err == nil {
		who = whoOf(a)
	}
	out := ok(who)
	out.Stale = stale
	return out, nil
}

func (s *Service) deleteSession(ctx context.Context, in *Keyed) (*nothing, error) {
	p := identity.From(ctx)
	if p.Anonymous() {
		return nil, identity.ErrUnauthenticated
	}
	if p.Session == "" {
		return nil, httpapi.Problemf(http.StatusUnprocessableEntity, "the caller has no session: a token is ended with DELETE /v1/tokens/{id}")
	}
	until := time.Now().Add(identity.SessionLife)
	_, err := s.change(ctx, gradebook.RevokeID{ID: p.Session, Expires: until}, in.Key, p.Session)
	return &nothing{}, err
}

// manage is look for who manages accounts.
func (s *Service) manage(ctx context.Context, c Consistent) (*reading, string, error) {
	v, p, stale, err := s.look(ctx, c)
	if err != nil {
		return nil, "", err
	}
	return v, stale, p.Allow(identity.ManageAccounts, identity.Resource{})
}

func (s *Service) getAccounts(ctx context.Context, in *Consistent) (*answer[items[gradebook.Account]], error) {
	v, stale, err := s.manage(ctx, *in)
	if err != nil {
		return nil, err
	}
	out := ok(items[gradebook.Account]{v.Accounts()})
	out.Stale = stale
	return out, nil
}

func (s *Service) postAccount(ctx context.Context, in *struct {
	Keyed
	Body NewAccount
}) (*answer[gradebook.Account], error) {
	b := in.Body
	c := gradebook.CreateAccount{Name: b.Name, Display: b.Display, Role: b.Role, Student: b.Student, Students: b.Students}
	if err := s.admit(ctx, identity.From(ctx), c); err != nil {
		return nil, err // before the costly hash
	}
	var err error
	if c.Hash, err = s.signIns.hasher.hash(ctx, b.Password); err != nil {
		return nil, err
	}
	b.Password = "" // never into a hash that is kept
	out, err := s.change(ctx, c, in.Key, b)
	if err != nil {
		return nil, err
	}
	a, err := s.accountAfter(ctx, out)
	if err != nil {
		return nil, err
	}
	return created(a), nil
}

func (s *Service) accountAfter(ctx context.Context, out outcome) (gradebook.Account, error) {
	v, err := s.after(ctx, out)
	if err != nil {
		return gradebook.Account{}, err
	}
	return v.Account(out.Result.ID)
}

func (s *Service) patchAccount(ctx context.Context, in *struct {
	Keyed
	Account string `path:"account"`
	Body    AccountPatch
}) (*answer[gradebook.Account], error) {
	b := in.Body
	out, err := s.change(ctx, gradebook.UpdateAccount{
		Account: in.Account, Display: b.Display, Role: b.Role, Disabled: b.Disabled, Student: b.Student, Students: b.Students,
	}, in.Key, in.Account, b)
	if err != nil {
		return nil, err
	}
	a, err := s.accountAfter(ctx, out)
	if err != nil {
		return nil, err
	}
	return ok(a), nil
}

func (s *Service) postPassword(ctx context.Context, in *struct {
	Keyed
	Account string `path:"account"`
	Body    PasswordChange
}) (*nothing, error) {
	p := identity.From(ctx)
	if err := s.admit(ctx, p, gradebook.SetPassword{Account: in.Account}); err != nil {
		return nil, err
	}
	if p.Account == in.Account {
		// A session left open at a desk must not be enough to take an account.
		if err := s.checkOld(ctx, p, in.Body.Old); err != nil {
			return nil, err
		}
	}
	hash, err := s.signIns.hasher.hash(ctx, in.Body.Password)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, gradebook.SetPassword{Account: in.Account, Hash: hash}, in.Key, in.Account)
	return &nothing{}, err
}

// checkOld checks the password of the caller's own account, as sign-in does.
func (s *Service) checkOld(ctx context.Context, p identity.Principal, old string) error {
	v, err := s.read(ctx)
	if err != nil {
		return err
	}
	a, err := v.Account(p.Account)
	if err != nil {
		return err
	}
	now, name := time.Now(), strings.ToLower(a.Name)
	if err := s.signIns.admit(name, p.From, now); err != nil {
		return err
	}
	right, _, err := s.signIns.hasher.verify(ctx, a.Hash, old)
	if err != nil {
		return err
	}
	if right {
		s.signIns.succeeded(name)
		return nil
	}
	s.signIns.failed(p.From, now)
	return httpapi.Problemf(http.StatusForbidden, "not changed").With("old", "", "give the password that you have now")
}

func (s *Service) postSignOut(ctx context.Context, in *struct {
	Keyed
	Account string `path:"account"`
}) (*nothing, error) {
	_, err := s.change(ctx, gradebook.SignOut{Account: in.Account}, in.Key, in.Account)
	return &nothing{}, err
}
