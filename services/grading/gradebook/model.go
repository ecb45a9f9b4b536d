package gradebook

import "time"

// The roles an account can have.
const (
	RoleAdmin    = "admin"
	RoleTeacher  = "teacher"
	RoleStudent  = "student"
	RoleGuardian = "guardian"
)

// The roles only a token can have.
const (
	RoleService = "service"
	RoleReader  = "reader"
)

// The states of an enrollment. A withdrawn student keeps their row and scores.
const (
	Active    = "active"
	Withdrawn = "withdrawn"
)

// Account is a person who can sign in.
type Account struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`    // what they sign in with; unique, case of A–Z ignored
	Display  string    `json:"display"` // what others see
	Role     string    `json:"role"`
	Hash     string    `json:"-"` // password hash in PHC form; leaves the node in snapshots only
	Disabled bool      `json:"disabled"`
	Epoch    uint64    `json:"epoch"`              // sessions of an older epoch are signed out
	Student  string    `json:"student,omitempty"`  // role student: their own record
	Students []string  `json:"students,omitempty"` // role guardian: whom they may read
	Created  time.Time `json:"created"`
}

// Token is the record of an API token: who may be stopped, never the token.
type Token struct {
	ID      string    `json:"id"`
	Account string    `json:"account,omitempty"` // it acts as this account; empty for admin, service and reader tokens
	Name    string    `json:"name"`              // what it is for
	Role    string    `json:"role"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
	Revoked bool      `json:"revoked"`
}

// Revocation stops one token or session before its time. After Expires the
// thing revoked is invalid anyway, and the record is pruned.
type Revocation struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// Student is a person who has grades. They need no account.
type Student struct {
	ID      string `json:"id"`
	First   string `json:"first"`
	Last    string `json:"last"`
	Number  string `json:"number,omitempty"`  // the school's own id; unique
	Login   string `json:"login,omitempty"`   // login in the school's other systems, for files in and out
	Account string `json:"account,omitempty"` // the account that reads this record as its own
}

// Name returns the name as it is read aloud.
func (s Student) Name() string {
	if s.First == "" {
		return s.Last
	}
	return s.First + " " + s.Last
}

// Course is one course and all that belongs to it but the scores. Slices in a
// value that came from a book are shared with it: read them, do not write.
type Course struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Code     string   `json:"code"`
	Term     string   `json:"term"`
	Weighted bool     `json:"weighted"` // totals by category weights; otherwise all points by all possible
	Scheme   Scheme   `json:"scheme"`
	Teachers []string `json:"teachers"` // account ids
	// The slices below only grow, and keep their order: a place in them names
	// the same thing for ever.
	Sections    []Section    `json:"sections"`
	Categories  []Category   `json:"categories"`
	Assignments []Assignment `json:"assignments"`
	Enrollments []Enrollment `json:"enrollments"`
	// Version is the sequence number (Event.Seq) of the last change to the
	// course or to a score in it. It only grows. It is not the log's index:
	// several changes may share one log entry.
	Version uint64 `json:"version"`
}

// Section is a class group inside a course.
type Section struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Category groups assignments: homework, quizzes, tests.
type Category struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Weight Points `json:"weight"` // percent; used when the course is weighted
}

// Assignment is one column of the table.
type Assignment struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Category  string     `json:"category"`
	Possible  Points     `json:"possible"`
	Due       *time.Time `json:"due,omitempty"`
	Published bool       `json:"published"`          // students see it and it counts
	Omitted   bool       `json:"omitted"`            // shown, but in no total
	External  string     `json:"external,omitempty"` // its number in the system it was imported from
}

// Enrollment is a student's place in a course.
type Enrollment struct {
	Student string `json:"student"`
	Section string `json:"section"`
	Status  string `json:"status"`
}
