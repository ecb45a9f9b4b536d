// Package identity says who is calling and what they may do.
//
// The edge of the cluster, the public port of the node that a caller reached,
// proves who calls: by a signed session cookie, by a signed token, or by the
// policy for anonymous callers on loopback. It sends a Principal along in the
// header Rollcall-Principal, which is believed on the cluster port only, where
// every connection is mutual TLS, and stripped on the public one. From there on
// each service asks one question, Principal.Allow, and the gradebook asks it
// again when a command is applied.
//
// Signatures (tokens, sessions) are made from the cluster secret, so every
// node can check them alone. What can change after signing, an account that
// is disabled or a token that is revoked, lives in the gradebook's state; each
// node keeps a recent copy of that, the Stand.
package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Role is what a principal is in the cluster.
type Role string

// Admin to Guardian are people's roles, Service and Reader those of programs.
// Node is another member that calls for itself. Guest and Local are what the
// policy gives to anonymous callers: to look, or on loopback also to register
// services and to ship logs.
const (
	Admin    Role = "admin"
	Teacher  Role = "teacher"
	Student  Role = "student"
	Guardian Role = "guardian"
	Service  Role = "service"
	Reader   Role = "reader"
	Node     Role = "node"
	Guest    Role = "guest"
	Local    Role = "local"
)

// Header carries an encoded Principal between nodes.
const Header = "Rollcall-Principal"

// Principal is a proven caller. The zero value is a caller that nobody proved
// and that may do nothing.
type Principal struct {
	Account string `json:"account,omitempty"` // account id; empty for a token of no account
	Name    string `json:"name,omitempty"`    // sign-in name, token name, or node id
	Role    Role   `json:"role,omitempty"`
	Token   string `json:"token,omitempty"`   // id of the token that proved it
	Session string `json:"session,omitempty"` // id of the session that proved it
	Epoch   uint64 `json:"epoch,omitempty"`   // the account's session epoch when it was signed
	From    string `json:"from,omitempty"`    // remote host, for the audit
}

// Anonymous reports whether nobody proved who this is.
func (p Principal) Anonymous() bool {
	return p.Role == "" || p.Role == Guest || p.Role == Local
}

// String names the principal for logs: role and name or account id, no secret.
func (p Principal) String() string {
	switch {
	case p.Role == "":
		return "anonymous"
	case p.Account != "":
		return string(p.Role) + " " + p.Account
	case p.Name != "":
		return string(p.Role) + " " + p.Name
	}
	return string(p.Role)
}

// Encode returns the form that travels in Header.
func (p Principal) Encode() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Decode reads what Encode wrote.
func Decode(s string) (Principal, error) {
	var p Principal
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return Principal{}, fmt.Errorf("%s: not base64url: %w", Header, err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return Principal{}, fmt.Errorf("%s: %w", Header, err)
	}
	return p, nil
}

type contextKey struct{}

// With returns a context that carries p.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal that ctx carries, or the zero Principal.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}

// ErrUnauthenticated says that the caller must first prove who they are;
// ErrForbidden that they did, and may not.
var (
	ErrUnauthenticated = errors.New("sign in or send a token")
	ErrForbidden       = errors.New("not allowed")
)
