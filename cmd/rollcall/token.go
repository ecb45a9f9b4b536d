package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// tokenCommand is about the signed words by which programs prove who they are.
type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Make a token. It is shown once and stored nowhere."`
	List   tokenListCommand   `cmd:"" help:"List the tokens that were made and have not expired."`
	Revoke tokenRevokeCommand `cmd:"" help:"End a token before its time, on every node."`
}

type tokenCreateCommand struct {
	conn
	Name      string        `arg:"" help:"What it is for."`
	Role      string        `placeholder:"ROLE" help:"admin, service (register services, ship logs) or reader; not with --account."`
	Account   string        `placeholder:"ACCOUNT" help:"Act as this account, by id or sign-in name."`
	ExpiresIn time.Duration `default:"720h" help:"How long it is good, at most a year."`
	Out       string        `placeholder:"FILE" type:"path" help:"Write it to a file that only you can read, instead of printing it."`
	JSON      bool          `help:"Print JSON."`
}

func (n *tokenCreateCommand) check(f *faults) {
	n.conn.check(f)
	if n.Account == "" && !slices.Contains([]string{"admin", "service", "reader"}, n.Role) {
		f.add("--role", n.Role, "give admin, service or reader, or an --account to act as")
	}
	if n.Account != "" && n.Role != "" {
		f.add("--role", n.Role, "leave it out with --account: the token has the account's role")
	}
	if n.ExpiresIn < time.Minute || n.ExpiresIn > 8760*time.Hour {
		f.add("--expires-in", n.ExpiresIn.String(), "give 1m to 8760h")
	}
}

// Run makes a token.
func (n *tokenCreateCommand) Run(ctx context.Context, c *console) error {
	client, err := n.grades(c)
	if err != nil {
		return err
	}
	want := grading.NewToken{Name: n.Name, Role: n.Role, ExpiresIn: n.ExpiresIn.String()}
	if n.Account != "" {
		ids, err := accountIDs(ctx, client, "--account", []string{n.Account})
		if err != nil {
			return err
		}
		want.Account = ids[0]
	}
	var file *os.File
	if n.Out != "" { // before the token is made: it is shown only once
		if file, err = privateFile("--out", n.Out); err != nil {
			return err
		}
		defer file.Close()
	}
	made, err := client.CreateToken(ctx, want)
	if err != nil {
		if file != nil {
			_ = os.Remove(n.Out)
		}
		return err
	}
	switch {
	case file != nil:
		if err := fill(file, made.Text); err != nil {
			return fmt.Errorf("token %s was made but not written, revoke it: %w", made.ID, err)
		}
		_, err = fmt.Fprintf(c.out, "%s %s, good until %s\n", made.ID, n.Out, stamp(made.Expires))
	case n.JSON:
		err = printJSON(c.out, made)
	default:
		_, err = io.WriteString(c.out, made.Text+"\n")
	}
	return err
}

type tokenListCommand struct {
	conn
	JSON bool `help:"Print JSON."`
}

// Run lists the tokens.
func (l *tokenListCommand) Run(ctx context.Context, c *console) error {
	client, err := l.grades(c)
	if err != nil {
		return err
	}
	all, err := client.Tokens(ctx)
	if err != nil {
		return err
	}
	if l.JSON {
		return printJSON(c.out, all)
	}
	t := newTable(c.out, "ID", "NAME", "ROLE", "ACCOUNT", "ISSUED", "EXPIRES", "GOOD")
	for _, k := range all {
		t.row(k.ID, k.Name, k.Role, k.Account, stamp(k.Issued), stamp(k.Expires), map[bool]string{true: "revoked", false: "yes"}[k.Revoked])
	}
	return t.flush()
}

type tokenRevokeCommand struct {
	conn
	ID string `arg:"" help:"Id or name of the token, from the list."`
}

// Run revokes a token. The API takes any id, for it may know one that the list
// does not; a person who mistypes one must not believe that the token is dead.
func (r *tokenRevokeCommand) Run(ctx context.Context, c *console) error {
	client, err := r.grades(c)
	if err != nil {
		return err
	}
	all, err := client.Tokens(ctx)
	if err != nil {
		return err
	}
	token, err := pick("ID", r.ID, all, "list them with `rollcall token list`", func(t gradebook.Token) []string { return []string{t.ID, t.Name} })
	if err != nil {
		return err
	}
	if err := client.RevokeToken(ctx, token.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "revoked %s; nodes know within 5 s\n", plain(token.ID))
	return err
}
