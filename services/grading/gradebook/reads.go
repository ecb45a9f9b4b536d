package gradebook

import "slices"

// Course returns a course without its scores.
func (s *state) Course(id string) (Course, error) {
	c, err := s.course(id)
	if err != nil {
		return Course{}, err
	}
	return c.Course, nil
}

func (s *state) course(id string) (*course, error) {
	i, err := place("course", id, 'c', len(s.courses))
	if err != nil {
		return nil, err
	}
	return s.courses[i], nil
}

// Courses returns all courses, oldest first.
func (s *state) Courses() []Course {
	list := make([]Course, len(s.courses))
	for i, c := range s.courses {
		list[i] = c.Course
	}
	return list
}

// Score returns one cell; the zero Score, version 0, if nobody wrote it yet.
func (s *state) Score(course, assignment, student string) (Score, error) {
	c, err := s.course(course)
	if err != nil {
		return Score{}, err
	}
	r, a, err := (*finder)(nil).find(c, Cell{assignment, student})
	if err != nil {
		return Score{}, err
	}
	if score := c.rows[r].at(a); score != nil {
		return *score, nil
	}
	return Score{}, nil
}

// Account returns an account by id.
func (s *state) Account(id string) (Account, error) {
	i, err := place("account", id, 'u', len(s.accounts))
	if err != nil {
		return Account{}, err
	}
	return *s.accounts[i], nil
}

// AccountByName returns the account that signs in with a name.
func (s *state) AccountByName(name string) (Account, bool) {
	for _, a := range s.accounts {
		if sameLogin(a.Name, name) {
			return *a, true
		}
	}
	return Account{}, false
}

// Accounts returns all accounts, oldest first.
func (s *state) Accounts() []Account { return values(s.accounts) }

// Students returns all students of the school, oldest first.
func (s *state) Students() []Student { return values(s.students) }

func values[E any](list []*E) []E {
	out := make([]E, len(list))
	for i, e := range list {
		out[i] = *e
	}
	return out
}

// Teachers returns the account ids of those who teach a course.
func (s *state) Teachers(course string) ([]string, error) {
	c, err := s.course(course)
	if err != nil {
		return nil, err
	}
	return c.Teachers, nil
}

// TeachersOf returns the account ids of those who teach a student, in any
// course they are or were in; sorted, each once.
func (s *state) TeachersOf(student string) []string {
	var ids []string
	for _, c := range s.courses {
		if _, err := c.student(student); err == nil {
			ids = append(ids, c.Teachers...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// StudentAccount returns the id of the account that reads a student's record
// as its own; empty if there is none.
func (s *state) StudentAccount(student string) string {
	i, err := place("student", student, 's', len(s.students))
	if err != nil {
		return ""
	}
	return s.students[i].Account
}

// Guardians returns the ids of the accounts that may read a student's record.
func (s *state) Guardians(student string) []string {
	var ids []string
	for _, a := range s.accounts {
		if slices.Contains(a.Students, student) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// Tokens returns the recorded tokens that had not expired at the last change
// to them, oldest first.
func (s *state) Tokens() []Token { return slices.Clone(s.tokens) }

// Revoked returns the tokens and sessions that were stopped before their time.
func (s *state) Revoked() []Revocation { return slices.Clone(s.revoked) }
