package gradebook

import (
	"slices"
	"time"
)

// RecordToken notes a token that was signed, so that it can be listed and
// stopped. The id was drawn by whoever signed it.
type RecordToken struct {
	ID      string    `json:"id"`
	Account string    `json:"account,omitempty"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Expires time.Time `json:"expires"`
}

// RevokeID stops a token or a session. Expires says until when the revocation
// must be remembered; for a recorded token it may be left out.
type RevokeID struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

func (RecordToken) Kind() string { return "recordToken" }
func (RevokeID) Kind() string    { return "revokeID" }

func (c RecordToken) apply(d *draft) (Result, error) {
	d.prune()
	var err error
	if c.ID, err = line("id", c.ID, true); err != nil {
		return Result{}, err
	}
	if c.Name, err = line("name", c.Name, true); err != nil {
		return Result{}, err
	}
	if err := room("tokens", len(d.tokens), MaxTokens); err != nil {
		return Result{}, err
	}
	if slices.ContainsFunc(d.tokens, func(t Token) bool { return t.ID == c.ID }) {
		return Result{}, &InvalidError{Field: "id", Value: c.ID, Remedy: "draw another; a token has this one"}
	}
	switch c.Role {
	case RoleAdmin, RoleService, RoleReader:
	case RoleTeacher, RoleStudent, RoleGuardian:
		if c.Account == "" {
			return Result{}, &InvalidError{Field: "account", Remedy: "a token of role " + c.Role + " acts for an account: name it"}
		}
	default:
		return Result{}, &InvalidError{Field: "role", Value: c.Role, Remedy: "use admin, service or reader, or the role of an account"}
	}
	if c.Account != "" {
		a, err := d.Account(c.Account)
		if err != nil {
			return Result{}, err
		}
		if a.Role != c.Role {
			return Result{}, &InvalidError{Field: "role", Value: c.Role, Remedy: "a token for an account has its role, " + a.Role}
		}
	}
	if c.Expires, err = instant("expires", c.Expires); err != nil {
		return Result{}, err
	}
	if !c.Expires.After(d.meta.At) {
		return Result{}, &InvalidError{Field: "expires", Value: c.Expires.Format(time.RFC3339), Remedy: "choose a time to come"}
	}
	d.tokens = append(d.tokens, Token{ID: c.ID, Account: c.Account, Name: c.Name, Role: c.Role, Issued: d.meta.At, Expires: c.Expires})
	d.record(nil, Event{Account: c.Account, Detail: "role " + c.Role + ", " + c.Name})
	return Result{ID: c.ID}, nil
}

func (c RevokeID) apply(d *draft) (Result, error) {
	d.prune()
	var err error
	if c.ID, err = line("id", c.ID, true); err != nil {
		return Result{}, err
	}
	if slices.ContainsFunc(d.revoked, func(r Revocation) bool { return r.ID == c.ID }) {
		return Result{ID: c.ID}, nil
	}
	until, err := instant("expires", c.Expires)
	if err != nil {
		return Result{}, err
	}
	i := slices.IndexFunc(d.tokens, func(t Token) bool { return t.ID == c.ID })
	if i >= 0 {
		until = d.tokens[i].Expires
	}
	if c.Expires.IsZero() && i < 0 {
		return Result{}, &NotFoundError{What: "token", ID: c.ID}
	}
	if !until.After(d.meta.At) {
		return Result{ID: c.ID}, nil // it has ended by itself
	}
	if err := room("revocations", len(d.revoked), MaxRevocations); err != nil {
		return Result{}, err
	}
	who := ""
	if i >= 0 {
		d.tokens = own(d.tokens, d.was.tokens)
		d.tokens[i].Revoked = true
		who = d.tokens[i].Account
	}
	d.revoked = append(d.revoked, Revocation{ID: c.ID, Expires: until})
	d.record(nil, Event{Account: who})
	return Result{ID: c.ID}, nil
}

// prune forgets tokens and revocations that have expired by the change's own
// time, which is the same on every node.
func (d *draft) prune() {
	if ended := func(t Token) bool { return !t.Expires.After(d.meta.At) }; slices.ContainsFunc(d.tokens, ended) {
		d.tokens = slices.DeleteFunc(slices.Clone(d.tokens), ended)
	}
	if ended := func(r Revocation) bool { return !r.Expires.After(d.meta.At) }; slices.ContainsFunc(d.revoked, ended) {
		d.revoked = slices.DeleteFunc(slices.Clone(d.revoked), ended)
	}
}
