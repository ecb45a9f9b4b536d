package gradebook

import (
	"fmt"
	"slices"
	"strings"
)

// CreateAccount makes an account. The password is hashed before it comes here:
// hashing draws a salt, and a change must not draw anything.
type CreateAccount struct {
	Name     string   `json:"name"`
	Display  string   `json:"display"` // default: the name
	Role     string   `json:"role"`
	Hash     string   `json:"hash"`
	Student  string   `json:"student,omitempty"`
	Students []string `json:"students,omitempty"`
}

// UpdateAccount changes what is not nil. Disabling an account or changing its
// role signs it out everywhere.
type UpdateAccount struct {
	Account  string    `json:"account"`
	Display  *string   `json:"display,omitempty"`
	Role     *string   `json:"role,omitempty"`
	Disabled *bool     `json:"disabled,omitempty"`
	Student  *string   `json:"student,omitempty"`
	Students *[]string `json:"students,omitempty"`
}

// SetPassword replaces a password hash and signs the account out everywhere.
type SetPassword struct {
	Account string `json:"account"`
	Hash    string `json:"hash"`
}

// SignOut ends every session of an account by moving its epoch.
type SignOut struct {
	Account string `json:"account"`
}

func (CreateAccount) Kind() string { return "createAccount" }
func (UpdateAccount) Kind() string { return "updateAccount" }
func (SetPassword) Kind() string   { return "setPassword" }
func (SignOut) Kind() string       { return "signOut" }

func (c CreateAccount) apply(d *draft) (Result, error) {
	if err := room("accounts", len(d.accounts), MaxAccounts); err != nil {
		return Result{}, err
	}
	name, err := login("name", c.Name)
	if err != nil {
		return Result{}, err
	}
	if _, taken := d.AccountByName(name); taken {
		return Result{}, &InvalidError{Field: "name", Value: name, Remedy: "choose another; an account has this one"}
	}
	display, err := line("display", c.Display, false)
	if err != nil {
		return Result{}, err
	}
	if display == "" {
		display = name
	}
	if err := checkHash(c.Hash); err != nil {
		return Result{}, err
	}
	a := &Account{
		ID: id('u', uint64(len(d.accounts)+1)), Name: name, Display: display, Hash: c.Hash,
		Role: c.Role, Student: c.Student, Students: slices.Clone(c.Students), Epoch: 1, Created: d.meta.At,
	}
	d.accounts = append(d.accounts, a)
	if err := d.link(a, ""); err != nil {
		return Result{}, err
	}
	d.record(nil, Event{Account: a.ID, Student: a.Student, Detail: "role " + a.Role})
	return Result{ID: a.ID}, nil
}

func (c UpdateAccount) apply(d *draft) (Result, error) {
	a, err := d.editAccount(c.Account)
	if err != nil {
		return Result{}, err
	}
	before := *a
	var said []string
	if c.Display != nil {
		if a.Display, err = line("display", *c.Display, true); err != nil {
			return Result{}, err
		}
		said = append(said, "display")
	}
	if c.Role != nil {
		a.Role = *c.Role
		said = append(said, "role "+a.Role)
	}
	if c.Disabled != nil {
		a.Disabled = *c.Disabled
		said = append(said, fmt.Sprintf("disabled %v", a.Disabled))
	}
	if c.Student != nil {
		a.Student = *c.Student
		said = append(said, "student "+a.Student)
	}
	if c.Students != nil {
		a.Students = slices.Clone(*c.Students)
		said = append(said, "students "+strings.Join(a.Students, " "))
	}
	if a.Role != before.Role {
		// What belonged to the old role goes unless it was given again.
		if c.Student == nil {
			a.Student = ""
		}
		if c.Students == nil {
			a.Students = nil
		}
	}
	if err := d.link(a, before.Student); err != nil {
		return Result{}, err
	}
	if a.Role != before.Role || a.Disabled && !before.Disabled {
		a.Epoch++
	}
	if d.admins() == 0 && before.Role == RoleAdmin && !before.Disabled {
		return Result{}, &InvalidError{Field: "account", Value: a.ID, Remedy: "make another admin first; this is the last one"}
	}
	d.record(nil, Event{Account: a.ID, Student: a.Student, Detail: strings.Join(said, ", ")})
	return Result{ID: a.ID}, nil
}

func (c SetPassword) apply(d *draft) (Result, error) {
	a, err := d.editAccount(c.Account)
	if err != nil {
		return Result{}, err
	}
	if err := checkHash(c.Hash); err != nil {
		return Result{}, err
	}
	a.Hash = c.Hash
	a.Epoch++
	d.record(nil, Event{Account: a.ID})
	return Result{ID: a.ID}, nil
}

func (c SignOut) apply(d *draft) (Result, error) {
	a, err := d.editAccount(c.Account)
	if err != nil {
		return Result{}, err
	}
	a.Epoch++
	d.record(nil, Event{Account: a.ID})
	return Result{ID: a.ID}, nil
}

// link checks an account's role and whom it may read, and keeps the student's
// side of it.
func (d *draft) link(a *Account, oldStudent string) error {
	switch a.Role {
	case RoleAdmin, RoleTeacher, RoleStudent, RoleGuardian:
	default:
		return &InvalidError{Field: "role", Value: a.Role, Remedy: "use admin, teacher, student or guardian"}
	}
	if a.Student != "" && a.Role != RoleStudent {
		return &InvalidError{Field: "student", Value: a.Student, Remedy: "only an account of role student has its own record"}
	}
	if len(a.Students) > 0 && a.Role != RoleGuardian {
		return &InvalidError{Field: "students", Value: a.Students[0], Remedy: "only an account of role guardian has students"}
	}
	if len(a.Students) > MaxGuarded {
		return &InvalidError{Field: "students", Value: fmt.Sprint(len(a.Students)), Remedy: fmt.Sprintf("use at most %d", MaxGuarded)}
	}
	for i, id := range a.Students {
		if _, err := place("student", id, 's', len(d.students)); err != nil {
			return within(err, "students", i)
		}
		if slices.Contains(a.Students[:i], id) {
			return &InvalidError{Field: "students", Value: id, Remedy: "name each student once"}
		}
	}
	if a.Student == oldStudent {
		return nil
	}
	if oldStudent != "" {
		s, err := d.editStudent(oldStudent)
		if err != nil {
			return err
		}
		s.Account = ""
	}
	if a.Student == "" {
		return nil
	}
	s, err := d.editStudent(a.Student)
	if err != nil {
		return err
	}
	if s.Account != "" {
		return &InvalidError{Field: "student", Value: a.Student, Remedy: "account " + s.Account + " has this record already"}
	}
	s.Account = a.ID
	return nil
}

func (d *draft) admins() int {
	n := 0
	for _, a := range d.accounts {
		if a.Role == RoleAdmin && !a.Disabled {
			n++
		}
	}
	return n
}

// checkHash accepts PHC strings ("$argon2id$v=19$…") and nothing that looks
// like a password. The value is never repeated in the error.
func checkHash(hash string) error {
	const most = 512
	if !strings.HasPrefix(hash, "$") || len(hash) > most || plain("hash", hash, most, "") != nil {
		return &InvalidError{Field: "hash", Remedy: "give a password hash in PHC form"}
	}
	return nil
}
