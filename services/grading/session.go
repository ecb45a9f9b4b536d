package grading

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// signIns is what one node keeps to check passwords.
type signIns struct {
	hasher    *hasher
	accounts  *throttle
	addresses *throttle
}

func newSignIns() *signIns {
	return &signIns{hasher: newHasher(), accounts: newThrottle(freePerAccount, refillAccount), addresses: newThrottle(freePerAddress, refillAddress)}
}

// errWrong is the one answer to a name that does not exist, a wrong password
// and a disabled account: who guesses learns nothing from it, nor from the
// time it takes.
func errWrong() error {
	return httpapi.Problemf(http.StatusUnauthorized, "name or password is wrong")
}

// signIn checks a password and returns a signed session.
func (s *Service) signIn(ctx context.Context, in SignIn) (Session, error) {
	now, from := time.Now(), identity.From(ctx).From
	name := strings.ToLower(in.Name)
	if err := s.signIns.admit(name, from, now); err != nil {
		return Session{}, err
	}
	v, err := s.read(ctx)
	if err != nil {
		return Session{}, err
	}
	a, found := v.AccountByName(in.Name)
	hash := a.Hash
	if !found || a.Disabled {
		hash = ""
	}
	ok, old, err := s.signIns.hasher.verify(ctx, hash, in.Password)
	if err != nil {
		return Session{}, err
	}
	if !ok {
		s.signIns.failed(from, now)
		s.log.Info("sign-in refused", "from", from)
		return Session{}, errWrong()
	}
	s.signIns.succeeded(name)
	if old {
		a = s.rehash(ctx, a, in.Password)
	}
	return s.open(a, now), nil
}

// open signs a session for an account.
func (s *Service) open(a gradebook.Account, now time.Time) Session {
	now = now.UTC().Truncate(time.Second)
	text := s.cfg.Keys.SignSession(identity.Session{
		ID: identity.NewID(), Account: a.ID, Name: a.Name, Role: identity.Role(a.Role), Epoch: a.Epoch, Issued: now, Seen: now,
	})
	return Session{Text: text, Expires: now.Add(identity.SessionLife), Account: whoOf(a)}
}

// rehash makes the hash anew with today's parameters, now that the password
// is at hand. When that fails the old hash does for another while. Setting a
// password moves the account's epoch, so the new one is returned.
func (s *Service) rehash(ctx context.Context, a gradebook.Account, password string) gradebook.Account {
	hash, err := s.signIns.hasher.hash(ctx, password)
	if err != nil {
		return a
	}
	ctx = identity.With(ctx, identity.Principal{Account: a.ID, Name: a.Name, Role: identity.Role(a.Role), Epoch: a.Epoch})
	if _, err := s.change(ctx, gradebook.SetPassword{Account: a.ID, Hash: hash}, "", "rehash", a.ID, a.Epoch); err != nil {
		s.log.Warn("a password was not hashed anew", "account", a.ID, "error", err)
		return a
	}
	if v, err := s.read(ctx); err == nil {
		if now, err := v.Account(a.ID); err == nil {
			return now
		}
	}
	return a
}

// admit refuses a try that comes too soon after failures. One that it lets
// through counts as a failure of the account until succeeded says otherwise.
func (i *signIns) admit(name, from string, now time.Time) error {
	var wait time.Duration
	if from != "" {
		wait = i.addresses.wait(from, now)
	}
	if wait == 0 {
		wait = i.accounts.take(name, now)
	}
	if wait == 0 {
		return nil
	}
	seconds := int(wait/time.Second) + 1
	return httpapi.Problemf(http.StatusTooManyRequests, "too many failed sign-ins: try again in %d s", seconds).
		WithHeader("Retry-After", strconv.Itoa(seconds))
}

func (i *signIns) succeeded(name string) { i.accounts.forget(name) }

func (i *signIns) failed(from string, now time.Time) {
	if from != "" {
		i.addresses.fail(from, now)
	}
}
