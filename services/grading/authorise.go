package grading

import (
	"fmt"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// directory is what authorisation asks of a gradebook.
type directory interface {
	Account(id string) (gradebook.Account, error)
	Course(id string) (gradebook.Course, error)
	Revoked() []gradebook.Revocation
}

// refresh returns the caller as the gradebook knows them now: with the name
// and role of their account today. A session or token that was revoked, an
// account that is disabled and a session from before "sign out everywhere"
// are refused with identity.ErrRevoked.
func refresh(b directory, p identity.Principal) (identity.Principal, error) {
	if p.Token != "" || p.Session != "" {
		for _, r := range b.Revoked() {
			if r.ID == p.Token || r.ID == p.Session {
				return p, identity.ErrRevoked
			}
		}
	}
	if p.Account == "" {
		return p, nil
	}
	a, err := b.Account(p.Account)
	switch {
	case err != nil:
		return p, fmt.Errorf("account %s is not in this gradebook: %w", p.Account, identity.ErrRevoked)
	case a.Disabled:
		return p, fmt.Errorf("account %s is disabled: %w", p.Account, identity.ErrRevoked)
	case p.Session != "" && p.Epoch < a.Epoch:
		return p, identity.ErrRevoked
	}
	p.Name, p.Role = a.Name, identity.Role(a.Role)
	return p, nil
}

// authorise says whether the caller may make the change, by what the gradebook
// holds now. It runs twice: in the node that takes the request, so that a
// stranger's request costs no log entry, and in the state machine, because
// what was true there may have changed by the time it is applied here.
//
// It is part of the state machine: replicas of different versions must judge
// alike. A new rule needs a new command version.
func authorise(b directory, p identity.Principal, c gradebook.Change) error {
	p, err := refresh(b, p)
	if err != nil {
		return err
	}
	self := func(account string) bool { return p.Account != "" && p.Account == account }
	manage := func() error { return p.Allow(identity.ManageAccounts, identity.Resource{}) }
	teach := func(course string) error {
		if p.Anonymous() {
			return p.Allow(identity.WriteCourse, identity.Resource{})
		}
		c, err := b.Course(course)
		if err != nil {
			return err
		}
		return p.Allow(identity.WriteCourse, identity.Resource{Teachers: c.Teachers})
	}
	switch c := c.(type) {
	case gradebook.CreateAccount, gradebook.UpdateAccount, gradebook.UpdateStudent:
		return manage()
	case gradebook.SetPassword:
		if self(c.Account) {
			return nil
		}
		return manage()
	case gradebook.SignOut:
		if self(c.Account) {
			return nil
		}
		return manage()
	case gradebook.RecordToken:
		if self(c.Account) {
			return nil
		}
		return manage()
	case gradebook.RevokeID:
		if c.ID != "" && (c.ID == p.Session || c.ID == p.Token) {
			return nil
		}
		return manage()
	case gradebook.CreateCourse:
		return p.Allow(identity.CreateCourse, identity.Resource{})
	case gradebook.UpdateCourse:
		return teach(c.Course)
	case gradebook.AddSection:
		return teach(c.Course)
	case gradebook.AddCategory:
		return teach(c.Course)
	case gradebook.UpdateCategory:
		return teach(c.Course)
	case gradebook.AddAssignment:
		return teach(c.Course)
	case gradebook.UpdateAssignment:
		return teach(c.Course)
	case gradebook.AddStudent:
		return teach(c.Course)
	case gradebook.SetEnrollment:
		return teach(c.Course)
	case gradebook.SetScore:
		return teach(c.Course)
	case gradebook.SetScores:
		return teach(c.Course)
	case gradebook.ApplyImport:
		return teach(c.Course)
	}
	return fmt.Errorf("%w: nobody may do %s", identity.ErrForbidden, c.Kind())
}
