package main

import (
	"os/user"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
)

// minter returns a source of administrator's tokens, signed with the keys that
// the cluster secret gives. Whoever holds the secret could make any token, so
// this hides nothing and grants nothing new; the tokens are short-lived
// because one that leaks should soon be worthless. A new one is made when the
// old has less than half its life left.
func minter(keys identity.Keys, now func() time.Time) func() (string, error) {
	var (
		mu      sync.Mutex // guards text and renew
		text    string
		renew   time.Time
		subject = operator()
	)
	return func() (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); text == "" || at.After(renew) {
			text = keys.SignToken(identity.Token{
				ID: identity.NewID(), Name: subject, Role: identity.Admin,
				Issued: at, Expires: at.Add(mintedFor),
			})
			renew = at.Add(mintedFor / 2)
		}
		return text, nil
	}
}

// operator names the person at this terminal for the gradebook's history.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "operator " + u.Username
	}
	return "operator"
}
