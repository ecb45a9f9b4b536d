package identity

import (
	"fmt"
	"slices"
)

// Action is one kind of thing that a caller may want to do.
type Action string

// The actions, from looking at the cluster to writing a grade. Internal is
// what only members do among themselves.
const (
	ReadCluster     Action = "read the cluster"
	ManageCluster   Action = "manage the cluster"
	ReadLogs        Action = "read logs"
	WriteLogs       Action = "write logs"
	RegisterService Action = "register services"
	ManageAccounts  Action = "manage accounts"
	CreateCourse    Action = "create courses"
	ReadCourse      Action = "read this course"
	WriteCourse     Action = "change this course"
	ReadStudent     Action = "read this student"
	Internal        Action = "make calls between nodes"
)

// Resource is what the action is done to. Zero fields mean that nobody gets in
// by that way.
type Resource struct {
	Teachers  []string // account ids of the course's teachers
	Account   string   // account id of the student, or of the account acted on
	Guardians []string // account ids of the student's guardians
}

// anywhere lists what a role may do whatever the resource is.
var anywhere = map[Role][]Action{
	Admin:    {ReadCluster, ManageCluster, ReadLogs, WriteLogs, RegisterService, ManageAccounts, CreateCourse, ReadCourse, WriteCourse, ReadStudent},
	Teacher:  {ReadCluster, CreateCourse},
	Student:  {ReadCluster},
	Guardian: {ReadCluster},
	Service:  {ReadCluster, RegisterService, WriteLogs},
	Reader:   {ReadCluster, ReadLogs},
	Node:     {ReadCluster, ReadLogs, WriteLogs, Internal},
	Guest:    {ReadCluster},
	Local:    {ReadCluster, ReadLogs, RegisterService, WriteLogs},
}

// Allow is the one authorisation check. It returns nil when p may do a to r,
// ErrUnauthenticated when nobody proved who p is, and else ErrForbidden, with
// who and what.
func (p Principal) Allow(a Action, r Resource) error {
	if slices.Contains(anywhere[p.Role], a) {
		return nil
	}
	if p.Account != "" {
		switch a {
		case ReadCourse, WriteCourse:
			if p.Role == Teacher && slices.Contains(r.Teachers, p.Account) {
				return nil
			}
		case ReadStudent:
			if p.Role == Teacher && slices.Contains(r.Teachers, p.Account) ||
				p.Role == Student && r.Account == p.Account ||
				p.Role == Guardian && slices.Contains(r.Guardians, p.Account) {
				return nil
			}
		}
	}
	if p.Anonymous() {
		return fmt.Errorf("%w to %s", ErrUnauthenticated, a)
	}
	return fmt.Errorf("%w: %s may not %s", ErrForbidden, p, a)
}
