package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// accountsCommand is about the people who can sign in.
type accountsCommand struct {
	List     accountsListCommand     `cmd:"" help:"List the accounts."`
	Create   accountsCreateCommand   `cmd:"" help:"Make an account; the password comes from standard input."`
	Password accountsPasswordCommand `cmd:"" help:"Set a password, from standard input; ends the account's sessions."`
	Disable  accountsDisableCommand  `cmd:"" help:"Keep somebody from signing in, and end their sessions."`
	Enable   accountsEnableCommand   `cmd:"" help:"Let somebody sign in again."`
	Signout  accountsSignoutCommand  `cmd:"" help:"End all sessions of an account, on every node."`
}

type accountsListCommand struct {
	conn
	JSON  bool `help:"Print JSON."`
	Names bool `help:"Print the sign-in names only, one a line."`
}

// Run lists the accounts.
func (l *accountsListCommand) Run(ctx context.Context, c *console) error {
	client, err := l.grades(c)
	if err != nil {
		return err
	}
	all, err := client.Accounts(ctx)
	if err != nil {
		return err
	}
	switch {
	case l.JSON:
		return printJSON(c.out, all)
	case l.Names:
		for _, a := range all {
			fmt.Fprintln(c.out, plain(a.Name))
		}
		return nil
	}
	t := newTable(c.out, "ID", "NAME", "DISPLAY", "ROLE", "SIGNS IN", "CREATED")
	for _, a := range all {
		t.row(a.ID, a.Name, a.Display, a.Role, map[bool]string{true: "no", false: "yes"}[a.Disabled], stamp(a.Created))
	}
	return t.flush()
}

// accountRoles are the roles of people; programs get tokens.
var accountRoles = []string{gradebook.RoleAdmin, gradebook.RoleTeacher, gradebook.RoleStudent, gradebook.RoleGuardian}

type accountsCreateCommand struct {
	conn
	Name     string   `arg:"" help:"Sign-in name."`
	Role     string   `required:"" placeholder:"ROLE" help:"admin, teacher, student or guardian."`
	Display  string   `placeholder:"TEXT" help:"The name that others see."`
	Student  string   `placeholder:"ID" help:"For a student: whose grades they see."`
	Students []string `placeholder:"ID" help:"For a guardian: whose grades they see."`
	JSON     bool     `help:"Print the account as JSON."`
}

func (n *accountsCreateCommand) check(f *faults) {
	n.conn.check(f)
	if !slices.Contains(accountRoles, n.Role) {
		f.add("--role", n.Role, "give admin, teacher, student or guardian")
	}
	if n.Student != "" && n.Role != gradebook.RoleStudent {
		f.add("--student", n.Student, "only an account with --role student is a student's own")
	}
	if len(n.Students) > 0 && n.Role != gradebook.RoleGuardian {
		f.add("--students", fmt.Sprint(n.Students), "only an account with --role guardian has students")
	}
}

// Run makes an account.
func (n *accountsCreateCommand) Run(ctx context.Context, c *console) error {
	client, err := n.grades(c)
	if err != nil {
		return err
	}
	password, err := c.password(n.Name)
	if err != nil {
		return err
	}
	made, err := client.CreateAccount(ctx, grading.NewAccount{
		Name: n.Name, Display: n.Display, Role: n.Role, Password: password, Student: n.Student, Students: n.Students,
	})
	if err != nil {
		return err
	}
	if n.JSON {
		return printJSON(c.out, made)
	}
	_, err = fmt.Fprintf(c.out, "made account %s for %s, %s\n", made.ID, plain(made.Name), made.Role)
	return err
}

// one is a command about one account.
type one struct {
	conn
	Account string `arg:"" help:"Account id or sign-in name."`
}

// find returns a client and the account that is meant.
func (o *one) find(ctx context.Context, c *console) (*grading.Client, gradebook.Account, error) {
	client, err := o.grades(c)
	if err != nil {
		return nil, gradebook.Account{}, err
	}
	all, err := client.Accounts(ctx)
	if err != nil {
		return nil, gradebook.Account{}, err
	}
	a, err := accountNamed(all, "ACCOUNT", o.Account)
	return client, a, err
}

func accountNamed(all []gradebook.Account, field, name string) (gradebook.Account, error) {
	return pick(field, name, all, "list them with `rollcall accounts list`", func(a gradebook.Account) []string { return []string{a.ID, a.Name} })
}

// accountIDs turns names into ids.
func accountIDs(ctx context.Context, client *grading.Client, field string, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all, err := client.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		a, err := accountNamed(all, field, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, a.ID)
	}
	return ids, nil
}

type accountsPasswordCommand struct{ one }

// Run sets a password.
func (p *accountsPasswordCommand) Run(ctx context.Context, c *console) error {
	client, a, err := p.find(ctx, c)
	if err != nil {
		return err
	}
	password, err := c.password(a.Name)
	if err != nil {
		return err
	}
	if err := client.SetPassword(ctx, a.ID, grading.PasswordChange{Password: password}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s has a new password, and is signed out everywhere\n", plain(a.Name))
	return err
}

type accountsDisableCommand struct{ one }

// Run disables an account.
func (d *accountsDisableCommand) Run(ctx context.Context, c *console) error {
	return d.able(ctx, c, true, "%s can no longer sign in\n")
}

type accountsEnableCommand struct{ one }

// Run enables an account.
func (e *accountsEnableCommand) Run(ctx context.Context, c *console) error {
	return e.able(ctx, c, false, "%s can sign in\n")
}

func (o *one) able(ctx context.Context, c *console, disabled bool, said string) error {
	client, a, err := o.find(ctx, c)
	if err != nil {
		return err
	}
	if _, err := client.UpdateAccount(ctx, a.ID, grading.AccountPatch{Disabled: &disabled}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, said, plain(a.Name))
	return err
}

type accountsSignoutCommand struct{ one }

// Run ends an account's sessions.
func (s *accountsSignoutCommand) Run(ctx context.Context, c *console) error {
	client, a, err := s.find(ctx, c)
	if err != nil {
		return err
	}
	if err := client.SignOutEverywhere(ctx, a.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is signed out everywhere\n", plain(a.Name))
	return err
}
