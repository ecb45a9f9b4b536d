package grading

import (
	"context"
	"net/http"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// items is the shape of every plain list.
type items[T any] struct {
	Items []T `json:"items"`
}

// SignIn opens a session.
func (c *Client) SignIn(ctx context.Context, name, password string) (Session, error) {
	return ask[Session](ctx, c, request{method: http.MethodPost, path: at("session"), json: SignIn{name, password}})
}

// SignOut ends the caller's session, on every node.
func (c *Client) SignOut(ctx context.Context) error {
	return c.tell(ctx, request{method: http.MethodDelete, path: at("session")})
}

// WhoAmI returns the caller as the gradebook knows them.
func (c *Client) WhoAmI(ctx context.Context) (Who, error) {
	return ask[Who](ctx, c, request{method: http.MethodGet, path: at("session")})
}

// Accounts returns all accounts, by id.
func (c *Client) Accounts(ctx context.Context) ([]gradebook.Account, error) {
	a, err := ask[items[gradebook.Account]](ctx, c, request{method: http.MethodGet, path: at("accounts")})
	return a.Items, err
}

// CreateAccount adds an account.
func (c *Client) CreateAccount(ctx context.Context, a NewAccount) (gradebook.Account, error) {
	return ask[gradebook.Account](ctx, c, request{method: http.MethodPost, path: at("accounts"), json: a})
}

// UpdateAccount changes an account.
func (c *Client) UpdateAccount(ctx context.Context, id string, p AccountPatch) (gradebook.Account, error) {
	return ask[gradebook.Account](ctx, c, request{method: http.MethodPatch, path: at("accounts", id), json: p})
}

// SetPassword sets an account's password and so ends its sessions.
func (c *Client) SetPassword(ctx context.Context, id string, p PasswordChange) error {
	return c.tell(ctx, request{method: http.MethodPost, path: at("accounts", id, "password"), json: p})
}

// SignOutEverywhere ends all sessions of an account.
func (c *Client) SignOutEverywhere(ctx context.Context, id string) error {
	return c.tell(ctx, request{method: http.MethodPost, path: at("accounts", id, "signout")})
}

// CreateToken makes a token. Its text is in this answer and nowhere else.
func (c *Client) CreateToken(ctx context.Context, t NewToken) (IssuedToken, error) {
	return ask[IssuedToken](ctx, c, request{method: http.MethodPost, path: at("tokens"), json: t})
}

// Tokens returns the tokens that were made and have not expired.
func (c *Client) Tokens(ctx context.Context) ([]gradebook.Token, error) {
	a, err := ask[items[gradebook.Token]](ctx, c, request{method: http.MethodGet, path: at("tokens")})
	return a.Items, err
}

// RevokeToken ends a token before its time.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.tell(ctx, request{method: http.MethodDelete, path: at("tokens", id)})
}
